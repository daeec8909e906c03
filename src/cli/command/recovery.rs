//! `adsum recovery`: the recoveries of names that run, and refusing that of one's own.
//!
//! Must never hold: who may refuse what (the service knows). A recovery is started with `adsum invite --recover`.

use clap::Subcommand;
use data_encoding::HEXLOWER;

use crate::cli::print::recovery::RecoveryLine;
use crate::cli::print::{changed, table};
use crate::cli::run::cure;
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
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
        #[arg(value_parser = digits)]
        invite: Option<String>,
    },
}

fn digits(text: &str) -> Result<String, String> {
    let given = text.to_ascii_lowercase();
    let is_id = [16, 64].contains(&given.len()) && HEXLOWER.decode(given.as_bytes()).is_ok();
    is_id
        .then_some(given)
        .ok_or_else(|| "write the 16 digits that `adsum recovery` shows".to_owned())
}

/// Runs `adsum recovery`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    match args.action {
        None | Some(Action::List) => list(invocation),
        Some(Action::Refuse { invite }) => refuse(invite.as_deref(), invocation),
    }
}

fn list(invocation: &mut Invocation) -> Result<(), Failure> {
    let running = session::once(invocation, async |client| client.recoveries().await)?;
    let lines = running.iter().map(RecoveryLine::from);
    table::print(lines, "no recovery runs", &mut invocation.output)
}

fn refuse(given: Option<&str>, invocation: &mut Invocation) -> Result<(), Failure> {
    let is_repeat = invocation.operation.is_some();
    let own = invocation.identity()?.principal.clone();
    session::once(invocation, async |client| {
        let is_own = |running: &OpenRecovery| {
            let name = HEXLOWER.encode(&running.invite.0);
            running.principal == own && given.is_none_or(|given| name.starts_with(given))
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

fn unknown(given: Option<&str>) -> Failure {
    let refusal = Refusal::NoRecovery { invite: given.unwrap_or("that runs").to_owned() };
    Failure::failed(refusal.code().as_str(), cure::of_refusal(&refusal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_a_listing_shows() {
        assert_eq!(digits("ABABABABABABABAB"), Ok("abababababababab".to_owned()));
        assert!(digits("abab").is_err() && digits("xbababababababab").is_err());
    }
}
