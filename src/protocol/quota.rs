//! Quotas: how much of what all share a principal may take, and has taken.
//!
//! They are set as an act of an administrator, see the noun domain.
//! Must never hold: which quotas there are (see `model`).

use bytes::Bytes;

use super::asked::question;
use super::field::{Field, numbered};
use super::framed::framed;
use super::sample::{Sample, sample, through};
use crate::model::{Quota, QuotaOwner, QuotaRow, QuotaSource, Refusal};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Asks how much of what all share somebody may take, and has taken. Answer: any number of `QuotaState`, then `End`.
        0x0037 ListQuotas {
            /// Whose: a principal, or `@` and a domain for those in it that have none of their own; empty means oneself.
            owner: String,
        }
        /// One quota.
        0x0145 QuotaState {
            /// Its word.
            quota: String,
            /// How much there may be.
            max: u64,
            /// How much is taken now; none of a domain, and where it would tell what others do.
            used: Option<u64>,
            /// Who said how much: 0 operator, 1 the domain's administrators for the domain, 2 they for the principal.
            source: u8,
        }
    }
}

/// Asks how much of what all share somebody may take, and has taken. Answer: a [`QuotaRow`] for each quota, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuotas {
    /// Whose; `None` for the asker itself.
    pub owner: Option<QuotaOwner>,
}

question! { ListQuotas -> Vec<QuotaRow>: owner }

framed! { QuotaRow in QuotaState: quota, max, used, source }

numbered! {
    QuotaSource, "source of a quota", "is none of 0 to 2": 0 Operator, 1 Domain, 2 Principal
}

impl Field<String> for QuotaOwner {
    fn to_wire(&self) -> String {
        self.to_string()
    }

    fn from_wire(wire: String) -> Result<Self, Refusal> {
        wire.parse()
    }
}

impl Field<Bytes> for Quota {
    fn to_wire(&self) -> Bytes {
        Bytes::from_static(self.as_str().as_bytes())
    }

    fn from_wire(wire: Bytes) -> Result<Self, Refusal> {
        core::str::from_utf8(&wire).unwrap_or_default().parse()
    }
}

/// How much of a quota there may be.
pub(super) fn most(wire: Option<&[u8]>) -> Result<Option<u64>, Refusal> {
    let bytes = wire.map(TryInto::try_into).transpose();
    let bytes: Option<[u8; 8]> = bytes
        .map_err(|_| Refusal::bad_field("quota's most", "must have 8 bytes; send that many"))?;
    Ok(bytes.map(u64::from_be_bytes))
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let owner = "@example.com".to_owned();
    let state = body::QuotaState {
        quota: Quota::Events.as_str().to_owned(),
        max: 50,
        used: Some(3),
        source: QuotaSource::Domain.to_wire(),
    };
    let stored =
        body::QuotaState { quota: Quota::Stored.as_str().to_owned(), used: None, ..state.clone() };
    vec![
        sample("ListQuotas", &body::ListQuotas { owner: String::new() }),
        through::<ListQuotas>("ListQuotas of a domain", body::ListQuotas { owner }),
        through::<QuotaRow>("QuotaState", state),
        through::<QuotaRow>("QuotaState of what others do", stored),
    ]
}
