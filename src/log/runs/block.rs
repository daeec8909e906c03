//! Blocks: records of a run in order of key, and where the next block begins, so that one that is gone is missed.
//!
//! ```text
//! key   := run:u32be 0x01 first:[u8;16]            the least key that belongs into the block; of a run's first block zero
//! value := until:[u8;16] (key:[u8;16] value:[u8;20])*   the first key of the next block; of a run's last block zero
//! ```
//! Must never hold: which runs there are.

use super::run::{RunKey, RunValue, damaged};
use crate::log::{EventLog, LogFault};

/// In a key, behind the run: a block.
const BLOCK: u8 = 1;
const KEY_BYTES: usize = 16;
const ENTRY_BYTES: usize = KEY_BYTES + 20;
/// Records in a block: about 6 KiB.
pub(super) const ENTRIES_MAX: usize = 168;
/// The key that no block ends at.
pub(super) const NONE: RunKey = [0; KEY_BYTES];

/// What the keys of a run begin with.
pub(super) fn prefix(run: u32) -> [u8; 4] {
    run.to_be_bytes()
}

/// The run that a key is of.
pub(super) fn run_of(key: &[u8]) -> Option<u32> {
    key.first_chunk().map(|run| u32::from_be_bytes(*run))
}

/// The key of the block of `run` whose least key is `first`.
pub(super) fn block_key(run: u32, first: &RunKey) -> Vec<u8> {
    [&prefix(run)[..], &[BLOCK], first].concat()
}

/// The bytes of a block.
pub(super) fn encode(until: &RunKey, entries: &[(RunKey, RunValue)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(KEY_BYTES + entries.len() * ENTRY_BYTES);
    bytes.extend_from_slice(until);
    for (key, value) in entries {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    bytes
}

/// Where the next block begins, and the records.
fn decode(run: u32, bytes: &[u8]) -> Result<(RunKey, &[[u8; ENTRY_BYTES]]), LogFault> {
    let parts = bytes.split_first_chunk::<KEY_BYTES>();
    let (until, entries) = parts.ok_or_else(|| damaged(run, "a block is cut short"))?;
    match entries.as_chunks() {
        (entries, []) => Ok((*until, entries)),
        _ => Err(damaged(run, "a block is cut short")),
    }
}

fn entry(bytes: &[u8; ENTRY_BYTES]) -> (RunKey, RunValue) {
    let (mut key, mut value) = (NONE, [0; 20]);
    key.copy_from_slice(&bytes[..KEY_BYTES]);
    value.copy_from_slice(&bytes[KEY_BYTES..]);
    (key, value)
}

/// The record of `run` under `key`.
pub(super) fn find(
    log: &dyn EventLog,
    run: u32,
    key: &RunKey,
) -> Result<Option<RunValue>, LogFault> {
    let found = log.block_at(&block_key(run, key))?;
    let of_run = block_key(run, &NONE);
    let missing = || damaged(run, "a block is missing");
    let found = found.filter(|(stored, _)| *stored >= of_run);
    let (_, bytes) = found.ok_or_else(missing)?;
    let (until, entries) = decode(run, &bytes)?;
    if until != NONE && *key >= until {
        return Err(missing());
    }
    let place = entries.binary_search_by(|bytes| bytes[..KEY_BYTES].cmp(key));
    Ok(place.ok().map(|place| entry(&entries[place]).1))
}

/// Goes through a run in order of key.
#[derive(Debug)]
pub(super) struct Cursor {
    run: u32,
    entries: Vec<(RunKey, RunValue)>,
    place: usize,
    until: RunKey,
}

impl Cursor {
    /// At the first record of `run`.
    pub(super) fn new(log: &dyn EventLog, run: u32) -> Result<Self, LogFault> {
        let mut cursor = Self { run, entries: Vec::new(), place: 0, until: NONE };
        cursor.load(log, &NONE)?;
        Ok(cursor)
    }

    fn load(&mut self, log: &dyn EventLog, first: &RunKey) -> Result<(), LogFault> {
        let wanted = block_key(self.run, first);
        let found = log.block_at(&wanted)?.filter(|(stored, _)| *stored == wanted);
        let (_, bytes) = found.ok_or_else(|| damaged(self.run, "a block is missing"))?;
        let (until, entries) = decode(self.run, &bytes)?;
        (self.until, self.place) = (until, 0);
        self.entries.clear();
        self.entries.extend(entries.iter().map(entry));
        Ok(())
    }

    /// The record it stands at, if it is not at the end.
    pub(super) fn entry(&self) -> Option<&(RunKey, RunValue)> {
        self.entries.get(self.place)
    }

    /// Goes on to the next record.
    pub(super) fn advance(&mut self, log: &dyn EventLog) -> Result<(), LogFault> {
        self.place += 1;
        if self.place == self.entries.len() && self.until != NONE {
            self.load(log, &self.until.clone())?;
        }
        Ok(())
    }
}
