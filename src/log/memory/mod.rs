//! A log in memory with injected faults, for tests and simulation.
//!
//! Holds: [`MemoryDisk`], which survives the process that writes to it, and [`MemoryLog`], the engine on it. Entries
//! are the real bytes of [`event::pack`](crate::event::pack), so the chain and every check on reading are exercised.
//! Must never hold: a way of being kinder than a disk. What was not synced is lost unless the caller says otherwise.

mod cutter;
mod faults;
mod image;
mod keys;

use core::ops::{Bound, ControlFlow};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::cutter::MemoryCutter;
use self::faults::injected;
use self::image::{Commit, Image, replace, slot_of};
use self::keys::Keys;
use super::sealing::Vault;
use super::{
    Block, Carried, CheckpointRecord, CutMark, Cutter, Each, EachRecord, Entries, EventLog,
    LogFault, LogReader, Room, Sealing, Tip, scan,
};
use crate::event::{Event, Recorded, pack};
use crate::model::{Ahead, Moment, Sequence};

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Image>>);

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty disk on which what people write is sealed, with keys that lie on it beside the log.
    pub fn sealed() -> Self {
        let disk = Self::new();
        disk.image().keys = Some(Keys::default());
        disk
    }

    /// Opens the log on this disk. What is found counts as durable from then on, as for the sled engine.
    ///
    /// # Errors
    /// [`LogFault::Locked`] while another [`MemoryLog`] has it and did not crash; [`LogFault::Entry`] if the last
    /// entry is damaged.
    pub fn open(&self) -> Result<MemoryLog, LogFault> {
        if self.image().owner.is_some() {
            return Err(LogFault::Locked { path: self.name() });
        }
        let tip = scan::tip(self)?;
        scan::check_durable(self)?;
        let vault = self.vault()?;
        let mut image = self.image();
        image.settle(tip);
        image.openings += 1;
        image.owner = Some(image.openings);
        Ok(MemoryLog { disk: self.clone(), opening: image.openings, tip, vault, failed: false })
    }

    /// Ends the process that has the log, and forgets what was not synced but for the first `commits_kept` appends
    /// and saves: a disk may have written more than it was asked to, in order. The log that was open is of no use.
    pub fn crash(&self, commits_kept: usize) {
        let mut image = self.image();
        while image.unsynced.len() > commits_kept {
            image.take_back();
        }
        image.unsynced.clear();
        image.close();
    }

    /// Another disk with the same bytes on it, keys included, durable or not, for looking at them while a log has this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        self.copy_with_keys(self.keys())
    }

    /// As [`MemoryDisk::copy`], with other keys, or without any that it had, on it.
    #[must_use]
    pub fn copy_with_keys(&self, keys: Option<Vec<u8>>) -> Self {
        let image = self.image();
        Self(Arc::new(Mutex::new(Image {
            entries: image.entries.clone(),
            records: image.records.clone(),
            blocks: image.blocks.clone(),
            carried: image.carried.clone(),
            mark: image.mark,
            durable: image.durable,
            keys: image.keys.as_ref().map(|own| own.beside(keys)),
            ..Image::default()
        })))
    }

    /// Another disk with nothing but these keys on it, sealed if this one is.
    #[must_use]
    pub fn emptied(&self, keys: Option<Vec<u8>>) -> Self {
        let keys = self.image().keys.as_ref().map(|own| own.beside(keys));
        Self(Arc::new(Mutex::new(Image { keys, ..Image::default() })))
    }

    /// Appends and saves that are not synced, so at most this many are kept by [`MemoryDisk::crash`].
    pub fn unsynced_count(&self) -> usize {
        self.image().unsynced.len()
    }

    /// Lets the next append fail, with nothing appended.
    pub fn fail_next_append(&self) {
        self.image().fail_next_append = true;
    }

    /// Lets the next sync fail; what it was to make durable stays unsynced.
    pub fn fail_next_sync(&self) {
        self.image().fail_next_sync = true;
    }

    /// Lets the next write of keys fail when `kept` bytes of it are written; what takes the place of other bytes is there whole
    /// then, or with none not at all.
    pub fn fail_next_key(&self, kept: usize) {
        self.image().keys.iter().for_each(|keys| keys.fail(kept));
    }

    /// The keys that lie on it, as in a store's file of keys; nothing if there are none, or nothing is sealed.
    pub fn keys(&self) -> Option<Vec<u8>> {
        self.image().keys.as_ref().and_then(Keys::bytes)
    }

    fn vault(&self) -> Result<Option<Arc<Vault>>, LogFault> {
        let keys = self.image().keys.clone();
        keys.map(|keys| keys.vault()).transpose()
    }

    /// What was read, with all that is written in it opened.
    fn opened(&self, mut events: Vec<Recorded>) -> Result<Vec<Recorded>, LogFault> {
        if let Some(vault) = self.vault()? {
            vault.open_all(&mut events)?;
        }
        Ok(events)
    }

    /// Has so much room from now on, as far as whoever asks is told.
    pub fn set_room(&self, room: Room) {
        self.image().room = room;
    }

    /// Changes the stored entries behind the log's back, as a failing disk or an intruder would.
    pub fn damage(&self, change: impl FnOnce(&mut BTreeMap<Vec<u8>, Vec<u8>>)) {
        change(&mut self.image().entries);
    }

    /// Changes what is carried forward behind the log's back.
    pub fn damage_carried(&self, change: impl FnOnce(&mut BTreeMap<Vec<u8>, Vec<u8>>)) {
        change(&mut self.image().carried);
    }

    /// Changes blocks behind the log's back.
    pub fn damage_blocks(&self, change: impl FnOnce(&mut BTreeMap<Vec<u8>, Vec<u8>>)) {
        change(&mut self.image().blocks);
    }

    /// How many bytes all entries, checkpoint records, blocks and records that are carried have, keys included.
    pub fn stored_bytes(&self) -> usize {
        let mut bytes = 0;
        self.each_stored(|key, value| bytes += key.len() + value.len());
        bytes
    }

    /// Calls `each` with the key and the bytes of all that lies on it but for keys of principals.
    pub fn each_stored(&self, mut each: impl FnMut(&[u8], &[u8])) {
        let image = self.image();
        let (records, blocks) = (image.records.iter(), image.blocks.iter());
        let all = image.entries.iter().chain(records).chain(blocks).chain(&image.carried);
        all.for_each(|(key, value)| each(key, value));
    }

    /// How many blocks there are.
    pub fn stored_blocks(&self) -> usize {
        self.image().blocks.len()
    }

    /// The first entry from `begin` on.
    fn entry_from(&self, begin: Bound<&[u8]>) -> Option<(Vec<u8>, Vec<u8>)> {
        let image = self.image();
        let mut entries = image.entries.range::<[u8], _>((begin, Bound::Unbounded));
        entries.next().map(|(key, value)| (key.clone(), value.clone()))
    }

    fn image(&self) -> MutexGuard<'_, Image> {
        // A test that failed while it held the lock is reported once, by itself.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The log on a [`MemoryDisk`].
