//! `all`: every workload one after the other with its defaults, and a document of what they told.
//!
//! Must never hold: a number of a workload, but how many connections are idle in the plot.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;

use super::common::Common;
use super::document::{self, Machine};
use super::report::Report;
use super::runs::report;
use super::workload::{
    Ack, Connect, Disk, Drain, Fairness, Fanout, Idle, Load, Measure, Publish, Restart, Resume,
    Scale, Soak, Store, defaults,
};
use crate::cli::print::output::Output;
use crate::cli::run::failure::Failure;

/// Every workload, in the order in which they run.
const NAMES: [&str; 14] = [
    Store::NAME,
    Ack::NAME,
    Publish::NAME,
    Fanout::NAME,
    Drain::NAME,
    Resume::NAME,
    Connect::NAME,
    Restart::NAME,
    Idle::NAME,
    Disk::NAME,
    Scale::NAME,
    Load::NAME,
    Fairness::NAME,
    Soak::NAME,
];
/// Connections that are idle, for the plot.
const IDLE: [usize; 5] = [250, 500, 1_000, 2_000, 4_000];

/// What is measured, and where it is written.
#[derive(Debug, clap::Args)]
pub(super) struct All {
    #[command(flatten)]
    common: Common,
    /// Folder for the table, the plots and the lines: BENCHMARKS.md and benchmarks/ in it
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Only these workloads [default: all]
    #[arg(long, value_name = "WORKLOADS", value_delimiter = ',', value_parser = PossibleValuesParser::new(NAMES))]
    only: Vec<String>,
}

impl All {
    /// Measures, tells the line of each workload when it is done, and writes the document behind the last.
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let mut lines = Vec::new();
        let folder = self.common.data.clone().unwrap_or_else(std::env::temp_dir);
        for name in NAMES {
            if !self.only.is_empty() && !self.only.iter().any(|only| only == name) {
                continue;
            }
            for report in one(name, &self.common).await? {
                output.line(&report)?;
                output.flush()?;
                lines.push(report.to_json());
            }
        }
        document::write(&self.out, &Machine::of(&folder), &lines)?;
        output.remark(&format!("written to {}", self.out.display()))?;
        output.flush()
    }
}

/// Runs one of [`NAMES`].
async fn one(name: &str, common: &Common) -> Result<Vec<Report>, Failure> {
    let reports = match name {
        Store::NAME => by_default::<Store>(common).await?,
        Ack::NAME => by_default::<Ack>(common).await?,
        Publish::NAME => by_default::<Publish>(common).await?,
        Fanout::NAME => by_default::<Fanout>(common).await?,
        Drain::NAME => by_default::<Drain>(common).await?,
        Resume::NAME => by_default::<Resume>(common).await?,
        Connect::NAME => by_default::<Connect>(common).await?,
        Restart::NAME => by_default::<Restart>(common).await?,
        Disk::NAME => by_default::<Disk>(common).await?,
        Scale::NAME => by_default::<Scale>(common).await?,
        Load::NAME => by_default::<Load>(common).await?,
        Fairness::NAME => by_default::<Fairness>(common).await?,
        Soak::NAME => by_default::<Soak>(common).await?,
        _ => {
            let mut reports = Vec::with_capacity(IDLE.len());
            for connections in IDLE {
                let idle = defaults::<Idle>().with_connections(connections);
                reports.push(Box::pin(report(common, &idle)).await?);
            }
            return Ok(reports);
        }
    };
    Ok(vec![reports])
}

async fn by_default<M: Measure>(common: &Common) -> Result<Report, Failure> {
    // Each is large, and only one at a time is there.
    Box::pin(report(common, &defaults::<M>())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_has_defaults() {
        assert_eq!(defaults::<Store>(), Store::of_comparisons());
        let _ =
            (defaults::<Ack>(), defaults::<Publish>(), defaults::<Fanout>(), defaults::<Drain>());
        let _ = (
            defaults::<Resume>(),
            defaults::<Connect>(),
            defaults::<Restart>(),
            defaults::<Idle>(),
        );
        let _ =
            (defaults::<Disk>(), defaults::<Scale>(), defaults::<Load>(), defaults::<Fairness>());
        let _ = defaults::<Soak>();
    }
}
