//! The store's folder: who has it, and which format it is in.
//!
//! ```text
//! <data>/LOCK     empty; locked by the process that has the store
//! <data>/FORMAT   "adsum store\nformat 1\n"
//! <data>/HEAD     see the module `mark`
//! <data>/SEAL     see the module `seal`; there only after an orderly end
//! <data>/RESTORING  empty; there while a backup is made a store, which is none until then
//! <data>/keys/    principals.keys, see `sealing`, beside what the server keeps there
//! <data>/log/     sled's own folder
//! ```
//!
//! Must never hold: anything inside `log/`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{LogFault, seal};
use crate::disk;
use crate::guard::{self, Kept};
use crate::log::sealing::Vault;

/// Version of the folder layout and of everything stored in it.
const FORMAT: u32 = 1;
const TITLE: &str = "adsum store";
const LOCK: &str = "LOCK";
const FORMAT_FILE: &str = "FORMAT";
const LOG: &str = "log";
const RESTORING: &str = "RESTORING";
/// How far the log was durable, see the module `mark`.
pub(super) const HEAD: &str = "HEAD";

/// A store's folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// What lay in sled's folder.
    found: Vec<Kept>,
    /// Whether sled was closed in order, so that its files may be sealed once nobody has them open.
    orderly: AtomicBool,
    _lock: disk::Lock,
}

impl Drop for Folder {
    /// Whoever has sled's files open holds the folder, so by now they are closed.
    fn drop(&mut self) {
        if self.orderly.load(Ordering::Acquire) {
            // Without a seal the store is as good as one that was killed.
            let _ = self.close_log().and_then(|()| self.seal());
        }
    }
}

impl Folder {
    /// Locks the folder, and makes it a new store if it is none.
    pub(super) fn open_or_create(path: &Path) -> Result<Self, LogFault> {
        disk::make_folder(path)?;
        let folder = Self::lock(path)?;
        if !has_format(path)? {
            folder.write_format()?;
        }
        Ok(folder)
    }

    /// Locks the folder of a store that a backup is to become. It is none before [`Folder::is_restored`].
    pub(super) fn restore(path: &Path) -> Result<Self, LogFault> {
        disk::make_folder(path)?;
        let folder = Self::lock(path)?;
        folder.write_durably(RESTORING, b"")?;
        folder.write_format()?;
        Ok(folder)
    }

    /// The store in the folder `path`, which nobody has open, is whole.
    pub(super) fn is_restored(path: &Path) -> Result<(), LogFault> {
        Ok(disk::remove(&path.join(RESTORING))?)
    }

    fn write_format(&self) -> Result<(), LogFault> {
        let text = format!("{TITLE}\nformat {FORMAT}\n");
        self.write_durably(FORMAT_FILE, text.as_bytes())
    }

    /// Locks the folder of a store that is there.
    pub(super) fn open_existing(path: &Path) -> Result<Self, LogFault> {
        Self::check_existing(path)?;
        Self::lock(path)
    }

    /// Locks the folder of a store of which nobody knows what is damaged.
    pub(super) fn open_damaged(path: &Path) -> Result<Self, LogFault> {
        if path.join(LOG).is_dir() {
            return Self::lock(path);
        }
        Err(LogFault::NoStore { path: path.display().to_string() })
    }

    /// Whether the store of the right format is there, whoever has it.
    pub(super) fn check_existing(path: &Path) -> Result<(), LogFault> {
        if path.is_dir() && has_format(path)? {
            return Ok(());
        }
        Err(LogFault::NoStore { path: path.display().to_string() })
    }

    /// What of a store at `path` lies there for the log.
    pub(super) fn kept(path: &Path) -> Vec<Kept> {
        let log = path.join(LOG);
        let files = [LOCK, FORMAT_FILE, HEAD, RESTORING, seal::NAME].map(|name| path.join(name));
        let mut kept: Vec<Kept> = files.into_iter().map(Kept::file).collect();
        kept.push(Vault::kept(path));
        kept.push(Kept::folder(&log));
        kept.extend(guard::all_in(&log));
        kept
    }

