//! `adsum fetch`: a presentity's presence, once.
//!
//! Must never hold: a subscription; a fetcher leaves none behind.

use super::failure::Failure;
use super::presence_line::PresenceLine;
use super::{Invocation, session};
use crate::model::Presentity;

/// Arguments of `adsum fetch`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The presentity, such as pres:alice@localhost
    presentity: Presentity,
}

/// Runs `adsum fetch`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let presence =
        session::once(invocation, async |client| Ok(client.fetch(&args.presentity).await?))?;
    invocation.output.line(&PresenceLine::new(&presence, None))
}
