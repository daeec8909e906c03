//! The server's own files: its keys, the probe of its folder, and how much room the store takes.
//!
//! Must never hold: what the files mean.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::disk::{self, Fault};

/// Written and synced to see whether the disk still takes anything.
pub(super) const PROBE: &str = "disk-probe";
/// What a page must know before it connects.
pub(super) const FOR_PAGES: &str = "web.json";

/// Puts `bytes` in the place of the file at `path`, for the owner's eyes only.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    disk::sweep(path);
    disk::replace(path, bytes)
}

/// Writes and syncs a file in its place; whatever lay there is replaced.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = disk::private().create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Bytes of all files below `folder`. A file that vanishes meanwhile counts as nothing.
pub(super) fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}
