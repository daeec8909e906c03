//! Who has a name in a domain, for its administrators.
//!
//! Must never hold: what anybody shows, watches, writes or gets, or whether it is connected.

use super::asked::question;
use super::framed::framed;
use super::sample::{Sample, TIME_MS, sample, through};
use crate::model::{Domain, PrincipalRow};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Asks who has a name in a domain. Answer: any number of `PrincipalState`, then `End`.
        0x0039 ListPrincipals {
            /// Which domain; empty means one's own.
            domain: String,
        }
        /// One principal.
        0x0146 PrincipalState {
            /// `local@domain`.
            principal: String,
            /// 0: user. 1: administrator.
            role: u8,
            /// Whether an administrator suspended it.
            is_suspended: bool,
            /// Whether it has a presentity.
            presence: bool,
            /// Whether it has an inbox.
            messaging: bool,
            /// Devices that are not revoked.
            devices: u32,
            /// When its first device was enrolled.
            enrolled_at_ms: u64,
        }
    }
}

/// Asks who has a name in a domain. Answer: any number of [`PrincipalRow`], in order of name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPrincipals {
    /// Which domain; `None` for the asker's own.
    pub domain: Option<Domain>,
}

question! { ListPrincipals -> Vec<PrincipalRow>: domain }

framed! {
    PrincipalRow in PrincipalState:
        role, is_suspended, presence, messaging, devices; enrolled_at_ms = enrolled_at | principal
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let state = body::PrincipalState {
        principal: "alice@example.com".into(),
        role: 1,
        is_suspended: false,
        presence: true,
        messaging: true,
        devices: 2,
        enrolled_at_ms: TIME_MS,
    };
    let domain = "example.com".to_owned();
    vec![
        sample("ListPrincipals", &body::ListPrincipals { domain: String::new() }),
        through::<ListPrincipals>("ListPrincipals of a domain", body::ListPrincipals { domain }),
        through::<PrincipalRow>("PrincipalState", state),
    ]
}
