//! Making a backup a store again.
//!
//! Must never hold: a change of what is there already.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Backup, BackupFault, Proven, prove};
use crate::disk::{self, Fault};
use crate::event::EntryKey;
use crate::log::{CutMark, Restoring};

/// What a file system of its own has at its top.
const OF_THE_SYSTEM: &str = "lost+found";

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
    let mark = backup.mark()?;
    if mark != CutMark::NONE {
        backup.walk_carried(&mut |key, value| Ok(restoring.carry(key, value)?))?;
        restoring.begin_at(mark)?;
    }
    backup.walk(&mut |key, value| {
        restoring.push(key, value)?;
        progress(events + EntryKey::from_bytes(key)?.sequence.get(), 2 * events);
        Ok(())
    })?;
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

fn check_free(path: &Path) -> Result<(), BackupFault> {
    let mut found = match fs::read_dir(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Fault::of("look into", path)(error).into()),
    };
    let is_free = found.all(|entry| entry.is_ok_and(|entry| entry.file_name() == OF_THE_SYSTEM));
    if is_free { Ok(()) } else { Err(BackupFault::Taken { path: path.to_owned() }) }
}
