//! `load`: latency against load. What the server takes at most is found first, as `store` finds it; then messages fall due at fixed
//! rates, parts of that, and each is timed from when it fell due.
//!
//! Must never hold: a request that waits for another's answer before it falls due.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Measure;
use super::sending::Sending;
use crate::cli::command::bench::{
    closed::{Work, run_all},
    number::{percent, positive, window},
    outcome::Outcome,
    pump::Pump,
    requests::Sends,
    samples::{Samples, rounded},
    setup::Setup,
    steady::{Steady, steadily},
};
use crate::cli::run::failure::Failure;

/// So much of a step goes ahead of what is timed.
const LEAD_PART: u32 = 5;

/// Messages at fixed rates.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Load {
    /// Messages to find the most that the server takes
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = positive)]
    count: usize,
    /// Connections, each of a principal of its own
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = positive)]
    connections: usize,
    /// Requests that may be unanswered on each while the most is looked for
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = window)]
    window: usize,
    /// Inboxes, which the messages go round
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
    inboxes: usize,
    /// Rates, in percent of the most
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_values_t = [10, 20, 30, 40, 50, 60, 70, 80, 90], value_parser = percent)]
    steps: Vec<u32>,
    /// Milliseconds of each rate
    #[arg(long, value_name = "MS", default_value_t = 3_000, value_parser = clap::value_parser!(u64).range(1..))]
    time: u64,
}

impl Measure for Load {
    const NAME: &str = "load";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let sending = Sending::new(setup, setup.scaled(self.inboxes), self.connections)?;
        let (site, dialer) = setup.set(&sending.participants()).await?;
        let pumps = sending.pumps(&dialer, &sending.senders).await?;
        let durable = pumps.iter().all(Pump::is_durable);
        let work = Work { count: setup.scaled(self.count), window: self.window };
        let (pumps, ..) = run_all(pumps, work.warm_up(), "warming up").await?;
        let before = site.read().await;
        let (mut pumps, time, _) = run_all(pumps, work, "finding the most").await?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
        let most_per_s = work.count as f64 / time.as_secs_f64();
        let step_time = setup.scaled_time(Duration::from_millis(self.time));
        let (mut rows, mut all, mut took) = (Map::new(), Samples::default(), Duration::ZERO);
        for percent in &self.steps {
            let per_s = most_per_s * f64::from(*percent) / 100.0;
            let lead =
                steadily(pumps, per_s, step_time / LEAD_PART, "getting up to the rate").await?;
            let step = steadily(lead.pumps, per_s, step_time, "measuring at a fixed rate").await?;
            took += step.time;
            all.append(step.answered.clone());
            let (row, returned) = row(per_s, step);
            rows.insert(format!("at_{percent}_percent"), row);
            pumps = returned;
        }
        let usage = site.used_since(&before).await;
        drop(pumps);
        site.kill().await?;
        let mut outcome = Outcome::complete(all.len(), took, all)?.used(usage).durable(durable);
        outcome.extras = rows;
        let outcome = outcome.with("connections", self.connections);
        Ok(outcome.with("most_per_s", rounded(most_per_s)))
    }
}

/// What is told of one rate, and the connections again.
fn row(per_s: f64, mut step: Steady<Sends>) -> (Value, Vec<Pump<Sends>>) {
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    let answered_per_s = step.answered.len() as f64 / step.time.as_secs_f64();
    let (p50, p99) = step.answered.p50_p99_ms();
    let figures = [
        ("wanted_per_s", rounded(per_s)),
        ("answered_per_s", rounded(answered_per_s)),
        ("p50_ms", p50),
        ("p99_ms", p99),
        ("p999_ms", step.answered.p999_ms()),
        // What of that the load itself was late: it shares the processors with the server.
        ("written_late_p99_ms", step.written.p50_p99_ms().1),
    ];
    let figures = figures.map(|(name, figure)| (name.to_owned(), Value::from(figure)));
    (Value::Object(figures.into_iter().collect()), step.pumps)
}
