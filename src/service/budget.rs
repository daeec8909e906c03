//! Whether a principal may take more of what all share, and when again if not.
//!
//! Must never hold: what an event takes (see `event::charged`), or a number (those are in `model::limits`).

use std::collections::BTreeMap;

use super::case::Case;
use crate::model::limits::{FEEDS_COUNTED_MAX, MINUTE_MS};
use crate::model::{
    EVENTS_WINDOW_MS, LOG_BYTES_WINDOW_MS, MESSAGE_IDS_WINDOW_MS, Principal, Quota, Refusal,
    Timestamp, Window,
};

/// How many feeds who opened of late. Kept in memory alone: nobody restarts a server to open more.
#[derive(Debug, Default)]
pub(super) struct FeedsOpened(BTreeMap<Principal, Window>);

impl FeedsOpened {
    /// Counts one more of `principal`, if that is no more than `max`.
    pub(super) fn count(
        &mut self,
        now: Timestamp,
        principal: &Principal,
        max: u64,
    ) -> Result<(), Refusal> {
        if self.0.len() >= FEEDS_COUNTED_MAX {
            self.0.retain(|_, opened| opened.count(now, MINUTE_MS) > 0);
        }
        let opened = self.0.entry(principal.clone()).or_default();
        let limit = Limit { quota: Quota::Feeds, max, most: max, width_ms: MINUTE_MS };
        check(*opened, &limit, now)?;
        opened.add(now, MINUTE_MS, 1);
        Ok(())
    }
}

/// A quota as it is counted.
struct Limit {
    quota: Quota,
    /// As it is set and told.
    max: u64,
    /// How much there may be in the window.
    most: u64,
    width_ms: u64,
}

impl Case<'_> {
    /// How much of `quota` a principal may take.
    pub(super) fn quota(&self, quota: Quota) -> u64 {
        self.config.quotas.max(quota)
    }

    /// Whether `who` may bring about more that is logged.
    pub(super) fn check_writes(&self, who: &Principal) -> Result<(), Refusal> {
        let Some(view) = self.views.budget(who) else { return Ok(()) };
        let most = self.quota(Quota::LogBytes);
        let width_ms = LOG_BYTES_WINDOW_MS;
        let limit = Limit { quota: Quota::LogBytes, max: most, most, width_ms };
        check(view.log_bytes, &limit, self.now)?;
        let (max, width_ms) = (self.quota(Quota::Events), EVENTS_WINDOW_MS);
        let most = max.saturating_mul(width_ms / 1_000);
        check(view.events, &Limit { quota: Quota::Events, max, most, width_ms }, self.now)
    }

    /// Whether `sender` may send one more message.
    pub(super) fn check_sends(&self, sender: &Principal) -> Result<(), Refusal> {
        let Some(view) = self.views.budget(sender) else { return Ok(()) };
        let most = self.quota(Quota::MessageIds);
        let width_ms = MESSAGE_IDS_WINDOW_MS;
        let limit = Limit { quota: Quota::MessageIds, max: most, most, width_ms };
        check(view.message_ids, &limit, self.now)
    }

    /// Whether rules of an owner may grow from `before` to `after` bytes. To become less they may always.
    pub(super) fn check_rules_bytes(&self, before: u64, after: u64) -> Result<(), Refusal> {
        let (quota, max) = (Quota::RulesBytes, self.quota(Quota::RulesBytes));
        if after <= max || after <= before {
            return Ok(());
        }
        Err(Refusal::OverQuota { quota, max, retry_after: None })
    }
}

fn check(window: Window, limit: &Limit, now: Timestamp) -> Result<(), Refusal> {
    let Limit { quota, max, most, width_ms } = *limit;
    if window.count(now, width_ms) < most {
        return Ok(());
    }
    let retry_after = Some(window.less_than(most, now, width_ms));
    Err(Refusal::OverQuota { quota, max, retry_after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_opened_none_of_late_is_counted_no_more_once_many_are() {
        let mut opened = FeedsOpened::default();
        let one = |number: usize| format!("p{number}@d.example").parse::<Principal>().unwrap();
        for number in 0..FEEDS_COUNTED_MAX {
            opened.count(Timestamp::from_ms(0), &one(number), 1).unwrap();
        }
        let later = Timestamp::from_ms(2 * MINUTE_MS);
        opened.count(Timestamp::from_ms(1), &one(0), 1).unwrap_err();
        opened.count(later, &one(0), 1).unwrap();
        assert_eq!(opened.0.len(), 1);
    }
}
