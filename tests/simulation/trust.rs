//! What the group lets the liar do, as the log has it, and that nothing else was done in the group's name.
//!
//! The group's own device gives rights, takes them back and writes to its own inbox; whatever else happens in the name of the
//! group, the liar did. Must never hold: what the liar believes that it may do.

use std::collections::BTreeMap;

use adsum::event::{Event, MessageAccepted, MessageCause, PublicationCause, Recorded};
use adsum::model::{InboxAddress, InboxSequence, Moment, Presentity, Principal, Rights};

use super::plan::{is_group, is_liar};
use super::{Checked, promised};

/// What the liar may do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trust {
    /// What it was granted, change by change.
    rights: Vec<(Moment, Rights)>,
    /// When each message of the group's inbox was accepted.
    messages: BTreeMap<InboxSequence, Moment>,
}

impl Trust {
    /// One more event is durable.
    pub(crate) fn fold(&mut self, recorded: &Recorded) -> Checked {
        let event = &recorded.event;
        if let Some(right) = needed(event) {
            let has = self.rights.last().is_some_and(|(_, rights)| rights.has(right));
            promised!(12, has, "event {} needs {right} of a group: {event:?}", recorded.sequence);
        }
        match event {
            Event::GrantGiven(event) => {
                self.granted(recorded.at, &event.owner, &event.grantee, event.rights);
            }
            Event::GrantChanged(event) => {
                self.granted(recorded.at, &event.owner, &event.grantee, event.rights);
            }
            Event::MessageAccepted(event) if is_group(&event.inbox.principal()) => {
                self.messages.insert(event.sequence, recorded.at);
            }
            _ => {}
        }
        Ok(())
    }

    fn granted(&mut self, at: Moment, owner: &Principal, grantee: &Principal, rights: Rights) {
        if is_group(owner) && is_liar(grantee) {
            self.rights.push((at, rights));
        }
    }

    /// Whether it had a right at any time from `since` on.
    pub(crate) fn had(&self, right: Rights, since: Moment) -> bool {
        let before = self.rights.iter().rfind(|(at, _)| *at <= since);
        let after = self.rights.iter().filter(|(at, _)| *at > since);
        before.into_iter().chain(after).any(|(_, rights)| rights.has(right))
    }

    /// Whether it might read a message of the group's inbox at any time from `since` on.
    pub(crate) fn had_message(&self, sequence: u64, since: Moment) -> bool {
        let accepted = self.messages.get(&InboxSequence::new(sequence));
        accepted.is_some_and(|at| self.had(Rights::READ, since.max(*at)))
    }
}

/// The right without which an event cannot happen.
fn needed(event: &Event) -> Option<Rights> {
    let presents = |presentity: &Presentity| is_group(&presentity.principal());
    let takes = |inbox: &InboxAddress| is_group(&inbox.principal());
    let right = match event {
        Event::Published(event) if presents(&event.presentity) => Rights::PUBLISH,
        Event::PublicationRefreshed(event) if presents(&event.presentity) => Rights::PUBLISH,
        Event::PublicationEnded(event) if presents(&event.presentity) => match event.cause {
            PublicationCause::Removed { .. } => Rights::PUBLISH,
            _ => return None,
        },
        Event::MessageEnded(event) if takes(&event.inbox) => match event.cause {
            MessageCause::Deleted { .. } => Rights::DELETE,
            _ => return None,
        },
        Event::MessageDisplayed(event) if takes(&event.inbox) => Rights::READ,
        Event::AccessRulesAmended(event) if presents(&event.presentity) => Rights::MEMBER,
        Event::DeliveryRulesAmended(event) if takes(&event.inbox) => Rights::MEMBER,
        Event::MessageAccepted(event) if speaks(event) => Rights::MEMBER,
        Event::MessageQuarantined(event) if speaks(&event.message) => Rights::MEMBER,
        _ => return None,
    };
    Some(right)
}

/// Whether the group says something to somebody else.
fn speaks(event: &MessageAccepted) -> bool {
    is_group(&event.sender) && event.inbox.principal() != event.sender
}
