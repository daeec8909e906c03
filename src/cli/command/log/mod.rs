//! `adsum log`: looks into a store's log, all but `head` while no server runs on it.
//!
//! Must never hold: anything that changes an event of the store that is looked into. Opening a store may make durable what a killed server left.

mod anew;
mod cat;
mod chart;
mod cut;
mod event_line;
mod export;
mod exported;
mod fields;
mod head;
mod import;
mod replay;
mod rewrite;
mod salvage;
mod stat;
mod store;
mod verify;
mod viewed;
mod words;

use clap::Subcommand;

pub(super) use self::event_line::EventLine;
use self::store::Store;
pub(super) use self::verify::noted;
use crate::cli::run::{failure::Failure, invocation::Invocation};

/// Arguments of `adsum log`.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Tell how much is stored, and how much of it is older than is kept
    Stat(stat::Args),
    /// Print events in order
    Cat(cat::Args),
    /// Cut away what is older than is kept, all but what is carried forward
    Cut(cut::Args),
    /// Tell how far the log is on the disk, as position and chain to keep elsewhere; also while a server runs
    Head(Store),
    /// Check every checksum and the chain from the first event to the last
    Verify(verify::Args),
    /// Fold the log anew, tell what it comes to, and whether the checkpoint says the same
    Replay(replay::Args),
    /// Write every event with all that people wrote to a file of JSON lines
    Export(export::Args),
    /// Make a new store of what was exported, with a chain of its own
    Import(import::Args),
    /// Write a store anew into another folder, sealing what an older version stored as it came
    Rewrite(anew::Anew),
    /// Copy what is proven of a damaged log into a new store, and list what is not
    Salvage(anew::Anew),
}

/// Runs `adsum log`.
pub(super) fn run(command: Command, invocation: &mut Invocation) -> Result<(), Failure> {
    match command {
        Command::Stat(args) => stat::run(&args, invocation),
        Command::Cat(args) => cat::run(&args, invocation),
        Command::Cut(args) => cut::run(&args, invocation),
        Command::Head(store) => head::run(&store, invocation),
        Command::Rewrite(args) => rewrite::run(&args, invocation),
        Command::Salvage(args) => salvage::run(&args, invocation),
        Command::Verify(args) => verify::run(&args, invocation),
        Command::Replay(args) => replay::run(&args, invocation),
        Command::Export(args) => export::run(&args, invocation),
        Command::Import(args) => import::run(&args, invocation),
    }
}
