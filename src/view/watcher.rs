//! A watcher's subscriptions, the live ones and the ends it may not have heard of.
//!
//! Must never hold: what the watcher was shown or whether it is connected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::expiry::Ends;
use crate::event::{
    Event, Recorded, Subscribed, SubscriptionEnded, SubscriptionMoved, WatchRequested,
};
use crate::model::limits::SUBSCRIPTIONS_ENDED_MAX;
use crate::model::{EndReason, Mode, Moment, Presentity, Sequence, SubscriptionState, Timestamp};

/// A watcher that ever subscribed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatcherView {
    /// The last event it took.
    pub as_of: Sequence,
    /// Its subscriptions.
    pub subscriptions: BTreeMap<Presentity, SubscriptionView>,
    /// How many of them live: active, pending or waiting.
    pub live_count: usize,
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionView {
    /// Where it stands.
    pub state: SubscriptionState,
    /// How much its watcher is told.
    pub mode: Mode,
    /// When it runs out, if it lives.
    pub expires_at: Timestamp,
    /// When its watcher was last given something to learn of it: it began, ended, or shows something else.
    pub changed: Moment,
    /// When it last changed at all, whether its watcher learns of that or not.
    pub moved: Moment,
    /// For one that is pending or waiting: when the request to watch was made that is not decided yet.
    pub requested_at: Timestamp,
    /// Whether it is only the request to watch that a fetch left: its watcher never subscribed.
    pub by_fetch: bool,
}

impl SubscriptionView {
    /// Whether its watcher is to be told of changes.
    pub fn is_active(&self) -> bool {
        self.state == SubscriptionState::Active
    }

    /// Whether it is active, pending or waiting.
    pub fn is_live(&self) -> bool {
        !matches!(self.state, SubscriptionState::Terminated(_))
    }

    /// Where it stands at `now`: an active one whose time is over has ended, also if that is not recorded yet.
    pub fn state_at(&self, now: Timestamp) -> SubscriptionState {
        if self.is_active() && self.expires_at <= now {
            return SubscriptionState::Terminated(EndReason::Timeout);
        }
        self.state
    }

    /// Whether it waits for a decision.
    pub fn is_undecided(&self) -> bool {
        matches!(self.state, SubscriptionState::Pending | SubscriptionState::Waiting)
    }
}

impl WatcherView {
    /// The subscription to `presentity`, if it is active, pending or waiting.
    pub fn live(&self, presentity: &Presentity) -> Option<&SubscriptionView> {
        self.subscriptions.get(presentity).filter(|subscription| subscription.is_live())
    }

    /// How many of its requests to watch are not decided.
    pub fn undecided_count(&self) -> usize {
        let undecided = |subscription: &&SubscriptionView| subscription.is_undecided();
        self.subscriptions.values().filter(undecided).count()
    }

    /// When the first of its subscriptions runs out.
    pub fn first_end(&self) -> Option<Timestamp> {
        let live = self.subscriptions.values().filter(|subscription| subscription.is_live());
        live.map(|subscription| subscription.expires_at).min()
    }

    /// Returns the presentity that the event is about, and when the subscription to it ends.
    pub(super) fn apply(&mut self, recorded: &Recorded) -> (Presentity, Ends) {
        self.as_of = recorded.sequence;
        let presentity = presentity_of(&recorded.event).clone();
        let before = self.expiry_of(&presentity);
        match &recorded.event {
            Event::SubscriptionCreated(event) => {
                let state = SubscriptionState::Active;
                let (mode, expires_at) = (event.mode, event.expires_at);
                self.subscribe(recorded, &presentity, &Terms { mode, expires_at, state });
            }
            Event::SubscriptionRefreshed(event) => {
                if let Some(view) = self.subscriptions.get_mut(&presentity) {
                    (view.mode, view.expires_at) = (event.mode, event.expires_at);
                }
            }
            Event::Subscribed(event) => self.subscribe(recorded, &presentity, &Terms::of(event)),
            Event::SubscriptionMoved(event) => self.moved(recorded, event),
            Event::WatchRequested(event) => self.requested(recorded, event),
            Event::SubscriptionEnded(event) => self.ended(recorded, event),
            _ => unreachable!("only events of watchers come here"),
        }
        let after = self.expiry_of(&presentity);
        self.live_count =
            self.live_count + usize::from(after.is_some()) - usize::from(before.is_some());
        self.forget_ended();
        (presentity, Ends { before, after })
    }

