//! Cutting the log on sled: what is carried lies in a tree of its own, the mark of where the log begins in another.
//!
//! Both are kept like checkpoint records, with checksums, and a sum over all of them. Removing is done in small batches,
//! so that whoever appends meanwhile waits for one of them at most.
//! Must never hold: what is carried.

use core::ops::ControlFlow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::carried::{self, MARK, slot_of};
use super::engine::{Engine, guarded};
use super::reader::SledReader;
use super::{CheckpointRecord, CutMark, Cutter, Entries, LogFault, Sealing, records};
use crate::event::EntryKey;
use crate::log::carried::Slot;

/// See [`Cutter`].
#[derive(Debug)]
pub(super) struct SledCutter {
    engine: Engine,
    reader: Arc<SledReader>,
    /// The record behind which sweeping goes on.
    swept: Option<Vec<u8>>,
    /// The records that were staged since all was swept; not known of those that the process before staged.
    staged: Option<BTreeSet<Vec<u8>>>,
}

impl SledCutter {
    pub(super) fn new(engine: Engine, reader: Arc<SledReader>) -> Self {
        Self { engine, reader, swept: None, staged: None }
    }

    /// The number of the cut that is staged.
    fn next(&self) -> u64 {
        self.reader.mark().number + 1
    }

    fn slot(&self, key: &[u8]) -> Result<Slot, LogFault> {
        let found = records::get(&self.engine.carried, key).map_err(carried::fault)?;
        found.map_or(Ok(Slot::default()), |bytes| slot_of(key, &bytes))
    }

    /// Removes up to `steps` entries that were cut away.
    fn sweep_entries(&self, steps: usize) -> Result<usize, LogFault> {
        let end = EntryKey { sequence: self.reader.mark().base.head.next(), part: 0 }.to_bytes();
        let (mut batch, mut count) = (sled::Batch::default(), 0);
        for key in self.engine.events.range(..end).keys().take(steps) {
            batch.remove(guarded("read", || key)?);
            count += 1;
        }
        if count > 0 {
            guarded("cut", || self.engine.events.apply_batch(batch))?;
        }
        Ok(count)
    }

    /// Leaves of up to `steps` of the records that were staged only what counts. Returns how many were looked at.
    fn sweep_staged(&mut self, steps: usize) -> Result<usize, LogFault> {
        let number = self.reader.mark().number;
        let mut changed = Vec::new();
        for _ in 0..steps {
            let Some(key) = self.staged.as_mut().and_then(BTreeSet::pop_first) else { break };
            let swept = self.slot(&key)?.swept(number).encode();
            changed.push((key, swept));
        }
        if !changed.is_empty() {
            records::save(&self.engine.carried, &changed).map_err(carried::fault)?;
        }
        Ok(changed.len())
    }

    /// The same, of all records that there are.
    fn sweep_records(&mut self, steps: usize) -> Result<usize, LogFault> {
        let number = self.reader.mark().number;
        let (mut changed, mut count, mut last) = (Vec::new(), 0, None);
        let from = self.swept.as_ref().map_or(Vec::new(), |key| [&key[..], &[0]].concat());
        records::walk(&self.engine.carried, &from, &mut |key, value| {
            let slot = slot_of(key, value)?;
            let swept = slot.swept(number);
            if swept != slot {
                changed.push((key.to_vec(), swept.encode()));
            }
            last = Some(key.to_vec());
            count += 1;
            Ok(if count < steps { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
        .map_err(carried::fault)?;
        self.swept = last.or(self.swept.take());
        if !changed.is_empty() {
            records::save(&self.engine.carried, &changed).map_err(carried::fault)?;
        }
        Ok(count)
    }
}

impl Cutter for SledCutter {
    fn entries(&self) -> &dyn Entries {
        self.reader.as_ref()
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        Some(self.reader.vault())
    }

    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        Ok(self.slot(key)?.at(self.next()).map(<[u8]>::to_vec))
    }

    fn stage(&mut self, staged: &[CheckpointRecord]) -> Result<(), LogFault> {
        let number = self.reader.mark().number;
        let mut changed = Vec::with_capacity(staged.len());
        for (key, value) in staged {
            let slot = self.slot(key)?;
            if slot.at(number + 1) != value.as_deref() {
                changed.push((key.clone(), slot.stage(number, value.as_deref()).encode()));
            }
        }
        if let Some(staged) = &mut self.staged {
            staged.extend(changed.iter().map(|(key, _)| key.clone()));
        }
        records::save(&self.engine.carried, &changed).map_err(carried::fault)
    }

    fn cut(&mut self, mark: CutMark) -> Result<(), LogFault> {
        assert_eq!(mark.number, self.next(), "cuts are counted");
        self.engine.sync()?;
        let bytes = postcard::to_stdvec(&mark).expect("a mark is numbers and bytes");
        records::save(&self.engine.cuts, &[(MARK.to_vec(), Some(bytes))])?;
        self.engine.sync()?;
        self.reader.begin_at(mark);
        self.swept = None;
        Ok(())
    }

    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault> {
        let entries = self.sweep_entries(steps)?;
        let left = steps - entries.min(steps);
        let records = if left == 0 {
            0
        } else if self.staged.is_some() {
            self.sweep_staged(left)?
        } else {
            self.sweep_records(left)?
        };
        let more = entries + records > 0;
        if !more {
            self.engine.sync()?;
            (self.swept, self.staged) = (None, Some(BTreeSet::new()));
        }
        Ok(more)
    }
}
