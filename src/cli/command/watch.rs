//! `adsum watch`: presence as it changes.
//!
//! The position moves only after a line has left this process, so that a kill at any moment loses no line, and repeats
//! none that the system had taken.
//! Must never hold: presence between two lines (the client and the server keep it).

use crate::cli::print::{output::Output, presence::PresenceLine, time::lifetime};
use crate::cli::run::{
    as_whom::AnonymousArgs,
    failure::Failure,
    invocation::Invocation,
    repeat::Operation,
    session::{self, Patience, Staying},
    signals::Interrupts,
};
use crate::client::{Client, ClientError, Update, Watch, WatchOptions};
use crate::model::{Lifetime, Mode, Presentity};

/// Arguments of `adsum watch`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whom to watch, such as pres:alice@localhost [default: everybody one is subscribed to]
    presentities: Vec<Presentity>,
    /// Tell each change in order [default: the newest state; what lies in between may be skipped]
    #[arg(long)]
    every: bool,
    /// Forget where the last watch stopped: begin with the current state, with --every when the subscription began
    #[arg(long)]
    anew: bool,
    /// Stop after this many lines [default: never]
    #[arg(long, value_name = "LINES", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Stop when everything up to now has been told
    #[arg(long)]
    until_caught_up: bool,
    /// How long the subscription stands, renewed at each start, such as 12h or 7d, at most 30d [default: 7d]
    #[arg(long, value_name = "SPAN", value_parser = lifetime)]
    lifetime: Option<Lifetime>,
    #[command(flatten)]
    staying: Staying,
    #[command(flatten)]
    acting: AnonymousArgs,
    #[command(flatten)]
    repeat: Operation,
}

/// Lines printed before they are flushed together, if as many have arrived already.
const LINES_AT_ONCE_MAX: u64 = 256;

/// Runs `adsum watch`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    if args.acting.is_anonymous() && args.presentities.is_empty() {
        return Err(Failure::usage(
            "nobody in particular has no subscriptions; name whom to watch",
        ));
    }
    let options = WatchOptions {
        mode: if args.every { Mode::Every } else { Mode::Latest },
        lifetime: args.lifetime,
        anew: args.anew,
        follow: !args.until_caught_up,
        ..WatchOptions::of(args.presentities)
    };
    let remaining = args.count.unwrap_or(u64::MAX);
    let stay = args.staying.stay(!args.until_caught_up);
    let patience = stay.patience(invocation)?;
    session::follow_as(invocation, &args.acting, stay, async |client, output, interrupts| {
        let started = tokio::select! {
            started = start(client, options, patience, output) => started?,
            () = interrupts.next() => return Ok(()),
        };
        watch(started, remaining, patience, output, interrupts).await
    })
}

/// Begins to watch; whoever waits for the server however long also waits for its answer.
async fn start(
    client: &Client,
    options: WatchOptions,
    patience: Patience,
    output: &Output,
) -> Result<Watch, Failure> {
    loop {
        match client.watch(options.clone()).await {
            Err(error @ ClientError::OutcomeUnknown { .. }) if patience.waits_for_ever() => {
                session::remember(error, output)?;
            }
            started => return Ok(started?),
        }
    }
}

async fn watch(
    mut watch: Watch,
    mut remaining: u64,
    patience: Patience,
    output: &mut Output,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let mut failed = None;
    while remaining > 0 {
        let next = tokio::select! {
            next = patience.next(watch.next()) => next?,
            () = interrupts.next() => return settled(&watch).await,
        };
        match next {
            Some(Ok(update)) => {
                let lines_max = remaining.min(LINES_AT_ONCE_MAX);
                remaining -= print(update, &mut watch, lines_max, output).await?;
                failed = None;
            }
            // The watch goes on if it can, as when a subscription could not be renewed, and ends otherwise.
            Some(Err(error)) => failed = session::remember(error, output)?.or(failed),
            None => return failed.map_or(Ok(()), Err),
        }
    }
    settled(&watch).await
}

/// Prints `first` and what else has arrived, `lines_max` in all, then moves the position past it. Returns how many.
async fn print(
    first: Update,
    watch: &mut Watch,
    lines_max: u64,
    output: &mut Output,
) -> Result<u64, Failure> {
    let (mut last, mut lines) = (first, 1);
    line(&last, output)?;
    while lines < lines_max {
        let Some(update) = watch.next_ready() else { break };
        line(&update, output)?;
        (last, lines) = (update, lines + 1);
    }
    output.flush()?;
    // A kill before the position is stored makes the next start print these lines again, so wait for it at once.
    last.taken().await?;
    Ok(lines)
}

fn line(update: &Update, output: &mut Output) -> Result<(), Failure> {
    output.line(&PresenceLine::from((&update.presence, Some(update.cursor_text()))))
}

async fn settled(watch: &Watch) -> Result<(), Failure> {
    match watch.settled().await {
        // The position is stored on this machine; that the server knows it too only spares it work.
        Err(ClientError::Unreachable { .. } | ClientError::Lost { .. }) => Ok(()),
        settled => Ok(settled?),
    }
}
