//! What one run of a workload came to.
//!
//! Must never hold: how figures are printed.

use std::time::Duration;

use serde_json::{Map, Value};

use super::link::wrong;
use super::samples::{Samples, rounded};
use super::site::Usage;
use crate::cli::run::failure::Failure;

/// What one run came to.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// What was counted: answers, deliveries, messages, reconnects or events.
    pub(super) n: usize,
    /// How long all of it took.
    pub(super) time: Duration,
    /// The median time of one in milliseconds, and the 99th percentile.
    pub(super) p50_p99_ms: (f64, f64),
    /// Whether the server's answers meant: it is on stable storage.
    pub(super) durable: bool,
    /// What server and load used meanwhile.
    pub(super) usage: Usage,
    /// What else this workload tells.
    pub(super) extras: Map<String, Value>,
}

impl Outcome {
    /// Whose figures are complete: `samples` of `n` that were asked for.
    pub(super) fn complete(
        n: usize,
        time: Duration,
        mut samples: Samples,
    ) -> Result<Self, Failure> {
        if samples.len() != n {
            return Err(wrong(format!("{} of {n} were answered", samples.len())));
        }
        let p50_p99_ms = samples.p50_p99_ms();
        let (durable, usage, extras) = (false, Usage::default(), Map::new());
        Ok(Self { n, time, p50_p99_ms, durable, usage, extras })
    }

    /// How many a second.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    pub(super) fn rate_per_s(&self) -> f64 {
        self.n as f64 / self.time.as_secs_f64()
    }

    /// What of `all` is one's share.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    pub(super) fn per_one(&self, all: f64) -> f64 {
        all / self.n as f64
    }

    /// With what the same came to over `adsum/1`, and the ratio of this to that.
    pub(super) fn beside(self, plain: &Self) -> Self {
        let [(p50, p99), (plain_p50, plain_p99)] = [self.p50_p99_ms, plain.p50_p99_ms];
        let row = [
            ("rate_per_s", plain.rate_per_s()),
            ("p50_ms", plain_p50),
            ("p99_ms", plain_p99),
            ("rate_ratio", self.rate_per_s() / plain.rate_per_s()),
            ("p50_ratio", p50 / plain_p50),
            ("p99_ratio", p99 / plain_p99),
        ];
        let row = row.map(|(name, figure)| (name.to_owned(), Value::from(rounded(figure))));
        self.with("beside_adsum_1", Map::from_iter(row))
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extras.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn used(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    pub(super) fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }
}
