//! State as a fold of events: invites, principals, presentities, watchers, inboxes, and what is due when.
//!
//! Each event belongs to one entity, and each entity remembers the last event it took, so folding an event twice
//! changes nothing and a checkpoint may hold entities of different ages. Everything else here (what is due, which
//! message ids are known, how much there is) follows from the entities.
//! Must never hold: a refusal, a clock, or anything that cannot be folded again from the log.

mod expiry;
mod inbox;
mod invite;
mod presentity;
mod principal;
mod record;
mod watcher;

use std::collections::{BTreeMap, BTreeSet};

pub use expiry::Due;
use expiry::Expiry;
pub use inbox::{InboxView, MessageKey, Row};
pub use invite::InviteView;
pub use presentity::{EarlierOperation, EndedPublication, PresentityView, PublicationView};
pub use principal::{DeviceView, PrincipalView};
pub use record::{Record, RecordFault};
pub use watcher::{SubscriptionView, WatcherView};

use crate::event::{EntityKey, Event, Recorded};
use crate::model::{
    InboxAddress, InboxSequence, InviteId, Moment, Presentity, Principal, Sequence, Timestamp,
};

/// How much the views hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Publications that live.
    pub publications: u64,
    /// Subscriptions that live.
    pub subscriptions: u64,
    /// Messages kept.
    pub messages: u64,
}

/// All state of the service.
#[derive(Debug, Default)]
pub struct Views {
    head: Sequence,
    moment: Moment,
    invites: BTreeMap<InviteId, InviteView>,
    principals: BTreeMap<Principal, PrincipalView>,
    presentities: BTreeMap<Presentity, PresentityView>,
    watchers: BTreeMap<Principal, WatcherView>,
    inboxes: BTreeMap<InboxAddress, InboxView>,
    messages: BTreeMap<MessageKey, (InboxAddress, InboxSequence)>,
    expiry: Expiry,
    counts: Counts,
    changed: BTreeSet<EntityKey>,
}

impl Views {
    /// Folds one event in. Never refuses: whatever was recorded happened.
    pub fn apply(&mut self, recorded: &Recorded) {
        self.head = self.head.max(recorded.sequence);
        self.moment = self.moment.max(recorded.at);
        let known = match &recorded.event {
            Event::InviteCreated(_) | Event::InviteEnded(_) => self.apply_invite(recorded),
            Event::KeyEnrolled(_) | Event::KeyRevoked(_) => self.apply_principal(recorded),
            Event::Published(_) | Event::PublicationRefreshed(_) | Event::PublicationEnded(_) => {
                self.apply_presentity(recorded)
            }
            Event::SubscriptionCreated(_)
            | Event::SubscriptionRefreshed(_)
            | Event::SubscriptionEnded(_) => self.apply_watcher(recorded),
            Event::MessageAccepted(_) | Event::MessageEnded(_) | Event::Acknowledged(_) => {
                self.apply_inbox(recorded)
            }
            // Nothing decides these yet.
            _ => true,
        };
        if !known {
            self.changed.insert(recorded.event.entity());
        }
    }

    fn apply_invite(&mut self, recorded: &Recorded) -> bool {
        match &recorded.event {
            Event::InviteCreated(event) => {
                let known = self
                    .invites
                    .get(&event.invite)
                    .is_some_and(|view| view.as_of >= recorded.sequence);
                if !known {
                    self.expiry.insert(event.expires_at, Due::Invite(event.invite));
                    self.invites
                        .insert(event.invite, InviteView::created(recorded.sequence, event));
                }
                known
            }
            Event::InviteEnded(event) => match self.invites.remove(&event.invite) {
                Some(view) => {
                    self.expiry.remove(view.expires_at, Due::Invite(event.invite));
                    false
                }
                None => false,
            },
            _ => unreachable!("only events of invites come here"),
        }
    }

    fn apply_principal(&mut self, recorded: &Recorded) -> bool {
        let EntityKey::Principal(principal) = recorded.event.entity() else {
            unreachable!("only events of principals come here")
        };
        let view = self.principals.entry(principal).or_default();
        view.as_of >= recorded.sequence || {
            view.apply(recorded);
            false
        }
    }

