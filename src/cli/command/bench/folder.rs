//! The folder of a bench's store: fresh for each run, and gone afterwards unless it is to be kept.
//!
//! Must never hold: anything that was there before the bench.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::run::failure::Failure;

/// Tries to remove the folder: a server that was just killed may still be writing.
const REMOVALS: u32 = 20;
/// Wait between two tries.
const REMOVAL_WAIT: Duration = Duration::from_millis(50);

/// A folder that belongs to the bench. Dropped, it is removed unless it is kept.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    /// Takes `data`, which must be empty or not there, or else a new folder where the system keeps temporary files.
    pub(super) fn take(data: Option<&Path>, keep: bool) -> Result<Self, Failure> {
        let path = match data {
            Some(path) => empty(path)?,
            None => temporary()?,
        };
        Ok(Self { path, keep })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Empties it for the next run.
    pub(super) fn clear(&self) -> Result<(), Failure> {
        remove(&self.path)?;
        fs::create_dir_all(&self.path).map_err(|error| Failure::io("make", &self.path, &error))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // Nobody is left to tell, and what stays is in a folder with a telling name.
            let _ = remove(&self.path);
        }
    }
}

fn empty(path: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::io("make", path, &error))?;
    let mut entries = fs::read_dir(path).map_err(|error| Failure::io("read", path, &error))?;
    if entries.next().is_some() {
        let path = path.display();
        let cure = "name a new folder; the bench fills and empties it";
        return Err(Failure::usage(format!("the folder {path} is not empty; {cure}")));
    }
    Ok(path.to_owned())
}

fn temporary() -> Result<PathBuf, Failure> {
    let made = tempfile::Builder::new().prefix("adsum-bench-").tempdir();
    made.map(tempfile::TempDir::keep)
        .map_err(|error| Failure::io("make a folder in", &std::env::temp_dir(), &error))
}

fn remove(path: &Path) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) if tries == REMOVALS => return Err(Failure::io("remove", path, &error)),
            Err(_) => std::thread::sleep(REMOVAL_WAIT),
        }
        tries += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gone_afterwards_unless_it_is_kept() {
        let outer = tempfile::tempdir().unwrap();
        for keep in [false, true] {
            let path = outer.path().join(format!("keep-{keep}"));
            let folder = Folder::take(Some(&path), keep).unwrap();
            fs::write(path.join("file"), "x").unwrap();
            drop(folder);
            assert_eq!(path.exists(), keep);
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_never_touched() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("mine"), "x").unwrap();
        assert_eq!(Folder::take(Some(outer.path()), false).unwrap_err().exit(), 2);
        assert!(outer.path().join("mine").exists());
    }

    #[test]
    fn a_cleared_folder_is_empty() {
        let folder = Folder::take(None, false).unwrap();
        fs::write(folder.path().join("file"), "x").unwrap();
        folder.clear().unwrap();
        assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}
