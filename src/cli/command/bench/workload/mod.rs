//! The workloads, one kind a file, each from a fresh store to its figures.
//!
//! Must never hold: a yardstick, or how figures are printed.

mod answers;
mod drain;
mod fairness;
mod fanout;
mod restart;
mod resume;

pub(super) use answers::{Answers, Question};
pub(super) use drain::Drain;
pub(super) use fairness::Fairness;
pub(super) use fanout::Fanout;
pub(super) use restart::Restart;
pub(super) use resume::Resume;

use super::outcome::Outcome;
use super::setup::Setup;
use crate::cli::run::failure::Failure;

/// A workload with its numbers.
pub(super) enum Measure {
    Answers(Answers),
    Drain(Drain),
    Fairness(Fairness),
    Fanout(Fanout),
    Restart(Restart),
    Resume(Resume),
}

impl Measure {
    /// Runs it once.
    pub(super) async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        match self {
            Self::Answers(answers) => answers.run(setup).await,
            Self::Drain(drain) => drain.run(setup).await,
            Self::Fairness(fairness) => fairness.run(setup).await,
            Self::Fanout(fanout) => fanout.run(setup).await,
            Self::Restart(restart) => restart.run(setup).await,
            Self::Resume(resume) => resume.run(setup).await,
        }
    }
}
