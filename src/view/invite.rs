//! An invite that is open. One that was used or ran out is gone from the view.
//!
//! Must never hold: its token.

use serde::{Deserialize, Serialize};

use crate::event::{InviteCreated, InviteIssued, RecoveryStarted};
use crate::model::{DeviceId, Principal, Role, Sequence, Timestamp};

/// What makes an invite a recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryTerms {
    /// When it was started.
    pub started_at: Timestamp,
    /// From when on a device is enrolled with it.
    pub effective_at: Timestamp,
    /// Whether that device is shown what was stored before.
    pub shows_earlier: bool,
}

/// An open invite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// The event that made it.
    pub as_of: Sequence,
    /// Who may use it; `None` for whoever takes a free name in `domain`.
    pub principal: Option<Principal>,
    /// The domain it is good for.
    pub domain: String,
    /// The role it gives.
    pub role: Role,
    /// Who made it; `None` is the operator, or the server by itself.
    pub by: Option<Principal>,
    /// With which device, if that is known.
    pub device: Option<DeviceId>,
    /// Whether it is the server's own, which ends as soon as anybody is enrolled.
    pub is_first: bool,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// If it is a recovery: on what terms.
    pub recovery: Option<RecoveryTerms>,
}

impl InviteView {
    /// What an event of an old log made: it does not say with which device, nor tell what the server made from what its
    /// operator did, who named somebody.
    pub(super) fn created(as_of: Sequence, event: InviteCreated) -> Self {
        let InviteCreated { principal, domain, role, by, expires_at, .. } = event;
        let is_first = by.is_none() && principal.is_none();
        let (device, recovery) = (None, None);
        Self { as_of, principal, domain, role, by, device, is_first, expires_at, recovery }
    }

    pub(super) fn issued(as_of: Sequence, event: InviteIssued) -> Self {
        let InviteIssued { principal, domain, role, by, device, is_first, expires_at, .. } = event;
        Self { as_of, principal, domain, role, by, device, is_first, expires_at, recovery: None }
    }

    pub(super) fn recovering(
        as_of: Sequence,
        started_at: Timestamp,
        event: RecoveryStarted,
    ) -> Self {
        let RecoveryStarted { principal, role, by, device, expires_at, .. } = event;
        let (effective_at, shows_earlier) = (event.effective_at, event.shows_earlier);
        let recovery = Some(RecoveryTerms { started_at, effective_at, shows_earlier });
        let (domain, principal) = (principal.domain().to_owned(), Some(principal));
        let is_first = false;
        Self { as_of, principal, domain, role, by, device, is_first, expires_at, recovery }
    }
}
