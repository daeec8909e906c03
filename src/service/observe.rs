//! Counts of who watched whom that are not recorded yet. At most one event a minute is recorded about the same watcher
//! and presentity, so that a poller cannot fill the log.
//!
//! A count is recorded when its minute is over, and at an orderly end; a kill loses it.
//! Must never hold: anything that may not be lost.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::WatchObserved;
use crate::model::limits::{WATCHERS_EVERY_MS, WATCHERS_PENDING_MAX};
use crate::model::{Ahead, Lifetime, Presentity, Principal, Timestamp, WatcherKind, WatcherRow};
use crate::view::Views;

type Pair = (Presentity, Principal);

/// What waits to be recorded, by presentity and watcher.
#[derive(Debug, Default)]
pub(super) struct Observations {
    waiting: BTreeMap<Pair, (Timestamp, WatchObserved)>,
    due: BTreeSet<(Timestamp, Pair)>,
}

impl Observations {
    /// `watcher` did something to watch `presentity`. Returns what is to be recorded at once.
    pub(super) fn add(
        &mut self,
        views: &Views,
        presentity: &Presentity,
        watcher: &Principal,
        kind: WatcherKind,
        now: Timestamp,
    ) -> Option<WatchObserved> {
        let pair = (presentity.clone(), watcher.clone());
        if let Some((_, waiting)) = self.waiting.get_mut(&pair) {
            count(waiting, kind, now);
            return None;
        }
        let mut event = seen_at(&pair, now);
        count(&mut event, kind, now);
        let seen = views.audience(presentity).and_then(|view| view.seen.get(watcher));
        let every = Lifetime::from_ms(WATCHERS_EVERY_MS);
        let due = seen.map(|seen| seen.last_at.after(every)).filter(|due| *due > now);
        match due {
            Some(due) if self.waiting.len() < WATCHERS_PENDING_MAX => {
                self.due.insert((due, pair.clone()));
                self.waiting.insert(pair, (due, event));
                None
            }
            _ => Some(event),
        }
    }

    /// `watcher` watches `presentity` no more. Returns what is to be recorded at once.
    pub(super) fn end(
        &mut self,
        presentity: &Presentity,
        watcher: &Principal,
        now: Timestamp,
    ) -> WatchObserved {
        let pair = (presentity.clone(), watcher.clone());
        let Some((due, mut event)) = self.waiting.remove(&pair) else { return seen_at(&pair, now) };
        self.due.remove(&(due, pair));
        event.last_at = now;
        event
    }

    /// Adds to `row` what is counted and not recorded yet; the wall clock is `ahead`.
    pub(super) fn add_to(&self, row: &mut WatcherRow, ahead: Ahead) {
        let pair = (row.presentity.clone(), row.watcher.clone());
        if let Some((_, waiting)) = self.waiting.get(&pair) {
            row.fetches += u64::from(waiting.fetches);
            row.subscriptions += u64::from(waiting.subscriptions);
            row.last_at = row.last_at.max(ahead.shown(waiting.last_at));
        }
    }

    /// When the next is to be recorded.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes one that is to be recorded by `now`, and when it was due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, WatchObserved)> {
        let (due, pair) = self.due.first().filter(|(due, _)| *due <= now).cloned()?;
        self.due.remove(&(due, pair.clone()));
        let (_, event) = self.waiting.remove(&pair)?;
        Some((due, event))
    }

    /// Takes all, due or not.
    pub(super) fn take_all(&mut self) -> Vec<WatchObserved> {
        self.due.clear();
        let waiting = core::mem::take(&mut self.waiting);
        waiting.into_values().map(|(_, event)| event).collect()
    }
}

fn seen_at((presentity, watcher): &Pair, now: Timestamp) -> WatchObserved {
    WatchObserved {
        presentity: presentity.clone(),
        watcher: watcher.clone(),
        fetches: 0,
        subscriptions: 0,
        first_at: now,
        last_at: now,
    }
}

fn count(event: &mut WatchObserved, kind: WatcherKind, now: Timestamp) {
    match kind {
        WatcherKind::Fetcher => event.fetches = event.fetches.saturating_add(1),
        WatcherKind::Subscriber => event.subscriptions = event.subscriptions.saturating_add(1),
    }
    event.last_at = now;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Recorded};
    use crate::model::limits::WATCHERS_MAX;
    use crate::model::{Moment, Sequence};

    const NOW: Timestamp = Timestamp::from_ms(1_000_000);

    /// The watcher of this number, and whom it watches: as many watch one as are remembered of it.
    fn pair(number: usize) -> Pair {
        let presentity = format!("pres:p{}@d.example", number / WATCHERS_MAX).parse().unwrap();
        (presentity, format!("w{number}@d.example").parse().unwrap())
    }

    #[test]
    fn what_finds_no_room_to_wait_is_recorded_at_once() {
        let mut views = Views::default();
        for number in 0..=WATCHERS_PENDING_MAX {
            views.apply(&Recorded {
                sequence: Sequence::new(number as u64 + 1),
                at: Moment::of(NOW),
                ahead: Ahead::ZERO,
                event: Event::WatchObserved(seen_at(&pair(number), NOW)),
            });
        }
        let mut waiting = Observations::default();
        let mut fetches = |number| {
            let ((presentity, watcher), kind) = (pair(number), WatcherKind::Fetcher);
            waiting.add(&views, &presentity, &watcher, kind, NOW).is_some()
        };
        assert!(!(0..WATCHERS_PENDING_MAX).any(&mut fetches));
        assert!(fetches(WATCHERS_PENDING_MAX), "one more");
        assert!(!fetches(0), "what waits is counted on");
        assert_eq!(waiting.take_all().len(), WATCHERS_PENDING_MAX);
    }
}
