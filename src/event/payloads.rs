//! What people wrote, in each kind of event, and to whom it belongs: what is sealed before it is stored.
//!
//! Must never hold: a key, or how anything is sealed.

use super::{Event, MessageAccepted};
use crate::model::{Payload, Principal};

/// To whom what is written in an event belongs: either can have it made unreadable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owners {
    /// Whose presence, device or inbox it is.
    pub keeper: Principal,
    /// Who sent it, if it is a message.
    pub sender: Option<Principal>,
}

impl Event {
    /// To whom belongs what is written in it; `None` if nobody wrote anything.
    pub fn owners(&self) -> Option<Owners> {
        let one = |keeper| Some(Owners { keeper, sender: None });
        match self {
            Self::Published(event) => one(event.presentity.principal()),
            Self::MessageAccepted(event) => Some(of_message(event)),
            Self::MessageQuarantined(event) => Some(of_message(&event.message)),
            Self::RecoveryAnnounced(event) => one(event.inbox.principal()),
            Self::DeviceEnrolled(event) => one(event.principal.clone()),
            _ => None,
        }
    }

    /// All that is written in it, in the order in which it is stored.
    pub fn payloads_mut(&mut self) -> Vec<&mut Payload> {
        match self {
            Self::Published(event) => event.document.payloads_mut().collect(),
            Self::MessageAccepted(event) => vec![&mut event.body],
            Self::MessageQuarantined(event) => vec![&mut event.message.body],
            Self::RecoveryAnnounced(event) => vec![&mut event.body],
            Self::DeviceEnrolled(event) => vec![&mut event.label],
            _ => Vec::new(),
        }
    }
}

fn of_message(message: &MessageAccepted) -> Owners {
    Owners { keeper: message.inbox.principal(), sender: Some(message.sender.clone()) }
}
