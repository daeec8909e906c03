//! What a principal has taken of late of what all share; and how what it may take is set.
//!
//! Must never hold: how much anybody may take, which stands with the principal and its domain.

use serde::{Deserialize, Serialize};

use crate::event::Charge;
use crate::model::{
    EVENTS_WINDOW_MS, LOG_BYTES_WINDOW_MS, MESSAGE_IDS_WINDOW_MS, Quota, QuotasSet, Sequence,
    Timestamp, Window,
};

/// What one principal has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetView {
    /// The last event that was counted.
    pub as_of: Sequence,
    /// Bytes of the log.
    pub log_bytes: Window,
    /// Events.
    pub events: Window,
    /// Ids of messages sent.
    pub message_ids: Window,
}

impl BudgetView {
    /// Counts what an event takes at `now`.
    pub(super) fn add(&mut self, now: Timestamp, charge: &Charge) {
        self.log_bytes.add(now, LOG_BYTES_WINDOW_MS, charge.log_bytes);
        self.events.add(now, EVENTS_WINDOW_MS, 1);
        self.message_ids.add(now, MESSAGE_IDS_WINDOW_MS, charge.message_ids);
    }
}

/// Sets how much of `quota` there may be, or forgets that it was set.
pub(super) fn set(quotas: &mut QuotasSet, quota: Quota, max: Option<u64>) {
    match max {
        Some(max) => quotas.insert(quota, max),
        None => quotas.remove(&quota),
    };
}
