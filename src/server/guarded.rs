//! What a server keeps or is given, and that nobody else of the machine can get at it.
//!
//! Must never hold: how that is found out or mended (see `guard`).

use std::ffi::OsStr;
use std::path::Path;

use tracing::warn;

use super::{clock, copy, files, keys};
use crate::disk;
use crate::guard::{self, Kept, Unsafe};
use crate::log::SledLog;

/// What of the store in `data` is not for the user alone as whom this runs. Changes nothing.
pub fn unsafe_files(data: &Path) -> Vec<Unsafe> {
    let mut kept: Vec<Kept> = SledLog::kept(data);
    kept.extend(keys::kept(data));
    kept.extend(
        [clock::FILE, files::PROBE, files::FOR_PAGES].map(|name| Kept::file(data.join(name))),
    );
    let mut names: Vec<&OsStr> = kept.iter().filter_map(|kept| kept.name_in(data)).collect();
    // No file, and nobody else's who connects there is answered.
    names.push(OsStr::new(copy::SOCKET));
    let ours =
        |found: &OsStr| names.iter().any(|name| found == *name || disk::is_left_over(found, name));
    let mut found = guard::look_at_top(data, ours);
    found.extend(guard::look(&kept));
    found
}

/// Closes what of the store in `data` is open to others, and says so.
///
/// # Errors
/// [`Unsafe`] if something else has to be done about one of its files; then nothing is changed.
pub(super) fn close(data: &Path) -> Result<(), Unsafe> {
    guard::claim(data)?;
    guard::close(unsafe_files(data)).map(|closed| tell(&closed))
}

/// Closes the secret that the operator keeps in `path`, if it is open to everybody.
///
/// # Errors
/// As [`close`].
pub(super) fn close_given(path: &Path) -> Result<(), Unsafe> {
    guard::close(guard::look_at_given(path)).map(|closed| tell(&closed))
}

fn tell(closed: &[Unsafe]) {
    let Some(first) = closed.first() else { return };
    let (path, files) = (first.path().display(), closed.len());
    warn!(%path, files, "others of this machine could get at the server's files; they are closed now, and what they may have read is not");
}
