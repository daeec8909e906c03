//! `adsum doctor`: looks at everything a command depends on, and says what to do about what is wrong.
//!
//! Must never hold: a repair.

mod check;
mod machine;
mod server;
mod store;

use std::path::PathBuf;

use self::check::{Check, Verdict};
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::ServerAddress;

/// Arguments of `adsum doctor`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Check whether the server at this address answers, and nothing else: nobody need be enrolled [default: the servers of this machine's identities]
    #[arg(long, value_name = "HOST:PORT", conflicts_with = "data")]
    server: Option<ServerAddress>,
    /// Also check the store in this folder [default: only this machine's identities and their servers]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs `adsum doctor`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let mut report = Report { invocation, checks: 0, failed: 0 };
    match &args.server {
        Some(address) => report.answering(address)?,
        None => report.machine(args.data.is_some())?,
    }
    if let Some(data) = &args.data {
        store::check(data).into_iter().try_for_each(|check| report.add(&check))?;
    }
    match report.failed {
        0 => Ok(()),
        failed => {
            let checks = report.checks;
            Err(Failure::failed(
                "checks-failed",
                format!("{failed} of {checks} checks failed; see the cures above"),
            ))
        }
    }
}

struct Report<'a> {
    invocation: &'a mut Invocation,
    checks: u32,
    failed: u32,
}

impl Report<'_> {
    /// Prints a check at once: the next one may take a while.
    fn add(&mut self, check: &Check) -> Result<(), Failure> {
        self.checks += 1;
        self.failed += u32::from(check.result == Verdict::Fail);
        let output = &mut self.invocation.output;
        let check = Check { is_coloured: output.is_coloured(), ..check.clone() };
        output.line(&check)?;
        output.flush()
    }

    /// The server at `address`, as anybody sees it.
    fn answering(&mut self, address: &ServerAddress) -> Result<(), Failure> {
        let check = session::runtime()?.block_on(server::answering(address));
        self.add(&check)
    }

    /// The identities of this machine and their servers. On a server's machine there need not be any.
    fn machine(&mut self, has_store: bool) -> Result<(), Failure> {
        let home = self.invocation.home()?;
        let wanted = self.invocation.globals.acting_as.clone();
        let found = machine::check(&home, wanted.as_ref(), has_store);
        found.checks.iter().try_for_each(|check| self.add(check))?;
        let runtime = session::runtime()?;
        for identity in found.identities {
            let checks = runtime.block_on(server::check(identity));
            checks.iter().try_for_each(|check| self.add(check))?;
        }
        Ok(())
    }
}
