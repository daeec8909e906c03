//! What the unit tests of commands share.
//!
//! Must never hold: a check.

use clap::{Args, Parser};

/// A command line that holds nothing but the arguments of one command.
#[derive(Debug, Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    args: A,
}

/// The arguments of a command, as `words` give them.
pub(super) fn parsed<A: Args>(words: &[&str]) -> Result<A, clap::Error> {
    let all = core::iter::once(&"command").chain(words);
    Line::try_parse_from(all).map(|line| line.args)
}
