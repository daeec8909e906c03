//! Where events are kept: append, sync, read.
//!
//! Holds: the [`EventLog`] trait, the sled engine and an engine in memory with injected faults.
//! The trait asks only for appending a commit and reading by position, so that an engine with per-subject
//! sequences and optimistic append fits behind it. Must never hold: a rule, a view, or a repair of a damaged store.

mod ahead;
mod carried;
mod cut;
mod fault;
mod keys;
pub mod memory;
mod portions;
mod rewrite;
mod room;
pub mod runs;
mod scan;
mod sealing;
mod sled_log;
mod stat;
mod tally;
#[cfg(test)]
pub(crate) mod testing;
mod tip;
mod verify;
mod walk;

use std::sync::Arc;

pub use carried::{Carried, CarriedEvent, event_key, state_key};
pub use cut::{
    CarriedSum, Cutter, Summing, carried_sum, carried_sum_while, check_cut, check_stated,
    each_carried_event, statement_in,
};
pub use fault::LogFault;
pub use keys::Sealing;
pub use portions::portions;
pub use rewrite::{Erasures, rewrite};
pub use room::Room;
pub use scan::{
    CheckpointRecord, CutMark, Each, EachRecord, Entries, measure, stored_event, tip_until,
};
pub(crate) use scan::{neighbours as stored_neighbours, read as stored_events, tip_at};
pub use sealing::StoredKeys;
pub use sled_log::{LostEvents, Restoring, Salvaged, SledLog};
pub use stat::{Stat, stat};
pub use tally::{STRETCHES, Share, Tally, tally};
pub use tip::Tip;
pub use verify::{Verified, Verifier, check_noted, verify};
pub use walk::each_event;

use crate::event::{Event, Recorded};
use crate::model::{Ahead, Moment, Sequence};

/// A block's key and bytes.
pub type Block = (Vec<u8>, Vec<u8>);

/// A durable, ordered log of events with a place for checkpoints beside it.
///
/// One owner appends. Readers come from [`EventLog::reader`] and may be used from any thread at any time.
pub trait EventLog: Send {
    /// The last event appended, synced or not; zero if there is none.
    fn head(&self) -> Sequence;

    /// Appends one commit, each event with its moment, whole or not at all: a crash leaves all of it or nothing. The wall
    /// clock was `ahead` of their moments. Returns the new head. It is durable only after [`EventLog::sync`].
    ///
    /// # Errors
    /// [`LogFault`]; afterwards the log must not be used any more.
    fn append_at(&mut self, ahead: Ahead, events: &[(Moment, Event)])
    -> Result<Sequence, LogFault>;

    /// As [`EventLog::append_at`], and calls `packed` between making the entries and writing them; an engine that does not
    /// tell the two apart calls it first.
    ///
    /// # Errors
    /// As [`EventLog::append_at`].
    fn append_telling(
        &mut self,
        ahead: Ahead,
        events: &[(Moment, Event)],
        packed: &mut dyn FnMut(),
    ) -> Result<Sequence, LogFault> {
        packed();
        self.append_at(ahead, events)
    }

    /// As [`EventLog::append_at`], with a wall clock that shows the moments as they are.
    ///
    /// # Errors
    /// As [`EventLog::append_at`].
    fn append(&mut self, events: &[(Moment, Event)]) -> Result<Sequence, LogFault> {
        self.append_at(Ahead::ZERO, events)
    }

    /// Puts everything appended or saved so far on stable storage.
    ///
    /// # Errors
    /// [`LogFault`]; what is durable is then unknown until the log is opened again.
    fn sync(&mut self) -> Result<(), LogFault>;

    /// A reader of this log.
    fn reader(&self) -> Arc<dyn LogReader>;

    /// Writes checkpoint records, all or none: `Some` replaces, `None` removes. Durable after [`EventLog::sync`].
    ///
    /// # Errors
    /// [`LogFault`], as for [`EventLog::append`].
    fn save(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault>;

    /// Calls `each` with every checkpoint record, in order of key.
    ///
    /// # Errors
    /// [`LogFault`], also one that `each` returns.
    fn load(&self, each: EachRecord<'_>) -> Result<(), LogFault>;

    /// Writes blocks, which lie beside the checkpoint and are no part of it, all or none: `Some` replaces, `None` removes.
    /// Durable after [`EventLog::sync`], and never before what was written earlier.
    ///
    /// # Errors
    /// [`LogFault`], as for [`EventLog::append`].
    fn save_blocks(&mut self, blocks: &[CheckpointRecord]) -> Result<(), LogFault>;

    /// The block with the greatest key up to `key`, and its bytes.
    ///
    /// # Errors
    /// [`LogFault`] if it cannot be read or is damaged.
    fn block_at(&self, key: &[u8]) -> Result<Option<Block>, LogFault>;

    /// Calls `each` with the blocks from the key `from` on, in order, until it breaks off.
    ///
    /// # Errors
    /// [`LogFault`], also one that `each` returns.
    fn walk_blocks(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault>;

    /// How much room there is now. Costs little, so it may be asked before each append.
    fn room(&mut self) -> Room {
        Room::Plenty
    }

    /// The keys that what people wrote is sealed with; none if it is stored as it came. Events are sealed and opened by the
    /// log itself.
    fn vault(&self) -> Option<&dyn Sealing> {
        None
    }

    /// What cuts away its beginning, and knows what is carried forward of it; `None` of an engine that keeps everything.
    fn cutter(&self) -> Option<Box<dyn Cutter>> {
        None
    }
}

/// Reads events by position. Cheap to share.
pub trait LogReader: Send + Sync {
    /// Events from `from` on, in order: at least one unless there is none, then as many as fit `events_max`. Of what was
    /// cut away there are those that are carried forward; behind that none is left out.
    ///
    /// # Errors
    /// [`LogFault`] with the position of what cannot be read.
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault>;

    /// From which event on every one is kept: before it only those are there that are carried forward.
    fn kept_from(&self) -> Sequence {
        Sequence::new(1)
    }

    /// The event at `sequence`.
    ///
    /// # Errors
    /// [`LogFault::Missing`] if there is none, [`LogFault::OlderThanKept`] if it was cut away, [`LogFault`] if it cannot
    /// be read.
    fn read_one(&self, sequence: Sequence) -> Result<Recorded, LogFault> {
        let found = self.read(sequence, 1)?.into_iter().next();
        found.filter(|recorded| recorded.sequence == sequence).ok_or(LogFault::Missing { sequence })
    }

    /// The end of the entry that holds the event at `sequence`, or of the last one before it.
    ///
    /// # Errors
    /// [`LogFault`] if it cannot be read; [`LogFault::Missing`] if this is no reader of a whole log.
    fn end_at(&self, sequence: Sequence) -> Result<Tip, LogFault> {
        Err(LogFault::Missing { sequence })
    }
}
