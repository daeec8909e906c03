//! Writing a run: its records in order of key, then its filter.
//!
//! Must never hold: where the records come from.

use super::block::{ENTRIES_MAX, NONE, block_key, encode};
use super::filter::Filter;
use super::run::{Run, RunKey, RunValue};
use crate::log::CheckpointRecord;

/// A run that is being written. Its blocks go to whoever calls, to be saved.
#[derive(Debug)]
pub struct RunWriter {
    run: Run,
    filter: Option<Filter>,
    /// The least key that belongs into the block that is being filled.
    first: RunKey,
    entries: Vec<(RunKey, RunValue)>,
    /// The next part of the filter to be saved.
    part: u16,
}

impl RunWriter {
    pub(super) fn new(run: Run, count_max: u64, bits: u64) -> Self {
        let filter = Filter::new(count_max, bits);
        Self { run, filter, first: NONE, entries: Vec::with_capacity(ENTRIES_MAX), part: 0 }
    }

    /// Adds a record, whose key is greater than that of the one before. A block that is full is added to `blocks`.
    pub fn push(&mut self, key: RunKey, value: RunValue, blocks: &mut Vec<CheckpointRecord>) {
        if self.entries.len() == ENTRIES_MAX {
            self.close(key, blocks);
        }
        self.entries.push((key, value));
        self.run.count += 1;
        if let Some(filter) = &mut self.filter {
            filter.insert(&key);
        }
    }

    /// Adds the rest to `blocks`, of the filter up to `parts_max` parts. Returns whether there is more. No record follows.
    pub fn finish(&mut self, parts_max: usize, blocks: &mut Vec<CheckpointRecord>) -> bool {
        if !self.entries.is_empty() {
            self.close(NONE, blocks);
        }
        let Some(filter) = &self.filter else { return false };
        for _ in 0..parts_max {
            let Some(part) = filter.part(self.run.number, self.part) else { return false };
            blocks.push(part);
            self.part += 1;
        }
        true
    }

    fn close(&mut self, until: RunKey, blocks: &mut Vec<CheckpointRecord>) {
        let key = block_key(self.run.number, &self.first);
        blocks.push((key, Some(encode(&until, &self.entries))));
        self.entries.clear();
        self.first = until;
    }

    pub(super) fn into_parts(self) -> (Run, Option<Filter>) {
        let (words, hashes) = self.filter.as_ref().map_or((0, 0), Filter::shape);
        (Run { words, hashes, ..self.run }, self.filter)
    }
}
