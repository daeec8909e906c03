//! `adsum fetch`: the presence of presentities, once.
//!
//! Must never hold: a subscription; a fetcher leaves none behind.

use crate::cli::print::{presence::PresenceLine, time::moment};
use crate::cli::run::{as_whom::AnonymousArgs, failure::Failure, invocation::Invocation, session};
use crate::client::{Client, Presence};
use crate::format::pidf;
use crate::model::{Presentity, Timestamp};

/// Arguments of `adsum fetch`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whose presence, such as pres:alice@localhost; with several, all are told or none
    #[arg(required = true, value_name = "PRESENTITY")]
    presentities: Vec<Presentity>,
    /// Print each as a document in PIDF (RFC 3863); --json is then only for errors
    #[arg(long)]
    pidf: bool,
    /// As it was then, of a presentity that one controls: RFC 3339, or a span back from now such as 2h [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "anonymous")]
    at: Option<Timestamp>,
    #[command(flatten)]
    acting: AnonymousArgs,
}

/// Runs `adsum fetch`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let fetched =
        session::once_as(invocation, &args.acting, async |client| fetch(client, args).await)?;
    fetched.iter().try_for_each(|presence| {
        if args.pidf {
            let text = pidf::write(&presence.presentity, &presence.document);
            return invocation.output.bytes(text.as_bytes());
        }
        invocation.output.line(&PresenceLine::from((presence, None)))
    })
}

async fn fetch(client: &Client, args: &Args) -> Result<Vec<Presence>, Failure> {
    let mut fetched = Vec::with_capacity(args.presentities.len());
    for presentity in &args.presentities {
        fetched.push(match args.at {
            Some(at) => client.fetch_at(presentity, at).await?,
            None => client.fetch(presentity).await?,
        });
    }
    Ok(fetched)
}
