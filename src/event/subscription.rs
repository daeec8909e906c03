//! Facts about subscriptions.
//!
//! Must never hold: what a watcher was shown.

use serde::{Deserialize, Serialize};

use crate::model::{
    EndReason, Mode, Moment, OperationId, Presentity, Principal, SubscriptionState, Timestamp,
};

/// See [`Event::SubscriptionCreated`](super::Event::SubscriptionCreated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionCreated {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How much it is told.
    pub mode: Mode,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// See [`Event::SubscriptionRefreshed`](super::Event::SubscriptionRefreshed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRefreshed {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How much it is told from now on.
    pub mode: Mode,
    /// When it runs out now.
    pub expires_at: Timestamp,
}

/// See [`Event::SubscriptionEnded`](super::Event::SubscriptionEnded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEnded {
    /// Who watched.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// Why it ended.
    pub reason: EndReason,
}

/// See [`Event::Subscribed`](super::Event::Subscribed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How much it is told.
    pub mode: Mode,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Active or pending.
    pub state: SubscriptionState,
    /// The watcher's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::SubscriptionMoved`](super::Event::SubscriptionMoved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionMoved {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// Active, pending or waiting.
    pub state: SubscriptionState,
    /// When it runs out now.
    pub expires_at: Timestamp,
    /// Whether its watcher is shown something else than before.
    pub is_visible: bool,
    /// When what its watcher saw until now last changed; zero if it is told of the move anyway.
    pub shown_at: Moment,
}
