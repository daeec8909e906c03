//! Facts about who watched a presentity, and who asked to.
//!
//! Must never hold: each fetch by itself; they are counted.

use serde::{Deserialize, Serialize};

use crate::model::{Presentity, Principal, Timestamp};

/// See [`Event::WatchRequested`](super::Event::WatchRequested).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequested {
    /// Who fetched.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// Until when the request is remembered.
    pub expires_at: Timestamp,
}

/// See [`Event::WatchObserved`](super::Event::WatchObserved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchObserved {
    /// Who was watched.
    pub presentity: Presentity,
    /// By whom.
    pub watcher: Principal,
    /// Fetches since the last such event.
    pub fetches: u32,
    /// Subscriptions begun since then.
    pub subscriptions: u32,
    /// The first of them.
    pub first_at: Timestamp,
    /// The last of them.
    pub last_at: Timestamp,
}

/// See [`Event::WatcherForgotten`](super::Event::WatcherForgotten).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatcherForgotten {
    /// Who watched.
    pub watcher: Principal,
}
