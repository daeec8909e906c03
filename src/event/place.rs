//! The place in an inbox that an event takes.
//!
//! Must never hold: what becomes of what lies there.

use super::fact::Event;
use crate::model::{InboxAddress, InboxSequence};

impl Event {
    /// The inbox that the event puts something into, and where. An inbox is numbered without gaps.
    pub const fn place(&self) -> Option<(&InboxAddress, InboxSequence)> {
        match self {
            Self::MessageAccepted(event) => Some((&event.inbox, event.sequence)),
            Self::MessageQuarantined(event) => Some((&event.message.inbox, event.message.sequence)),
            Self::ReceiptIssued(event) => Some((&event.inbox, event.sequence)),
            Self::RecoveryAnnounced(event) => Some((&event.inbox, event.sequence)),
            _ => None,
        }
    }
}
