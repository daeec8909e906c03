//! `adsum unwatch`: ends a subscription.
//!
//! Must never hold: the cursor of a watch (the client keeps it).

use std::fmt;

use serde::Serialize;

use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Again, session};
use crate::model::Presentity;

/// Arguments of `adsum unwatch`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The presentity to watch no more, such as pres:alice@localhost
    presentity: Presentity,
    #[command(flatten)]
    again: Again,
}

/// `{"type":"unwatched", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "unwatched")]
struct UnwatchedLine {
    presentity: String,
}

impl fmt::Display for UnwatchedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: the subscription is ended", self.presentity)
    }
}

/// Runs `adsum unwatch`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.again = args.again.repeat;
    session::once(invocation, async |client| client.unwatch(&args.presentity).await)?;
    invocation.output.line(&UnwatchedLine { presentity: args.presentity.to_string() })
}
