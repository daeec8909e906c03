//! `adsum log rewrite`: writes a store anew, so that what an older version stored as it came is sealed.
//!
//! Must never hold: a change of the store that is read.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::store::Store;
use crate::cli::print::line::line;
use crate::cli::run::{
    failure::Failure, folder::check_empty, invocation::Invocation, progress::Progress,
};
use crate::commit::rewrite;
use crate::disk;
use crate::log::{EventLog, SledLog};
use crate::model::Sequence;
use crate::server::state_carried;

/// Arguments of `adsum log rewrite`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// The folder of the new store, which is made; one that is there must be empty
    #[arg(long, value_name = "NEW")]
    to: PathBuf,
}

line! {
    /// `{"type":"rewritten", …}`.
    #[serde(tag = "type", rename = "rewritten")]
    struct RewrittenLine from (events, to): (Sequence, &Path) {
        events: u64 = events.get(),
        folder: String = to.display().to_string(),
    }
}

impl fmt::Display for RewrittenLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, folder } = self;
        write!(
            to,
            "{folder} holds the same {events} events, sealed; once it serves, delete the old store"
        )
    }
}

/// Runs `adsum log rewrite`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let (from, to) = (args.store.open()?, args.to.as_path());
    check_empty(to)?;
    let (mut new, head) = (SledLog::open(to)?, from.head());
    let mut progress = Progress::new("rewriting", "events", invocation.is_json());
    rewrite(&from, &mut new, &mut |done| progress.at(done, head.get()))?;
    drop((progress, new));
    copy_beside(&args.store.data, to)?;
    state_carried(to)?;
    invocation.output.line(&RewrittenLine::from((head, to)))
}

/// Copies what a server keeps beside the log but for the keys of what was written: those are the new store's own.
pub(super) fn copy_beside(from: &Path, to: &Path) -> Result<(), Failure> {
    let mut names = vec![PathBuf::from("CLOCK")];
    let keys = from.join("keys");
    for entry in fs::read_dir(&keys).map_err(|error| Failure::io("list", &keys, &error))? {
        let name = entry.map_err(|error| Failure::io("list", &keys, &error))?.file_name();
        names.push(Path::new("keys").join(name));
    }
    for name in names.iter().filter(|name| !is_of_payloads(name)) {
        let bytes = disk::read(&from.join(name))
            .and_then(|bytes| bytes.map_or(Ok(()), |bytes| disk::replace(&to.join(name), &bytes)));
        bytes.map_err(|fault| Failure::io(fault.action, &fault.path, &fault.source))?;
    }
    Ok(())
}

fn is_of_payloads(name: &Path) -> bool {
    name.to_string_lossy().contains("principals.keys")
}
