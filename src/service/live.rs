//! Which feeds are open, and whom to tell of what.
//!
//! Feeds are kept by presentity and by inbox, so that the cost of a change depends on how many are told of it and not
//! on how many are open. Must never hold: what a feed has sent (see `feed`).

use std::collections::{BTreeMap, BTreeSet};

use super::{FeedId, Lens};
use crate::model::{InboxAddress, Mode, Presentity, Principal};

/// A presence feed that is open, and what it is told of.
#[derive(Debug)]
struct OpenPresenceFeed {
    watcher: Principal,
    /// The presentities it is told of now, so that closing it costs no more than opening it did.
    subscribed: BTreeSet<Presentity>,
    /// The presentities of whose watchers it is told.
    audiences: BTreeSet<Presentity>,
}

/// How a feed sees a presentity: how many of its changes, and what of each.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) mode: Mode,
    pub(super) lens: Lens,
}

/// Feeds by what they are told of, each with what is to be known there.
type Feeds<K, V> = BTreeMap<K, BTreeMap<FeedId, V>>;

/// Every open feed.
#[derive(Debug, Default)]
pub(super) struct Live {
    presence: BTreeMap<FeedId, OpenPresenceFeed>,
    /// With the presentities it was opened for; none means all its watcher subscribes to.
    by_watcher: Feeds<Principal, BTreeSet<Presentity>>,
    by_presentity: Feeds<Presentity, Sight>,
    /// With whose feed it is.
    by_audience: Feeds<Presentity, Principal>,
    inboxes: BTreeMap<FeedId, InboxAddress>,
    /// With who reads.
    by_inbox: Feeds<InboxAddress, Principal>,
}

impl Live {
    /// Opens a presence feed over those of `subscriptions` it covers, and over the watchers of `audiences`.
    pub(super) fn open_presence(
        &mut self,
        feed: FeedId,
        watcher: &Principal,
        presentities: BTreeSet<Presentity>,
        subscriptions: Vec<(Presentity, Sight)>,
        audiences: BTreeSet<Presentity>,
    ) {
        self.close(feed);
        let mut open =
            OpenPresenceFeed { watcher: watcher.clone(), subscribed: BTreeSet::new(), audiences };
        for (presentity, sight) in subscriptions {
            if covers(&presentities, &presentity) {
                open.subscribed.insert(presentity.clone());
                insert(&mut self.by_presentity, presentity, feed, sight);
            }
        }
        for presentity in &open.audiences {
            insert(&mut self.by_audience, presentity.clone(), feed, watcher.clone());
        }
        insert(&mut self.by_watcher, watcher.clone(), feed, presentities);
        self.presence.insert(feed, open);
    }

    /// Opens an inbox feed.
    pub(super) fn open_inbox(&mut self, feed: FeedId, inbox: &InboxAddress, reader: &Principal) {
        self.close(feed);
        self.inboxes.insert(feed, inbox.clone());
        insert(&mut self.by_inbox, inbox.clone(), feed, reader.clone());
    }

    /// Closes a feed, if it is open.
    pub(super) fn close(&mut self, feed: FeedId) {
        if let Some(open) = self.presence.remove(&feed) {
            remove(&mut self.by_watcher, &open.watcher, feed);
            for presentity in &open.subscribed {
                remove(&mut self.by_presentity, presentity, feed);
            }
            for presentity in &open.audiences {
                remove(&mut self.by_audience, presentity, feed);
            }
        }
        if let Some(inbox) = self.inboxes.remove(&feed) {
            remove(&mut self.by_inbox, &inbox, feed);
        }
    }

    /// `watcher` subscribes to `presentity`, newly, in another mode or with another sight. Returns its feeds that
    /// cover it.
    pub(super) fn subscribed(
        &mut self,
        watcher: &Principal,
        presentity: &Presentity,
        sight: &Sight,
    ) -> Vec<(FeedId, Mode)> {
        let feeds = self.covering(watcher, presentity);
        for feed in &feeds {
            insert(&mut self.by_presentity, presentity.clone(), *feed, sight.clone());
            if let Some(open) = self.presence.get_mut(feed) {
                open.subscribed.insert(presentity.clone());
            }
        }
        feeds.into_iter().map(|feed| (feed, sight.mode)).collect()
    }

    /// `watcher` subscribes no more. Returns its feeds that cover it, to be told so.
    pub(super) fn unsubscribed(
        &mut self,
        watcher: &Principal,
        presentity: &Presentity,
    ) -> Vec<(FeedId, Mode)> {
        let mut ended = Vec::new();
        for feed in self.covering(watcher, presentity) {
            let sight = remove(&mut self.by_presentity, presentity, feed);
            let mode = sight.map(|sight| sight.mode).unwrap_or_default();
            if let Some(open) = self.presence.get_mut(&feed) {
                open.subscribed.remove(presentity);
            }
            ended.push((feed, mode));
        }
        ended
    }

