//! Small files that must survive a crash: written whole or not at all, readable by their owner only.
//!
//! Must never hold: what the files mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::ServerError;

/// Makes `folder` with everything above it, for its owner only if it is new.
pub(super) fn make_folder(folder: &Path) -> Result<(), ServerError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| ServerError::file("make the folder", folder, source))
}

/// Writes `bytes` to `path` so that after a crash there is either the old file or the whole new one.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), ServerError> {
    let fault = |source| ServerError::file("write", path, source);
    let fresh = path.with_extension("new");
    write_synced(&fresh, bytes).map_err(fault)?;
    fs::rename(&fresh, path).map_err(fault)?;
    path.parent().map_or(Ok(()), sync_folder).map_err(fault)
}

/// Reads `path`, or `None` if there is no such file.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, ServerError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ServerError::file("read", path, source)),
    }
}

/// Writes and syncs a file of its own; whatever lay there is replaced.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename in `folder` durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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
