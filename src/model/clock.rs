//! The two clocks of a log: time as it passes, by which everything lives and ends, and the wall clock, which people are shown.
//!
//! The first never goes back and never leaps, because it is made from elapsed time; the second is whatever the operator's
//! machine says. Must never hold: a clock that is read.

use super::units::unit;
use super::{Lifetime, Timestamp};

/// What both clocks say at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time as it passes: from here every lifetime is counted.
    pub elapsed: Timestamp,
    /// The wall clock's.
    pub wall: Timestamp,
}

impl Now {
    /// How far the wall clock is ahead.
    #[must_use]
    pub const fn ahead(self) -> Ahead {
        Ahead::between(self.elapsed, self.wall)
    }
}

/// Both clocks say the same, as they do until the wall clock is moved.
impl From<Timestamp> for Now {
    fn from(time: Timestamp) -> Self {
        Self { elapsed: time, wall: time }
    }
}

unit! {
    /// How far the wall clock is ahead of elapsed time, in milliseconds; below zero if it is behind.
    Ahead(i64): from_ms, as_ms
}

impl Ahead {
    /// Both say the same.
    pub const ZERO: Self = Self(0);

    /// How far `wall` is ahead of `elapsed`, at most 292 million years.
    pub const fn between(elapsed: Timestamp, wall: Timestamp) -> Self {
        match wall.as_ms().checked_signed_diff(elapsed.as_ms()) {
            Some(ms) => Self(ms),
            None if wall.as_ms() > elapsed.as_ms() => Self(i64::MAX),
            None => Self(i64::MIN),
        }
    }

    /// What the wall clock shows at a time that passes.
    #[must_use]
    pub const fn shown(self, elapsed: Timestamp) -> Timestamp {
        Timestamp::from_ms(elapsed.as_ms().saturating_add_signed(self.0))
    }

    /// The time that passes when the wall clock shows `wall`.
    #[must_use]
    pub const fn passed(self, wall: Timestamp) -> Timestamp {
        Timestamp::from_ms(wall.as_ms().saturating_add_signed(self.0.saturating_neg()))
    }

    /// How far apart the two are.
    #[must_use]
    pub const fn apart(self, other: Self) -> Lifetime {
        Lifetime::from_ms(self.0.abs_diff(other.0))
    }

    /// How a clock is set that was ahead so far and now is `after`: which way, and by how much.
    #[must_use]
    pub fn set_to(self, after: Self) -> (&'static str, Lifetime) {
        (if after > self { "ahead" } else { "back" }, self.apart(after))
    }

    /// As near to `goal` as a move of at most `most` brings it.
    #[must_use]
    pub fn towards(self, goal: Self, most: Lifetime) -> Self {
        let most = i64::try_from(most.as_ms()).unwrap_or(i64::MAX);
        Self(goal.0.clamp(self.0.saturating_sub(most), self.0.saturating_add(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn the_wall_clock_is_shown_and_read_back() {
        for (elapsed, wall) in [(5, 5), (5_000, 2_000), (1_000, 86_401_000)] {
            let ahead = Now { elapsed: at(elapsed), wall: at(wall) }.ahead();
            assert_eq!((ahead.shown(at(elapsed)), ahead.passed(at(wall))), (at(wall), at(elapsed)));
        }
    }

    #[test]
    fn nothing_wraps_at_either_end_of_time() {
        let end = at(u64::MAX);
        assert_eq!(Ahead::between(at(0), end), Ahead::from_ms(i64::MAX));
        assert_eq!(Ahead::between(end, at(0)), Ahead::from_ms(i64::MIN));
        assert_eq!(Ahead::from_ms(i64::MAX).shown(end), end);
        assert_eq!(Ahead::from_ms(i64::MIN).shown(at(1)), at(0));
        assert_eq!(Ahead::from_ms(i64::MIN).passed(end), end);
        let apart = Ahead::from_ms(i64::MIN).apart(Ahead::from_ms(i64::MAX));
        assert_eq!(apart, Lifetime::from_ms(u64::MAX));
    }

    #[test]
    fn which_way_a_clock_was_set_is_told_in_words() {
        let set = |before, after| {
            let (direction, by) = Ahead::from_ms(before).set_to(Ahead::from_ms(after));
            (direction, by.as_ms())
        };
        assert_eq!(set(0, -120_000), ("back", 120_000));
        assert_eq!(set(-120_000, 5), ("ahead", 120_005));
    }

    #[test]
    fn a_move_goes_no_further_than_it_may_or_has_to() {
        let towards =
            |goal, most| Ahead::ZERO.towards(Ahead::from_ms(goal), Lifetime::from_ms(most));
        assert_eq!(towards(-10, 4).as_ms(), -4);
        assert_eq!(towards(10, 40).as_ms(), 10);
        assert_eq!(towards(i64::MIN, u64::MAX).as_ms(), -i64::MAX);
    }
}
