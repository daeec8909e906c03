//! What a service makes of the readings of its two clocks: how far the wall clock is ahead, and whether it was set.
//!
//! Must never hold: a clock that is read, or a lifetime.

use crate::event::{ClockCause, ClockMoved};
use crate::model::limits::{CLOCK_DRIFT_PARTS, CLOCK_NOISE_MS_MAX, CLOCK_STEP_MS_MAX};
use crate::model::{Ahead, Lifetime, Now, Timestamp};

const NOISE_MAX: Lifetime = Lifetime::from_ms(CLOCK_NOISE_MS_MAX);
const STEP_MAX: Lifetime = Lifetime::from_ms(CLOCK_STEP_MS_MAX);
/// What the wall clock may drift is allowed in pieces of this size, so that nothing is lost by rounding.
const DRIFT_EVERY: Lifetime = Lifetime::from_ms(1_000);

/// The time at which a service goes on whose log ends at `last`, while the wall clock was `ahead` of it.
///
/// `boot` is the same time by a clock that went on since then, if there is one: it is right whatever the wall clock
/// did. Without it the wall clock has to be believed; one that is behind the log's end means that no time has passed.
pub fn resumed_at(
    last: Timestamp,
    ahead: Ahead,
    wall: Timestamp,
    boot: Option<Timestamp>,
) -> Timestamp {
    boot.unwrap_or_else(|| ahead.passed(wall)).max(last)
}

/// The wall clock as a service knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct WallClock {
    /// How far it is ahead.
    pub(super) ahead: Ahead,
    /// How far it would be ahead if it had only drifted.
    expected: Ahead,
    /// When that was last moved on; `None` before the first reading.
    drifted_at: Option<Timestamp>,
}

impl WallClock {
    /// As it stood at the end of a log.
    pub(super) fn new(ahead: Ahead) -> Self {
        Self { ahead, expected: ahead, drifted_at: None }
    }

    /// Whether a reading says that it moved further than may stay unsaid: at once, or little by little since the last event,
    /// which has it `recorded` ahead.
    /// If not, it is followed, so that a long silence makes no step look like a drift.
    pub(super) fn is_moved(&mut self, now: Now, recorded: Ahead) -> bool {
        let after = now.ahead();
        if [self.expected, recorded].iter().any(|known| after.apart(*known) > STEP_MAX) {
            return true;
        }
        if self.drifted_at.is_some() {
            let drift = self.drift(now.elapsed);
            self.expected = self.expected.towards(after, drift);
        }
        false
    }

    /// Takes a reading. `recorded` is how far ahead the last event of the log has it, if there is one: before that there is
    /// nothing that the clock could be compared with. Returns what there is to record.
    pub(super) fn read(&mut self, now: Now, recorded: Option<Ahead>) -> Option<ClockMoved> {
        let is_first = self.drifted_at.is_none();
        let drift = self.drift(now.elapsed);
        let (after, before) = (now.ahead(), self.expected);
        if after.apart(before.towards(after, drift)) > STEP_MAX {
            (self.ahead, self.expected) = (after, after);
            let cause = if is_first { ClockCause::SetWhileDown } else { ClockCause::Set };
            return recorded.map(|_| ClockMoved { before, after, cause });
        }
        if after.apart(self.ahead) > NOISE_MAX {
            self.ahead = after;
        }
        self.expected = before.towards(self.ahead, drift);
        let before = recorded.filter(|recorded| after.apart(*recorded) > STEP_MAX)?;
        self.ahead = after;
        Some(ClockMoved { before, after, cause: ClockCause::Drifted })
    }

