//! The workloads, one kind a file, each from a fresh store to its figures.
//!
//! Must never hold: a yardstick, or how figures are printed.

mod answers;
mod connect;
mod disk;
mod drain;
mod fairness;
mod fanout;
mod idle;
mod load;
mod restart;
mod resume;
mod scale;
mod sending;
mod soak;

pub(super) use answers::{Ack, Publish, Store};
pub(super) use connect::Connect;
pub(super) use disk::Disk;
pub(super) use drain::Drain;
pub(super) use fairness::Fairness;
pub(super) use fanout::Fanout;
pub(super) use idle::Idle;
pub(super) use load::Load;
pub(super) use restart::Restart;
pub(super) use resume::Resume;
pub(super) use scale::Scale;
pub(super) use soak::Soak;

use clap::Command;

use super::outcome::Outcome;
use super::setup::Setup;
use crate::cli::run::failure::Failure;

/// A workload with its numbers.
pub(super) trait Measure: clap::Args {
    /// What its figures are called.
    const NAME: &str;
    /// Whether one server is under test from the beginning to the end, so that its counts tell where the time goes.
    const HAS_PROFILE: bool = true;

    /// Runs it once.
    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure>;
}

/// A workload as it is without flags.
pub(super) fn defaults<M: Measure>() -> M {
    let command = M::augment_args(Command::new("bench"));
    let matches = command.try_get_matches_from(["bench"]).expect("every number has a default");
    M::from_arg_matches(&matches).expect("every number has a default")
}
