//! Where the time goes between a request and its answer, by the server's own histograms.
//!
//! Must never hold: a clock. The server has measured; here is only reckoned.

use std::fmt;

use serde_json::{Map, Value, json};

use super::metrics::STAGES;
use super::outcome::Outcome;
use super::samples::{median, rounded};

/// What each stage took, in the order of the way: the medians of the runs.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Profile(Map<String, Value>);

/// What is told of a stage, and how it is named in the line.
const FIGURES: [&str; 6] = ["share", "us_each", "count", "us_mean", "us_p50", "us_p99"];

impl Profile {
    /// The profile of `runs`; nothing unless the server's counts are known of each.
    pub(super) fn of<'a>(runs: impl Iterator<Item = &'a Outcome>) -> Option<Self> {
        let runs: Option<Vec<_>> = runs.map(figures).collect();
        let runs = runs.filter(|runs| !runs.is_empty())?;
        let stage = |at: usize| {
            let figure = |figure: usize| median(runs.iter().map(|stages| stages[at][figure]));
            let figures = FIGURES.iter().enumerate();
            let figures =
                figures.map(|(at, name)| ((*name).to_owned(), json!(rounded(figure(at)))));
            Value::Object(figures.collect())
        };
        let stages = STAGES.iter().enumerate();
        Some(Self(stages.map(|(at, name)| ((*name).to_owned(), stage(at))).collect()))
    }

    fn figure(&self, stage: &str, figure: &str) -> f64 {
        self.0.get(stage).and_then(|stage| stage[figure].as_f64()).unwrap_or_default()
    }
}

/// The figures of each stage of one run.
#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
fn figures(run: &Outcome) -> Option<[[f64; FIGURES.len()]; STAGES.len()]> {
    let stages = &run.usage.counted.as_ref()?.stages;
    Some(stages.each_ref().map(|stage| {
        let us = |secs: Option<f64>| secs.unwrap_or_default() * 1e6;
        [
            stage.sum() / run.time.as_secs_f64(),
            us(Some(stage.sum())) / run.n as f64,
            stage.count(),
            us(stage.mean()),
            us(stage.quantile(0.5)),
            us(stage.quantile(0.99)),
        ]
    }))
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "  {:<8} {:>8} {:>11} {:>9} {:>11} {:>11} {:>11}",
            "stage", "of time", "µs each", "times", "µs mean", "µs p50", "µs p99"
        )?;
        for stage in STAGES {
            let [share, each, count, mean, p50, p99] = FIGURES.map(|name| self.figure(stage, name));
            let share = format!("{:.1} %", share * 100.0);
            write!(formatter, "\n  {stage:<8} {share:>8} {each:>11.2} {count:>9.0} ")?;
            write!(formatter, "{mean:>11.1} {p50:>11.1} {p99:>11.1}")?;
        }
        Ok(())
    }
}
