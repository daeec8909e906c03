//! Which feeds are open, and whom to tell of what.
//!
//! Kept by presentity and by inbox, so that a change costs what has to be told and not how many watch in all.
//! Must never hold: what a feed was told; that is the feed's own.

use std::collections::{BTreeMap, BTreeSet};

use super::FeedId;
use crate::model::{InboxAddress, Mode, Presentity, Principal};

/// A presence feed that is open.
#[derive(Debug)]
struct PresenceFeed {
    watcher: Principal,
    /// Empty means all subscriptions.
    presentities: BTreeSet<Presentity>,
    /// Those it is told of, so that closing it costs no more than opening it did.
    told: BTreeSet<Presentity>,
}

impl PresenceFeed {
    fn covers(&self, presentity: &Presentity) -> bool {
        self.presentities.is_empty() || self.presentities.contains(presentity)
    }
}

/// Every open feed.
#[derive(Debug, Default)]
pub(super) struct Live {
    presence: BTreeMap<FeedId, PresenceFeed>,
    by_watcher: BTreeMap<Principal, BTreeSet<FeedId>>,
    by_presentity: BTreeMap<Presentity, BTreeMap<FeedId, Mode>>,
    inboxes: BTreeMap<FeedId, InboxAddress>,
    by_inbox: BTreeMap<InboxAddress, BTreeSet<FeedId>>,
}

impl Live {
    /// Opens a presence feed over those of `subscriptions` it covers.
    pub(super) fn open_presence<'a>(
        &mut self,
        feed: FeedId,
        watcher: &Principal,
        presentities: BTreeSet<Presentity>,
        subscriptions: impl Iterator<Item = (&'a Presentity, Mode)>,
    ) {
        self.close(feed);
        let mut open =
            PresenceFeed { watcher: watcher.clone(), presentities, told: BTreeSet::new() };
        for (presentity, mode) in subscriptions {
            if open.covers(presentity) {
                self.by_presentity.entry(presentity.clone()).or_default().insert(feed, mode);
                open.told.insert(presentity.clone());
            }
        }
        self.by_watcher.entry(watcher.clone()).or_default().insert(feed);
        self.presence.insert(feed, open);
    }

    /// Opens an inbox feed.
    pub(super) fn open_inbox(&mut self, feed: FeedId, inbox: &InboxAddress) {
        self.close(feed);
        self.inboxes.insert(feed, inbox.clone());
        self.by_inbox.entry(inbox.clone()).or_default().insert(feed);
    }

    /// Closes a feed, if it is open.
    pub(super) fn close(&mut self, feed: FeedId) {
        if let Some(open) = self.presence.remove(&feed) {
            remove_from(
                &mut self.by_watcher,
                &open.watcher,
                |feeds| feeds.remove(&feed),
                BTreeSet::is_empty,
            );
            for presentity in &open.told {
                remove_from(
                    &mut self.by_presentity,
                    presentity,
                    |feeds| feeds.remove(&feed).is_some(),
                    BTreeMap::is_empty,
                );
            }
        }
        if let Some(inbox) = self.inboxes.remove(&feed) {
            remove_from(
                &mut self.by_inbox,
                &inbox,
                |feeds| feeds.remove(&feed),
                BTreeSet::is_empty,
            );
        }
    }

    /// `watcher` subscribes to `presentity`, newly or in another mode. Returns its feeds that cover it.
    pub(super) fn subscribed(
        &mut self,
        watcher: &Principal,
        presentity: &Presentity,
        mode: Mode,
    ) -> Vec<(FeedId, Mode)> {
        let feeds = self.covering(watcher, presentity);
        for feed in &feeds {
            self.by_presentity.entry(presentity.clone()).or_default().insert(*feed, mode);
            if let Some(open) = self.presence.get_mut(feed) {
                open.told.insert(presentity.clone());
            }
        }
        feeds.into_iter().map(|feed| (feed, mode)).collect()
    }

    /// `watcher` subscribes no more. Returns its feeds that cover it, to be told so.
    pub(super) fn unsubscribed(
        &mut self,
        watcher: &Principal,
        presentity: &Presentity,
    ) -> Vec<(FeedId, Mode)> {
        let mut ended = Vec::new();
        for feed in self.covering(watcher, presentity) {
            let told = self.by_presentity.get_mut(presentity);
            let mode = told.and_then(|feeds| feeds.remove(&feed)).unwrap_or_default();
            if let Some(open) = self.presence.get_mut(&feed) {
                open.told.remove(presentity);
            }
            ended.push((feed, mode));
        }
        if self.by_presentity.get(presentity).is_some_and(BTreeMap::is_empty) {
            self.by_presentity.remove(presentity);
        }
        ended
    }

    fn covering(&self, watcher: &Principal, presentity: &Presentity) -> Vec<FeedId> {
        let feeds = self.by_watcher.get(watcher).into_iter().flatten().copied();
        feeds
            .filter(|feed| self.presence.get(feed).is_some_and(|open| open.covers(presentity)))
            .collect()
    }

    /// The feeds to tell of a change of `presentity`.
    pub(super) fn watching(&self, presentity: &Presentity) -> Vec<(FeedId, Mode)> {
        let feeds = self.by_presentity.get(presentity).into_iter().flatten();
        feeds.map(|(feed, mode)| (*feed, *mode)).collect()
    }

    /// The feeds to tell of a message in `inbox`.
    pub(super) fn reading(&self, inbox: &InboxAddress) -> Vec<FeedId> {
        self.by_inbox.get(inbox).into_iter().flatten().copied().collect()
    }

    /// How many feeds are open.
    pub(super) fn count(&self) -> usize {
        self.presence.len() + self.inboxes.len()
    }
}

fn remove_from<K: Ord, V>(
    map: &mut BTreeMap<K, V>,
    key: &K,
    remove: impl FnOnce(&mut V) -> bool,
    is_empty: impl FnOnce(&V) -> bool,
) {
    if let Some(value) = map.get_mut(key) {
        remove(value);
        if is_empty(value) {
            map.remove(key);
        }
    }
}
