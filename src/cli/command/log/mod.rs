//! `adsum log`: looks into a store's log while no server runs on it.
//!
//! Must never hold: anything that changes an event. Opening a store may make durable what a killed server left.

mod cat;
mod event_line;
mod fields;
mod stat;
mod store;
mod verify;
mod words;

use clap::Subcommand;

use self::store::Store;
use crate::cli::run::{failure::Failure, invocation::Invocation};

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

/// Runs `adsum log`.
pub(super) fn run(command: Command, invocation: &mut Invocation) -> Result<(), Failure> {
    match command {
        Command::Stat(store) => stat::run(&store, invocation),
        Command::Cat(args) => cat::run(&args, invocation),
        Command::Verify(store) => verify::run(&store, invocation),
    }
}
