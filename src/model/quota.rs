//! Quotas: what one principal may take of what all share, and by which window it is counted.
//!
//! Must never hold: what somebody has taken (see `view`).

use serde::{Deserialize, Serialize};

use super::limits::{
    DEDUPLICATION_MS, EVENTS_A_SECOND_MAX, FEEDS_A_MINUTE_MAX, LOG_BYTES_A_DAY_MAX,
    MESSAGE_IDS_REMEMBERED_MAX, MINUTE_MS, RULES_BYTES_MAX,
};
use super::{Lifetime, Timestamp, words};

words! {
    /// What a quota is of.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    Quota {
        /// Bytes of the log within a day.
        LogBytes = "log-bytes-a-day";
        /// Events a second; what a minute allows may come at once.
        Events = "events-a-second";
        /// Ids of messages sent that are remembered, in all inboxes together.
        MessageIds = "message-ids-remembered";
        /// Bytes of all rules that it has.
        RulesBytes = "rules-bytes";
        /// Feeds opened within a minute.
        Feeds = "feeds-a-minute";
    }
}

impl Quota {
    /// The most, unless something else is set.
    pub const fn default_max(self) -> u64 {
        match self {
            Self::LogBytes => LOG_BYTES_A_DAY_MAX,
            Self::Events => EVENTS_A_SECOND_MAX,
            Self::MessageIds => MESSAGE_IDS_REMEMBERED_MAX,
            Self::RulesBytes => RULES_BYTES_MAX as u64,
            Self::Feeds => FEEDS_A_MINUTE_MAX,
        }
    }

    /// What there is too much of, in a refusal.
    pub const fn of(self) -> &'static str {
        match self {
            Self::LogBytes => "bytes of the log within a day",
            Self::Events => "events a second",
            Self::MessageIds => "messages sent within 30 days",
            Self::RulesBytes => "bytes of rules",
            Self::Feeds => "feeds opened within a minute",
        }
    }

    /// What to do about it.
    pub fn cure(self, retry_after: Option<Lifetime>) -> String {
        let wait =
            retry_after.map(|wait| format!("try again in {} s", wait.as_ms().div_ceil(1_000)));
        wait.unwrap_or_else(|| "remove some rules first".to_owned())
    }
}

/// How much of each quota a principal may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas([u64; Quota::ALL.len()]);

impl Default for Quotas {
    fn default() -> Self {
        let mut most = [0; Quota::ALL.len()];
        for quota in Quota::ALL {
            most[*quota as usize] = quota.default_max();
        }
        Self(most)
    }
}

impl Quotas {
    /// As much as anybody wants.
    pub const UNBOUNDED: Self = Self([u64::MAX; Quota::ALL.len()]);

    /// How much of `quota`.
    pub const fn max(&self, quota: Quota) -> u64 {
        self.0[quota as usize]
    }

    /// The same with `max` of `quota`.
    #[must_use]
    pub const fn with(mut self, quota: Quota, max: u64) -> Self {
        self.0[quota as usize] = max;
        self
    }
}

/// A stretch of time that moves on, in which something is counted: what came in the last whole one counts for as much as
/// it still overlaps with. Two numbers, whatever comes; they are the same whenever they are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    number: u64,
    count: u64,
    before: u64,
}

/// How long the window of log bytes is.
pub const LOG_BYTES_WINDOW_MS: u64 = super::limits::DAY_MS;
/// How long the window of events is.
pub const EVENTS_WINDOW_MS: u64 = MINUTE_MS;
/// How long the window of message ids is: as long as they are remembered.
pub const MESSAGE_IDS_WINDOW_MS: u64 = DEDUPLICATION_MS;

impl Window {
    /// Counts `amount` at `now`. Time never goes back.
    pub fn add(&mut self, now: Timestamp, width_ms: u64, amount: u64) {
        let number = now.as_ms() / width_ms;
        if number > self.number {
            self.before = if number == self.number + 1 { self.count } else { 0 };
            (self.number, self.count) = (number, 0);
        }
        self.count = self.count.saturating_add(amount);
    }

    /// How much there is in the window that ends at `now`.
    pub fn count(&self, now: Timestamp, width_ms: u64) -> u64 {
        let (number, passed_ms) = (now.as_ms() / width_ms, now.as_ms() % width_ms);
        let left = |count: u64| {
            let part = u128::from(count) * u128::from(width_ms - passed_ms);
            u64::try_from(part / u128::from(width_ms)).unwrap_or(u64::MAX)
        };
        match number.saturating_sub(self.number) {
            0 => self.count.saturating_add(left(self.before)),
            1 => left(self.count),
            _ => 0,
        }
    }

    /// How long after `now` there is less than `max` in the window; at once if there is.
    pub fn less_than(&self, max: u64, now: Timestamp, width_ms: u64) -> Lifetime {
        let end = (self.number + 2) * width_ms;
        let (mut low, mut high) = (now.as_ms(), end.max(now.as_ms()));
        // It only becomes less as time passes.
        while low < high {
            let middle = low + (high - low) / 2;
            if self.count(Timestamp::from_ms(middle), width_ms) < max {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Lifetime::from_ms(low - now.as_ms())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn what_came_in_the_window_before_counts_for_as_much_as_it_overlaps() {
        let mut window = Window::default();
        window.add(at(1_000), 1_000, 100);
        let counts = [1_999, 2_000, 2_500, 2_999, 3_000].map(|ms| window.count(at(ms), 1_000));
        assert_eq!(counts, [100, 100, 50, 0, 0]);
        window.add(at(2_500), 1_000, 7);
        assert_eq!(window.count(at(2_500), 1_000), 57);
        window.add(at(9_000), 1_000, 1);
        assert_eq!(window.count(at(9_000), 1_000), 1);
    }

    proptest! {
        #[test]
        fn who_waits_as_long_as_told_finds_room_and_not_a_millisecond_before(
            adds in prop::collection::vec((0..700_u64, 1..9_u64), 1..9),
            max in 1..20_u64,
        ) {
            let (mut window, mut now) = (Window::default(), 0);
            for (passed, amount) in adds {
                now += passed;
                window.add(at(now), 1_000, amount);
            }
            let wait = window.less_than(max, at(now), 1_000).as_ms();
            prop_assert!(window.count(at(now + wait), 1_000) < max);
            prop_assert!(wait == 0 || window.count(at(now + wait - 1), 1_000) >= max);
        }
    }
}
