//! `adsum watchers`: who watches, and ending a subscription of somebody else.
//!
//! Must never hold: what a watcher is shown (see `adsum explain`).

use clap::Subcommand;

use crate::cli::print::{
    changed,
    output::Output,
    table,
    watcher::{self, WatcherLine},
};
use crate::cli::run::{
    failure::Failure,
    invocation::Invocation,
    repeat::Again,
    session::{self, Staying},
    signals::Interrupts,
};
use crate::client::Client;
use crate::model::{Presentity, Principal};

/// Arguments of `adsum watchers`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Of whom, such as pres:alice@localhost [default: one's own]
    presentity: Option<Presentity>,
    /// Stay and print watchers as they come, go and change [default: print those there are, then end]
    #[arg(long)]
    follow: bool,
    /// Stop after this many lines [default: never]
    #[arg(long, value_name = "LINES", requires = "follow", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    staying: Staying,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// End somebody's subscription; a rule that allows it lets it subscribe again
    End {
        /// Who watches, such as bob@localhost
        watcher: Principal,
        /// Whom it watches, such as pres:alice@localhost [default: oneself]
        #[arg(long, value_name = "PRESENTITY")]
        of: Option<Presentity>,
        #[command(flatten)]
        again: Again,
    },
}

/// Runs `adsum watchers`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    if let Some(Action::End { watcher, of, again }) = args.action {
        invocation.again = again.repeat;
        return end(&watcher, of, invocation);
    }
    let presentity = invocation.presentity(args.presentity)?;
    if !args.follow {
        let rows = session::once(invocation, async |client| client.watchers(&presentity).await)?;
        return watcher::print(&rows, "nobody watches", &mut invocation.output);
    }
    let remaining = args.count.unwrap_or(u64::MAX);
    session::follow(invocation, args.staying.stay(true), async |client, output, interrupts| {
        follow(client, &presentity, remaining, output, interrupts).await
    })
}

fn end(
    watcher: &Principal,
    of: Option<Presentity>,
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    let presentity = invocation.presentity(of)?;
    session::once(invocation, async |client| client.end_subscription(watcher, &presentity).await)?;
    changed::print(&format!("{watcher} watches {presentity} no more"), 0, invocation)
}

async fn follow(
    client: &Client,
    presentity: &Presentity,
    mut remaining: u64,
    output: &mut Output,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let mut watchers = client.follow_watchers(core::slice::from_ref(presentity))?;
    let mut failed = None;
    while remaining > 0 {
        let next = tokio::select! {
            next = watchers.next() => next,
            () = interrupts.next() => return Ok(()),
        };
        match next {
            Some(Ok(row)) => {
                table::print([WatcherLine::from(&row)], "", output)?;
                output.flush()?;
                (remaining, failed) = (remaining - 1, None);
            }
            Some(Err(error)) => failed = session::remember(error, output)?.or(failed),
            None => return failed.map_or(Ok(()), Err),
        }
    }
    Ok(())
}
