//! A watcher as watcher information shows it. RFC 2778 WATCHER INFORMATION, RFC 3858.
//!
//! Must never hold: where the watcher connects from.

use super::{Handling, Presentity, Principal, SubscriptionState, Timestamp};

/// One watcher of a presentity. RFC 2778 WATCHER INFORMATION.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherRow {
    /// Whom it watches.
    pub presentity: Presentity,
    /// Who: proven, or a pseudonym.
    pub watcher: Principal,
    /// Where its subscription stands or how it ended; `None` for one that only fetched.
    pub state: Option<SubscriptionState>,
    /// What the rules grant it now for a subscription, or for a fetch if it only fetched.
    pub handling: Handling,
    /// When it was first seen within the window.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
    /// How often it fetched within the window.
    pub fetches: u64,
    /// How often it began to subscribe within the window.
    pub subscriptions: u64,
}
