//! What lies on a disk in memory, and how to take back what is not durable yet.
//!
//! Must never hold: who may write to it.

use std::collections::BTreeMap;

use super::keys::Keys;
use crate::log::carried::{self, Slot};
use crate::log::{CheckpointRecord, CutMark, LogFault, Room, Tip};

/// What lies on the disk, and how to take back what is not durable yet.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) entries: Bytes,
    pub(super) records: Bytes,
    pub(super) blocks: Bytes,
    pub(super) carried: Bytes,
    pub(super) mark: CutMark,
    pub(super) unsynced: Vec<Commit>,
    pub(super) durable: Tip,
    pub(super) fail_next_append: bool,
    pub(super) fail_next_sync: bool,
    pub(super) room: Room,
    /// Which opening owns the disk; each crash or close ends it.
    pub(super) owner: Option<u64>,
    pub(super) openings: u64,
    /// What people wrote is sealed with these, if it is sealed.
    pub(super) keys: Option<Keys>,
}

pub(super) type Bytes = BTreeMap<Vec<u8>, Vec<u8>>;

impl Default for Image {
    fn default() -> Self {
        Self {
            entries: Bytes::new(),
            records: Bytes::new(),
            blocks: Bytes::new(),
            carried: Bytes::new(),
            mark: CutMark::NONE,
            unsynced: Vec::new(),
            durable: Tip::EMPTY,
            fail_next_append: false,
            fail_next_sync: false,
            room: Room::default(),
            owner: None,
            openings: 0,
            keys: None,
        }
    }
}

/// One append, save or step of a cut: what was there before it, newest change last.
#[derive(Debug, Default)]
pub(super) struct Commit {
    pub(super) entries: Vec<CheckpointRecord>,
    pub(super) records: Vec<CheckpointRecord>,
    pub(super) blocks: Vec<CheckpointRecord>,
    pub(super) carried: Vec<CheckpointRecord>,
    pub(super) mark: Option<CutMark>,
}

impl Image {
    pub(super) fn settle(&mut self, tip: Tip) {
        self.unsynced.clear();
        self.durable = tip;
    }

    /// No process has it any more.
    pub(super) fn close(&mut self) {
        self.owner = None;
        self.keys.iter().for_each(Keys::close);
    }

    pub(super) fn take_back(&mut self) {
        let Some(commit) = self.unsynced.pop() else { return };
        let changed = [
            (&mut self.entries, commit.entries),
            (&mut self.records, commit.records),
            (&mut self.blocks, commit.blocks),
            (&mut self.carried, commit.carried),
        ];
        for (bytes, before) in changed {
            for (key, before) in before.into_iter().rev() {
                replace(bytes, key, before);
            }
        }
        self.mark = commit.mark.unwrap_or(self.mark);
    }

    pub(super) fn slot(&self, key: &[u8]) -> Result<Slot, LogFault> {
        self.carried.get(key).map_or(Ok(Slot::default()), |bytes| slot_of(key, bytes))
    }
}

pub(super) fn replace(
    records: &mut Bytes,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    match value {
        Some(value) => records.insert(key, value),
        None => records.remove(&key),
    }
}

pub(super) fn slot_of(key: &[u8], bytes: &[u8]) -> Result<Slot, LogFault> {
    Slot::decode(bytes).ok_or_else(|| carried::damaged(key, "it does not decode"))
}
