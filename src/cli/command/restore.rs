//! `adsum restore`: makes a store of a backup.
//!
//! Must never hold: a change of what is there already.

use std::fmt;
use std::path::{Path, PathBuf};

use super::backup::Opening;
use crate::backup::{Backup, Proven};
use crate::cli::print::line::line;
use crate::cli::print::output;
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::server::restore_store;

/// Arguments of `adsum restore`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the backup
    dir: PathBuf,
    /// The folder of the new store, for `adsum serve --data`; empty, or not there yet
    #[arg(long, value_name = "NEW")]
    data: PathBuf,
    #[command(flatten)]
    opening: Opening,
}

line! {
    /// `{"type":"restored", …}`.
    #[serde(tag = "type", rename = "restored")]
    struct RestoredLine from (data, proven, keys): (&Path, &Proven, bool) {
        data: String = data.display().to_string(),
        position: u64 = proven.verified.head.get(),
        chain: String = proven.verified.chain.to_string(),
        events: u64 = proven.verified.events,
        keys: bool = keys,
    }
}

impl fmt::Display for RestoredLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, position, chain, events, .. } = self;
        writeln!(to, "{position}:{chain}")?;
        write!(to, "  restored {events} events into {data}")
    }
}

/// Runs `adsum restore`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let keys = args.opening.opened(Backup::open(&args.dir)?.keys()?)?;
    let proven = restored(args, keys.as_deref(), invocation)?;
    let line = RestoredLine::from((args.data.as_path(), &proven, keys.is_some()));
    invocation.output.line(&line)?;
    if keys.is_none() {
        let data = args.data.display();
        let text = format!(
            "the new store has no keys; copy keys/ of the old one into {data} before a server runs on it, else every client is told that the server's key has changed, begins its feeds anew and cannot change what it has published, and what people wrote reads as erased"
        );
        output::note(invocation.is_json(), "no-keys", &text);
    }
    Ok(())
}

fn restored(args: &Args, keys: Option<&[u8]>, invocation: &Invocation) -> Result<Proven, Failure> {
    let mut progress = Progress::new("restoring", "events", invocation.is_json());
    let mut at = |done, total| progress.at(done, total);
    Ok(restore_store(&args.dir, &args.data, keys, &mut at)?)
}
