//! What is told of adsum and its peers: a row for each workload and server, with the ratio of figures of the same run.
//!
//! Must never hold: a ratio of medians. Each is the median of ratios.

use std::fmt;

use serde::Serialize;

use super::figures::Figures;
use super::kind::Kind;
use crate::cli::command::bench::samples::{median, rounded};
use crate::cli::command::bench::spread::Range;
use crate::cli::command::bench::yardstick::Yardsticks;

/// `{"workload":"peers", …}`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PeersLine {
    pub(super) workload: &'static str,
    pub(super) runs: usize,
    pub(super) yardsticks: Yardsticks,
    pub(super) rows: Vec<Row>,
    /// Programs that this machine does not have.
    pub(super) missing: Vec<&'static str>,
}

/// One server under one workload: medians, and adsum over it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    kind: &'static str,
    server: &'static str,
    durable: bool,
    rate_per_s: f64,
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    /// adsum's rate over this one's: above 1 is better.
    rate_ratio: f64,
    /// adsum's times over this one's: below 1 is better.
    p50_ratio: Option<f64>,
    p99_ratio: Option<f64>,
    spread: Spread,
}

/// In which range the runs lay.
#[derive(Clone, Copy, Debug, Serialize)]
struct Spread {
    rate_per_s: Range,
    rate_ratio: Range,
}

/// Figures of all runs.
#[derive(Debug, Default)]
pub(super) struct Rows {
    all: Vec<Runs>,
}

#[derive(Debug)]
struct Runs {
    kind: Kind,
    server: &'static str,
    durable: bool,
    /// This server's, and adsum's of the same run.
    figures: Vec<(Figures, Figures)>,
}

impl Rows {
    /// Notes what one run of `server` came to, and adsum's `own` of the same run.
    pub(super) fn add(
        &mut self,
        kind: Kind,
        server: &'static str,
        durable: bool,
        figures: Figures,
        own: Figures,
    ) {
        let same = |runs: &&mut Runs| runs.kind == kind && runs.server == server;
        match self.all.iter_mut().find(same) {
            Some(runs) => {
                runs.durable &= durable;
                runs.figures.push((figures, own));
            }
            None => self.all.push(Runs { kind, server, durable, figures: vec![(figures, own)] }),
        }
    }

    /// A row of each.
    pub(super) fn told(&self) -> Vec<Row> {
        self.all.iter().map(Runs::told).collect()
    }
}

impl Runs {
    fn told(&self) -> Row {
        let rates = || self.figures.iter().map(|(figures, _)| figures.rate_per_s);
        let ratios =
            || self.figures.iter().map(|(figures, own)| own.rate_per_s / figures.rate_per_s);
        let p50 = |figures: &Figures| figures.p50_p99_ms.map(|both| both.0);
        let p99 = |figures: &Figures| figures.p50_p99_ms.map(|both| both.1);
        Row {
            kind: self.kind.name(),
            server: self.server,
            durable: self.durable,
            rate_per_s: rounded(median(rates())),
            p50_ms: self.median_of(|(figures, _)| p50(figures)),
            p99_ms: self.median_of(|(figures, _)| p99(figures)),
            rate_ratio: rounded(median(ratios())),
            p50_ratio: self.median_of(|(figures, own)| Some(p50(own)? / p50(figures)?)),
            p99_ratio: self.median_of(|(figures, own)| Some(p99(own)? / p99(figures)?)),
            spread: Spread { rate_per_s: Range::of(rates()), rate_ratio: Range::of(ratios()) },
        }
    }

    fn median_of(&self, each: impl Fn(&(Figures, Figures)) -> Option<f64>) -> Option<f64> {
        let all: Option<Vec<f64>> = self.figures.iter().map(each).collect();
        all.map(|all| rounded(median(all)))
    }
}

impl fmt::Display for PeersLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<8} {:<28} {:>12} {:>9} {:>9}   adsum : it, medians of {} runs",
            "", "", "a second", "p50 ms", "p99 ms", self.runs
        )?;
        let time = |time: Option<f64>| time.map_or_else(String::new, |time| format!("{time:.3}"));
        let times =
            |ratio: Option<f64>| ratio.map_or_else(String::new, |ratio| format!("{ratio:.2} x"));
        for row in &self.rows {
            let durable = if row.durable { "" } else { "   (not durable)" };
            writeln!(
                formatter,
                "{:<8} {:<28} {:>12.0} {:>9} {:>9}   rate {:.2} x ({})   p50 {:>8}   p99 {:>8}{durable}",
                row.kind,
                row.server,
                row.rate_per_s,
                time(row.p50_ms),
                time(row.p99_ms),
                row.rate_ratio,
                row.spread.rate_ratio,
                times(row.p50_ratio),
                times(row.p99_ratio),
            )?;
        }
        let sticks = &self.yardsticks;
        write!(
            formatter,
            "yardsticks: fdatasync p50 {:.3} ms, raw file {:.0}/s, QUIC ping p50 {:.3} ms, QUIC echo {:.0}/s",
            sticks.fdatasync_p50_ms,
            sticks.append_per_s,
            sticks.quic_ping_p50_ms,
            sticks.quic_pipelined_per_s
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_the_same_run() {
        let figures =
            |rate: f64, p50: f64| Figures { rate_per_s: rate, p50_p99_ms: Some((p50, 9.0)) };
        let mut rows = Rows::default();
        for (own, other) in [(10.0, 20.0), (40.0, 10.0), (30.0, 30.0)] {
            rows.add(Kind::Store, "redis", true, figures(other, 1.0), figures(own, 2.0));
        }
        let told = rows.told();
        let line = serde_json::to_value(&told[0]).unwrap();
        assert_eq!((told.len(), &line["rate_per_s"]), (1, &20.0.into()));
        assert_eq!((&line["rate_ratio"], &line["p50_ratio"]), (&1.0.into(), &2.0.into()));
        assert_eq!(line["spread"]["rate_ratio"]["max"], 4.0);
        let drained = Figures { rate_per_s: 1.0, p50_p99_ms: None };
        rows.add(Kind::Drain, "redis", true, drained, drained);
        assert_eq!(rows.told()[1].p50_ms, None);
    }
}
