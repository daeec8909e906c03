//! The figures of a bench, as one JSON line and as words with the yardsticks beside them.
//!
//! Must never hold: a figure without the yardsticks of the same run.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::outcome::Outcome;
use super::profile::Profile;
use super::samples::{median, rounded};
use super::spread::Spread;
use super::yardstick::Yardsticks;

/// `{"workload", …}`. The first eight names are an interface; what follows may grow.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    workload: &'static str,
    n: usize,
    secs: f64,
    rate_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    durable: bool,
    yardsticks: Yardsticks,
    ratios: Ratios,
    /// The rate of each run, in order.
    runs_per_s: Vec<f64>,
    spread: Spread,
    server_cpu_us_each: Option<f64>,
    load_cpu_us_each: Option<f64>,
    server_written_bytes_each: Option<f64>,
    events_per_commit_mean: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    #[serde(flatten)]
    extras: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
}

/// Figures over yardsticks, which another machine or another day can be compared with.
#[derive(Clone, Copy, Debug, Serialize)]
struct Ratios {
    /// The rate over that of a raw file.
    rate_to_append: f64,
    /// The rate over that of QUIC alone.
    rate_to_quic: f64,
    /// The median time over that of one sync and one round trip.
    p50_to_sync_and_ping: f64,
}

impl Report {
    /// The medians of `runs`, each an outcome with the yardsticks taken behind it. `data` is where the store is kept.
    ///
    /// # Panics
    /// If there are no runs.
    pub(super) fn of(
        workload: &'static str,
        runs: &[(Outcome, Yardsticks)],
        data: Option<String>,
    ) -> Self {
        let of = |each: fn(&Outcome) -> f64| median(runs.iter().map(|(outcome, _)| each(outcome)));
        let yardsticks: Vec<Yardsticks> = runs.iter().map(|(_, yardsticks)| *yardsticks).collect();
        let yardsticks = Yardsticks::median(&yardsticks);
        let (rate_per_s, p50_ms) = (of(Outcome::rate_per_s), of(|run| run.p50_p99_ms.0));
        let last = &runs.last().expect("there was at least one run").0;
        let mut report = Self {
            workload,
            n: last.n,
            secs: of(|run| run.time.as_secs_f64()),
            rate_per_s,
            p50_ms,
            p99_ms: of(|run| run.p50_p99_ms.1),
            durable: runs.iter().all(|(outcome, _)| outcome.durable),
            ratios: Ratios::new(rate_per_s, p50_ms, &yardsticks),
            yardsticks,
            spread: Spread::of(runs),
            runs_per_s: runs.iter().map(|(outcome, _)| rounded(outcome.rate_per_s())).collect(),
            server_cpu_us_each: each(runs, |run| {
                run.usage.server_cpu_secs.map(|s| run.per_one(s * 1e6))
            }),
            load_cpu_us_each: each(runs, |run| {
                run.usage.load_cpu_secs.map(|s| run.per_one(s * 1e6))
            }),
            server_written_bytes_each: each(runs, |run| {
                run.usage.server_written_bytes.map(|bytes| run.per_one(bytes))
            }),
            events_per_commit_mean: each(runs, |run| run.usage.commit_mean),
            profile: None,
            extras: medians(runs),
            data,
        };
        report.round();
        report
    }

    /// With where the time went, if the server's counts are known.
    pub(super) fn with_profile(mut self, runs: &[(Outcome, Yardsticks)]) -> Self {
        self.profile = Profile::of(runs.iter().map(|(outcome, _)| outcome));
        self
    }

    fn round(&mut self) {
        for figure in [&mut self.secs, &mut self.rate_per_s, &mut self.p50_ms, &mut self.p99_ms] {
            *figure = rounded(*figure);
        }
    }
}

impl Ratios {
    fn new(rate_per_s: f64, p50_ms: f64, yardsticks: &Yardsticks) -> Self {
        let sync_and_ping_ms = yardsticks.fdatasync_p50_ms + yardsticks.quic_ping_p50_ms;
        Self {
            rate_to_append: rounded(rate_per_s / yardsticks.append_per_s),
            rate_to_quic: rounded(rate_per_s / yardsticks.quic_pipelined_per_s),
            p50_to_sync_and_ping: rounded(p50_ms / sync_and_ping_ms),
        }
    }
}