    fn covering(&self, watcher: &Principal, presentity: &Presentity) -> Vec<FeedId> {
        let feeds = self.by_watcher.get(watcher).into_iter().flatten();
        let covering = feeds.filter(|(_, presentities)| covers(presentities, presentity));
        covering.map(|(feed, _)| *feed).collect()
    }

    /// The feeds to tell of a change of `presentity`, by what they see of it.
    pub(super) fn presence_feeds(
        &self,
        presentity: &Presentity,
    ) -> BTreeMap<Lens, Vec<(FeedId, Mode)>> {
        let mut groups: BTreeMap<Lens, Vec<(FeedId, Mode)>> = BTreeMap::new();
        for (feed, sight) in self.by_presentity.get(presentity).into_iter().flatten() {
            match groups.get_mut(&sight.lens) {
                Some(group) => group.push((*feed, sight.mode)),
                None => {
                    groups.insert(sight.lens.clone(), vec![(*feed, sight.mode)]);
                }
            }
        }
        groups
    }

    /// The feeds to tell of the watchers of `presentity`, and whose they are.
    pub(super) fn watcher_feeds(&self, presentity: &Presentity) -> Vec<(FeedId, Principal)> {
        let feeds = self.by_audience.get(presentity).into_iter().flatten();
        feeds.map(|(feed, asker)| (*feed, asker.clone())).collect()
    }

    /// Who has a feed that is told of `presentity`.
    pub(super) fn watchers(&self, presentity: &Presentity) -> BTreeSet<Principal> {
        let feeds = self.by_presentity.get(presentity).into_iter().flatten();
        let open = feeds.filter_map(|(feed, _)| self.presence.get(feed));
        open.map(|open| open.watcher.clone()).collect()
    }

    /// `watcher` sees `presentity` through `lens` from now on.
    pub(super) fn set_lens(&mut self, watcher: &Principal, presentity: &Presentity, lens: &Lens) {
        for feed in self.covering(watcher, presentity) {
            let sights = self.by_presentity.get_mut(presentity);
            if let Some(sight) = sights.and_then(|sights| sights.get_mut(&feed)) {
                sight.lens = lens.clone();
            }
        }
    }

    /// Closes the feeds of `inbox` whose reader `may` not read it any more, and names them.
    pub(super) fn close_inbox_feeds(
        &mut self,
        inbox: &InboxAddress,
        may: impl Fn(&Principal) -> bool,
    ) -> Vec<FeedId> {
        let feeds = self.by_inbox.get(inbox).into_iter().flatten();
        let closed = feeds.filter(|(_, reader)| !may(reader));
        let closed: Vec<FeedId> = closed.map(|(feed, _)| *feed).collect();
        for feed in &closed {
            self.close(*feed);
        }
        closed
    }

    /// Stops telling of the watchers of `presentity` the feeds whose owner `may` not learn of them any more.
    pub(super) fn stop_telling_of_watchers(
        &mut self,
        presentity: &Presentity,
        may: impl Fn(&Principal) -> bool,
    ) {
        for (feed, asker) in self.watcher_feeds(presentity) {
            if !may(&asker) {
                remove(&mut self.by_audience, presentity, feed);
                if let Some(open) = self.presence.get_mut(&feed) {
                    open.audiences.remove(presentity);
                }
            }
        }
    }

    /// The feeds to tell of a message in `inbox`.
    pub(super) fn inbox_feeds(&self, inbox: &InboxAddress) -> Vec<FeedId> {
        self.by_inbox.get(inbox).into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// How many feeds are open.
    pub(super) fn count(&self) -> usize {
        self.presence.len() + self.inboxes.len()
    }
}

fn covers(presentities: &BTreeSet<Presentity>, presentity: &Presentity) -> bool {
    presentities.is_empty() || presentities.contains(presentity)
}

fn insert<K: Ord, V>(feeds: &mut Feeds<K, V>, key: K, feed: FeedId, value: V) {
    feeds.entry(key).or_default().insert(feed, value);
}

/// Removes a feed, and what it was told of if it was the last.
fn remove<K: Ord, V>(feeds: &mut Feeds<K, V>, key: &K, feed: FeedId) -> Option<V> {
    let told = feeds.get_mut(key)?;
    let value = told.remove(&feed);
    if told.is_empty() {
        feeds.remove(key);
    }
    value
}
