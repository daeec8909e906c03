//! What is kept of this machine's identities, and that nobody else of the machine can get at it.
//!
//! Must never hold: how that is found out or mended (see `guard`).

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::StateError;
use super::identity::{IDENTITY_FILE, KEY_FILE};
use crate::guard::{self, Kept, Unsafe};

/// Where an identity lies before the server has taken its key.
pub(super) const STAGING: &str = ".enrolling";
/// The lock of whoever enrolls it.
pub(super) const LOCK_FILE: &str = "enrolling.lock";
/// Where identities lie that others have replaced.
pub(super) const ASIDE: &str = ".replaced";
/// How far each feed was taken.
pub(super) const CURSORS: &str = "cursors";
/// The tags of what was published.
pub(super) const TAGS: &str = "tags";

/// What of the folder of identities at `home` is not for its user alone. Changes nothing.
pub(super) fn look(home: &Path) -> Vec<Unsafe> {
    let mut found = guard::look_at_top(home, |name| {
        name == STAGING || name == ASIDE || is_identity(&home.join(name))
    });
    found.extend(guard::look(&kept(home)));
    found
}

/// Closes what of it is open to others, and returns that.
pub(super) fn close(home: &Path) -> Result<Vec<Unsafe>, StateError> {
    guard::claim(home)?;
    Ok(guard::close(look(home))?)
}

fn kept(home: &Path) -> Vec<Kept> {
    let below = [STAGING, ASIDE].map(|name| home.join(name));
    let mut kept: Vec<Kept> = below.iter().map(Kept::folder).collect();
    for folder in folders(home).chain(below.iter().flat_map(|below| folders(below))) {
        kept.push(Kept::folder(&folder));
        kept.extend([KEY_FILE, IDENTITY_FILE, LOCK_FILE].map(|name| Kept::file(folder.join(name))));
        kept.extend([CURSORS, TAGS].map(|name| Kept::folder(folder.join(name))));
    }
    kept
}

/// The folders in `parent` that hold an identity.
fn folders(parent: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| is_identity(path))
}

fn is_identity(path: &Path) -> bool {
    let is_hidden =
        path.file_name().map(OsStr::as_encoded_bytes).is_some_and(|name| name[0] == b'.');
    !is_hidden && (path.join(KEY_FILE).exists() || path.join(IDENTITY_FILE).exists())
}
