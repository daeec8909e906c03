//! What falls due when. Pure: the caller says what time it is.
//!
//! Invariant: one entry for each thing that lives and has an end, so the first is the service's next timeout.
//! Must never hold: anything that is over.

use std::collections::BTreeSet;

use crate::model::{
    Ahead, InboxAddress, InboxSequence, InviteId, Presentity, Principal, Timestamp,
};

use crate::event::PublicationKey;

/// Something that has an end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// An invite.
    Invite(InviteId),
    /// A publication.
    Publication(Presentity, PublicationKey),
    /// A subscription.
    Subscription(Principal, Presentity),
    /// A message.
    Message(InboxAddress, InboxSequence),
    /// An access rule of the principal's presentity begins or ceases to hold, by the wall clock.
    Rules(Principal),
}

/// When something ended by the events so far, and when it ends after one more; `None` is never.
#[derive(Clone, Copy, Default)]
pub(super) struct Ends {
    pub(super) before: Option<Timestamp>,
    pub(super) after: Option<Timestamp>,
}

/// All of it, in order of time.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    due: BTreeSet<(Timestamp, Due)>,
    /// Whose rules begin or cease to hold when the wall clock shows what time: people give those by the calendar.
    rules: BTreeSet<(Timestamp, Principal)>,
}

impl Expiry {
    pub(super) fn insert(&mut self, at: Timestamp, due: Due) {
        self.due.insert((at, due));
    }

    pub(super) fn remove(&mut self, at: Timestamp, due: Due) {
        self.due.remove(&(at, due));
    }

    pub(super) fn reschedule(&mut self, due: Due, ends: Ends) {
        if ends.before == ends.after {
            return;
        }
        if let Some(before) = ends.before {
            self.remove(before, due.clone());
        }
        if let Some(after) = ends.after {
            self.insert(after, due);
        }
    }

    pub(super) fn reschedule_rules(&mut self, principal: &Principal, ends: Ends) {
        if let Some(before) = ends.before {
            self.rules.remove(&(before, principal.clone()));
        }
        if let Some(after) = ends.after {
            self.rules.insert((after, principal.clone()));
        }
    }

    /// The first, in elapsed time, while the wall clock is `ahead`.
    pub(super) fn first(&self, ahead: Ahead) -> Option<(Timestamp, Due)> {
        let rules = self.rules.first();
        let rules = rules.map(|(wall, owner)| (ahead.passed(*wall), Due::Rules(owner.clone())));
        self.due.first().cloned().into_iter().chain(rules).min()
    }
}
