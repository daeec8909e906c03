//! Reading events from sled, from any thread.
//!
//! Must never hold: a cache that grows.

use core::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::carried;
use super::engine::{Engine, guarded};
use super::folder::Folder;
use super::separators::is_separator;
use super::{Carried, CutMark, Each, Entries, LogFault, LogReader, scan};
use crate::event::{EntryKey, Recorded};
use crate::log::Tip;
use crate::log::sealing::Vault;
use crate::model::Sequence;

/// Reads what was appended, synced or not.
#[derive(Debug)]
pub(super) struct SledReader {
    events: sled::Tree,
    carried: sled::Tree,
    mark: RwLock<CutMark>,
    /// The entry [`LogReader::read_one`] decoded last: who asks for one event mostly asks for its neighbour next, and
    /// an entry never changes once it is written. One entry is at most 7 KiB, or one long event.
    /// As it is stored: what is sealed is opened anew, for its key may be gone by then.
    latest: Mutex<Arc<[Recorded]>>,
    vault: Arc<Vault>,
    /// A reader keeps sled open, and so must keep the folder locked.
    folder: Arc<Folder>,
}

impl SledReader {
    pub(super) fn new(
        engine: &Engine,
        vault: Arc<Vault>,
        folder: Arc<Folder>,
    ) -> Result<Self, LogFault> {
        let mark = RwLock::new(carried::mark_of(&engine.cuts)?);
        let (events, carried) = (engine.events.clone(), engine.carried.clone());
        Ok(Self { events, carried, mark, latest: Mutex::default(), vault, folder })
    }

    pub(super) fn vault(&self) -> &Vault {
        &self.vault
    }

    /// From now on the log begins at `mark`.
    pub(super) fn begin_at(&self, mark: CutMark) {
        *self.mark.write().unwrap_or_else(PoisonError::into_inner) = mark;
    }

    /// Calls `each` with the entries from `reached` on, which is moved on, until it breaks off or there are no more.
    fn walk_on(
        &self,
        reached: &mut Bound<Vec<u8>>,
        each: &mut Each<'_>,
    ) -> Result<ControlFlow<()>, LogFault> {
        let mut entries = self.events.range::<Vec<u8>, _>((reached.clone(), Bound::Unbounded));
        while let Some((key, value)) = guarded("read", || entries.next().transpose())? {
            if is_separator(&key, &value) {
                continue;
            }
            if each(&key, &value)? == ControlFlow::Break(()) {
                return Ok(ControlFlow::Break(()));
            }
            *reached = Bound::Excluded(key.to_vec());
        }
        Ok(ControlFlow::Continue(()))
    }

    fn latest(&self) -> Arc<[Recorded]> {
        Arc::clone(&self.latest.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn remember(&self, events: Arc<[Recorded]>) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = events;
    }
}

/// When a page is damaged, sled may end a walk there as if nothing followed; the last entry is found another way.
fn check_reached(reached: &Bound<Vec<u8>>, last: Option<&[u8]>) -> Result<(), LogFault> {
    match last.filter(|last| lies_behind(last, reached)) {
        Some(last) => {
            let (Bound::Included(reached) | Bound::Excluded(reached)) = reached else {
                return Ok(());
            };
            let reason = format!(
                "nothing is found behind entry {}, but entry {} is there; its files are damaged, restore a backup",
                words(reached),
                words(last),
            );
            Err(LogFault::Engine { action: "read on", reason })
        }
        None => Ok(()),
    }
}

fn lies_behind(key: &[u8], reached: &Bound<Vec<u8>>) -> bool {
    match reached {
        Bound::Included(from) => key >= &from[..],
        Bound::Excluded(reached) => key > &reached[..],
        Bound::Unbounded => true,
    }
}

fn words(key: &[u8]) -> String {
    EntryKey::from_bytes(key).map_or("0".into(), |key| key.sequence.to_string())
}

fn find(events: &[Recorded], sequence: Sequence) -> Option<Recorded> {
    let place = events.binary_search_by_key(&sequence, |recorded| recorded.sequence).ok()?;
    Some(events[place].clone())
}

impl LogReader for SledReader {
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
        let mut events = scan::read(self, from, events_max)?;
        self.vault.open_all(&mut events)?;
        Ok(events)
    }

    fn kept_from(&self) -> Sequence {
        self.mark().base.head.next()
    }

    fn read_one(&self, sequence: Sequence) -> Result<Recorded, LogFault> {
        // What is remembered may be cut away by now.
        let is_kept = sequence > self.mark().base.head;
        let mut found = if is_kept { find(&self.latest(), sequence) } else { None };
        if found.is_none() {
            let events: Arc<[Recorded]> = scan::neighbours(self, sequence)?.into();
            found = find(&events, sequence);
            self.remember(events);
        }
        self.vault.open_all(found.as_mut_slice())?;
        found.ok_or(LogFault::Missing { sequence })
    }

    fn end_at(&self, sequence: Sequence) -> Result<Tip, LogFault> {
        scan::tip_at(self, sequence)
    }
}

impl Entries for SledReader {
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        let mut before = self.events.range(..bound);
        while let Some((key, value)) = guarded("read", || before.next_back().transpose())? {
            if !is_separator(&key, &value) {
                return Ok(Some(key.to_vec()));
            }
        }
        Ok(None)
    }

    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        let mut reached = Bound::Included(from.to_vec());
        let mut last: Option<Vec<u8>> = None;
        loop {
            if self.walk_on(&mut reached, each)? == ControlFlow::Break(()) {
                return Ok(());
            }
            // What was there before it was walked there must be among what was reached.
            check_reached(&reached, last.as_deref())?;
            last = self.last_before(&scan::END)?.filter(|last| lies_behind(last, &reached));
            if last.is_none() {
                return Ok(());
            }
        }
    }

    fn mark(&self) -> CutMark {
        *self.mark.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn walk_carried(&self, of: Carried, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        carried::walk(&self.carried, of.number(self.mark().number), from, each)
    }

    fn name(&self) -> String {
        self.folder.name()
    }
}
