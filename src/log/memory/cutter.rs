//! Cutting the log on a disk in memory, each step of it whole or not at all after a crash.
//!
//! Must never hold: what is carried.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::injected;
use super::image::{Commit, Image, replace, slot_of};
use crate::event::EntryKey;
use crate::log::sealing::Vault;
use crate::log::{CheckpointRecord, CutMark, Cutter, Entries, LogFault, Sealing};

/// See [`Cutter`].
pub(super) struct MemoryCutter {
    image: Arc<Mutex<Image>>,
    /// The same disk, for reading.
    entries: Box<dyn Entries + Send>,
    vault: Option<Arc<Vault>>,
    opening: u64,
}

impl MemoryCutter {
    pub(super) fn new(
        image: &Arc<Mutex<Image>>,
        entries: Box<dyn Entries + Send>,
        vault: Option<Arc<Vault>>,
        opening: u64,
    ) -> Self {
        Self { image: Arc::clone(image), entries, vault, opening }
    }

    fn image(&self) -> MutexGuard<'_, Image> {
        self.image.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` on the disk as one step that is there whole or not at all after a crash.
    fn step<T>(
        &self,
        work: impl FnOnce(&mut Image, &mut Commit) -> Result<T, LogFault>,
    ) -> Result<T, LogFault> {
        let mut image = self.image();
        if image.owner != Some(self.opening) {
            return Err(LogFault::Poisoned);
        }
        let mut commit = Commit::default();
        let done = work(&mut image, &mut commit)?;
        image.unsynced.push(commit);
        Ok(done)
    }

    /// Makes everything durable that was written, also what the owner of the log appended.
    fn sync(&self) -> Result<(), LogFault> {
        let mut image = self.image();
        if image.owner != Some(self.opening) {
            return Err(LogFault::Poisoned);
        }
        if core::mem::take(&mut image.fail_next_sync) {
            return Err(injected("sync"));
        }
        image.unsynced.clear();
        Ok(())
    }
}

impl Cutter for MemoryCutter {
    fn entries(&self) -> &dyn Entries {
        self.entries.as_ref()
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        self.vault.as_deref().map(|vault| vault as &dyn Sealing)
    }

    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        let image = self.image();
        Ok(image.slot(key)?.at(image.mark.number + 1).map(<[u8]>::to_vec))
    }

    fn stage(&mut self, staged: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.step(|image, commit| {
            let number = image.mark.number;
            for (key, value) in staged {
                let slot = image.slot(key)?;
                if slot.at(number + 1) != value.as_deref() {
                    let bytes = slot.stage(number, value.as_deref()).encode();
                    let before = replace(&mut image.carried, key.clone(), bytes);
                    commit.carried.push((key.clone(), before));
                }
            }
            Ok(())
        })
    }

    fn cut(&mut self, mark: CutMark) -> Result<(), LogFault> {
        self.sync()?;
        self.step(|image, commit| {
            assert_eq!(mark.number, image.mark.number + 1, "cuts are counted");
            commit.mark = Some(image.mark);
            image.mark = mark;
            Ok(())
        })?;
        self.sync()
    }

    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault> {
        let more = self.step(|image, commit| {
            let end = EntryKey { sequence: image.mark.base.head.next(), part: 0 }.to_bytes();
            let gone = image.entries.range(..end).map(|(key, _)| key.clone());
            for key in gone.take(steps).collect::<Vec<_>>() {
                let before = image.entries.remove(&key);
                commit.entries.push((key, before));
            }
            let mut swept = Vec::new();
            for (key, bytes) in &image.carried {
                let slot = slot_of(key, bytes)?;
                let left = slot.swept(image.mark.number);
                if left != slot && commit.entries.len() + swept.len() < steps {
                    swept.push((key.clone(), left.encode()));
                }
            }
            for (key, left) in swept {
                let before = replace(&mut image.carried, key.clone(), left);
                commit.carried.push((key, before));
            }
            Ok(!commit.entries.is_empty() || !commit.carried.is_empty())
        })?;
        if !more {
            self.sync()?;
        }
        Ok(more)
    }
}