    fn subscribe(&mut self, recorded: &Recorded, presentity: &Presentity, terms: &Terms) {
        let now = recorded.at.timestamp();
        let old = self.subscriptions.remove(presentity);
        let state = terms.state;
        let kept = old.filter(|old| old.state == terms.state && !old.by_fetch);
        let view = SubscriptionView {
            state,
            mode: terms.mode,
            expires_at: terms.expires_at,
            changed: kept.as_ref().map_or(recorded.at, |kept| kept.changed),
            moved: kept.as_ref().map_or(recorded.at, |kept| kept.moved),
            requested_at: kept.as_ref().map_or(now, |kept| kept.requested_at),
            by_fetch: false,
        };
        self.subscriptions.insert(presentity.clone(), view);
    }

    fn moved(&mut self, recorded: &Recorded, event: &SubscriptionMoved) {
        let Some(view) = self.subscriptions.get_mut(&event.presentity) else { return };
        if event.state == SubscriptionState::Pending {
            view.requested_at = recorded.at.timestamp();
        }
        (view.state, view.expires_at, view.moved) = (event.state, event.expires_at, recorded.at);
        // A watcher that is away has yet to be told of the last change it could see, also if that cannot be seen any
        // more.
        let shown_at = if event.is_visible { recorded.at } else { event.shown_at };
        view.changed = view.changed.max(shown_at);
    }

    fn requested(&mut self, recorded: &Recorded, event: &WatchRequested) {
        let view = SubscriptionView {
            state: SubscriptionState::Waiting,
            mode: Mode::default(),
            expires_at: event.expires_at,
            changed: recorded.at,
            moved: recorded.at,
            requested_at: recorded.at.timestamp(),
            by_fetch: true,
        };
        self.subscriptions.insert(event.presentity.clone(), view);
    }

    fn ended(&mut self, recorded: &Recorded, event: &SubscriptionEnded) {
        let Some(view) = self.subscriptions.get_mut(&event.presentity) else { return };
        view.moved = recorded.at;
        // One that waits has ended already as far as its watcher knows. It is told again only if the reason is news.
        let is_news = view.state != SubscriptionState::Waiting
            || matches!(event.reason, EndReason::Rejected | EndReason::Deactivated);
        if is_news {
            view.changed = recorded.at;
        }
        view.state = SubscriptionState::Terminated(event.reason);
    }

    fn expiry_of(&self, presentity: &Presentity) -> Option<Timestamp> {
        self.live(presentity).map(|subscription| subscription.expires_at)
    }

    /// Keeps the latest ends only, so that subscribing and ending for ever stays bounded.
    fn forget_ended(&mut self) {
        if self.subscriptions.len() - self.live_count <= SUBSCRIPTIONS_ENDED_MAX {
            return;
        }
        let ended = self.subscriptions.iter().filter(|(_, subscription)| !subscription.is_live());
        let oldest = ended.min_by_key(|(_, subscription)| subscription.moved);
        if let Some(presentity) = oldest.map(|(presentity, _)| presentity.clone()) {
            self.subscriptions.remove(&presentity);
        }
    }
}

/// What a subscribe operation agreed on.
struct Terms {
    mode: Mode,
    expires_at: Timestamp,
    state: SubscriptionState,
}

impl Terms {
    fn of(event: &Subscribed) -> Self {
        let Subscribed { mode, expires_at, state, .. } = *event;
        Self { mode, expires_at, state }
    }
}

fn presentity_of(event: &Event) -> &Presentity {
    match event {
        Event::SubscriptionCreated(event) => &event.presentity,
        Event::SubscriptionRefreshed(event) => &event.presentity,
        Event::SubscriptionEnded(event) => &event.presentity,
        Event::Subscribed(event) => &event.presentity,
        Event::SubscriptionMoved(event) => &event.presentity,
        Event::WatchRequested(event) => &event.presentity,
        _ => unreachable!("only events of watchers come here"),
    }
}
