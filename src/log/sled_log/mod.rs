//! The log on sled 0.34.7.
//!
//! Holds: the folder with its lock and format, the mark of what is durable, the sled trees and the rules for using them.
//! `docs/LOG_FORMAT.md` has every byte. Must never hold: a repair, or an answer before sled and the file are synced.

mod blocks;
mod carried;
mod cutter;
mod engine;
mod folder;
mod mark;
mod reader;
mod records;
mod reserve;
mod restore;
mod salvage;
mod seal;
mod separators;

use std::path::Path;
use std::sync::Arc;

use self::cutter::SledCutter;
use self::engine::Engine;
use self::folder::Folder;
use self::mark::Mark;
use self::reader::SledReader;
pub use self::restore::Restoring;
pub use self::salvage::{LostEvents, Salvaged};
use self::separators::Separators;
use super::sealing::Vault;
use super::{
    Block, Carried, CheckpointRecord, CutMark, Cutter, Each, EachRecord, Entries, EventLog,
    LogFault, LogReader, Room, Sealing, Tip, scan,
};
use crate::event::{Entry, Event, pack};
use crate::guard::Kept;
use crate::model::{Ahead, Moment, Sequence};

/// The log in a folder of its own.
#[derive(Debug)]
pub struct SledLog {
    engine: Engine,
    reader: Arc<SledReader>,
    vault: Arc<Vault>,
    mark: Mark,
    separators: Separators,
    tip: Tip,
    failed: bool,
    folder: Arc<Folder>,
}

impl SledLog {
    /// Opens the store in the folder `path`, making a new one if there is none.
    ///
    /// # Errors
    /// [`LogFault::Locked`] while another process has it, [`LogFault::Format`] if it is not of this format,
    /// [`LogFault::Lost`], [`LogFault::Entry`] or [`LogFault::Engine`] if it is damaged.
    pub fn open(path: &Path) -> Result<Self, LogFault> {
        Self::on(Folder::open_or_create(path)?)
    }

    /// Opens the store in the folder `path`, for a command that must not make one.
    ///
    /// # Errors
    /// [`LogFault::NoStore`] if there is none, else as [`SledLog::open`].
    pub fn open_existing(path: &Path) -> Result<Self, LogFault> {
        Self::on(Folder::open_existing(path)?)
    }

    fn on(folder: Folder) -> Result<Self, LogFault> {
        let mark = Mark::open(&folder)?;
        folder.break_seal()?;
        let folder = Arc::new(folder);
        let engine = Engine::open(&folder)?;
        let vault = Arc::new(Vault::of_store(folder.path())?);
        let reader = SledReader::new(&engine, Arc::clone(&vault), Arc::clone(&folder))?;
        let reader = Arc::new(reader);
        let separators = Separators::behind(engine.last_key()?.as_deref());
        // Until it is known to be whole it counts as failed, so that dropping it writes nothing.
        let (tip, failed) = (Tip::EMPTY, true);
        let mut log = Self { engine, reader, vault, mark, separators, tip, failed, folder };
        scan::check_durable(&log)?;
        log.tip = scan::tip(&log)?;
        log.failed = false;
        // What a killed process appended but did not sync may lie in the system's cache only. Answers are about to be
        // judged by it, so it has to be durable first.
        log.sync()?;
        log.mark.settle()?;
        Ok(log)
    }

    /// Compares the files of the store in the folder `path` with the seal that an orderly end left, byte for byte and
    /// without opening them, which would overwrite what lies behind a damage. Returns false if there is no seal, as
    /// after a kill: then only the events can be checked, by [`verify()`](super::verify()).
    ///
    /// # Errors
    /// [`LogFault::Changed`] with the file and the bytes, else as [`SledLog::open_existing`].
    pub fn check_seal(path: &Path) -> Result<bool, LogFault> {
        Folder::open_existing(path)?.check_seal()
    }

    /// How far the log in the folder `path` is known to have been on stable storage, also while another process has it.
    /// Opens nothing, so it changes nothing, and judges nothing: kept elsewhere, it is for [`check_noted`](super::check_noted).
    ///
    /// # Errors
    /// [`LogFault::NoStore`], [`LogFault::Format`], [`LogFault::Mark`] if nothing tells it any more.
    pub fn durable_tip(path: &Path) -> Result<Tip, LogFault> {
        Folder::check_existing(path)?;
        mark::read(path)
    }

    /// The files and folders of a store at `path` that hold its log.
    pub(crate) fn kept(path: &Path) -> Vec<Kept> {
        Folder::kept(path)
    }

    /// Its entries, for whoever copies them while this is appended to: those that are not durable yet among them.
    pub(crate) fn entries(&self) -> Arc<dyn Entries + Send + Sync> {
        Arc::clone(&self.reader) as Arc<dyn Entries + Send + Sync>
    }

