//! Sizes of a store, for the operator.
//!
//! Must never hold: a judgement about whether the log is whole; that is `verify`.

use core::ops::ControlFlow;
use std::path::Path;

use super::{Entries, LogFault, scan};
use crate::model::Timestamp;

/// Sizes of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// Events in the log.
    pub events: u64,
    /// Entries they are packed into.
    pub entries: u64,
    /// Bytes of all keys and values.
    pub stored_bytes: u64,
    /// Bytes of all files in the folder, as long as they claim to be.
    pub disk_bytes: u64,
    /// Files beside the engine's log that the engine does not sync. There must be none.
    pub blobs: u64,
    /// When the first event was recorded; `None` if there is none.
    pub first_at: Option<Timestamp>,
    /// When the last event was recorded; `None` if there is none.
    pub last_at: Option<Timestamp>,
}

/// Measures the store `source`, whose files lie in `folder`. Reads every entry, decodes only the first and the last.
///
/// # Errors
/// [`LogFault`] if an entry or the folder cannot be read.
pub fn stat(source: &dyn Entries, folder: &Path) -> Result<Stat, LogFault> {
    let mut stat = Stat::default();
    source.walk(&[], &mut |key, value| {
        stat.entries += 1;
        stat.stored_bytes += (key.len() + value.len()) as u64;
        Ok(ControlFlow::Continue(()))
    })?;
    let head = scan::tip(source)?.head;
    let at = |sequence| Ok::<_, LogFault>(scan::read(source, sequence, 1)?.pop());
    let first = source.mark().base.head.next();
    stat.events = head.next().get() - first.get();
    stat.first_at = at(first)?.map(|first| first.shown_at());
    stat.last_at = at(head)?.map(|last| last.shown_at());
    let files = files_below(folder)?;
    stat.disk_bytes = files.iter().map(|file| file.bytes).sum();
    stat.blobs = files.iter().filter(|file| file.is_blob).count() as u64;
    Ok(stat)
}

struct Found {
    bytes: u64,
    is_blob: bool,
}

fn files_below(folder: &Path) -> Result<Vec<Found>, LogFault> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let fault = |source| LogFault::Io {
            action: "read the folder",
            path: folder.display().to_string(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let metadata = entry.metadata().map_err(fault)?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                let is_blob = folder.file_name().is_some_and(|name| name == "blobs");
                found.push(Found { bytes: metadata.len(), is_blob });
            }
        }
    }
    Ok(found)
}
