//! How often composing indications are passed on: bounded for each sender and inbox.
//!
//! Must never hold: anything that outlives a minute by much.

use std::collections::BTreeMap;

use crate::model::limits::{COMPOSING_A_MINUTE_MAX, COMPOSING_PAIRS_MAX, MINUTE_MS};
use crate::model::{InboxAddress, Principal, Timestamp};

/// How often who told whom of late.
#[derive(Debug, Default)]
pub(super) struct ComposingRates {
    told: BTreeMap<(Principal, InboxAddress), (Timestamp, u32)>,
}

impl ComposingRates {
    /// Whether one more may be told, and counts it.
    pub(super) fn admits(
        &mut self,
        now: Timestamp,
        sender: &Principal,
        inbox: &InboxAddress,
    ) -> bool {
        let is_fresh = |since: Timestamp| now.as_ms().saturating_sub(since.as_ms()) < MINUTE_MS;
        if self.told.len() >= COMPOSING_PAIRS_MAX {
            self.told.retain(|_, (since, _)| is_fresh(*since));
        }
        let pair = (sender.clone(), inbox.clone());
        if self.told.len() >= COMPOSING_PAIRS_MAX && !self.told.contains_key(&pair) {
            return false;
        }
        let (since, count) = self.told.entry(pair).or_insert((now, 0));
        if !is_fresh(*since) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= COMPOSING_A_MINUTE_MAX
    }
}
