//! Small files that survive a crash: each is there whole, as it was before or as it is now.
//!
//! The lowest layer that touches the disk; client, log and server keep their files through it.
//! Must never hold: what a file means.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How the name ends of a file that is not in its place yet.
const TEMPORARY: &str = ".tmp";

/// The file system said no.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}; {}", .path.display(), cure(.source))]
pub(crate) struct Fault {
    /// What was tried.
    pub(crate) action: &'static str,
    /// On what.
    pub(crate) path: PathBuf,
    /// What the file system said.
    pub(crate) source: io::Error,
}

impl Fault {
    /// Turns what the file system said into a fault of `action` on `path`.
    pub(crate) fn of(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self { action, path: path.to_owned(), source }
    }
}

/// What helps against `source`, whatever the file.
pub(crate) fn cure(source: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match source.kind() {
        Kind::NotFound => "check the path",
        Kind::PermissionDenied => "check to whom it belongs and who may write there",
        Kind::StorageFull | Kind::QuotaExceeded => "make room there",
        Kind::ReadOnlyFilesystem => "choose a place that can be written to",
        Kind::IsADirectory => "name a file, this is a folder",
        Kind::NotADirectory | Kind::AlreadyExists => "name a folder, a file is in the way",
        Kind::InvalidFilename => "choose a shorter path without special characters",
        _ => "check the path and the disk",
    }
}

/// How to make a file for writing that only its owner may read, whatever the process allows for others.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Puts `bytes` in the place of the file at `path`. After a crash at any moment the file holds what it held before or
/// `bytes`; once this returns, `bytes`. A crash may leave a file beside it, which nobody reads and [`sweep`] removes.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let failed = Fault::of("write", path);
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(io::ErrorKind::InvalidInput.into()));
    };
    let fresh = write(folder, name, bytes).map_err(&failed)?;
    // The standard library's rename, so that whoever watches a process below its C library sees it.
    let fresh = fresh.into_temp_path();
    step().and_then(|()| fs::rename(&fresh, path)).map_err(failed)?;
    sync_folder(folder)
}

/// Writes and syncs a file beside the one called `name`. Dropping it removes it.
fn write(folder: &Path, name: &OsStr, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let prefix = temporary_prefix(name);
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(&prefix).suffix(TEMPORARY);
    step()?;
    let mut fresh = builder.make_in(folder, |path| private().create_new(true).open(path))?;
    let (one, other) = bytes.split_at(bytes.len() / 2);
    for half in [one, other] {
        step()?;
        fresh.as_file_mut().write_all(half)?;
    }
    step()?;
    fresh.as_file().sync_all()?;
    Ok(fresh)
}

fn temporary_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// Removes what replacements of `path` that were cut short have left. Only for a file that nobody else replaces now.
pub(crate) fn sweep(path: &Path) {
    let Some((folder, name)) = path.parent().zip(path.file_name()) else { return };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if is_left_over(&entry.file_name(), name) {
            // What is left over is never read, so failing to remove it does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether `found` is what a replacement of the file `name` that was cut short has left.
pub(crate) fn is_left_over(found: &OsStr, name: &OsStr) -> bool {
    let (found, prefix) = (found.as_encoded_bytes(), temporary_prefix(name));
    found.starts_with(prefix.as_encoded_bytes()) && found.ends_with(TEMPORARY.as_bytes())
}

/// The bytes of the file at `path`, or `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Fault> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Fault::of("read", path)(source)),
    }
}

/// Removes the file at `path` for good; one that is not there is removed already.
pub(crate) fn remove(path: &Path) -> Result<(), Fault> {
    match step().and_then(|()| fs::remove_file(path)) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Fault::of("remove", path)(source)),
    }
}

/// Makes a folder that only its owner may read, with all above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Fault> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), make_folder)?;
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has a mode to set"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match step().and_then(|()| builder.create(path)) {
        // Somebody else may have made it meanwhile.
        Err(source) if !path.is_dir() => Err(Fault::of("make the folder", path)(source)),
        _ => sync_folder(above.unwrap_or(Path::new("."))),
    }
}

