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
use super::separators::is_separator;
use super::{CheckpointRecord, CutMark, Cutter, Entries, LogFault, Sealing, records};
use crate::event::EntryKey;
use crate::log::carried::Slot;

/// The records of which something may count no more.
#[derive(Debug)]
enum Unswept {
    /// All behind this one: what the process before staged is not known.
    Behind(Vec<u8>),
    /// Those that were staged since all was swept.
    Staged(BTreeSet<Vec<u8>>),
}

/// See [`Cutter`].
#[derive(Debug)]
pub(super) struct SledCutter {
    engine: Engine,
    reader: Arc<SledReader>,
    unswept: Unswept,
}

impl SledCutter {
    pub(super) fn new(engine: Engine, reader: Arc<SledReader>) -> Self {
        Self { engine, reader, unswept: Unswept::Behind(Vec::new()) }
    }

    /// The number of the cut that is staged.
    fn next(&self) -> u64 {
        self.reader.mark().number + 1
    }

    /// Removes up to `steps` entries that were cut away.
    fn sweep_entries(&self, steps: usize) -> Result<usize, LogFault> {
        let end = EntryKey { sequence: self.reader.mark().base.head.next(), part: 0 }.to_bytes();
        let (mut batch, mut count) = (sled::Batch::default(), 0);
        for found in self.engine.events.range(..end) {
            let (key, value) = guarded("read", || found)?;
            // What separated them goes with them.
            let is_entry = !is_separator(&key, &value);
            if is_entry && count == steps {
                break;
            }
            batch.remove(key);
            count += usize::from(is_entry);
        }
        if count > 0 {
            guarded("cut", || self.engine.events.apply_batch(batch))?;
        }
        Ok(count)
    }

    /// Leaves of up to `steps` records only what counts. Returns how many were looked at.
    fn sweep_records(&mut self, steps: usize) -> Result<usize, LogFault> {
        let (number, looked) = (self.reader.mark().number, self.next_unswept(steps)?);
        let swept = looked.iter().map(|(key, slot)| (key, slot, slot.swept(number)));
        let changed = swept.filter(|(_, slot, swept)| swept != *slot);
        let changed: Vec<_> =
            changed.map(|(key, _, swept)| (key.clone(), swept.encode())).collect();
        if !changed.is_empty() {
            records::save(&self.engine.carried, &changed).map_err(carried::fault)?;
        }
        Ok(looked.len())
    }

    /// The next records of which something may count no more, up to `steps`.
    fn next_unswept(&mut self, steps: usize) -> Result<Vec<(Vec<u8>, Slot)>, LogFault> {
        let (mut found, tree) = (Vec::new(), &self.engine.carried);
        match &mut self.unswept {
            _ if steps == 0 => {}
            Unswept::Staged(keys) => {
                while found.len() < steps
                    && let Some(key) = keys.pop_first()
                {
                    let slot = slot(tree, &key)?;
                    found.push((key, slot));
                }
            }
            Unswept::Behind(last) => {
                // No key is empty.
                let from = [&last[..], &[0]].concat();
                let walked = records::walk(tree, &from, &mut |key, value| {
                    found.push((key.to_vec(), slot_of(key, value)?));
                    let is_full = found.len() == steps;
                    Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
                });
                walked.map_err(carried::fault)?;
                if let Some((key, _)) = found.last() {
                    last.clone_from(key);
                }
            }
        }
        Ok(found)
    }
}

fn slot(tree: &sled::Tree, key: &[u8]) -> Result<Slot, LogFault> {
    let found = records::get(tree, key).map_err(carried::fault)?;
    found.map_or(Ok(Slot::default()), |bytes| slot_of(key, &bytes))
}

impl Cutter for SledCutter {
    fn entries(&self) -> &dyn Entries {
        self.reader.as_ref()
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        Some(self.reader.vault())
    }

    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        Ok(slot(&self.engine.carried, key)?.at(self.next()).map(<[u8]>::to_vec))
    }

    fn stage(&mut self, staged: &[CheckpointRecord]) -> Result<(), LogFault> {
        let number = self.reader.mark().number;
        let mut changed = Vec::with_capacity(staged.len());
        for (key, value) in staged {
            let slot = slot(&self.engine.carried, key)?;
            if slot.at(number + 1) != value.as_deref() {
                changed.push((key.clone(), slot.stage(number, value.as_deref()).encode()));
            }
        }
        if let Unswept::Staged(keys) = &mut self.unswept {
            keys.extend(changed.iter().map(|(key, _)| key.clone()));
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
        Ok(())
    }

    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault> {
        let entries = self.sweep_entries(steps)?;
        let records = self.sweep_records(steps - entries)?;
        let more = entries + records > 0;
        if !more {
            self.engine.sync()?;
            self.unswept = Unswept::Staged(BTreeSet::new());
        }
        Ok(more)
    }
}
