//! Finding and reading events among stored entries, the same for every engine that keeps entries in order of key.
//!
//! Must never hold: how entries are stored, or a way round an entry that is damaged or missing.

use core::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::LogFault;
use super::carried::{Carried, CarriedEvent, event_key, state_key};
use super::tip::Tip;
use crate::event::{Assembler, Chain, EntryFault, EntryKey, Recorded, chain_of};
use crate::model::{Sequence, Timestamp};

/// What a walk calls with each entry's key and value; it says whether to go on.
pub type Each<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>, LogFault> + 'a;

/// A checkpoint record: its key, and its value unless it is to be removed.
pub type CheckpointRecord = (Vec<u8>, Option<Vec<u8>>);

/// What [`EventLog::load`](super::EventLog::load) calls with each record's key and value.
pub type EachRecord<'a> = &'a mut (dyn FnMut(&[u8], &[u8]) -> Result<(), LogFault> + 'a);

/// Where a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutMark {
    /// The last event that was cut away, and the chain behind it; [`Tip::EMPTY`] if none ever was.
    pub base: Tip,
    /// When that event was recorded, by the wall clock then.
    pub until: Timestamp,
    /// The event that states the cut.
    pub statement: Sequence,
    /// Counts the cuts.
    pub number: u64,
    /// How many bytes of records were carried then.
    pub carried_bytes: u64,
}

impl CutMark {
    /// Of a log that was never cut.
    pub const NONE: Self = Self {
        base: Tip::EMPTY,
        until: Timestamp::from_ms(0),
        statement: Sequence::ZERO,
        number: 0,
        carried_bytes: 0,
    };
}

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

    /// Where the log begins.
    fn mark(&self) -> CutMark {
        CutMark::NONE
    }

    /// Calls `each` with every record that is carried forward of what was cut away, from the key `from` on, until it breaks off.
    /// From the first key on one that is gone is missed.
    ///
    /// # Errors
    /// [`LogFault`], also one that `each` returns.
    fn walk_carried(
        &self,
        _of: Carried,
        _from: &[u8],
        _each: &mut Each<'_>,
    ) -> Result<(), LogFault> {
        Ok(())
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
    where_it_begins(source, |mark| {
        let base = mark.base.head;
        let mut events = Vec::new();
        if from <= base && events_max > 0 {
            events = carried_from(source, from, events_max)?;
        }
        let left = events_max - events.len();
        if left > 0 {
            let first = from.max(base.next());
            let last = Sequence::new(first.get().saturating_add(left as u64 - 1));
            read_between(source, (first, last), &mut events)?;
        }
        Ok(events)
    })
}

/// All events that lie in one entry with the event at `at`, from the first on; those before it if there is none. Of one
/// that was cut away itself alone, if it is carried.
///
/// # Errors
/// [`LogFault::OlderThanKept`] if it was cut away and is not.
pub(crate) fn neighbours(source: &dyn Entries, at: Sequence) -> Result<Vec<Recorded>, LogFault> {
    where_it_begins(source, |mark| {
        if at > Sequence::ZERO && at <= mark.base.head {
            return carried_at(source, at, mark);
        }
        let (mut events, start) = (Vec::new(), start_of(source, at)?);
        let all = Assembler::reading();
        read_until(source, start, (all, &mut events), &mut |events, _| !events.is_empty())?;
        Ok(events)
    })
}

