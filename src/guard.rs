//! Whose files are, and who else of this machine can get at them.
//!
//! What the server and the client keep is for the user alone as whom they run. What is open to others is closed; what
//! cannot be made safe by that (somebody else's file, a link, a place that others can move) is refused. Elsewhere than on
//! Unix there are no such modes, and nothing is looked at.
//! Must never hold: which files there are; who keeps them says so.

#![cfg_attr(
    not(feature = "server"),
    allow(dead_code, reason = "a client keeps less, and is given nothing")
)]

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// A file system of its own has this folder at its top, of the system's.
const OF_THE_SYSTEM: &str = "lost+found";

/// Something that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    path: PathBuf,
    is_folder: bool,
}

impl Kept {
    /// A folder.
    pub(crate) fn folder(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_folder: true }
    }

    /// A file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), is_folder: false }
    }

    /// Its name, if it lies right in `folder`.
    pub(crate) fn name_in(&self, folder: &Path) -> Option<&OsStr> {
        self.path.strip_prefix(folder).ok().filter(|rest| rest.iter().count() == 1)?.file_name()
    }
}

/// Why a file or folder is not safe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// Others than its owner can get at it.
    #[error("{} is open to others of this machine (mode {mode:o}); run `chmod {:o} {}`", .path.display(), .mode & !.to, .path.display())]
    Open {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// Those bits of it that let others in who must stay outside.
        to: u32,
    },
    /// It belongs to another user than the one as whom this process runs.
    #[error("{} belongs to user {owner}, and this runs as user {us}; run it as user {owner}, or `chown {us} {}`", .path.display(), .path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
        /// The number of our user.
        us: u32,
    },
    /// It is a symbolic link: what lies behind it may be anybody's.
    #[error("{} is a symbolic link to {}; put there what it leads to", .path.display(), .to.display())]
    Linked {
        /// Which.
        path: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// It is no file where one must be, or no folder.
    #[error("{} is not a {expected}; move it out of the way", .path.display())]
    OtherKind {
        /// Which.
        path: PathBuf,
        /// What it must be.
        expected: &'static str,
    },
    /// A folder above it is one in which anybody may put something else in its place.
    #[error("{} can be replaced by anybody, who may write to {}; choose another place, or run `chmod o-w {}`", .path.display(), .above.display(), .above.display())]
    Replaceable {
        /// Which.
        path: PathBuf,
        /// The folder above.
        above: PathBuf,
    },
    /// A folder that holds other things as well, so that it cannot be closed, and others may write to.
    #[error("others may write to {} (mode {mode:o}), which holds other things, too; choose a folder for this alone", .path.display())]
    Shared {
        /// Which.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is open and cannot be closed.
    #[error("{} is open to others of this machine and cannot be closed: {reason}; choose a place on a disk that keeps modes", .path.display())]
    Stuck {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// It cannot be looked at.
    #[error("cannot look at {}: {reason}; check to whom it and the folders above it belong", .path.display())]
    Hidden {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Unsafe {
    /// What it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::Open { path, .. }
            | Self::Foreign { path, .. }
            | Self::Linked { path, .. }
            | Self::OtherKind { path, .. }
            | Self::Replaceable { path, .. }
            | Self::Shared { path, .. }
            | Self::Stuck { path, .. }
            | Self::Hidden { path, .. } => path,
        }
    }

    /// Whether closing it is all that is needed.
    pub fn can_be_mended(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    #[cfg_attr(not(unix), expect(dead_code, reason = "nothing is looked at"))]
    fn hidden(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Hidden { path: path.to_owned(), reason: error.to_string() }
    }
}

/// Closes the folder at `path` if it is of our user and empty: it was made to be ours, and nobody has read anything in it.
pub(crate) fn claim(path: &Path) -> Result<(), Unsafe> {
    let is_empty = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    let found = if is_empty { look(&[Kept::folder(path)]) } else { Vec::new() };
    found.iter().filter(|one| one.can_be_mended()).try_for_each(system::close)
}

/// What is wrong with what is `kept`. What is not there is not wrong.
pub(crate) fn look(kept: &[Kept]) -> Vec<Unsafe> {
    kept.iter().filter_map(|kept| system::look(kept).err()).collect()
}

/// What is wrong with the folder at `path` in which all of it lies, or with those above. It may be reached over a link of
/// its user's or the system's own, and may hold what is not `ours`: then it can be left readable, and is not closed.
pub(crate) fn look_at_top(path: &Path, ours: impl Fn(&OsStr) -> bool) -> Vec<Unsafe> {
    system::look_at_top(path, &|name| name == OF_THE_SYSTEM || ours(name))
        .err()
        .into_iter()
        .collect()
}

/// What is wrong with a secret that somebody else keeps and has given to this process: its group may read it, others not.
pub(crate) fn look_at_given(path: &Path) -> Vec<Unsafe> {
    system::look_at_given(path).err().into_iter().collect()
}

/// Whether the folder at `path` belongs to the user as whom this runs.
pub(crate) fn check_owner(path: &Path) -> Result<(), Unsafe> {
    system::check_owner(path)
}

/// The files and folders in `folder`, and in those.
pub(crate) fn all_in(folder: &Path) -> Vec<Kept> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        found.push(Kept { path: entry.path(), is_folder });
        if is_folder {
            found.extend(all_in(&entry.path()));
        }
    }
    found
}

/// Closes all that was `found`, and returns it; closes nothing if there is something else to be done about one of them.
pub(crate) fn close(found: Vec<Unsafe>) -> Result<Vec<Unsafe>, Unsafe> {
    if let Some(hopeless) = found.iter().find(|one| !one.can_be_mended()) {
        return Err(hopeless.clone());
    }
    found.iter().try_for_each(system::close)?;
    Ok(found)
}

#[cfg(unix)]
mod system {
    use std::ffi::OsStr;
    use std::fs::{self, Metadata, Permissions};
    use std::io::ErrorKind;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::Path;

    use super::{Kept, Unsafe};

    /// What of a mode others than the owner have, and others than it and its group.
    const OTHERS: u32 = 0o077;
    const ANYBODY: u32 = 0o007;
    /// What of a mode lets others than the owner write, and others than it and its group.
    const OTHERS_WRITE: u32 = 0o022;
    const ANYBODY_WRITES: u32 = 0o002;
    /// In a folder with it whoever may write can move and remove only what is its own.
    const STICKY: u32 = 0o1000;

    type Checked = Result<(), Unsafe>;

    fn us() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn mode(found: &Metadata) -> u32 {
        found.permissions().mode() & 0o7777
    }

    /// What `path` is, `None` if nothing; of a link what it leads to if `follow`.
    fn found(path: &Path, follow: bool) -> Result<Option<Metadata>, Unsafe> {
        let found = if follow { fs::metadata(path) } else { fs::symlink_metadata(path) };
        match found {
            Ok(found) => Ok(Some(found)),
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(Unsafe::hidden(path)(error)),
        }
    }

    fn owned(path: &Path, owner: u32) -> Checked {
        let (path, us) = (path.to_owned(), us());
        if owner == us { Ok(()) } else { Err(Unsafe::Foreign { path, owner, us }) }
    }

    fn of_kind(path: &Path, is_right: bool, is_folder: bool) -> Checked {
        let expected = if is_folder { "folder" } else { "file" };
        if is_right { Ok(()) } else { Err(Unsafe::OtherKind { path: path.to_owned(), expected }) }
    }

    fn closed(path: &Path, mode: u32, to: u32) -> Checked {
        let is_closed = mode & to == 0;
        if is_closed { Ok(()) } else { Err(Unsafe::Open { path: path.to_owned(), mode, to }) }
    }

    pub(super) fn look(Kept { path, is_folder }: &Kept) -> Checked {
        let Some(found) = found(path, false)? else { return Ok(()) };
        if found.is_symlink() {
            let to = fs::read_link(path).map_err(Unsafe::hidden(path))?;
            return Err(Unsafe::Linked { path: path.clone(), to });
        }
        of_kind(path, if *is_folder { found.is_dir() } else { found.is_file() }, *is_folder)?;
        owned(path, found.uid())?;
        closed(path, mode(&found), OTHERS)
    }

    pub(super) fn look_at_top(path: &Path, ours: &dyn Fn(&OsStr) -> bool) -> Checked {
        let Some(named) = found(path, false)? else { return Ok(()) };
        if named.is_symlink() && named.uid() != 0 {
            owned(path, named.uid())?;
        }
        let place = fs::canonicalize(path).map_err(Unsafe::hidden(path))?;
        let found = found(&place, false)?;
        // Whoever reads a folder tells of a file in its place.
        let Some(found) = found.filter(Metadata::is_dir) else { return Ok(()) };
        owned(path, found.uid())?;
        stays(path, &place)?;
        if named.is_symlink() {
            let beside = path.parent().filter(|beside| !beside.as_os_str().is_empty());
            let beside = fs::canonicalize(beside.unwrap_or(Path::new(".")));
            stays(path, &beside.map_err(Unsafe::hidden(path))?.join("link"))?;
        }
        let mode = mode(&found);
        if holds_only(&place, ours)? {
            return closed(path, mode, OTHERS);
        }
        let is_shared = mode & OTHERS_WRITE != 0;
        if is_shared { Err(Unsafe::Shared { path: path.to_owned(), mode }) } else { Ok(()) }
    }

    /// Whether nobody else can put another in the place of what lies at `place`, which `path` names.
    fn stays(path: &Path, place: &Path) -> Checked {
        for above in place.ancestors().skip(1) {
            let Some(found) = found(above, true)? else { continue };
            if mode(&found) & (ANYBODY_WRITES | STICKY) == ANYBODY_WRITES {
                let (path, above) = (path.to_owned(), above.to_owned());
                return Err(Unsafe::Replaceable { path, above });
            }
        }
        Ok(())
    }

    fn holds_only(folder: &Path, ours: &dyn Fn(&OsStr) -> bool) -> Result<bool, Unsafe> {
        let mut entries = fs::read_dir(folder).map_err(Unsafe::hidden(folder))?;
        Ok(entries.all(|entry| entry.is_ok_and(|entry| ours(&entry.file_name()))))
    }

    pub(super) fn look_at_given(path: &Path) -> Checked {
        let Some(found) = found(path, true)? else { return Ok(()) };
        if found.uid() != 0 {
            owned(path, found.uid())?;
        }
        closed(path, mode(&found), ANYBODY)
    }

    pub(super) fn check_owner(path: &Path) -> Checked {
        found(path, true)?.map_or(Ok(()), |found| owned(path, found.uid()))
    }

    pub(super) fn close(found: &Unsafe) -> Checked {
        let Unsafe::Open { path, mode, to } = found else { return Ok(()) };
        let stuck = |reason: String| Unsafe::Stuck { path: path.clone(), reason };
        let changed = fs::set_permissions(path, Permissions::from_mode(mode & !to));
        changed.map_err(|error| stuck(error.to_string()))?;
        // Some file systems take a mode and keep none.
        let now =
            fs::metadata(path).map(|found| self::mode(&found)).map_err(Unsafe::hidden(path))?;
        if now & to == 0 { Ok(()) } else { Err(stuck(format!("it keeps the mode {now:o}"))) }
    }
}

#[cfg(not(unix))]
mod system {
    use std::ffi::OsStr;
    use std::path::Path;

    use super::{Kept, Unsafe};

    pub(super) fn look(_: &Kept) -> Result<(), Unsafe> {
        Ok(())
    }

    pub(super) fn look_at_top(_: &Path, _: &dyn Fn(&OsStr) -> bool) -> Result<(), Unsafe> {
        Ok(())
    }

    pub(super) fn look_at_given(_: &Path) -> Result<(), Unsafe> {
        Ok(())
    }

    pub(super) fn check_owner(_: &Path) -> Result<(), Unsafe> {
        Ok(())
    }

    pub(super) fn close(_: &Unsafe) -> Result<(), Unsafe> {
        Ok(())
    }
}