#[derive(Debug)]
pub struct MemoryLog {
    disk: MemoryDisk,
    opening: u64,
    tip: Tip,
    vault: Option<Arc<Vault>>,
    failed: bool,
}

impl MemoryLog {
    /// A log on a disk of its own.
    ///
    /// # Panics
    /// Never: there is nothing on the disk that could be wrong.
    pub fn new() -> Self {
        MemoryDisk::new().open().expect("an empty disk has nothing that could be wrong")
    }

    /// The disk it writes to.
    pub fn disk(&self) -> MemoryDisk {
        self.disk.clone()
    }

    /// Does `work` on the disk unless this log failed or crashed before; an error is the last thing it does.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Image, &mut Tip) -> Result<T, LogFault>,
    ) -> Result<T, LogFault> {
        let mut image = self.disk.image();
        if self.failed || image.owner != Some(self.opening) {
            return Err(LogFault::Poisoned);
        }
        // Also if it panics: what was done by then is unknown.
        self.failed = true;
        let outcome = work(&mut image, &mut self.tip);
        self.failed = outcome.is_err();
        outcome
    }
}

impl Default for MemoryLog {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MemoryLog {
    /// An orderly end: as when a process exits, everything written reaches the disk.
    fn drop(&mut self) {
        let tip = self.tip;
        let mut image = self.disk.image();
        if image.owner == Some(self.opening) {
            image.close();
            if !self.failed {
                image.settle(tip);
            }
        }
    }
}

impl EventLog for MemoryLog {
    fn head(&self) -> Sequence {
        self.tip.head
    }

    fn append_at(
        &mut self,
        ahead: Ahead,
        events: &[(Moment, Event)],
    ) -> Result<Sequence, LogFault> {
        let vault = self.vault.clone();
        self.guarded(|image, tip| {
            if core::mem::take(&mut image.fail_next_append) {
                return Err(injected("append"));
            }
            let sealed = match vault {
                Some(vault) => vault.seal_all(events)?,
                None => events.iter().map(|(at, event)| (*at, Cow::Borrowed(event))).collect(),
            };
            let mut commit = Commit::default();
            for entry in pack(&mut tip.chain, tip.head.next(), ahead, &sealed) {
                let key = entry.key.to_bytes();
                commit.entries.push((key.clone(), None));
                image.entries.insert(key, entry.value);
            }
            image.unsynced.push(commit);
            tip.head = tip.head.plus(events.len() as u64);
            Ok(tip.head)
        })
    }

