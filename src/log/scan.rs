//! Finding and reading events among stored entries, the same for every engine that keeps entries in order of key.
//!
//! Must never hold: how entries are stored, or a way round an entry that is damaged or missing.

use core::ops::ControlFlow;

use super::LogFault;
use super::tip::Tip;
use crate::event::{Assembler, Chain, EntryFault, EntryKey, Recorded, chain_of};
use crate::model::Sequence;

/// What a walk calls with each entry's key and value; it says whether to go on.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, LogFault> + 'a;

/// Entries in order of their keys, as they are stored.
pub trait Entries {
    /// The key of the last entry below `bound`.
    ///
    /// # Errors
    /// [`LogFault`] if the engine cannot tell.
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault>;

    /// Calls `each` with every entry from the key `from` on, until it breaks off.
    ///
    /// # Errors
    /// [`LogFault`], also one that `each` returns.
    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault>;

    /// How far the log is known to have been on stable storage: it must never end before.
    fn durable(&self) -> Tip {
        Tip::EMPTY
    }

    /// The name of the store in faults.
    fn name(&self) -> String;
}

/// Above every key: one byte longer than the longest.
pub(crate) const END: [u8; 11] = [0xff; 11];

/// See [`LogReader::read`](super::LogReader::read).
pub(crate) fn read(
    source: &dyn Entries,
    from: Sequence,
    events_max: usize,
) -> Result<Vec<Recorded>, LogFault> {
    let mut events = Vec::new();
    if events_max > 0 {
        read_until(source, from, &mut events, &mut |events| events.len() >= events_max)?;
        events.truncate(events_max);
    }
    Ok(events)
}

/// All events that lie in one entry with the event at `at`, from the first on; those before it if there is none.
pub(crate) fn neighbours(source: &dyn Entries, at: Sequence) -> Result<Vec<Recorded>, LogFault> {
    let mut events = Vec::new();
    let start = start_of(source, at)?;
    read_until(source, start, &mut events, &mut |events| !events.is_empty())?;
    Ok(events)
}

/// Reads whole entries from the one with `from` on, without the events before it, until `enough`.
fn read_until(
    source: &dyn Entries,
    from: Sequence,
    events: &mut Vec<Recorded>,
    enough: &mut dyn FnMut(&[Recorded]) -> bool,
) -> Result<(), LogFault> {
    let mut expected = start_of(source, from)?;
    let mut assembler = Assembler::reading();
    source.walk(&EntryKey { sequence: expected, part: 0 }.to_bytes(), &mut |key, value| {
        check_place(key, expected)?;
        assembler.push(key, value, events)?;
        expected = events.last().map_or(expected, |last| last.sequence.next());
        events.drain(..events.partition_point(|recorded| recorded.sequence < from));
        Ok(if enough(events) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(assembler.finish()?)
}

/// An entry that follows from none would make a reader skip events in silence.
fn check_place(key: &[u8], expected: Sequence) -> Result<(), EntryFault> {
    let found = EntryKey::from_bytes(key)?.sequence;
    if found == expected { Ok(()) } else { Err(EntryFault::Gap { found, expected }) }
}

/// The first event of the entry that holds `at`, or of the last entry before it. A log begins at 1.
fn start_of(source: &dyn Entries, at: Sequence) -> Result<Sequence, LogFault> {
    let first = Sequence::new(1);
    match source.last_before(&after(at.max(first)))? {
        Some(key) => Ok(EntryKey::from_bytes(&key)?.sequence),
        None => Ok(first),
    }
}

/// A bound above every key of the event `at` and below every key after it.
fn after(at: Sequence) -> Vec<u8> {
    match at.get().checked_add(1) {
        Some(next) => EntryKey { sequence: Sequence::new(next), part: 0 }.to_bytes(),
        None => END.to_vec(),
    }
}

/// The end of the log.
pub(crate) fn tip(source: &dyn Entries) -> Result<Tip, LogFault> {
    tip_below(source, &END)
}

/// The end of the entry that holds the event `at`, or of the last one before it.
pub(crate) fn tip_at(source: &dyn Entries, at: Sequence) -> Result<Tip, LogFault> {
    tip_below(source, &after(at))
}

fn tip_below(source: &dyn Entries, bound: &[u8]) -> Result<Tip, LogFault> {
    let Some(last) = source.last_before(bound)? else { return Ok(Tip::EMPTY) };
    let start = EntryKey::from_bytes(&last)?.sequence;
    let (mut assembler, mut events, mut chain) = (Assembler::reading(), Vec::new(), Chain::START);
    source.walk(&EntryKey { sequence: start, part: 0 }.to_bytes(), &mut |key, value| {
        if EntryKey::from_bytes(key)?.sequence != start {
            return Ok(ControlFlow::Break(()));
        }
        assembler.push(key, value, &mut events)?;
        chain = chain_of(key, value)?;
        Ok(ControlFlow::Continue(()))
    })?;
    assembler.finish()?;
    let head = events.last().ok_or(LogFault::Missing { sequence: start })?.sequence;
    Ok(Tip { head, chain })
}

/// Checks that the log still holds what was durable, and that it is the same.
pub(crate) fn check_durable(source: &dyn Entries) -> Result<(), LogFault> {
    let durable = source.durable();
    let found = tip(source)?.head;
    if found < durable.head {
        return Err(LogFault::Lost { path: source.name(), found, durable: durable.head });
    }
    if durable.head == Sequence::ZERO {
        return Ok(());
    }
    let there = tip_at(source, durable.head)?;
    if there == durable {
        return Ok(());
    }
    let fault =
        EntryFault::Chain { sequence: durable.head, found: there.chain, expected: durable.chain };
    Err(fault.into())
}
