//! The words of a subscription: its mode, its state, why it ended.
//!
//! Must never hold: the subscription itself (a view) or who may have one (the service).

use serde::{Deserialize, Serialize};

use super::word::words;

/// How much of what happens a subscriber is told. RFC 2778 leaves it open what a notification carries.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Mode {
    /// The newest state; states in between may be skipped.
    #[default]
    Latest,
    /// Each change in order, within what the log still holds.
    Every,
}

/// Where a subscription stands. The wire words of RFC 6665 §4.1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// Granted: the watcher is told of every change its mode covers.
    Active,
    /// Over, for the reason beside it.
    Terminated(EndReason),
    /// The presentity has not decided yet: nothing is shown.
    Pending,
    /// It ran out undecided; the wish is remembered for the presentity alone (RFC 3857 §4.7.1). To its watcher it is
    /// over.
    Waiting,
}

words! {
    /// Why a subscription ended: the reason codes of RFC 6665 §4.1.3 that this service gives.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    EndReason {
        /// Its lifetime ran out, or its watcher ended it.
        Timeout = "timeout";
        /// The service ended it; the watcher may subscribe again at once.
        Deactivated = "deactivated";
        /// The presentity or its rules refuse it; do not subscribe again.
        Rejected = "rejected";
        /// The presentity did not decide in time; subscribe again later.
        GiveUp = "giveup";
        /// What was watched is no more; do not subscribe again.
        NoResource = "noresource";
    }
}

impl SubscriptionState {
    /// The word of RFC 6665.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Terminated(_) => "terminated",
            Self::Pending => "pending",
            Self::Waiting => "waiting",
        }
    }
}