/// Makes the names in a folder durable; syncing a file does not. Elsewhere than on Unix a folder cannot be opened, and a
/// rename is durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), Fault> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    if cfg!(unix) {
        let synced = step().and_then(|()| File::open(path)).and_then(|folder| folder.sync_all());
        synced.map_err(Fault::of("sync the folder", path))?;
    }
    Ok(())
}

/// A lock of a file, which ends with this.
#[cfg(feature = "server")]
#[derive(Debug)]
pub(crate) struct Lock(File);

#[cfg(feature = "server")]
impl Drop for Lock {
    /// Closing the file is not enough: a program that another thread is about to start has it open as well until it runs.
    fn drop(&mut self) {
        // One that cannot be unlocked ends with the process.
        let _ = self.0.unlock();
    }
}

/// Locks the file at `path` for as long as what this returns lives, making the file if there is none; `None` while another
/// process has it.
#[cfg(feature = "server")]
pub(crate) fn lock(path: &Path) -> Result<Option<Lock>, Fault> {
    let opened = private().create(true).truncate(false).open(path);
    let file = opened.map_err(Fault::of("open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(source)) => Err(Fault::of("lock", path)(source)),
    }
}

/// Comes before each change of the disk, so that tests can end a process there.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use planted::step;

/// A disk that changes no more, as when the process that changes it is killed.
#[cfg(test)]
pub(crate) mod planted {
    use std::cell::Cell;
    use std::io;

    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub(crate) fn step() -> io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(io::Error::other("the process is gone")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }

    /// Does `work` in a process that is killed before its change number `steps`, from 0; in the same thread.
    pub(crate) fn killed_after<T>(steps: u32, work: impl FnOnce() -> T) -> T {
        LEFT.set(Some(steps));
        let done = work();
        LEFT.set(None);
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "server")]
    #[test]
    fn a_lock_ends_with_its_holder_also_while_a_program_that_is_being_started_has_the_file_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("LOCK");
        let held = lock(&path).unwrap().unwrap();
        let inherited = held.0.try_clone().unwrap();
        assert!(lock(&path).unwrap().is_none());
        drop(held);
        assert!(lock(&path).unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn a_file_reads_back_as_it_was_replaced_last_and_a_missing_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert_eq!(read(&path).unwrap(), None);
        for bytes in [&b"old"[..], b"", b"new"] {
            replace(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap().as_deref(), Some(bytes));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(read(&path).unwrap(), None);
    }

    #[test]
    fn a_write_cut_short_leaves_the_old_file_and_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        replace(&path, b"old").unwrap();
        let torn = write(folder.path(), OsStr::new("x.toml"), b"ne").unwrap();
        let (_, torn) = torn.keep().unwrap();
        let by_an_older_version = folder.path().join(".x.toml.0123456789abcdef.tmp");
        let neighbour = folder.path().join(".y.toml.0123456789abcdef.tmp");
        for other in [&by_an_older_version, &neighbour] {
            fs::write(other, "").unwrap();
        }
        assert_eq!(read(&path).unwrap().as_deref(), Some(&b"old"[..]));
        sweep(&path);
        assert!(!torn.exists() && !by_an_older_version.exists());
        assert!(neighbour.exists() && path.exists());
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("inner")).unwrap();
        let fault = replace(&path, b"x").unwrap_err();
        assert!(fault.to_string().starts_with(&format!("cannot write {}: ", path.display())));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_the_system_says_is_told_without_the_temporary_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing/key");
        let fault = replace(&path, b"x").unwrap_err();
        assert!(fault.source.raw_os_error().is_some(), "{fault}");
        assert!(!fault.to_string().contains(".key."), "{fault}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_what_is_kept() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_folder(&inner).unwrap();
        replace(&inner.join("key"), b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("key"))), (0o700, 0o600));
    }
}
