//! How far the runs of a workload lie apart, so that nobody takes a median for more than it is.
//!
//! Must never hold: a figure of the workload itself, see `report`.

use std::fmt;

use serde::Serialize;

use super::outcome::Outcome;
use super::samples::rounded;
use super::yardstick::Yardsticks;

/// The lowest and the highest of all runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Range {
    min: f64,
    max: f64,
}

/// The range of each figure.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Spread {
    /// Runs.
    pub(super) runs: usize,
    pub(super) rate_per_s: Range,
    pub(super) p50_ms: Range,
    pub(super) p99_ms: Range,
    pub(super) yardsticks: YardstickSpread,
}

/// The range of each yardstick.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct YardstickSpread {
    pub(super) fdatasync_p50_ms: Range,
    pub(super) append_per_s: Range,
    pub(super) quic_ping_p50_ms: Range,
    pub(super) quic_pipelined_per_s: Range,
}

impl Spread {
    /// Of `runs`, each an outcome with the yardsticks taken behind it.
    pub(super) fn of(runs: &[(Outcome, Yardsticks)]) -> Self {
        let outcome = |each: fn(&Outcome) -> f64| Range::of(runs.iter().map(|(run, _)| each(run)));
        let stick = |each: fn(&Yardsticks) -> f64| Range::of(runs.iter().map(|(_, run)| each(run)));
        Self {
            runs: runs.len(),
            rate_per_s: outcome(Outcome::rate_per_s),
            p50_ms: outcome(|run| run.p50_p99_ms.0),
            p99_ms: outcome(|run| run.p50_p99_ms.1),
            yardsticks: YardstickSpread {
                fdatasync_p50_ms: stick(|run| run.fdatasync_p50_ms),
                append_per_s: stick(|run| run.append_per_s),
                quic_ping_p50_ms: stick(|run| run.quic_ping_p50_ms),
                quic_pipelined_per_s: stick(|run| run.quic_pipelined_per_s),
            },
        }
    }
}

impl Range {
    /// Of `values`; zeros if there are none.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
            let (min, max) = ends.unwrap_or((value, value));
            Some((min.min(value), max.max(value)))
        });
        let (min, max) = ends.unwrap_or_default();
        Self { min: rounded(min), max: rounded(max) }
    }

    /// The sums of the lowest and of the highest.
    pub(super) fn and(self, other: Self) -> Self {
        Self { min: self.min + other.min, max: self.max + other.max }
    }
}

impl fmt::Display for Range {
    /// As many digits as tell something: none behind the point of what is large.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.max >= 1_000.0 { 0 } else { 3 };
        write!(formatter, "{:.digits$} to {:.digits$}", self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_ends_of_what_there_is() {
        assert_eq!(Range::of([3.0, 1.0, 2.0].into_iter()), Range { min: 1.0, max: 3.0 });
        assert_eq!(Range::of([].into_iter()), Range { min: 0.0, max: 0.0 });
    }

    #[test]
    fn large_figures_are_told_without_fractions() {
        let told = |ends: [f64; 2]| Range::of(ends.into_iter()).to_string();
        assert_eq!(told([1_500.4, 2_500.6]), "1500 to 2501");
        assert_eq!(told([0.25, 1.5]), "0.250 to 1.500");
    }
}
