//! What came of one server under one workload.
//!
//! Must never hold: a comparison, see `row`.

use std::time::Duration;

use crate::cli::command::bench::samples::Samples;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) rate_per_s: f64,
    /// The median and the 99th percentile, where single requests are timed.
    pub(super) p50_p99_ms: Option<(f64, f64)>,
}

impl Figures {
    /// Of `count` that took `time`, and of single ones that were timed.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    pub(super) fn answered(count: usize, time: Duration, mut samples: Samples) -> Self {
        let rate_per_s = count as f64 / time.as_secs_f64();
        Self { rate_per_s, p50_p99_ms: Some(samples.p50_p99_ms()) }
    }

    /// Of `count` that were taken in `time`.
    pub(super) fn drained(count: usize, time: Duration) -> Self {
        Self { p50_p99_ms: None, ..Self::answered(count, time, Samples::default()) }
    }
}
