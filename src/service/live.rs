//! Which feeds are open, and whom to tell of what.
//!
//! Feeds are kept by presentity and by inbox, so that the cost of a change depends on how many are told of it and not
//! on how many are open. Must never hold: what a feed has sent (see `feed`).

use std::collections::{BTreeMap, BTreeSet};

use super::{FeedId, Lens};
use crate::model::{InboxAddress, Mode, Moment, Presentity, Principal};

/// A presence feed that is open, and what it is told of.
#[derive(Debug)]
struct OpenPresenceFeed {
    watcher: Principal,
    /// The presentities it is told of now, so that closing it costs no more than opening it did.
    subscribed: BTreeSet<Presentity>,
    /// The presentities of whose watchers it is told.
    audiences: BTreeSet<Presentity>,
    /// What its opening has come to, while that is not done.
    opening: Option<Opening>,
}

impl OpenPresenceFeed {
    /// Whether its opening has come to `presentity`: what lies further on it learns when that does.
    fn has_reached(&self, presentity: &Presentity) -> bool {
        match &self.opening {
            None => true,
            Some(Opening { last: Some(Place::Subscription(last)), .. }) => presentity <= last,
            Some(Opening { last, .. }) => last.is_some(),
        }
    }
}

/// What was looked at last while a feed is opened: subscriptions come first, then watchers, each in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The subscription to this presentity.
    Subscription(Presentity),
    /// This one of the presentity's watchers.
    Watcher(Presentity, Principal),
}

/// The opening of a presence feed that comes in parts.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// What its watcher has seen.
    pub(super) after: Moment,
    /// What was looked at last.
    pub(super) last: Option<Place>,
}

/// How a feed sees a presentity: how many of its changes, and what of each.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    pub(super) mode: Mode,
    pub(super) lens: Lens,
}

/// Whose feed is being opened, of which presentities and whose watchers, and how far that has come.
type OpeningFeed<'a> =
    (&'a Principal, &'a BTreeSet<Presentity>, &'a BTreeSet<Presentity>, &'a Opening);

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
    /// Opens a presence feed of what `watcher` subscribes to, or of `presentities` only, and of the watchers of
    /// `audiences`, from `after` on. Its parts follow, see [`Live::add_part`].
    pub(super) fn open_presence(
        &mut self,
        feed: FeedId,
        watcher: &Principal,
        presentities: BTreeSet<Presentity>,
        audiences: BTreeSet<Presentity>,
        after: Moment,
    ) {
        self.close(feed);
        let opening = Some(Opening { after, last: None });
        let (watcher, subscribed) = (watcher.clone(), BTreeSet::new());
        for presentity in &audiences {
            insert(&mut self.by_audience, presentity.clone(), feed, watcher.clone());
        }
        insert(&mut self.by_watcher, watcher.clone(), feed, presentities);
        self.presence.insert(feed, OpenPresenceFeed { watcher, subscribed, audiences, opening });
    }

    /// The opening of a presence feed, if there is something left of it: whose feed it is, of which presentities and
    /// whose watchers, and how far it has come.
    pub(super) fn opening(&self, feed: FeedId) -> Option<OpeningFeed<'_>> {
        let open = self.presence.get(&feed)?;
        let presentities = self.by_watcher.get(&open.watcher)?.get(&feed)?;
        Some((&open.watcher, presentities, &open.audiences, open.opening.as_ref()?))
    }

    /// From now on a feed is told of the presentities in `sights`; its opening has come to `last`, or is done.
    pub(super) fn add_part(
        &mut self,
        feed: FeedId,
        sights: Vec<(Presentity, Sight)>,
        last: Option<Place>,
    ) {
        let Some(open) = self.presence.get_mut(&feed) else { return };
        let after = open.opening.as_ref().map_or(Moment::ZERO, |opening| opening.after);
        open.opening = last.map(|last| Opening { after, last: Some(last) });
        for (presentity, sight) in sights {
            open.subscribed.insert(presentity.clone());
            insert(&mut self.by_presentity, presentity, feed, sight);
        }
    }

    /// Opens an inbox feed.
    pub(super) fn open_inbox(&mut self, feed: FeedId, inbox: &InboxAddress, reader: &Principal) {
        self.close(feed);
        self.inboxes.insert(feed, inbox.clone());
        insert(&mut self.by_inbox, inbox.clone(), feed, reader.clone());
    }

    /// Closes a feed, if it is open. Returns of how much it was told.
    pub(super) fn close(&mut self, feed: FeedId) -> usize {
        let mut told = 0;
        if let Some(open) = self.presence.remove(&feed) {
            told += open.subscribed.len() + open.audiences.len();
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
        told
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
        let covering = feeds.filter(|(feed, presentities)| {
            covers(presentities, presentity)
                && self.presence.get(feed).is_some_and(|open| open.has_reached(presentity))
        });
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

    /// As [`Live::presence_feeds`], where `lens` says through what a watcher sees it by now; `None` if it does not.
    pub(super) fn presence_feeds_by(
        &self,
        presentity: &Presentity,
        lens: impl Fn(&Principal, &Sight) -> Option<Lens>,
    ) -> BTreeMap<Lens, Vec<(FeedId, Mode)>> {
        let mut groups: BTreeMap<Lens, Vec<(FeedId, Mode)>> = BTreeMap::new();
        for (feed, sight) in self.by_presentity.get(presentity).into_iter().flatten() {
            let open = self.presence.get(feed);
            if let Some(lens) = open.and_then(|open| lens(&open.watcher, sight)) {
                groups.entry(lens).or_default().push((*feed, sight.mode));
            }
        }
        groups
    }

    /// The feeds to tell of the watchers of `presentity`, and whose they are.
    pub(super) fn watcher_feeds(&self, presentity: &Presentity) -> Vec<(FeedId, Principal)> {
        let feeds = self.by_audience.get(presentity).into_iter().flatten();
        feeds.map(|(feed, asker)| (*feed, asker.clone())).collect()
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

    /// All feeds that are open.
    pub(super) fn feeds(&self) -> Vec<FeedId> {
        self.presence.keys().chain(self.inboxes.keys()).copied().collect()
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
