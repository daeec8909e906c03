//! A new store that is made of another one: where both are, and what lies beside the log.
//!
//! Must never hold: a change of the store that is read, or an event.

use std::fs;
use std::path::{Path, PathBuf};

use super::store::Store;
use crate::cli::run::failure::Failure;
use crate::disk;

/// Of which store, and where the new one is to be.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Anew {
    #[command(flatten)]
    pub(super) store: Store,
    /// The folder of the new store, which is made; one that is there must be empty
    #[arg(long, value_name = "NEW")]
    pub(super) to: PathBuf,
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