/// Up to `events_max` of the events that are carried forward, from `from` on.
fn carried_from(
    source: &dyn Entries,
    from: Sequence,
    events_max: usize,
) -> Result<Vec<Recorded>, LogFault> {
    let (mut events, end) = (Vec::new(), state_key(&[]));
    source.walk_carried(Carried::Counting, &event_key(from), &mut |key, value| {
        if events.len() == events_max || key >= &end[..] {
            return Ok(ControlFlow::Break(()));
        }
        events.push(CarriedEvent::from_bytes(key, value)?.recorded);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(events)
}

fn carried_at(
    source: &dyn Entries,
    at: Sequence,
    mark: CutMark,
) -> Result<Vec<Recorded>, LogFault> {
    let mut carried = carried_from(source, at, 1)?;
    carried.retain(|recorded| recorded.sequence == at);
    if carried.is_empty() {
        let (through, until) = (mark.base.head, mark.until);
        return Err(LogFault::OlderThanKept { sequence: at, through, until });
    }
    Ok(carried)
}

/// Reads by where the log begins. If it was cut meanwhile, what was found may lack what was removed since, or what is carried
/// in its place: then it is read again.
fn where_it_begins<T>(
    source: &dyn Entries,
    read: impl Fn(CutMark) -> Result<T, LogFault>,
) -> Result<T, LogFault> {
    let mut mark = source.mark();
    loop {
        let found = read(mark);
        let now = source.mark();
        if now == mark {
            return found;
        }
        mark = now;
    }
}

/// Appends the events from `first` to `last`, as far as there are any. The others in their entries are not decoded.
fn read_between(
    source: &dyn Entries,
    (first, last): (Sequence, Sequence),
    events: &mut Vec<Recorded>,
) -> Result<(), LogFault> {
    let assembler = Assembler::reading_between(first, last);
    let start = start_of(source, first)?;
    read_until(source, start, (assembler, events), &mut |_, next| next > last)
}

/// Reads entries from the one that begins with `start` on, until `enough` of those events and the one that follows.
fn read_until(
    source: &dyn Entries,
    start: Sequence,
    (mut assembler, events): (Assembler, &mut Vec<Recorded>),
    enough: &mut dyn FnMut(&[Recorded], Sequence) -> bool,
) -> Result<(), LogFault> {
    let mut expected = start;
    source.walk(&EntryKey { sequence: start, part: 0 }.to_bytes(), &mut |key, value| {
        check_place(key, expected)?;
        assembler.push(key, value, events)?;
        expected = assembler.next();
        Ok(if enough(events, expected) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    Ok(assembler.finish()?)
}

/// An entry that follows from none would make a reader skip events in silence.
fn check_place(key: &[u8], expected: Sequence) -> Result<(), EntryFault> {
    let found = EntryKey::from_bytes(key)?.sequence;
    if found == expected { Ok(()) } else { Err(EntryFault::Gap { found, expected }) }
}

/// The first event of the entry that holds `at`, or of the last entry before it. A log begins at 1, or where it was cut.
fn start_of(source: &dyn Entries, at: Sequence) -> Result<Sequence, LogFault> {
    let first = source.mark().base.head.next();
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
    where_it_begins(source, |mark| tip_below(source, mark, &END))
}

/// The event at `sequence` as it is stored.
///
/// # Errors
/// As [`LogReader::read_one`](super::LogReader::read_one).
pub fn stored_event(source: &dyn Entries, sequence: Sequence) -> Result<Recorded, LogFault> {
    let found = where_it_begins(source, |mark| {
        if sequence > Sequence::ZERO && sequence <= mark.base.head {
            return carried_at(source, sequence, mark);
        }
        let mut events = Vec::new();
        read_between(source, (sequence, sequence), &mut events)?;
        Ok(events)
    })?;
    found.into_iter().next().ok_or(LogFault::Missing { sequence })
}

/// How many bytes the entries behind the event `after` up to `through` have, their keys included, as long as these are less
/// than `bytes_max`; and the last event of those that were counted.
///
/// # Errors
/// [`LogFault`].
pub fn measure(
    source: &dyn Entries,
    (after, through): (Sequence, Sequence),
    bytes_max: u64,
) -> Result<(Sequence, u64), LogFault> {
    let (mut reached, mut bytes) = (through, 0);
    let first = EntryKey { sequence: after.next(), part: 0 };
    source.walk(&first.to_bytes(), &mut |key, value| {
        let EntryKey { sequence, part } = EntryKey::from_bytes(key)?;
        if sequence > through || part == 0 && bytes >= bytes_max {
            reached = Sequence::new(sequence.get() - 1);
            return Ok(ControlFlow::Break(()));
        }
        bytes += (key.len() + value.len()) as u64;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((reached, bytes))
}

/// The end of the last entry that ends with the event `at` or before it; where the log begins if there is none.
///
/// # Errors
/// [`LogFault`].
pub fn tip_until(source: &dyn Entries, at: Sequence) -> Result<Tip, LogFault> {
    let base = source.mark().base;
    if at <= base.head {
        return Ok(base);
    }
    let tip = tip_at(source, at)?;
    if tip.head <= at {
        return Ok(tip);
    }
    let start = start_of(source, at)?;
    tip_at(source, Sequence::new(start.get() - 1))
}

/// The end of the entry that holds the event `at`, or of the last one before it; [`LogFault::OlderThanKept`] if that was cut
/// away.
pub(crate) fn tip_at(source: &dyn Entries, at: Sequence) -> Result<Tip, LogFault> {
    where_it_begins(source, |mark| {
        let CutMark { base, until, .. } = mark;
        if at < base.head {
            return Err(LogFault::OlderThanKept { sequence: at, through: base.head, until });
        }
        tip_below(source, mark, &after(at))
    })
}

fn tip_below(source: &dyn Entries, mark: CutMark, bound: &[u8]) -> Result<Tip, LogFault> {
    let base = mark.base;
    let Some(last) = source.last_before(bound)? else { return Ok(base) };
    let start = EntryKey::from_bytes(&last)?.sequence;
    if start <= base.head {
        return Ok(base);
    }
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
    // A power cut may have left an older mark: what it speaks of was cut away since.
    if durable.head == Sequence::ZERO || durable.head < source.mark().base.head {
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

#[cfg(test)]
mod tests;