/// The median of a figure that every run has; nothing if one has not.
fn each(runs: &[(Outcome, Yardsticks)], figure: impl Fn(&Outcome) -> Option<f64>) -> Option<f64> {
    let figures: Option<Vec<f64>> = runs.iter().map(|(outcome, _)| figure(outcome)).collect();
    figures.map(|figures| rounded(median(figures)))
}

/// What the workload tells beside: the median of figures, the last run's word for the rest.
fn medians(runs: &[(Outcome, Yardsticks)]) -> Map<String, Value> {
    let last = &runs.last().expect("there was at least one run").0.extras;
    let figure = |path: &[&str], value: &Value| {
        let figures = each(runs, |run| found(&run.extras, path).and_then(Value::as_f64));
        figures.filter(|_| value.is_f64()).map_or_else(|| value.clone(), Value::from)
    };
    let told = |name: &str, value: &Value| match value {
        Value::Object(row) => {
            let figures = row.iter().map(|(part, value)| {
                let figure = figure(&[name, part.as_str()], value);
                (part.clone(), figure)
            });
            Value::Object(figures.collect())
        }
        value => figure(&[name], value),
    };
    last.iter().map(|(name, value)| (name.clone(), told(name, value))).collect()
}

/// What is at the end of `path`.
fn found<'a>(extras: &'a Map<String, Value>, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(extras.get(*first)?, |value, part| value.get(part))
}

/// A figure as it is, a row of them with their names.
fn words(value: &Value) -> String {
    let Value::Object(row) = value else { return value.to_string() };
    let parts: Vec<String> = row.iter().map(|(name, value)| format!("{name} {value}")).collect();
    parts.join("  ")
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let durable = if self.durable { "durable" } else { "NOT DURABLE" };
        writeln!(
            formatter,
            "{:<10} {} in {:.3} s = {:.0}/s   p50 {:.3} ms   p99 {:.3} ms   {durable}",
            self.workload, self.n, self.secs, self.rate_per_s, self.p50_ms, self.p99_ms
        )?;
        let spread = &self.spread;
        if spread.runs > 1 {
            writeln!(
                formatter,
                "  of {} runs: {}/s   p50 {} ms   p99 {} ms",
                spread.runs, spread.rate_per_s, spread.p50_ms, spread.p99_ms
            )?;
        }
        self.show_yardsticks(formatter)?;
        for (name, value) in self.others() {
            writeln!(formatter, "  {name:<34} {value:>14}")?;
        }
        write!(
            formatter,
            "  {:<34} {:>14}",
            "runs, each per second",
            format!("{:?}", self.runs_per_s)
        )?;
        self.profile.iter().try_for_each(|profile| write!(formatter, "\n{profile}"))
    }
}