    /// Closes to others what sled has made since the folder was locked: it makes its files as the process makes any.
    pub(super) fn close_log(&self) -> Result<(), LogFault> {
        let mut made = guard::all_in(&self.log_path());
        made.retain(|kept| !self.found.contains(kept));
        guard::close(guard::look(&made))?;
        Ok(())
    }

    fn lock(path: &Path) -> Result<Self, LogFault> {
        guard::check_owner(path)?;
        let file = path.join(LOCK);
        let locked = || LogFault::Locked { path: path.display().to_string() };
        let lock = disk::lock(&file)?.ok_or_else(locked)?;
        Ok(Self {
            path: path.to_owned(),
            found: guard::all_in(&path.join(LOG)),
            orderly: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// Writes the file `name` so that after a power cut it is there whole or not at all.
    pub(super) fn write_durably(&self, name: &str, bytes: &[u8]) -> Result<(), LogFault> {
        let path = self.path.join(name);
        // The folder is locked, so what lies beside the file is left over.
        disk::sweep(&path);
        Ok(disk::replace(&path, bytes)?)
    }

    /// Leaves the seal. Call when nobody has sled's files open any more.
    fn seal(&self) -> Result<(), LogFault> {
        self.write_durably(seal::NAME, &seal::of(&self.log_path())?)
    }

    /// Breaks the seal, durably, before sled's files change.
    pub(super) fn break_seal(&self) -> Result<(), LogFault> {
        Ok(disk::remove(&self.path.join(seal::NAME))?)
    }

    /// Compares sled's files with the seal. Returns false if the store has none, as after a kill.
    pub(super) fn check_seal(&self) -> Result<bool, LogFault> {
        let Some(bytes) = disk::read(&self.path.join(seal::NAME))? else { return Ok(false) };
        seal::check(&bytes, &self.log_path()).map(|()| true)
    }

    /// The store ended in order: the last one to let go of the folder seals it.
    pub(super) fn seal_at_the_end(&self) {
        self.orderly.store(true, Ordering::Release);
    }

    /// Whether sled was ever opened here.
    pub(super) fn has_log(&self) -> bool {
        self.log_path().exists()
    }

    /// sled's folder.
    pub(super) fn log_path(&self) -> PathBuf {
        self.path.join(LOG)
    }

    /// The file in which sled keeps everything.
    pub(super) fn sled_file(&self) -> PathBuf {
        self.log_path().join("db")
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Whether `path` is a store of the right format; `false` if it is none yet.
fn has_format(path: &Path) -> Result<bool, LogFault> {
    if path.join(RESTORING).exists() {
        return Err(LogFault::HalfRestored { path: path.display().to_string() });
    }
    let other = |found: &str| LogFault::Format {
        path: path.display().to_string(),
        found: found.into(),
        expected: FORMAT,
    };
    match disk::read(&path.join(FORMAT_FILE))? {
        Some(bytes) if bytes == format!("{TITLE}\nformat {FORMAT}\n").as_bytes() => Ok(true),
        Some(bytes) => Err(other(&format_in(&String::from_utf8_lossy(&bytes)))),
        // FORMAT is durable before sled's folder is made, so a log without it was not made by this program.
        None if path.join(LOG).exists() => Err(other("no FORMAT file")),
        None => Ok(false),
    }
}

/// Which other format a FORMAT file tells of.
fn format_in(text: &str) -> String {
    let number = text.strip_prefix(TITLE).and_then(|rest| rest.trim().strip_prefix("format "));
    let other = number.and_then(|number| number.parse::<u32>().ok());
    let other = other.filter(|other| *other != FORMAT).map(|other| other.to_string());
    other.unwrap_or_else(|| "an unreadable FORMAT file".into())
}
