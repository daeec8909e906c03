//! Watcher information: who watches a presentity or did of late, put together from the audience and the subscriptions.
//!
//! Must never hold: a decision about who may learn it beyond the one that [`Case::may_see_watcher`] makes.

use std::ops::Bound;

use super::case::{Case, controls, rights};
use crate::model::{
    EndReason, Handling, Lifetime, Moment, Presentity, Principal, Rights, SubscriptionState,
    Timestamp, WatcherKind, WatcherRow, limits::WATCHERS_WINDOW_MS,
};
use crate::view::{Seen, SubscriptionView};

/// Some of those who watch a presentity or did of late.
pub(super) struct WatchersPage<'a> {
    pub(super) watchers: Vec<&'a Principal>,
    /// Whether there are others behind them.
    pub(super) has_more: bool,
}

impl Case<'_> {
    /// The watcher information about `watcher`, and when it last changed; `None` if it was not seen of late.
    pub(super) fn watcher_row(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
    ) -> Option<(WatcherRow, Moment)> {
        let seen = self.views.audience(presentity).and_then(|view| view.seen.get(watcher));
        let seen = seen.filter(|seen| !seen.is_over(self.now));
        let view = self.views.watcher(watcher);
        let subscription = view.and_then(|view| view.subscriptions.get(presentity));
        let subscription = subscription.filter(|subscription| {
            subscription.is_live() || seen.is_some() && !subscription.by_fetch
        });
        if seen.is_none() && subscription.is_none() {
            return None;
        }
        Some(self.row_of(presentity, watcher, seen, subscription))
    }

    fn row_of(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
        seen: Option<&Seen>,
        subscription: Option<&SubscriptionView>,
    ) -> (WatcherRow, Moment) {
        let kind =
            if subscription.is_some() { WatcherKind::Subscriber } else { WatcherKind::Fetcher };
        let moved = subscription.map(|subscription| subscription.moved);
        let moved_at = moved.map(Moment::timestamp);
        let row = WatcherRow {
            presentity: presentity.clone(),
            watcher: watcher.clone(),
            state: subscription.map(|subscription| subscription.state_at(self.now)),
            handling: self.access(presentity, watcher, kind).handling,
            first_at: self.within(seen.map(|seen| seen.first_at).or(moved_at)),
            last_at: self
                .ahead
                .shown(seen.map(|seen| seen.last_at).max(moved_at).unwrap_or_default()),
            fetches: seen.map_or(0, |seen| seen.fetches),
            subscriptions: seen.map_or(0, |seen| seen.subscriptions),
        };
        let version = seen.map(|seen| seen.changed).max(moved).unwrap_or_default();
        (row, version)
    }

    /// A moment by the wall clock, or the beginning of the window if it is before that.
    fn within(&self, moment: Option<Timestamp>) -> Timestamp {
        let window =
            Timestamp::default().until(self.now).as_ms().saturating_sub(WATCHERS_WINDOW_MS);
        let begin = Timestamp::default().after(Lifetime::from_ms(window));
        self.ahead.shown(moment.unwrap_or_default().max(begin))
    }

    /// The next watchers of `presentity` behind `after`, in order, at most `max` of those that `asker` may learn of: who
    /// may learn of no others is not made to look at them all.
    pub(super) fn watchers_page<'b>(
        &'b self,
        presentity: &Presentity,
        asker: &'b Principal,
        after: Option<&Principal>,
        max: usize,
    ) -> WatchersPage<'b> {
        let owner = presentity.principal();
        if !rights(self.views, &owner, asker).has(Rights::WATCHERS)
            && !self.oversees(asker, presentity)
        {
            let is_next = after.is_none_or(|after| after < asker);
            let watchers = Some(asker).filter(|_| is_next).into_iter().collect();
            return WatchersPage { watchers, has_more: false };
        }
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (begin, Bound::Unbounded);
        let seen = self.views.audience(presentity).into_iter();
        let seen = seen.flat_map(|view| view.seen.range::<Principal, _>(range));
        let seen = seen.map(|(watcher, _)| watcher).take(max + 1);
        let subscribers = self.views.subscribers_in(presentity, range).take(max + 1);
        let mut watchers: Vec<&Principal> = seen.chain(subscribers).collect();
        watchers.sort_unstable();
        watchers.dedup();
        let has_more = watchers.len() > max;
        watchers.truncate(max);
        WatchersPage { watchers, has_more }
    }

    /// Whether `asker` administers the domain of `presentity` without controlling it.
    pub(super) fn oversees(&self, asker: &Principal, presentity: &Presentity) -> bool {
        let administers = self.is_administrator(asker) && asker.domain() == presentity.domain();
        administers && !controls(self.views, &presentity.principal(), asker)
    }

    /// Whether `asker` may learn of all the watchers of `presentity`: its owner, and a member of it.
    pub(super) fn sees_all_watchers(&self, asker: &Principal, presentity: &Presentity) -> bool {
        rights(self.views, &presentity.principal(), asker).has(Rights::MEMBER)
    }

    /// Whether `asker` may learn that `row` watches: its presentity's owner may, the watcher itself may, and others if
    /// the owner lets them and the watcher shows itself to them.
    pub(super) fn may_see_watcher(&self, asker: &Principal, row: &WatcherRow) -> bool {
        let granted = || {
            rights(self.views, &row.presentity.principal(), asker).has(Rights::WATCHERS)
                && self.views.rules(&row.watcher).is_some_and(|view| view.shows_to(asker))
        };
        self.sees_all_watchers(asker, &row.presentity) || row.watcher == *asker || granted()
    }

    /// What `asker` is told of `row`: a watcher learns of itself no more than its subscription tells it.
    pub(super) fn shown_row(&self, asker: &Principal, mut row: WatcherRow) -> Option<WatcherRow> {
        if !self.may_see_watcher(asker, &row) {
            return None;
        }
        if self.sees_all_watchers(asker, &row.presentity) {
            return Some(row);
        }
        row.last_at = self.last_seen(&row);
        row.handling = match row.state {
            Some(SubscriptionState::Pending) => Handling::Confirm,
            Some(SubscriptionState::Terminated(EndReason::Rejected)) => Handling::Block,
            _ => Handling::Allow,
        };
        if row.state == Some(SubscriptionState::Waiting) {
            row.state = Some(SubscriptionState::Terminated(EndReason::Timeout));
        }
        Some(row)
    }

    /// When the watcher of `row` last did something, or was last told of its subscription. What happened to that
    /// without its knowledge is left out.
    fn last_seen(&self, row: &WatcherRow) -> Timestamp {
        let audience = self.views.audience(&row.presentity);
        let seen = audience.and_then(|view| view.seen.get(&row.watcher)).map(|seen| seen.last_at);
        let view = self.views.watcher(&row.watcher);
        let subscription = view.and_then(|view| view.subscriptions.get(&row.presentity));
        let told = subscription.filter(|subscription| !subscription.by_fetch);
        let last = seen.max(told.map(|told| told.changed.timestamp()));
        last.map_or(row.first_at, |last| self.ahead.shown(last))
    }
}
