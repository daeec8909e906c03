//! Invites that are open: seeing them, and taking them back. Making one and using it are of the noun identity.
//!
//! Must never hold: a token.

use super::asked::question;
use super::framed::{Framed as _, framed};
use super::request::{NamedBy, Request};
use super::sample::{
    BOB, CAROL, DEVICE, Sample, TIME_MS, WEEK_MS, asked, operation, sample, through,
};
use crate::model::{DeviceId, Domain, InviteId, OperationId, Principal, Role, Timestamp};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Takes an invite back. Answer: `Changed`.
        0x001f WithdrawInvite {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// Which.
            invite: [u8; 32],
        }
        /// Asks for the open invites. Answer: any number of `OpenInvite`, then `End`.
        0x0032 ListInvites {
        }
        /// One open invite.
        0x0142 OpenInvite {
            /// Its public name.
            invite: [u8; 32],
            /// For whom; empty means any free name of the domain.
            principal: String,
            /// The domain it is good for.
            domain: String,
            /// 0: user. 1: administrator.
            role: u8,
            /// Who made it; empty means the operator.
            by: String,
            /// With which device, if that is known.
            device: Option<[u8; 8]>,
            /// When it runs out.
            expires_at_ms: u64,
        }
    }
}

/// Takes an invite back. Answer: [`Answer::Changed`](super::Answer::Changed). A repeat gets the first answer, by its
/// operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawInvite {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Which: one of the asker's own, or of its domain if it is an administrator.
    pub invite: InviteId,
}

framed! { request WithdrawInvite: operation, invite }

impl Request for WithdrawInvite {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.invite.to_string()
    }
}

/// Asks for the open invites: those of its domain if an administrator asks, and one's own. Answer: any number of
/// [`OpenInvite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListInvites;

question! { ListInvites -> Vec<OpenInvite> }

/// An invite that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvite {
    /// Its public name.
    pub invite: InviteId,
    /// For whom; `None` for any free name of the domain.
    pub principal: Option<Principal>,
    /// The domain it is good for.
    pub domain: Domain,
    /// The role it gives.
    pub role: Role,
    /// Who made it; `None` for the operator.
    pub by: Option<Principal>,
    /// With which device, if that is known.
    pub device: Option<DeviceId>,
    /// When it runs out.
    pub expires_at: Timestamp,
}

framed! {
    OpenInvite in OpenInvite:
    invite, domain, role, device; expires_at_ms = expires_at | principal, by
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let invite = InviteId::of(&[0x70; 32]).0;
    let withdraw = body::WithdrawInvite { request: 0, operation: operation(6), invite };
    let open = body::OpenInvite {
        invite,
        principal: CAROL.into(),
        domain: "example.com".into(),
        role: 0,
        by: BOB.into(),
        device: Some(DEVICE),
        expires_at_ms: TIME_MS + WEEK_MS,
    };
    vec![
        asked::<WithdrawInvite>("WithdrawInvite", 17, withdraw),
        sample("ListInvites", &ListInvites.to_body()),
        through::<OpenInvite>("OpenInvite", open),
    ]
}
