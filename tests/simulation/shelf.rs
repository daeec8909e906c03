//! Where a world's backups lie: files that are durable once they are written, and stores in memory that are made of them.
//!
//! Must never hold: what is in a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use adsum::backup::{Backup, BackupFault, NewStore, Place, fill, prove};
use adsum::log::memory::{MemoryDisk, MemoryLog};
use adsum::log::{CutMark, EventLog as _, LogFault, Tip};

use super::Bug;

/// Where a backup ends, and its keys.
type Found = (Tip, Option<Vec<u8>>);

/// The files of a backup. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<Lying>>);

#[derive(Debug, Default)]
struct Lying {
    files: BTreeMap<String, Vec<u8>>,
    is_full: bool,
}

impl Shelf {
    fn lying(&self) -> MutexGuard<'_, Lying> {
        self.0.lock().expect("whoever has it does not fail")
    }

    /// Whether there is no room from now on.
    pub(crate) fn fill_up(&self, is_full: bool) {
        self.lying().is_full = is_full;
    }

    /// Whether there is no room.
    pub(crate) fn is_full(&self) -> bool {
        self.lying().is_full
    }

    /// A file has these bytes.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        self.lying().files.insert(name.to_owned(), bytes.to_vec());
    }

    /// Calls `each` with the bytes of every file.
    pub(crate) fn each(&self, mut each: impl FnMut(&[u8])) {
        self.lying().files.values().for_each(|bytes| each(bytes));
    }

    /// What the real verification finds: where the backup ends, and its keys; nothing if there is none.
    pub(crate) fn proven(&self) -> Result<Option<Found>, BackupFault> {
        let backup = match Backup::at(Box::new(self.clone())) {
            Err(BackupFault::None { .. }) => return Ok(None),
            backup => backup?,
        };
        prove(&backup, None, &mut |_| {})?;
        Ok(Some((backup.tip(), backup.keys()?)))
    }

    /// A store with the keys that the backup holds, on another disk that is `like` one that was there.
    pub(crate) fn restored(
        &self,
        (like, bug): (&MemoryDisk, Option<Bug>),
    ) -> Result<MemoryDisk, BackupFault> {
        let backup = Backup::at(Box::new(self.clone()))?;
        let disk = like.emptied(backup.keys()?);
        let mut new = Restored { log: disk.open()?, entries: Vec::new(), bug };
        fill(&backup, &mut new, &mut |_| {})?;
        Ok(new.finish())
    }
}

impl Place for Shelf {
    fn path(&self) -> &Path {
        Path::new("a shelf")
    }

    fn length(&self, name: &str) -> Option<u64> {
        self.lying().files.get(name).map(|bytes| bytes.len() as u64)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BackupFault> {
        Ok(self.lying().files.get(name).cloned())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BackupFault> {
        self.put(name, bytes);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<(), BackupFault> {
        self.lying().files.remove(name);
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, BackupFault> {
        Ok(self.lying().files.keys().cloned().collect())
    }
}

/// A store in memory in the making.
struct Restored {
    log: MemoryLog,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    bug: Option<Bug>,
}

impl Restored {
    fn finish(mut self) -> MemoryDisk {
        if self.bug == Some(Bug::RestoreForgetsEnd) {
            self.entries.truncate(self.entries.len() - self.entries.len() / 8);
        }
        let disk = self.log.disk();
        disk.damage(|stored| stored.extend(self.entries));
        disk.crash(0);
        disk
    }
}

impl NewStore for Restored {
    fn carry(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        let record = (key.to_vec(), Some(value.to_vec()));
        if self.bug == Some(Bug::RestoreForgetsCarried) && Bug::is_every_third(key) {
            return Ok(());
        }
        self.log.cutter().map_or(Ok(()), |mut cutter| cutter.stage(&[record]))
    }

    fn begin_at(&mut self, mark: CutMark) -> Result<(), LogFault> {
        let first = CutMark { number: 1, ..mark };
        self.log.cutter().map_or(Ok(()), |mut cutter| cutter.cut(first))
    }

    fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        self.entries.push((key.to_vec(), value.to_vec()));
        Ok(())
    }
}
