//! `adsum fetch`: the presence of presentities, once.
//!
//! Must never hold: a subscription; a fetcher leaves none behind.

use super::failure::Failure;
use super::presence_line::PresenceLine;
use super::{Invocation, pidf, session};
use crate::client::{Client, Presence};
use crate::model::Presentity;

/// Arguments of `adsum fetch`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Whose presence, such as pres:alice@localhost; with several, all are told or none
    #[arg(required = true, value_name = "PRESENTITY")]
    presentities: Vec<Presentity>,
    /// Print each as a document in PIDF (RFC 3863); --json is then only for errors
    #[arg(long)]
    pidf: bool,
}

/// Runs `adsum fetch`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let fetched =
        session::once(invocation, async |client| fetch(client, &args.presentities).await)?;
    fetched.iter().try_for_each(|presence| {
        if args.pidf {
            return pidf::print(presence, &mut invocation.output);
        }
        invocation.output.line(&PresenceLine::new(presence, None))
    })
}

async fn fetch(client: &Client, presentities: &[Presentity]) -> Result<Vec<Presence>, Failure> {
    let mut fetched = Vec::with_capacity(presentities.len());
    for presentity in presentities {
        fetched.push(client.fetch(presentity).await?);
    }
    Ok(fetched)
}