    fn sync(&mut self) -> Result<(), LogFault> {
        self.guarded(|image, tip| {
            if core::mem::take(&mut image.fail_next_sync) {
                return Err(injected("sync"));
            }
            image.settle(*tip);
            Ok(())
        })
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        Arc::new(self.disk.clone())
    }

    fn save(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.guarded(|image, _| {
            let mut commit = Commit::default();
            for (key, value) in records {
                let before = replace(&mut image.records, key.clone(), value.clone());
                commit.records.push((key.clone(), before));
            }
            image.unsynced.push(commit);
            Ok(())
        })
    }

    fn load(&self, each: EachRecord<'_>) -> Result<(), LogFault> {
        // Cloned, so that `each` may read the log while it is called.
        let records = self.disk.image().records.clone();
        records.iter().try_for_each(|(key, value)| each(key, value))
    }

    fn save_blocks(&mut self, blocks: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.guarded(|image, _| {
            let mut commit = Commit::default();
            for (key, bytes) in blocks {
                let before = replace(&mut image.blocks, key.clone(), bytes.clone());
                commit.blocks.push((key.clone(), before));
            }
            image.unsynced.push(commit);
            Ok(())
        })
    }

    fn block_at(&self, key: &[u8]) -> Result<Option<Block>, LogFault> {
        let image = self.disk.image();
        let found =
            image.blocks.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back();
        Ok(found.map(|(key, bytes)| (key.clone(), bytes.clone())))
    }

    fn walk_blocks(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        let image = self.disk.image();
        for (key, bytes) in image.blocks.range(from.to_vec()..) {
            if each(key, bytes)? == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn room(&mut self) -> Room {
        self.disk.image().room
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        self.vault.as_deref().map(|vault| vault as &dyn Sealing)
    }

    fn cutter(&self) -> Option<Box<dyn Cutter>> {
        let (entries, vault) = (Box::new(self.disk.clone()), self.vault.clone());
        Some(Box::new(MemoryCutter::new(&self.disk.0, entries, vault, self.opening)))
    }
}

impl LogReader for MemoryDisk {
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
        self.opened(scan::read(self, from, events_max)?)
    }

    fn end_at(&self, sequence: Sequence) -> Result<Tip, LogFault> {
        scan::tip_at(self, sequence)
    }

    fn kept_from(&self) -> Sequence {
        self.mark().base.head.next()
    }

    fn read_one(&self, sequence: Sequence) -> Result<Recorded, LogFault> {
        let found = self.opened(vec![scan::stored_event(self, sequence)?])?;
        found.into_iter().next().ok_or(LogFault::Missing { sequence })
    }
}

impl Entries for MemoryDisk {
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        let image = self.image();
        let mut below = image.entries.range::<[u8], _>((Bound::Unbounded, Bound::Excluded(bound)));
        Ok(below.next_back().map(|(key, _)| key.clone()))
    }

    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        // One at a time, so that others may change the disk meanwhile, and `each` may look at it.
        let mut next = self.entry_from(Bound::Included(from));
        while let Some((key, value)) = next {
            if each(&key, &value)? == ControlFlow::Break(()) {
                break;
            }
            next = self.entry_from(Bound::Excluded(&key));
        }
        Ok(())
    }

    fn durable(&self) -> Tip {
        self.image().durable
    }

    fn mark(&self) -> CutMark {
        self.image().mark
    }

    fn walk_carried(&self, of: Carried, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        // Cloned, as for checkpoint records.
        let (carried, made) = {
            let image = self.image();
            (image.carried.clone(), image.mark.number)
        };
        for (key, bytes) in carried.range(from.to_vec()..) {
            if let Some(value) = slot_of(key, bytes)?.at(of.number(made))
                && each(key, value)? == ControlFlow::Break(())
            {
                break;
            }
        }
        Ok(())
    }

    fn name(&self) -> String {
        "memory".into()
    }
}

impl Entries for MemoryLog {
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.disk.last_before(bound)
    }

    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.disk.walk(from, each)
    }

    fn durable(&self) -> Tip {
        self.disk.durable()
    }

    fn mark(&self) -> CutMark {
        self.disk.mark()
    }

    fn walk_carried(&self, of: Carried, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.disk.walk_carried(of, from, each)
    }

    fn name(&self) -> String {
        self.disk.name()
    }
}
