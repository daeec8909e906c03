//! A watcher's subscriptions, the live ones and the ends it may not have heard of.
//!
//! Must never hold: what the watcher was shown or whether it is connected.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded};
use crate::model::limits::SUBSCRIPTIONS_ENDED_MAX;
use crate::model::{Lifetime, Mode, Moment, Presentity, Sequence, SubscriptionState, Timestamp};

/// A watcher that ever subscribed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatcherView {
    /// The last event it took.
    pub as_of: Sequence,
    /// Its subscriptions.
    pub subscriptions: BTreeMap<Presentity, SubscriptionView>,
    /// How many of them live.
    pub active_count: usize,
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
    /// The lifetime it was last granted.
    pub granted: Lifetime,
    /// When it began or ended.
    pub changed: Moment,
}

impl SubscriptionView {
    /// Whether its watcher is to be told of changes.
    pub fn is_active(&self) -> bool {
        self.state == SubscriptionState::Active
    }
}

/// What an event changed about expiry.
pub(super) struct Change {
    pub(super) presentity: Presentity,
    pub(super) old_expiry: Option<Timestamp>,
    pub(super) new_expiry: Option<Timestamp>,
}

impl WatcherView {
    /// The live subscription to `presentity`.
    pub fn active(&self, presentity: &Presentity) -> Option<&SubscriptionView> {
        self.subscriptions.get(presentity).filter(|subscription| subscription.is_active())
    }

    pub(super) fn apply(&mut self, recorded: &Recorded) -> Change {
        self.as_of = recorded.sequence;
        let change = match &recorded.event {
            Event::SubscriptionCreated(event) => {
                let view = SubscriptionView {
                    state: SubscriptionState::Active,
                    mode: event.mode,
                    expires_at: event.expires_at,
                    granted: recorded.at.timestamp().until(event.expires_at),
                    changed: recorded.at,
                };
                let old_expiry = self.expiry_of(&event.presentity);
                self.subscriptions.insert(event.presentity.clone(), view);
                Change {
                    presentity: event.presentity.clone(),
                    old_expiry,
                    new_expiry: Some(event.expires_at),
                }
            }
            Event::SubscriptionRefreshed(event) => {
                let old_expiry = self.expiry_of(&event.presentity);
                if let Some(view) = self.subscriptions.get_mut(&event.presentity) {
                    view.mode = event.mode;
                    view.expires_at = event.expires_at;
                    view.granted = recorded.at.timestamp().until(event.expires_at);
                }
                Change {
                    presentity: event.presentity.clone(),
                    old_expiry,
                    new_expiry: old_expiry.and(Some(event.expires_at)),
                }
            }
            Event::SubscriptionEnded(event) => {
                let old_expiry = self.expiry_of(&event.presentity);
                if let Some(view) = self.subscriptions.get_mut(&event.presentity) {
                    view.state = SubscriptionState::Terminated(event.reason);
                    view.changed = recorded.at;
                }
                Change { presentity: event.presentity.clone(), old_expiry, new_expiry: None }
            }
            _ => unreachable!("only events of watchers come here"),
        };
        self.active_count = self.active_count + usize::from(change.new_expiry.is_some())
            - usize::from(change.old_expiry.is_some());
        self.forget_ended();
        change
    }

    fn expiry_of(&self, presentity: &Presentity) -> Option<Timestamp> {
        self.active(presentity).map(|subscription| subscription.expires_at)
    }

    /// Keeps the latest ends only, so that subscribing and ending for ever stays bounded.
    fn forget_ended(&mut self) {
        if self.subscriptions.len() - self.active_count <= SUBSCRIPTIONS_ENDED_MAX {
            return;
        }
        let ended = self.subscriptions.iter().filter(|(_, subscription)| !subscription.is_active());
        let oldest = ended.min_by_key(|(_, subscription)| subscription.changed);
        if let Some(presentity) = oldest.map(|(presentity, _)| presentity.clone()) {
            self.subscriptions.remove(&presentity);
        }
    }
}
