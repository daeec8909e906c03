//! Making a backup a store again.
//!
//! Must never hold: a change of what is there already.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Backup, BackupFault, Proven, prove};
use crate::disk::{self, Fault};
use crate::event::EntryKey;
use crate::log::{CutMark, LogFault, Restoring};

/// What a file system of its own has at its top.
const OF_THE_SYSTEM: &str = "lost+found";

/// A store in the making.
pub trait NewStore {
    /// Takes the next record of what is carried forward.
    ///
    /// # Errors
    /// [`LogFault`], after which it is none.
    fn carry(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault>;

    /// All that is carried forward was taken, and the entries follow from `mark` on.
    ///
    /// # Errors
    /// As [`NewStore::carry`].
    fn begin_at(&mut self, mark: CutMark) -> Result<(), LogFault>;

    /// Takes the next entry.
    ///
    /// # Errors
    /// As [`NewStore::carry`].
    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault>;
}

impl NewStore for Restoring {
    fn carry(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        Self::carry(self, key, value)
    }

    fn begin_at(&mut self, mark: CutMark) -> Result<(), LogFault> {
        Self::begin_at(self, mark)
    }

    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        Self::push(self, key, value)
    }
}

/// Makes a store in the folder `path` of `backup`, after all of it was proven; with `files` beside its log, such as its
/// keys, each by its path in there, and what tells the keys apart as `marks`. Calls `progress` with the number of events
/// proven and then written, and how many of both there are. Until this returns there is no store that a server would start on.
///
/// # Errors
/// [`BackupFault::Taken`] if there is something in that folder, and as [`prove`]: then nothing is changed. As
/// [`Restoring`]: then half a store is there, and nobody takes it for one.
pub fn restore(
    backup: &Backup,
    (path, marks): (&Path, &str),
    files: &[(PathBuf, Vec<u8>)],
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Proven, BackupFault> {
    check_free(path)?;
    let events = backup.tip().head.get();
    let proven = prove(backup, None, &mut |done| progress(done, 2 * events))?;
    let mut restoring = Restoring::begin(path)?;
    fill(backup, &mut restoring, &mut |done| progress(events + done, 2 * events))?;
    for (name, bytes) in files {
        let place = path.join(name);
        place.parent().map_or(Ok(()), disk::make_folder)?;
        disk::replace(&place, bytes)?;
    }
    if let Some(bytes) = backup.marks()? {
        disk::replace(&path.join(marks), &bytes)?;
    }
    restoring.finish(backup.tip())?;
    Ok(proven)
}

/// Gives all of `backup`, which was proven, to the store `new`, for that to be finished. Calls `progress` with the number of
/// events so far.
///
/// # Errors
/// [`BackupFault::Damaged`], and what `new` fails with.
pub fn fill(
    backup: &Backup,
    new: &mut dyn NewStore,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupFault> {
    let mark = backup.mark()?;
    if mark != CutMark::NONE {
        backup.walk_carried(&mut |key, value| Ok(new.carry(key, value)?))?;
        new.begin_at(mark)?;
    }
    backup.walk(&mut |key, value| {
        new.push(key, value)?;
        progress(EntryKey::from_bytes(key)?.sequence.get());
        Ok(())
    })
}

fn check_free(path: &Path) -> Result<(), BackupFault> {
    let mut found = match fs::read_dir(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Fault::of("look into", path)(error).into()),
    };
    let is_free = found.all(|entry| entry.is_ok_and(|entry| entry.file_name() == OF_THE_SYSTEM));
    if is_free { Ok(()) } else { Err(BackupFault::Taken { path: path.to_owned() }) }
}
