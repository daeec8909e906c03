//! `adsum log`: looks into a store's log while no server runs on it.
//!
//! Must never hold: anything that changes an event. Opening a store may make durable what a killed server left.

mod cat;
mod event_line;
mod governance;
mod stat;
mod verify;

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::run::failure::Failure;
use crate::cli::run::invocation::Invocation;
use crate::log::SledLog;

/// Arguments of `adsum log`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Tell how much is stored
    Stat(Store),
    /// Print events in order
    Cat(cat::Args),
    /// Check every checksum and the chain from the first event to the last
    Verify(Store),
}

/// Which store.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Store {
    /// The folder of the store, as given to `adsum serve --data`
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Store {
    fn open(&self) -> Result<SledLog, Failure> {
        Ok(SledLog::open_existing(&self.data)?)
    }

    /// Whether the files are as an orderly end left them; true also if there was none.
    fn check_seal(&self) -> Result<(), Failure> {
        SledLog::check_seal(&self.data)?;
        Ok(())
    }
}

/// Runs `adsum log`.
pub(super) fn run(command: Command, invocation: &mut Invocation) -> Result<(), Failure> {
    match command {
        Command::Stat(store) => stat::run(&store, invocation),
        Command::Cat(args) => cat::run(&args, invocation),
        Command::Verify(store) => verify::run(&store, invocation),
    }
}
