//! Who watched a presentity of late: fetchers, subscribers, and those who subscribed and left.
//!
//! Must never hold: what they were shown, or where a subscription stands; that is the watcher's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded, WatchObserved};
use crate::model::limits::{WATCHERS_ANONYMOUS_MAX, WATCHERS_MAX, WATCHERS_WINDOW_MS};
use crate::model::{Lifetime, Moment, Principal, Sequence, Timestamp};

/// Watchers forgotten at one event at most.
const FORGOTTEN_AT_ONCE: usize = 4;

/// Those who watched one presentity within the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceView {
    /// The last event it took.
    pub as_of: Sequence,
    /// When and how often each was seen; some of them so long ago that it does not count any more, see [`Seen::is_over`].
    pub seen: BTreeMap<Principal, Seen>,
    /// The same by when they were last seen: those with a name, and the anonymous ones.
    #[serde(skip)]
    oldest: [BTreeSet<(Timestamp, Principal)>; 2],
}

/// How many are remembered of those with a name, and of the anonymous ones.
const REMEMBERED_MAX: [usize; 2] = [WATCHERS_MAX, WATCHERS_ANONYMOUS_MAX];

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
        self.observe(event, recorded.at);
        self.forget(recorded.at.timestamp());
    }

    /// Makes what follows from the rest, after that was loaded.
    pub(super) fn index(&mut self) {
        for (watcher, seen) in &self.seen {
            self.oldest[kind_of(watcher)].insert((seen.last_at, watcher.clone()));
        }
    }

    fn observe(&mut self, event: &WatchObserved, at: Moment) {
        let known = self.seen.remove(&event.watcher);
        if let Some(known) = &known {
            let place = (known.last_at, event.watcher.clone());
            self.oldest[kind_of(&event.watcher)].remove(&place);
        }
        let known = known.filter(|seen| !seen.is_over(at.timestamp()));
        let mut seen = known.unwrap_or(Seen {
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
        self.oldest[kind_of(&event.watcher)].insert((seen.last_at, event.watcher.clone()));
        self.seen.insert(event.watcher.clone(), seen);
    }

    /// Forgets some of those who were not seen for long, and keeps the latest only, so that nobody can make it grow for
    /// ever. A few at each event: more go than come, and no event takes long.
    fn forget(&mut self, now: Timestamp) {
        for (oldest, max) in self.oldest.iter_mut().zip(REMEMBERED_MAX) {
            for _ in 0..FORGOTTEN_AT_ONCE {
                let Some((_, watcher)) = oldest.first() else { break };
                let is_over = self.seen.get(watcher).is_none_or(|seen| seen.is_over(now));
                if !is_over && oldest.len() <= max {
                    break;
                }
                if let Some((_, watcher)) = oldest.pop_first() {
                    self.seen.remove(&watcher);
                }
            }
        }
    }
}

/// Among which of the oldest a watcher stands.
fn kind_of(watcher: &Principal) -> usize {
    usize::from(watcher.is_anonymous())
}
