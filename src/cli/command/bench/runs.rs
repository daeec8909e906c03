//! The runs of one workload, each followed by its yardsticks, and before them by one over `adsum/1` if something else carries it.
//!
//! Must never hold: what a workload does.

use super::common::Common;
use super::folder::Folder;
use super::over::Over;
use super::report::Report;
use super::setup::{Options, Setup};
use super::workload::Measure;
use super::yardstick;
use crate::cli::run::failure::Failure;

/// Runs `measure` as often as asked, and tells the medians.
pub(super) async fn report<M: Measure>(common: &Common, measure: &M) -> Result<Report, Failure> {
    let options = common.options()?;
    if common.profile && !M::HAS_PROFILE {
        let name = M::NAME;
        let reason = format!("{name} has no one server from beginning to end that counts");
        return Err(Failure::usage(reason));
    }
    let folder = Folder::take(common.data.as_deref(), common.keep_data)?;
    let mut runs = Vec::with_capacity(common.runs);
    for _ in 0..common.runs {
        let outcome = measure.run(&Setup::clear(&options, &folder)?).await?;
        let outcome = outcome.with("over", options.over.to_string());
        let outcome = match options.over {
            Over::Adsum => outcome,
            Over::WebTransport => {
                let plain = Options { over: Over::Adsum, ..options.clone() };
                outcome.beside(&measure.run(&Setup::clear(&plain, &folder)?).await?)
            }
        };
        let median = outcome.usage.commit_median;
        runs.push((outcome, yardstick::take(folder.path(), median, options.scale).await?));
    }
    let kept = common.keep_data.then(|| folder.path().display().to_string());
    let report = Report::of(M::NAME, &runs, kept);
    Ok(if common.profile { report.with_profile(&runs) } else { report })
}
