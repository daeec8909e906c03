//! What is proven of a damaged log, read as if that were all there is.
//!
//! An entry is proven by its checksum and by the chain: it follows from the entry before it. Where entries are lost, the log
//! is taken up again with one that another follows from, or that is the end which was known to be durable. In the place of
//! each lost event stands the beginning of one and the same epoch, and so does each epoch of the log: whoever has seen the
//! log as it was is told that it is another one.
//! Must never hold: a write to the store that is read, or an event that nothing proves.

mod line;
mod raw;

use std::collections::BTreeMap;
use std::path::Path;

use self::line::Line;
pub use self::line::LostEvents;
use self::raw::{Place, Raw};
use super::folder::Folder;
use super::{LogFault, LogReader, mark};
use crate::event::{Assembler, EntryKey, EpochBegan, Event, Recorded};
use crate::log::sealing::Vault;
use crate::model::{Ahead, EpochId, Moment, Sequence};
use crate::random;

/// A damaged log as far as it is proven.
#[derive(Debug)]
pub struct Salvaged {
    raw: Raw,
    entries: BTreeMap<EntryKey, Place>,
    lost: Vec<LostEvents>,
    head: Sequence,
    vault: Vault,
    keys_lost: usize,
    epoch: EpochId,
    /// Nobody else has the store meanwhile.
    _folder: Folder,
}

impl Salvaged {
    /// Reads the store in the folder `data` without changing it, and tells `progress` how many bytes so far and how many
    /// there are. Keeps some 50 bytes of memory for each entry.
    ///
    /// # Errors
    /// [`LogFault::NoStore`] if there is none, [`LogFault::Locked`] while a process has it, [`LogFault::Keys`] if nothing
    /// is left of its keys, [`LogFault::Io`] if it cannot be read.
    pub fn of(data: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, LogFault> {
        let folder = Folder::open_damaged(data)?;
        let (vault, keys_lost) = Vault::as_it_is(data)?;
        let raw = Raw::read(&folder.sled_file(), progress)?;
        let Line { entries, lost, head } = line::of(&raw, mark::read(data).ok())?;
        let epoch = EpochId(random::bytes());
        Ok(Self { raw, entries, lost, head, vault, keys_lost, epoch, _folder: folder })
    }

    /// Its last event, lost or not.
    pub fn head(&self) -> Sequence {
        self.head
    }

    /// What is lost, in order.
    pub fn lost(&self) -> &[LostEvents] {
        &self.lost
    }

    /// The epoch that it is of if something is lost, drawn at random.
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }

    /// How many keys are damaged; what was sealed with them reads as erased.
    pub fn keys_lost(&self) -> usize {
        self.keys_lost
    }

    fn lost_at(&self, at: Sequence) -> Option<&LostEvents> {
        let place = self.lost.partition_point(|lost| lost.last < at);
        self.lost.get(place).filter(|lost| lost.first <= at)
    }

    /// The events of the entry with the event at `at`.
    fn together(&self, at: Sequence) -> Result<Vec<Recorded>, LogFault> {
        let last = EntryKey { sequence: at, part: u16::MAX };
        let begin = self.entries.range(..=last).next_back().map(|(key, _)| key.sequence);
        let sequence = begin.ok_or(LogFault::Missing { sequence: at })?;
        let (mut assembler, mut events) = (Assembler::reading(), Vec::new());
        let first = EntryKey { sequence, part: 0 };
        for (key, place) in self.entries.range(first..=EntryKey { part: u16::MAX, ..first }) {
            assembler.push(&key.to_bytes(), &self.raw.value(place)?, &mut events)?;
        }
        assembler.finish()?;
        Ok(events)
    }

    /// What stands for the lost event `at`. It happened right after the last one that is there, as far as anybody can tell.
    fn stand_in(&self, lost: &LostEvents, at: Sequence) -> Result<Recorded, LogFault> {
        let since = at.get() - lost.first.get() + 1;
        let before = match lost.first.get() - 1 {
            0 => None,
            before => self.together(Sequence::new(before))?.pop(),
        };
        let (moment, ahead) = before.map_or((Moment::ZERO, Ahead::ZERO), |it| (it.at, it.ahead));
        let at_moment = Moment::from_us(moment.as_us().saturating_add(since));
        Ok(Recorded { sequence: at, at: at_moment, ahead, event: self.another_past() })
    }

    fn another_past(&self) -> Event {
        Event::EpochBegan(EpochBegan { epoch: self.epoch })
    }
}

impl LogReader for Salvaged {
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
        let (mut events, mut next) = (Vec::new(), from.max(Sequence::new(1)));
        while events.len() < events_max && next <= self.head {
            if let Some(lost) = self.lost_at(next) {
                events.push(self.stand_in(lost, next)?);
            } else {
                let mut together = self.together(next)?;
                together.retain(|recorded| recorded.sequence >= next);
                events.append(&mut together);
            }
            next = events.last().ok_or(LogFault::Missing { sequence: next })?.sequence.next();
        }
        events.truncate(events_max);
        for recorded in &mut events {
            if !self.lost.is_empty() && matches!(recorded.event, Event::EpochBegan(_)) {
                recorded.event = self.another_past();
            }
        }
        self.vault.open_all(&mut events)?;
        Ok(events)
    }
}
