//! Who watched a presentity of late: fetchers, subscribers, and those who subscribed and left.
//!
//! Must never hold: what they were shown, or where a subscription stands; that is the watcher's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded, WatchObserved};
use crate::model::limits::{WATCHERS_MAX, WATCHERS_WINDOW_MS};
use crate::model::{Lifetime, Moment, Principal, Sequence, Timestamp};

/// Those who watched one presentity within the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceView {
    /// The last event it took.
    pub as_of: Sequence,
    /// When and how often each was seen.
    pub seen: BTreeMap<Principal, Seen>,
}

/// When and how often a watcher was seen, since it was first seen after an absence longer than the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// First.
    pub first_at: Timestamp,
    /// Last.
    pub last_at: Timestamp,
    /// Fetches.
    pub fetches: u64,
    /// Subscriptions begun.
    pub subscriptions: u64,
    /// The last event about it.
    pub changed: Moment,
}

impl Seen {
    /// Whether it was last seen so long before `now` that it is forgotten.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.last_at.after(Lifetime::from_ms(WATCHERS_WINDOW_MS)) <= now
    }
}

impl AudienceView {
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        self.as_of = recorded.sequence;
        let Event::WatchObserved(event) = &recorded.event else {
            unreachable!("only events of audiences come here")
        };
        let now = recorded.at.timestamp();
        self.seen.retain(|_, seen| !seen.is_over(now));
        self.observe(event, recorded.at);
        self.forget_oldest();
    }

    fn observe(&mut self, event: &WatchObserved, at: Moment) {
        let seen = self.seen.entry(event.watcher.clone()).or_insert(Seen {
            first_at: event.first_at,
            last_at: event.last_at,
            fetches: 0,
            subscriptions: 0,
            changed: at,
        });
        seen.last_at = seen.last_at.max(event.last_at);
        seen.fetches += u64::from(event.fetches);
        seen.subscriptions += u64::from(event.subscriptions);
        seen.changed = at;
    }

    /// Keeps the latest only, so that nobody can make it grow for ever.
    fn forget_oldest(&mut self) {
        if self.seen.len() <= WATCHERS_MAX {
            return;
        }
        let oldest = self.seen.iter().min_by_key(|(_, seen)| seen.last_at);
        if let Some(watcher) = oldest.map(|(watcher, _)| watcher.clone()) {
            self.seen.remove(&watcher);
        }
    }
}