    /// The folder it lies in.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps `bytes` of room on the disk for what is appended, so that [`EventLog::room`] tells in time when it gets full.
    /// Until this is called nothing is kept, and there is room as far as anybody knows.
    pub fn keep_room(&mut self, bytes: u64) {
        self.engine.keep_room(bytes);
    }

    /// Has this log, which is empty, begin where another one does: what was staged with its cutter is carried forward from
    /// then on. That it is stated has yet to come.
    ///
    /// # Errors
    /// [`LogFault`], as for [`EventLog::append`].
    pub fn begin_at(&mut self, mark: CutMark) -> Result<(), LogFault> {
        self.guarded(|log| {
            assert_eq!(log.tip, Tip::EMPTY, "only an empty log begins anywhere");
            let mut cutter = SledCutter::new(log.engine.clone(), Arc::clone(&log.reader));
            cutter.cut(CutMark { number: 1, ..mark })?;
            log.tip = mark.base;
            Ok(())
        })
    }

    /// Removes every checkpoint record, also those that are damaged, so that views are folded from the whole log.
    ///
    /// # Errors
    /// [`LogFault::Engine`], as for [`EventLog::append`].
    pub fn discard_checkpoint(&mut self) -> Result<(), LogFault> {
        self.guarded(|log| records::discard(&log.engine.views))
    }

    /// Writes `entries` with the events from `first` to before `next`.
    fn write(
        &mut self,
        entries: Vec<Entry>,
        first: Sequence,
        next: Sequence,
    ) -> Result<(), LogFault> {
        self.engine.separate(self.separators.before(entries.len(), first, next))?;
        self.engine.append(entries)
    }

    /// Does `work` unless something failed before. sled keeps going after a failed write and the kernel drops dirty
    /// pages after a failed sync, so that trying again could succeed and tell nothing.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, LogFault>,
    ) -> Result<T, LogFault> {
        if self.failed {
            return Err(LogFault::Poisoned);
        }
        // Also if it panics: what was done by then is unknown.
        self.failed = true;
        let outcome = work(self).map_err(|fault| fault.below(self.folder.path()));
        self.failed = outcome.is_err();
        outcome
    }
}

impl EventLog for SledLog {
    fn head(&self) -> Sequence {
        self.tip.head
    }

    fn append_at(
        &mut self,
        ahead: Ahead,
        events: &[(Moment, Event)],
    ) -> Result<Sequence, LogFault> {
        self.append_telling(ahead, events, &mut || {})
    }

    fn append_telling(
        &mut self,
        ahead: Ahead,
        events: &[(Moment, Event)],
        packed: &mut dyn FnMut(),
    ) -> Result<Sequence, LogFault> {
        self.guarded(|log| {
            let sealed = log.vault.seal_all(events)?;
            let first = log.tip.head.next();
            let entries = pack(&mut log.tip.chain, first, ahead, &sealed);
            packed();
            let next = first.plus(events.len() as u64);
            log.write(entries, first, next)?;
            log.tip.head = log.tip.head.plus(events.len() as u64);
            Ok(log.tip.head)
        })
    }

    fn sync(&mut self) -> Result<(), LogFault> {
        self.guarded(|log| {
            log.engine.sync()?;
            log.mark.advance(log.tip)
        })
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::clone(&self.reader) as Arc<dyn LogReader>
    }

    fn save(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.guarded(|log| records::save(&log.engine.views, records))
    }

    fn load(&self, each: EachRecord<'_>) -> Result<(), LogFault> {
        records::load(&self.engine.views, each)
    }

    fn save_blocks(&mut self, blocks: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.guarded(|log| blocks::save(&log.engine.blocks, blocks))
    }

    fn block_at(&self, key: &[u8]) -> Result<Option<Block>, LogFault> {
        blocks::at(&self.engine.blocks, key)
    }

    fn walk_blocks(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        blocks::walk(&self.engine.blocks, from, each)
    }

    fn room(&mut self) -> Room {
        self.engine.room()
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        Some(self.vault.as_ref())
    }

    fn cutter(&self) -> Option<Box<dyn Cutter>> {
        Some(Box::new(SledCutter::new(self.engine.clone(), Arc::clone(&self.reader))))
    }
}

impl Entries for SledLog {
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.reader.last_before(bound)
    }

    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.reader.walk(from, each)
    }

    fn durable(&self) -> Tip {
        self.mark.tip()
    }

    fn mark(&self) -> CutMark {
        self.reader.mark()
    }

    fn walk_carried(&self, of: Carried, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.reader.walk_carried(of, from, each)
    }

    fn name(&self) -> String {
        self.folder.name()
    }
}

impl Drop for SledLog {
    /// An orderly end. Nobody is left to tell of a failure, and nothing was promised for what it would lose.
    fn drop(&mut self) {
        if self.sync().is_ok() && self.mark.settle().is_ok() {
            self.folder.seal_at_the_end();
        }
    }
}