    fn apply_presentity(&mut self, recorded: &Recorded) -> bool {
        let EntityKey::Presentity(presentity) = recorded.event.entity() else {
            unreachable!("only events of presentities come here")
        };
        let view = self.presentities.entry(presentity.clone()).or_default();
        if view.as_of >= recorded.sequence {
            return true;
        }
        let before = view.publications.len() as u64;
        let change = view.apply(recorded);
        let due = |key| Due::Publication(presentity.clone(), key);
        if let Some(deadline) = change.old_deadline {
            self.expiry.remove(deadline, due(change.publication.clone()));
        }
        if let Some(deadline) = change.new_deadline {
            self.expiry.insert(deadline, due(change.publication));
        }
        self.counts.publications =
            self.counts.publications + view.publications.len() as u64 - before;
        false
    }

    fn apply_watcher(&mut self, recorded: &Recorded) -> bool {
        let EntityKey::Watcher(watcher) = recorded.event.entity() else {
            unreachable!("only events of watchers come here")
        };
        let view = self.watchers.entry(watcher.clone()).or_default();
        if view.as_of >= recorded.sequence {
            return true;
        }
        let before = view.active_count as u64;
        let change = view.apply(recorded);
        let due = || Due::Subscription(watcher.clone(), change.presentity.clone());
        if let Some(expires_at) = change.old_expiry {
            self.expiry.remove(expires_at, due());
        }
        if let Some(expires_at) = change.new_expiry {
            self.expiry.insert(expires_at, due());
        }
        self.counts.subscriptions = self.counts.subscriptions + view.active_count as u64 - before;
        false
    }

    fn apply_inbox(&mut self, recorded: &Recorded) -> bool {
        let EntityKey::Inbox(inbox) = recorded.event.entity() else {
            unreachable!("only events of inboxes come here")
        };
        let view = self.inboxes.entry(inbox.clone()).or_default();
        if view.as_of >= recorded.sequence {
            return true;
        }
        let before = view.kept();
        let change = view.apply(recorded);
        for key in change.forgotten {
            self.messages.remove(&key);
        }
        if let Some((key, sequence, expires_at)) = change.accepted {
            self.messages.insert(key, (inbox.clone(), sequence));
            if let Some(expires_at) = expires_at {
                self.expiry.insert(expires_at, Due::Message(inbox.clone(), sequence));
            }
        }
        if let Some((sequence, expires_at)) = change.ended {
            self.expiry.remove(expires_at, Due::Message(inbox, sequence));
        }
        self.counts.messages = self.counts.messages + view.kept() - before;
        false
    }

    /// The last event folded in.
    pub fn head(&self) -> Sequence {
        self.head
    }

    /// The moment of the last event folded in.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// The time of the last event folded in.
    pub fn time(&self) -> Timestamp {
        self.moment.timestamp()
    }

    /// How much there is.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// An open invite.
    pub fn invite(&self, invite: &InviteId) -> Option<&InviteView> {
        self.invites.get(invite)
    }

    /// All open invites.
    pub fn invites(&self) -> impl ExactSizeIterator<Item = (&InviteId, &InviteView)> {
        self.invites.iter()
    }

    /// A principal that was ever enrolled.
    pub fn principal(&self, principal: &Principal) -> Option<&PrincipalView> {
        self.principals.get(principal)
    }

    /// How many principals were ever enrolled.
    pub fn principals_count(&self) -> usize {
        self.principals.len()
    }

    /// A presentity that ever published.
    pub fn presentity(&self, presentity: &Presentity) -> Option<&PresentityView> {
        self.presentities.get(presentity)
    }

    /// How many presentities ever published.
    pub fn presentities_count(&self) -> usize {
        self.presentities.len()
    }

    /// A watcher that ever subscribed.
    pub fn watcher(&self, watcher: &Principal) -> Option<&WatcherView> {
        self.watchers.get(watcher)
    }

    /// An inbox that ever got a message.
    pub fn inbox(&self, inbox: &InboxAddress) -> Option<&InboxView> {
        self.inboxes.get(inbox)
    }

    /// How many inboxes ever got a message.
    pub fn inboxes_count(&self) -> usize {
        self.inboxes.len()
    }

    /// Where the message of this key lies or lay.
    pub fn message(&self, key: &MessageKey) -> Option<(&InboxView, InboxSequence)> {
        let (inbox, sequence) = self.messages.get(key)?;
        Some((self.inboxes.get(inbox)?, *sequence))
    }

    /// What falls due first, and when.
    pub fn next_due(&self) -> Option<(Timestamp, &Due)> {
        self.expiry.first()
    }
}
