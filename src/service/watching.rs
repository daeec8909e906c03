//! Watching that is counted: by whom, of what is asked, and told to whoever looks at it.
//!
//! Must never hold: what is counted so far (see `observe`), or who may see it.

use std::sync::Arc;

use super::PresenceItem;
use super::case::controls;
use super::core::{Service, decided_at};
use crate::event::Event;
use crate::model::{Now, Presentity, Principal, Timestamp, WatcherKind};

impl Service {
    /// Adds to rows about watchers the fetches and subscriptions that are counted and not recorded yet.
    pub(super) fn count_all(&self, items: &mut [Arc<PresenceItem>]) {
        for item in items.iter_mut().filter_map(Arc::get_mut) {
            if let Some(row) = &mut item.watcher {
                self.observations.add_to(row, self.clock.ahead);
            }
        }
    }

    /// Counts that `watcher` watched a presentity, unless it controls that.
    pub(super) fn observe(
        &mut self,
        now: Timestamp,
        presentity: &Presentity,
        watcher: &Principal,
        kind: WatcherKind,
    ) {
        if self.is_full || controls(&self.views, &presentity.principal(), watcher) {
            return;
        }
        let event = self.observations.add(&self.views, presentity, watcher, kind, now);
        if let Some(event) = event {
            self.happen(decided_at(now), Event::WatchObserved(event));
        }
    }

    /// Records the watching that is counted and not recorded yet, before an orderly end.
    pub fn settle(&mut self, now: impl Into<Now>) {
        let now = self.begin(now);
        for event in self.observations.take_all() {
            self.happen(decided_at(now), Event::WatchObserved(event));
        }
    }
}