    /// How far smearing may have moved the wall clock since this was last asked.
    fn drift(&mut self, elapsed: Timestamp) -> Lifetime {
        let since = *self.drifted_at.get_or_insert(elapsed);
        let passed = since.until(elapsed);
        if passed < DRIFT_EVERY {
            return Lifetime::ZERO;
        }
        self.drifted_at = Some(elapsed);
        Lifetime::from_ms(passed.as_ms() / CLOCK_DRIFT_PARTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZERO: Option<Ahead> = Some(Ahead::ZERO);

    /// A clock that ran with its log from the beginning.
    fn clock() -> WallClock {
        let mut clock = WallClock::new(Ahead::ZERO);
        assert_eq!(clock.read(Timestamp::from_ms(1_000_000).into(), ZERO), None);
        clock
    }

    fn now(elapsed: u64, ahead: i64) -> Now {
        let elapsed = Timestamp::from_ms(1_000_000 + elapsed);
        Now { elapsed, wall: Ahead::from_ms(ahead).shown(elapsed) }
    }

    fn moved(before: i64, after: i64, cause: ClockCause) -> ClockMoved {
        ClockMoved { before: Ahead::from_ms(before), after: Ahead::from_ms(after), cause }
    }

    #[test]
    fn what_is_beyond_the_bound_is_told_and_what_is_at_it_followed() {
        for ahead in [2_000, -2_000] {
            let mut clock = clock();
            assert_eq!(clock.read(now(1, ahead), ZERO), None);
            assert_eq!(clock.ahead.as_ms(), ahead);
        }
        for ahead in [2_001, -2_001, 86_400_000] {
            let mut clock = clock();
            let told = clock.read(now(1, ahead), ZERO);
            assert_eq!(told, Some(moved(0, ahead, ClockCause::Set)));
            assert_eq!(clock.read(now(2, ahead), Some(Ahead::from_ms(ahead))), None, "once");
        }
    }

    #[test]
    fn a_smear_is_followed_however_far_it_goes_and_the_log_knows_it_to_the_bound() {
        let (mut clock, mut recorded) = (clock(), Ahead::ZERO);
        let mut causes = Vec::new();
        for second in 1..20_000_i64 {
            let reading = now(second.unsigned_abs() * 1_000, -second);
            if let Some(moved) = clock.read(reading, Some(recorded)) {
                causes.push(moved.cause);
                recorded = moved.after;
            }
            assert!(recorded.apart(reading.ahead()) <= STEP_MAX);
            assert!(clock.ahead.apart(reading.ahead()) <= NOISE_MAX);
        }
        assert_eq!(causes, [ClockCause::Drifted; 9]);
    }

    #[test]
    fn a_step_after_a_long_silence_is_no_drift() {
        let mut clock = clock();
        assert!((1..7_200).all(|second| !clock.is_moved(now(second * 1_000, 0), Ahead::ZERO)));
        assert!(clock.is_moved(now(7_200_000, -5_000), Ahead::ZERO));
        let told = clock.read(now(7_200_000, -5_000), ZERO);
        assert_eq!(told, Some(moved(0, -5_000, ClockCause::Set)));
    }

    #[test]
    fn what_is_followed_is_due_once_the_log_is_beyond_the_bound() {
        let (mut clock, recorded) = (clock(), Ahead::ZERO);
        assert_eq!(clock.read(now(1_800_000, 1_500), ZERO), None);
        assert!(!clock.is_moved(now(2_000_000, 1_700), recorded));
        assert!(clock.is_moved(now(3_600_000, 2_500), recorded), "although nobody asked meanwhile");
        let told = clock.read(now(3_600_000, 2_500), ZERO);
        assert_eq!(told, Some(moved(0, 2_500, ClockCause::Drifted)));
    }

    #[test]
    fn many_small_steps_are_one_large_one() {
        let mut clock = clock();
        let mut told = (1..=30_u32)
            .filter_map(|step| clock.read(now(step.into(), i64::from(step) * 100), ZERO));
        assert_eq!(told.next().map(|moved| moved.cause), Some(ClockCause::Set));
    }

    #[test]
    fn noise_moves_nothing() {
        let mut clock = clock();
        for (elapsed, ahead) in [(1, 1), (2, -1), (3, 100), (4, -100)] {
            assert_eq!(clock.read(now(elapsed, ahead), ZERO), None);
            assert_eq!(clock.ahead, Ahead::ZERO);
        }
        assert_eq!(clock.read(now(60_000, 40), ZERO), None);
        let told = clock.read(now(61_000, 86_400_000), ZERO);
        assert_eq!(told, Some(moved(0, 86_400_000, ClockCause::Set)), "nor does it blur a step");
    }

    #[test]
    fn what_happened_while_the_server_was_down_is_told_as_that() {
        let mut down = WallClock::new(Ahead::ZERO);
        let told = down.read(now(5, -120_000), ZERO);
        assert_eq!(told, Some(moved(0, -120_000, ClockCause::SetWhileDown)));
        let mut new = WallClock::new(Ahead::ZERO);
        assert_eq!(new.read(now(5, -120_000), None), None, "a new log has no clock yet");
    }

    #[test]
    fn time_goes_on_by_the_boot_clock_or_by_the_wall_clock_and_never_back() {
        let at = Timestamp::from_ms;
        let ahead = Ahead::from_ms(500);
        assert_eq!(resumed_at(at(1_000), ahead, at(9_500), None), at(9_000));
        assert_eq!(resumed_at(at(1_000), ahead, at(9_500), Some(at(3_000))), at(3_000));
        for boot in [None, Some(at(7))] {
            assert_eq!(resumed_at(at(1_000), ahead, at(600), boot), at(1_000));
        }
    }
}
