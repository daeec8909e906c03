//! `adsum recovery`: the recoveries of names that run, and refusing that of one's own.
//!
//! Must never hold: who may refuse what (the service knows). A recovery is started with `adsum invite --recover`.

use clap::Subcommand;

use crate::cli::print::recovery::RecoveryLine;
use crate::cli::print::{changed, table};
use crate::cli::run::cure;
use crate::cli::run::{
    digits::Digits, failure::Failure, invocation::Invocation, repeat::Operation, session,
};
use crate::client::{Client, OpenRecovery};
use crate::model::Refusal;

/// Arguments of `adsum recovery`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List those that run: of one's own name, and for an administrator those of its domain, which it takes back with
    /// `adsum invites withdraw`
    List,
    /// Refuse that of one's own name, so that nobody can use it
    Refuse {
        /// Which: the 16 hexadecimal digits that `adsum recovery` shows [default: the one that runs]
        invite: Option<Digits>,
    },
}

/// Runs `adsum recovery`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    match args.action {
        None | Some(Action::List) => list(invocation),
        Some(Action::Refuse { invite }) => refuse(invite.as_ref(), invocation),
    }
}

fn list(invocation: &mut Invocation) -> Result<(), Failure> {
    let running = session::once(invocation, async |client| client.recoveries().await)?;
    let lines = running.iter().map(RecoveryLine::from);
    table::print(lines, "no recovery runs", &mut invocation.output)
}

fn refuse(given: Option<&Digits>, invocation: &mut Invocation) -> Result<(), Failure> {
    let is_repeat = invocation.operation.is_some();
    let own = invocation.identity()?.principal.clone();
    session::once(invocation, async |client| {
        let is_own = |running: &OpenRecovery| {
            running.principal == own && given.is_none_or(|given| given.begin(&running.invite.0))
        };
        match found(client, is_own).await? {
            Some(running) => Ok(client.refuse_recovery(running.invite).await?),
            // The first time may have done it.
            None if is_repeat => Ok(()),
            None => Err(unknown(given)),
        }
    })?;
    changed::print(&format!("the recovery of {own} is refused"), 0, invocation)
}

async fn found(
    client: &Client,
    is_meant: impl Fn(&OpenRecovery) -> bool,
) -> Result<Option<OpenRecovery>, Failure> {
    Ok(client.recoveries().await?.into_iter().find(is_meant))
}

fn unknown(given: Option<&Digits>) -> Failure {
    let invite = given.map_or_else(|| "that runs".to_owned(), ToString::to_string);
    let refusal = Refusal::NoRecovery { invite };
    Failure::failed(refusal.code().as_str(), cure::of_refusal(&refusal))
}
