//! A store that is made of entries which were written elsewhere.
//!
//! It is no store before all of them are durable: a restore that was cut short is refused by whoever opens it.
//! Must never hold: where the entries come from, or a change of one.

use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::{CheckpointRecord, CutMark, Entries, EventLog, LogFault, SledLog, Tip, scan};
use crate::event::{Entry, EntryKey};

/// Bytes of entries that are written at once: as much as a commit under load.
const BATCH_BYTES: usize = 256 * 1024;

/// A store in the making.
#[derive(Debug)]
pub struct Restoring {
    log: SledLog,
    path: PathBuf,
    entries: Vec<Entry>,
    batch_bytes: usize,
    /// What is carried forward and not staged yet.
    carried: Vec<CheckpointRecord>,
}

impl Restoring {
    /// Begins a store in the folder `path`, which must be empty or not there.
    ///
    /// # Errors
    /// [`LogFault::Locked`] if another process has it, [`LogFault::Io`] if it cannot be written to.
    pub fn begin(path: &Path) -> Result<Self, LogFault> {
        let log = SledLog::on(Folder::restore(path)?)?;
        let (path, entries, carried) = (path.to_owned(), Vec::new(), Vec::new());
        Ok(Self { log, path, entries, batch_bytes: 0, carried })
    }

    /// Takes the next record of what is carried forward, as it was stored.
    ///
    /// # Errors
    /// As [`Restoring::push`].
    pub fn carry(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        self.carried.push((key.to_vec(), Some(value.to_vec())));
        self.batch_bytes += key.len() + value.len();
        if self.batch_bytes >= BATCH_BYTES { self.stage() } else { Ok(()) }
    }

    fn stage(&mut self) -> Result<(), LogFault> {
        let carried = core::mem::take(&mut self.carried);
        self.batch_bytes = 0;
        self.log.cutter().map_or(Ok(()), |mut cutter| cutter.stage(&carried))
    }

    /// All that is carried forward was taken, and the entries follow from `mark` on.
    ///
    /// # Errors
    /// As [`Restoring::push`].
    pub fn begin_at(&mut self, mark: CutMark) -> Result<(), LogFault> {
        self.stage()?;
        self.log.begin_at(mark)
    }

    /// Takes the next entry as it was stored. Whoever gives it has checked it.
    ///
    /// # Errors
    /// As [`EventLog::append_at`]; what is there by then is no store.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<(), LogFault> {
        let entry = EntryKey::from_bytes(key).map(|key| Entry { key, value: value.to_vec() });
        self.entries.push(entry?);
        self.batch_bytes += key.len() + value.len();
        if self.batch_bytes >= BATCH_BYTES { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), LogFault> {
        let entries = core::mem::take(&mut self.entries);
        self.batch_bytes = 0;
        let [Some(first), Some(last)] = [entries.first(), entries.last()] else { return Ok(()) };
        let (first, last) = (first.key.sequence, last.key.sequence);
        self.log.guarded(|log| log.write(entries, first, last.next()))
    }

    /// Makes everything durable, and a store of it: from then on it may be opened.
    ///
    /// # Errors
    /// [`LogFault::Lost`] or [`LogFault::Entry`] if its end is not `tip`, else as [`EventLog::sync`].
    pub fn finish(mut self, tip: Tip) -> Result<(), LogFault> {
        self.write()?;
        self.log.tip = tip;
        self.log.sync()?;
        scan::check_durable(&self.log)?;
        drop(self.log);
        Folder::is_restored(&self.path)
    }

    /// Its name in faults.
    pub fn name(&self) -> String {
        self.log.name()
    }
}
