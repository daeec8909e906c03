//! Whom an event is counted against, and as how much of the log.
//!
//! What only follows from what somebody else did is counted against nobody. What a message counts depends on nothing but
//! the message: how much its sender has left tells nothing of what became of it.
//! Must never hold: how much somebody may take.

use postcard::ser_flavors::Size;

use super::Event;
use super::message::{MessageAccepted, MessageCause};
use super::operation::Operator;
use super::publication::PublicationCause;
use crate::model::Principal;

/// What a message takes in the log beside its body, its id and its type, at most.
const MESSAGE_BYTES: u64 = 1_024;

/// What is counted against somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Whom.
    pub principal: Principal,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Ids of messages to remember.
    pub message_ids: u64,
}

impl Event {
    /// Who brought it about, as far as that is counted, and what it takes.
    pub fn charge(&self) -> Option<Charge> {
        match self {
            Self::MessageAccepted(message) => Some(sent(message)),
            Self::MessageQuarantined(event) => Some(sent(&event.message)),
            _ => {
                let log_bytes = postcard::serialize_with_flavor(self, Size::default())
                    .expect("events hold no type that postcard cannot write");
                Some(Charge {
                    principal: self.doer()?,
                    log_bytes: log_bytes as u64,
                    message_ids: 0,
                })
            }
        }
    }

    fn doer(&self) -> Option<Principal> {
        Some(match self {
            Self::Published(event) => event.by.clone(),
            Self::PublicationRefreshed(event) => event.presentity.principal(),
            Self::PublicationEnded(event) => match event.cause {
                PublicationCause::Removed { .. } => event.presentity.principal(),
                PublicationCause::Expired | PublicationCause::Withdrawn => return None,
            },
            Self::Subscribed(event) => event.watcher.clone(),
            Self::WatchRequested(event) => event.watcher.clone(),
            Self::WatchObserved(event) => event.watcher.clone(),
            Self::Acknowledged(event) => event.inbox.principal(),
            Self::MessageDisplayed(event) => event.inbox.principal(),
            Self::MessageEnded(event) => match event.cause {
                MessageCause::Deleted { .. } => event.inbox.principal(),
                _ => return None,
            },
            _ => return self.decider(),
        })
    }

    /// As [`Event::doer`], of what changes rules, rights, domains and who may come in.
    fn decider(&self) -> Option<Principal> {
        match self {
            Self::GrantGiven(event) => Some(&event.by),
            Self::GrantChanged(event) => Some(&event.by),
            Self::InviteIssued(event) => event.by.as_ref(),
            Self::AdministratorActed(event) => Some(&event.by),
            Self::DomainCreated(event) => Some(&event.by),
            Self::OperationDone(event) => match &event.by {
                Operator::Principal(principal) => Some(principal),
                Operator::Device(_) => None,
            },
            _ => self.rules_changed_by(),
        }
        .cloned()
    }
}

fn sent(message: &MessageAccepted) -> Charge {
    let body = message.body.bytes().map_or(0, bytes::Bytes::len);
    let written = body + message.id.as_str().len() + message.content_type.as_str().len();
    let log_bytes = MESSAGE_BYTES + written as u64;
    Charge { principal: message.sender.clone(), log_bytes, message_ids: 1 }
}
