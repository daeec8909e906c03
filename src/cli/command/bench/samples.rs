//! Times that were measured, and what half and nearly all of them stayed under.
//!
//! Must never hold: a histogram with buckets. All samples are kept, so a percentile is one that was measured.

use std::time::Duration;

/// Samples that room is made for ahead.
const ROOM_MAX: usize = 1 << 20;

/// Times in microseconds, in no order.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    micros: Vec<u32>,
}

impl Samples {
    /// No samples, with room for `count`.
    pub(super) fn with_capacity(count: usize) -> Self {
        // More than this many are seldom, and the list grows by itself.
        Self { micros: Vec::with_capacity(count.min(ROOM_MAX)) }
    }

    /// Adds one. Above 71 minutes it counts as 71 minutes.
    pub(super) fn add(&mut self, time: Duration) {
        self.micros.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// Adds all of `other`.
    pub(super) fn append(&mut self, mut other: Self) {
        self.micros.append(&mut other.micros);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.micros.len()
    }

    /// All of them together.
    pub(super) fn total(&self) -> Duration {
        self.micros.iter().map(|micros| Duration::from_micros(u64::from(*micros))).sum()
    }

    /// The median and the 99th percentile in milliseconds, by nearest rank; zeros if there are no samples.
    pub(super) fn p50_p99_ms(&mut self) -> (f64, f64) {
        self.micros.sort_unstable();
        (self.rank_ms(50, 100), self.rank_ms(99, 100))
    }

    /// What 999 of 1,000 of them stayed under, in milliseconds; zero if there are none.
    pub(super) fn p999_ms(&mut self) -> f64 {
        self.micros.sort_unstable();
        self.rank_ms(999, 1_000)
    }

    /// The longest of them in milliseconds; zero if there are none.
    pub(super) fn longest_ms(&self) -> f64 {
        self.micros.iter().max().map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }

    /// What `part` of `parts` of them stayed under, once they are sorted.
    fn rank_ms(&self, part: usize, parts: usize) -> f64 {
        let rank = (self.micros.len() * part).div_ceil(parts).max(1);
        self.micros.get(rank - 1).map_or(0.0, |micros| f64::from(*micros) / 1_000.0)
    }
}

/// The middle of `values`: of an even number, the upper one. Zero if there are none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Four digits behind the point: a tenth of a microsecond, of a time in milliseconds.
pub(super) fn rounded(figure: f64) -> f64 {
    (figure * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample_that_was_measured() {
        let mut samples = Samples::default();
        assert_eq!(samples.p50_p99_ms(), (0.0, 0.0));
        (1..=200).rev().for_each(|ms| samples.add(Duration::from_millis(ms)));
        assert_eq!(samples.p50_p99_ms(), (100.0, 198.0));
        assert!((samples.p999_ms() - 200.0).abs() < f64::EPSILON);
        assert!((samples.longest_ms() - 200.0).abs() < f64::EPSILON);
        let mut one = Samples::default();
        one.add(Duration::from_micros(1_500));
        assert_eq!(one.p50_p99_ms(), (1.5, 1.5));
    }

    #[test]
    fn the_median_of_three_is_the_middle_one() {
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median([]).abs() < f64::EPSILON);
    }
}
