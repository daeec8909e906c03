//! Merging runs of one day into one, some blocks at a time.
//!
//! Must never hold: which runs are to be merged.

use super::block::Cursor;
use super::list::Runs;
use super::run::Run;
use super::writer::RunWriter;
use crate::log::{EventLog, LogFault};

/// Runs that are being merged. What was written of it is garbage until the merged run is listed.
#[derive(Debug)]
pub struct Merge {
    /// The newest run first: of two records under one key the newer one stays.
    cursors: Vec<Cursor>,
    from: Vec<u32>,
    writer: RunWriter,
    is_merged: bool,
}

impl Merge {
    /// Begins to merge `from`, which are of one day.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn begin(
        runs: &mut Runs,
        log: &dyn EventLog,
        mut from: Vec<Run>,
    ) -> Result<Option<Self>, LogFault> {
        from.sort_by_key(|run| core::cmp::Reverse(run.number));
        let Some(newest) = from.first() else { return Ok(None) };
        let level = from.iter().map(|run| run.level).max().unwrap_or_default().saturating_add(1);
        let writer = runs.writer(newest.day, level, from.iter().map(|run| run.count).sum());
        let cursors = from.iter().map(|run| Cursor::new(log, run.number)).collect::<Result<_, _>>();
        let from = from.iter().map(|run| run.number).collect();
        Ok(Some(Self { cursors: cursors?, from, writer, is_merged: false }))
    }

    /// Writes about `blocks_max` blocks. Returns whether there is more to write.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn step(&mut self, log: &mut dyn EventLog, blocks_max: usize) -> Result<bool, LogFault> {
        let mut blocks = Vec::new();
        while !self.is_merged && blocks.len() < blocks_max {
            let least = self.cursors.iter().filter_map(Cursor::entry).min_by_key(|(key, _)| *key);
            let Some(&(key, value)) = least else {
                self.is_merged = true;
                break;
            };
            self.writer.push(key, value, &mut blocks);
            for cursor in &mut self.cursors {
                if cursor.entry().is_some_and(|(other, _)| *other == key) {
                    cursor.advance(log)?;
                }
            }
        }
        let left = blocks_max.saturating_sub(blocks.len());
        let has_more = !self.is_merged || self.writer.finish(left, &mut blocks);
        log.save_blocks(&blocks)?;
        Ok(has_more)
    }

    /// All is written: the merged run takes the place of the others.
    pub fn finish(self, runs: &mut Runs) {
        runs.add(self.writer, &self.from);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::run::{RunKey, RunValue};
    use super::*;
    use crate::log::memory::MemoryLog;

    const DAY: u64 = 7;

    fn key(number: u32) -> RunKey {
        *blake3::hash(&number.to_le_bytes()).as_bytes().first_chunk().unwrap()
    }

    fn value(number: u32) -> RunValue {
        *blake3::hash(&[number.to_le_bytes(), [9; 4]].concat()).as_bytes().first_chunk().unwrap()
    }

    /// Writes a run of `day`, and takes it in.
    fn write(
        (runs, log): (&mut Runs, &mut MemoryLog),
        day: u64,
        numbers: impl IntoIterator<Item = (u32, u32)>,
    ) {
        let records: BTreeMap<RunKey, RunValue> =
            numbers.into_iter().map(|(of, is)| (key(of), value(is))).collect();
        let (mut run, mut blocks) = (runs.writer(day, 0, records.len() as u64), Vec::new());
        for (key, value) in records {
            run.push(key, value, &mut blocks);
        }
        while run.finish(1, &mut blocks) {}
        log.save_blocks(&blocks).unwrap();
        runs.add(run, &[]);
    }

    fn merge_all(runs: &mut Runs, log: &mut MemoryLog, today: u64) {
        while let Some(from) = runs.to_merge(today) {
            let mut merge = Merge::begin(runs, log, from).unwrap().unwrap();
            while merge.step(log, 1).unwrap() {}
            merge.finish(runs);
        }
    }

    fn found(runs: &Runs, log: &MemoryLog, number: u32) -> Option<(u64, RunValue)> {
        runs.find(log, &key(number)).unwrap()
    }

    #[test]
    fn each_record_is_found_and_no_other_also_when_runs_are_merged_and_opened_again() {
        let (mut runs, mut log) =
            (Runs::open(&MemoryLog::new(), vec![], 1 << 20).unwrap(), MemoryLog::new());
        for run in 0..8 {
            let numbers = (run * 500..(run + 1) * 500).map(|number| (number, number));
            write((&mut runs, &mut log), DAY + u64::from(run / 4), numbers);
        }
        // Under one key the newer record counts.
        write((&mut runs, &mut log), DAY, [(3, 1_000)]);
        let check = |runs: &Runs, log: &MemoryLog| {
            assert_eq!(found(runs, log, 3), Some((DAY, value(1_000))));
            for number in 4..4_000 {
                let day = DAY + u64::from(number / 2_000);
                assert_eq!(found(runs, log, number), Some((day, value(number))), "{number}");
            }
            assert!((4_000..20_000).all(|number| found(runs, log, number).is_none()));
            let mut all = BTreeMap::new();
            runs.each(log, &mut |_, key, value| {
                all.insert(*key, *value);
            })
            .unwrap();
            assert_eq!((all.len(), all[&key(3)]), (4_000, value(1_000)));
        };
        check(&runs, &log);
        merge_all(&mut runs, &mut log, DAY + 1);
        let days: Vec<u64> = runs.listed().iter().map(|run| run.day).collect();
        assert_eq!(
            days,
            [DAY + 1, DAY + 1, DAY + 1, DAY + 1, DAY],
            "a day that is over is one run"
        );
        check(&runs, &log);
        while runs.sweep(&mut log, 3).unwrap() {}
        let bytes = runs.filter_bytes();
        assert!(bytes > 4_000 && bytes < 2 * 4_000, "{bytes}");
        let again = Runs::open(&log, runs.listed(), 1 << 20).unwrap();
        assert_eq!((again.listed(), again.filter_bytes()), (runs.listed(), bytes));
        check(&again, &log);
        // With a filter that has room for one day, for nothing, or is lost, all is found as well.
        for room in [bytes * 2 / 3, 0] {
            runs.limit_filters(room);
            assert!(runs.filter_bytes() <= room);
            check(&runs, &log);
        }
        let lost = |blocks: &mut BTreeMap<Vec<u8>, Vec<u8>>| blocks.retain(|key, _| key[4] == 1);
        log.disk().damage_blocks(lost);
        let again = Runs::open(&log, again.listed(), 1 << 20).unwrap();
        assert_eq!(again.filter_bytes(), 0);
        check(&again, &log);
    }

    #[test]
    fn what_is_dropped_or_not_listed_is_removed_and_no_number_is_given_again() {
        let (mut runs, mut log) =
            (Runs::open(&MemoryLog::new(), vec![], 1 << 20).unwrap(), MemoryLog::new());
        for day in [1, 2, 3] {
            write((&mut runs, &mut log), day, (0..400).map(|number| (number, number)));
        }
        let blocks = log.disk().stored_blocks();
        runs.drop_before(3);
        while runs.sweep(&mut log, 2).unwrap() {}
        assert_eq!(log.disk().stored_blocks(), blocks / 3);
        assert_eq!(found(&runs, &log, 5), Some((3, value(5))));
        let mut other = Runs::open(&log, vec![], 1 << 20).unwrap();
        assert_eq!(found(&other, &log, 5), None, "it is not listed");
        write((&mut other, &mut log), 4, [(5, 6)]);
        while other.sweep(&mut log, 2).unwrap() {}
        assert_eq!(found(&other, &log, 5), Some((4, value(6))));
        assert_eq!(log.disk().stored_blocks(), 2, "a block and its filter");
    }

    #[test]
    fn a_block_that_is_gone_is_missed() {
        let (mut runs, mut log) =
            (Runs::open(&MemoryLog::new(), vec![], 0).unwrap(), MemoryLog::new());
        // One before, whose last block is not to be taken for the first of the other.
        write((&mut runs, &mut log), DAY, [(500, 500)]);
        write((&mut runs, &mut log), DAY, (0..500).map(|number| (number, number)));
        let mut keys = Vec::new();
        log.disk().damage_blocks(|blocks| keys.extend(blocks.keys().skip(1).cloned()));
        assert_eq!(keys.len(), 3);
        for gone in keys {
            let mut block = None;
            log.disk().damage_blocks(|blocks| block = blocks.remove(&gone));
            let faults = (0..500).filter(|number| runs.find(&log, &key(*number)).is_err()).count();
            assert!((150..=200).contains(&faults), "{faults}");
            assert!(runs.each(&log, &mut |_, _, _| {}).is_err());
            log.disk().damage_blocks(|blocks| drop(blocks.insert(gone, block.unwrap())));
        }
        assert!((0..500).all(|number| found(&runs, &log, number).is_some()));
    }
}
