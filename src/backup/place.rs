//! Where the files of a backup lie: a folder, for whoever does not play one.
//!
//! Must never hold: what a file means.

use core::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::BackupFault;
use crate::disk::{self, Fault};

/// Where the files of a backup lie.
pub trait Place: fmt::Debug + Send + Sync {
    /// What it is called in faults.
    fn path(&self) -> &Path;

    /// How many bytes the file `name` has; `None` if that cannot be told.
    fn length(&self, name: &str) -> Option<u64>;

    /// The bytes of the file `name`, or `None` if there is none.
    ///
    /// # Errors
    /// [`BackupFault::Io`].
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BackupFault>;

    /// Puts `bytes` in the place of the file `name`. After a crash at any moment it holds what it held before or `bytes`;
    /// once this returns, `bytes`.
    ///
    /// # Errors
    /// [`BackupFault::Io`].
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BackupFault>;

    /// Removes the file `name` for good; one that is not there is removed already.
    ///
    /// # Errors
    /// [`BackupFault::Io`].
    fn remove(&self, name: &str) -> Result<(), BackupFault>;

    /// The names of all files, in any order.
    ///
    /// # Errors
    /// [`BackupFault::Io`].
    fn names(&self) -> Result<Vec<String>, BackupFault>;
}

/// A folder, which need not be there for reading.
#[derive(Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Place for Folder {
    fn path(&self) -> &Path {
        &self.0
    }

    fn length(&self, name: &str) -> Option<u64> {
        fs::metadata(self.0.join(name)).ok().map(|found| found.len())
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BackupFault> {
        if self.0.is_dir() { Ok(disk::read(&self.0.join(name))?) } else { Ok(None) }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BackupFault> {
        Ok(disk::replace(&self.0.join(name), bytes)?)
    }

    fn remove(&self, name: &str) -> Result<(), BackupFault> {
        Ok(disk::remove(&self.0.join(name))?)
    }

    fn names(&self) -> Result<Vec<String>, BackupFault> {
        let failed = Fault::of("list", &self.0);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(&failed)? {
            names.push(entry.map_err(&failed)?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }
}