impl Report {
    /// The line as programs read it.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a line has text keys only")
    }

    /// A line for each yardstick: its figure, what is measured with it, and in which range it was.
    fn show_yardsticks(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (yardsticks, ratios) = (&self.yardsticks, &self.ratios);
        let spread = &self.spread.yardsticks;
        let sync_and_ping_ms = yardsticks.fdatasync_p50_ms + yardsticks.quic_ping_p50_ms;
        let group = format!("raw file, synced groups of {}", yardsticks.append_group);
        let rows = [
            (
                group.as_str(),
                format!("{:.0}/s", yardsticks.append_per_s),
                ratios.rate_to_append,
                spread.append_per_s,
            ),
            (
                "QUIC echo, 64 in flight",
                format!("{:.0}/s", yardsticks.quic_pipelined_per_s),
                ratios.rate_to_quic,
                spread.quic_pipelined_per_s,
            ),
            (
                "fdatasync + QUIC ping, p50",
                format!("{sync_and_ping_ms:.3} ms"),
                ratios.p50_to_sync_and_ping,
                spread.fdatasync_p50_ms.and(spread.quic_ping_p50_ms),
            ),
        ];
        for (name, value, ratio, range) in rows {
            write!(formatter, "  {name:<34} {value:>14}   {ratio:.3} x")?;
            let range = (self.spread.runs > 1).then(|| format!("   ({range})"));
            writeln!(formatter, "{}", range.unwrap_or_default())?;
        }
        Ok(())
    }

    fn others(&self) -> Vec<(&str, String)> {
        let figure = |name, value: Option<f64>| value.map(|value| (name, format!("{value:.1}")));
        let mut others: Vec<(&str, String)> = [
            figure("server processor, µs each", self.server_cpu_us_each),
            figure("load processor, µs each", self.load_cpu_us_each),
            figure("server disk, bytes each", self.server_written_bytes_each),
            figure("events a commit, mean", self.events_per_commit_mean),
        ]
        .into_iter()
        .flatten()
        .collect();
        others.extend(self.extras.iter().map(|(name, value)| (name.as_str(), words(value))));
        others.extend(self.data.iter().map(|data| ("store kept in", data.clone())));
        others
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::cli::command::bench::site::Usage;

    fn run(secs: u64, p50: f64) -> (Outcome, Yardsticks) {
        let extras = [("windows".to_owned(), 64.into()), ("other_ms".to_owned(), p50.into())];
        let usage = Usage { server_cpu_secs: Some(1.0), ..Usage::default() };
        let outcome = Outcome {
            n: 1_000,
            time: Duration::from_secs(secs),
            p50_p99_ms: (p50, 9.0),
            durable: true,
            usage,
            extras: extras.into_iter().collect(),
        };
        let yardsticks = Yardsticks {
            fdatasync_p50_ms: 0.2,
            append_per_s: 1_000.0,
            append_group: 8,
            quic_ping_p50_ms: 0.3,
            quic_pipelined_per_s: 2_000.0,
        };
        (outcome, yardsticks)
    }

    #[test]
    fn the_line_has_the_promised_fields_and_the_medians() {
        let report = Report::of("store", &[run(1, 1.0), run(4, 3.0), run(2, 2.0)], None);
        let line = serde_json::to_string(&report).unwrap();
        let promised = r#"{"workload":"store","n":1000,"secs":2.0,"rate_per_s":500.0,"p50_ms":2.0,"p99_ms":9.0,"durable":true,"yardsticks":{"#;
        assert!(line.starts_with(promised), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["ratios"]["p50_to_sync_and_ping"], 4.0);
        assert_eq!(value["ratios"]["rate_to_append"], 0.5);
        assert_eq!(value["spread"]["rate_per_s"], json!({"min": 250.0, "max": 1_000.0}));
        assert_eq!(value["spread"]["p50_ms"], json!({"min": 1.0, "max": 3.0}));
        assert_eq!(
            value["spread"]["yardsticks"]["append_per_s"],
            json!({"min": 1_000.0, "max": 1_000.0})
        );
        assert_eq!((&value["windows"], &value["other_ms"]), (&64.into(), &2.0.into()));
        assert_eq!(value["server_cpu_us_each"], 1_000.0);
        assert_eq!(value["load_cpu_us_each"], Value::Null);
    }

    #[test]
    fn one_run_that_was_not_durable_makes_the_whole_not_durable() {
        let mut weak = run(1, 1.0);
        weak.0.durable = false;
        let report = Report::of("store", &[run(1, 1.0), weak], None);
        assert!(report.to_string().contains("NOT DURABLE"));
    }

    #[test]
    fn people_see_how_far_runs_lie_apart_if_there_are_several() {
        let runs = [run(1, 1.0), run(4, 3.0), run(2, 2.0)];
        let told = Report::of("store", &runs, None).to_string();
        assert!(told.contains("of 3 runs: 250 to 1000/s   p50 1.000 to 3.000 ms"), "{told}");
        assert!(!Report::of("store", &runs[..1], None).to_string().contains(" to "));
    }

    #[test]
    fn people_see_where_the_store_is() {
        let report = Report::of("store", &[run(1, 1.0)], Some("/somewhere".to_owned()));
        assert!(report.to_string().contains("/somewhere"));
    }
}
