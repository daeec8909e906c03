//! The runs that are listed: looked into, added, dropped, and what is left of others removed.
//!
//! Must never hold: when runs are merged.

use core::cmp::Reverse;
use core::ops::ControlFlow;
use std::collections::{BTreeMap, BTreeSet};

use super::block::{Cursor, find, prefix, run_of};
use super::filter::Filter;
use super::run::{Run, RunKey, RunValue};
use super::writer::RunWriter;
use crate::log::{EventLog, LogFault};

/// Runs of one day and level that are merged into one of the next level.
const MERGED_AT_ONCE: usize = 8;
/// Keys that begin with this or more are of other blocks than those of runs.
const RUNS_END: u32 = 0xff00_0000;
/// Bits of filter for each record: four of a thousand keys that are not in a run are looked for in it in vain.
const FILTER_BITS: u64 = 12;

/// All runs that are listed, with their filters.
#[derive(Debug, Default)]
pub struct Runs {
    /// The newest day first.
    kept: Vec<(Run, Option<Filter>)>,
    next: u32,
    /// What is stored and not listed.
    garbage: BTreeSet<u32>,
    filter_bytes_max: u64,
}

impl Runs {
    /// The runs of `log` that are `listed`. What else is there is removed by [`Runs::sweep`]. Their filters take no more than
    /// `filter_bytes_max` bytes of memory; beyond that keys are looked for in vain more often.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn open(
        log: &dyn EventLog,
        listed: Vec<Run>,
        filter_bytes_max: u64,
    ) -> Result<Self, LogFault> {
        let mut stored = BTreeSet::new();
        while let Some(run) = stored_from(log, stored.last().map_or(0, |last| last + 1))? {
            stored.insert(run);
        }
        let next = stored.last().copied().max(listed.iter().map(|run| run.number).max());
        let garbage = stored.into_iter().filter(|it| listed.iter().all(|run| run.number != *it));
        let mut runs = Self {
            kept: Vec::new(),
            next: next.map_or(0, |last| last + 1),
            garbage: garbage.collect(),
            filter_bytes_max,
        };
        for run in listed {
            let filter = Filter::load(log, run.number, run.words, run.hashes)?;
            runs.kept.push((run, filter));
        }
        runs.arrange();
        Ok(runs)
    }

    /// Lets filters take no more than `bytes` from now on.
    pub fn limit_filters(&mut self, bytes: u64) {
        self.filter_bytes_max = bytes;
        self.arrange();
    }

    /// The runs, to be listed.
    pub fn listed(&self) -> Vec<Run> {
        self.kept.iter().map(|(run, _)| *run).collect()
    }

    /// How much memory filters take, in bytes.
    pub fn filter_bytes(&self) -> u64 {
        self.kept.iter().filter_map(|(_, filter)| filter.as_ref()).map(Filter::bytes).sum()
    }

    /// The newest record under `key`, and of which day it is.
    ///
    /// # Errors
    /// [`LogFault`], also if a block is not what was written.
    pub fn find(
        &self,
        log: &dyn EventLog,
        key: &RunKey,
    ) -> Result<Option<(u64, RunValue)>, LogFault> {
        let may_have = |filter: &Option<Filter>| filter.as_ref().is_none_or(|it| it.may_have(key));
        for (run, _) in self.kept.iter().filter(|(_, filter)| may_have(filter)) {
            if let Some(value) = find(log, run.number, key)? {
                return Ok(Some((run.day, value)));
            }
        }
        Ok(None)
    }

    /// Calls `each` with the day, the key and the value of every record, the newest run last.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn each(
        &self,
        log: &dyn EventLog,
        each: &mut dyn FnMut(u64, &RunKey, &RunValue),
    ) -> Result<(), LogFault> {
        for (run, _) in self.kept.iter().rev() {
            let mut cursor = Cursor::new(log, run.number)?;
            while let Some((key, value)) = cursor.entry() {
                each(run.day, key, value);
                cursor.advance(log)?;
            }
        }
        Ok(())
    }

    /// Begins a run of `count` records of `day` at most.
    pub fn writer(&mut self, day: u64, level: u8, count: u64) -> RunWriter {
        let number = self.next;
        self.next += 1;
        let all = self.kept.iter().map(|(run, _)| run.count).sum::<u64>() + count;
        // Where all together have less room, each has its part of it.
        let bits = FILTER_BITS.min(self.filter_bytes_max.saturating_mul(8) / all.max(1));
        RunWriter::new(Run { number, day, level, count: 0, words: 0, hashes: 0 }, count, bits)
    }

    /// Takes in a run that is written, in the place of those that it was merged of.
    pub fn add(&mut self, written: RunWriter, merged: &[u32]) {
        self.drop_if(|run| merged.contains(&run.number));
        self.kept.push(written.into_parts());
        self.arrange();
    }

    /// Drops the runs of days before `day`.
    pub fn drop_before(&mut self, day: u64) {
        self.drop_if(|run| run.day < day);
    }

    fn drop_if(&mut self, is_over: impl Fn(&Run) -> bool) {
        let over = self.kept.extract_if(.., |(run, _)| is_over(run));
        self.garbage.extend(over.map(|(run, _)| run.number));
    }

    /// Puts the newest first, and drops the filters of the oldest that have no room.
    fn arrange(&mut self) {
        self.kept.sort_by_key(|(run, _)| Reverse((run.day, run.number)));
        let mut left = self.filter_bytes_max;
        for (_, filter) in &mut self.kept {
            let bytes = filter.as_ref().map_or(0, Filter::bytes);
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => *filter = None,
            }
        }
    }

    /// The runs that are to be merged next: those of a day that is over, or many of one level of `today`.
    pub fn to_merge(&self, today: u64) -> Option<Vec<Run>> {
        let mut alike: BTreeMap<(u64, u8), Vec<Run>> = BTreeMap::new();
        for (run, _) in &self.kept {
            let level = if run.day < today { 0 } else { run.level };
            alike.entry((run.day, level)).or_default().push(*run);
        }
        let many = |((day, _), runs): &((u64, u8), Vec<Run>)| {
            runs.len() >= if *day < today { 2 } else { MERGED_AT_ONCE }
        };
        alike.into_iter().find(many).map(|(_, runs)| runs)
    }

    /// Removes about `blocks_max` blocks that are of no use any more. Returns whether there are more.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn sweep(&mut self, log: &mut dyn EventLog, blocks_max: usize) -> Result<bool, LogFault> {
        let Some(run) = self.garbage.first().copied() else { return Ok(false) };
        let (mut gone, prefix) = (Vec::new(), prefix(run));
        log.walk_blocks(&prefix, &mut |key, _| {
            if gone.len() == blocks_max || !key.starts_with(&prefix) {
                return Ok(ControlFlow::Break(()));
            }
            gone.push((key.to_vec(), None));
            Ok(ControlFlow::Continue(()))
        })?;
        if gone.len() < blocks_max {
            self.garbage.remove(&run);
        }
        log.save_blocks(&gone)?;
        Ok(!self.garbage.is_empty())
    }
}

/// The first run from `number` on that anything is stored of.
fn stored_from(log: &dyn EventLog, number: u32) -> Result<Option<u32>, LogFault> {
    let mut found = None;
    log.walk_blocks(&prefix(number), &mut |key, _| {
        found = run_of(key).filter(|run| *run < RUNS_END);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}
