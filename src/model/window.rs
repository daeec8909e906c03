//! A stretch of time that moves on, in which something is counted.
//!
//! Must never hold: what is counted, or how much there may be.

use serde::{Deserialize, Serialize};

use super::limits::{DAY_MS, DEDUPLICATION_MS, MINUTE_MS};
use super::{Lifetime, Timestamp};

/// A stretch of time that moves on, in which something is counted: what came in the last whole one counts for as much as
/// it still overlaps with. Two numbers, whatever comes; they are the same whenever they are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    number: u64,
    count: u64,
    before: u64,
}

/// How long the window of log bytes is.
pub const LOG_BYTES_WINDOW_MS: u64 = DAY_MS;
/// How long the window of events is.
pub const EVENTS_WINDOW_MS: u64 = MINUTE_MS;
/// How long the window of message ids is: as long as they are remembered.
pub const MESSAGE_IDS_WINDOW_MS: u64 = DEDUPLICATION_MS;

impl Window {
    /// One in which nothing was counted.
    pub const NONE: Self = Self { number: 0, count: 0, before: 0 };

    /// Counts `amount` at `now`. Time never goes back.
    pub fn add(&mut self, now: Timestamp, width_ms: u64, amount: u64) {
        let number = now.as_ms() / width_ms;
        if number > self.number {
            self.before = if number == self.number + 1 { self.count } else { 0 };
            (self.number, self.count) = (number, 0);
        }
        self.count = self.count.saturating_add(amount);
    }

    /// How much there is at most, whenever it is looked at from the last count on.
    pub fn in_all(&self) -> u64 {
        self.count.saturating_add(self.before)
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
            let middle = u64::midpoint(low, high);
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
            prop_assert!(window.count(at(now), 1_000) <= window.in_all());
            prop_assert!(window.count(at(now + wait), 1_000) < max);
            prop_assert!(wait == 0 || window.count(at(now + wait - 1), 1_000) >= max);
        }
    }
}
