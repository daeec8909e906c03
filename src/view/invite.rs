//! An invite that is open. One that was used or ran out is gone from the view.
//!
//! Must never hold: its token.

use serde::{Deserialize, Serialize};

use crate::event::InviteCreated;
use crate::model::{Principal, Role, Sequence, Timestamp};

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
    /// Who made it.
    pub by: Option<Principal>,
    /// When it runs out.
    pub expires_at: Timestamp,
}

impl InviteView {
    pub(super) fn created(as_of: Sequence, event: &InviteCreated) -> Self {
        Self {
            as_of,
            principal: event.principal.clone(),
            domain: event.domain.clone(),
            role: event.role,
            by: event.by.clone(),
            expires_at: event.expires_at,
        }
    }
}
