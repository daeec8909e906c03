//! How long to wait before the next attempt to connect.
//!
//! Must never hold: a random generator or a clock; the caller hands in a random number and says what happened.

use core::time::Duration;

/// Attempts after a loss that follow one another quickly, so that clients are back within a second of a restarted
/// server.
pub const EARLY_ATTEMPTS: u32 = 12;
/// Longest wait between early attempts, in milliseconds.
pub const EARLY_MS_MAX: u64 = 250;
/// Longest wait between later attempts, in milliseconds.
pub const LATE_MS_MAX: u64 = 60_000;
/// A connection that lasted this long, in milliseconds, makes the next loss a first one.
pub const HEALTHY_MS: u64 = 60_000;
/// A connection that lasted this long, in milliseconds, was of use: half of the early attempts are given back.
pub const USEFUL_MS: u64 = 1_000;
const BASE_MS: u64 = 500;

/// Full jitter: a wait is uniform between zero and a bound that doubles with each attempt.
///
/// The bound is [`EARLY_MS_MAX`] for the first [`EARLY_ATTEMPTS`], then 0.5 s doubling up to [`LATE_MS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackOff {
    attempts: u32,
    not_before: Duration,
}

impl BackOff {
    /// Nothing failed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server asked to stay away for `wait`: the next wait is at least that, once.
    pub fn stay_away(&mut self, wait: Duration) {
        // A server cannot send its clients away for longer than the longest wait there is anyway.
        self.not_before = wait.min(Duration::from_millis(LATE_MS_MAX));
    }

    /// Everything is different now, as after a sleep of the machine: the next attempts are early ones.
    pub fn begin_anew(&mut self) {
        *self = Self::new();
    }

    /// A connection ended after it had been good for `lasted`.
    pub fn lost_after(&mut self, lasted: Duration) {
        if lasted >= Duration::from_millis(HEALTHY_MS) {
            self.attempts = 0;
        } else if lasted >= Duration::from_millis(USEFUL_MS) {
            // A server that is restarted again and again must find its clients each time.
            self.attempts = self.attempts.min(EARLY_ATTEMPTS / 2);
        }
    }

    /// The wait before the next attempt, chosen by `random`, a uniform number.
    ///
    /// # Panics
    /// Never: a share of the bound is below it.
    pub fn next_wait(&mut self, random: u64) -> Duration {
        let bound_ms = self.bound_ms();
        self.attempts = self.attempts.saturating_add(1);
        let jitter = (u128::from(random) * u128::from(bound_ms + 1)) >> 64;
        let jitter_ms = u64::try_from(jitter).expect("a share of the bound is below it");
        core::mem::take(&mut self.not_before) + Duration::from_millis(jitter_ms)
    }

    /// How many attempts were made since all was well.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    fn bound_ms(&self) -> u64 {
        let Some(late) = self.attempts.checked_sub(EARLY_ATTEMPTS) else { return EARLY_MS_MAX };
        // Beyond 2^7 the limit holds anyway; the cut keeps the shift within its type.
        (BASE_MS << late.min(7)).min(LATE_MS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(back_off: &mut BackOff) -> u128 {
        back_off.next_wait(u64::MAX).as_millis()
    }

    #[test]
    fn the_first_waits_are_short_and_the_later_ones_double_up_to_a_minute() {
        let mut back_off = BackOff::new();
        for _ in 0..EARLY_ATTEMPTS {
            assert_eq!(longest(&mut back_off), u128::from(EARLY_MS_MAX));
        }
        let later: Vec<u128> = (0..9).map(|_| longest(&mut back_off)).collect();
        assert_eq!(later, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    }

    #[test]
    fn a_wait_is_spread_over_all_of_its_bound() {
        let half = BackOff::new().next_wait(u64::MAX / 2);
        assert_eq!(half.as_millis(), 125);
        assert_eq!(BackOff::new().next_wait(0), Duration::ZERO);
    }

    #[test]
    fn a_connection_that_lasted_makes_the_next_attempts_quick_again() {
        let mut back_off = BackOff::new();
        assert!((0..20).all(|_| back_off.next_wait(0).is_zero()));
        back_off.lost_after(Duration::from_millis(USEFUL_MS - 1));
        assert_eq!(back_off.attempts(), 20);
        back_off.lost_after(Duration::from_millis(HEALTHY_MS - 1));
        assert_eq!(back_off.attempts(), EARLY_ATTEMPTS / 2);
        back_off.lost_after(Duration::from_millis(HEALTHY_MS));
        assert_eq!(back_off.attempts(), 0);
    }

    #[test]
    fn a_server_that_asks_to_stay_away_is_heeded_once_and_not_for_ever() {
        let mut back_off = BackOff::new();
        back_off.stay_away(Duration::from_secs(5));
        assert_eq!(back_off.next_wait(0), Duration::from_secs(5));
        assert_eq!(back_off.next_wait(0), Duration::ZERO);
        back_off.stay_away(Duration::MAX);
        assert_eq!(back_off.next_wait(0), Duration::from_millis(LATE_MS_MAX));
    }
}
