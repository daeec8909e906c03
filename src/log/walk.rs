//! All events of a stretch of the log, one after the other.
//!
//! Must never hold: what is done with one.

use core::ops::ControlFlow;

use super::ahead::read_ahead;
use super::{LogFault, LogReader};
use crate::event::Recorded;
use crate::model::Sequence;

/// Events read at once: few enough that they are used while they lie in the processor's cache.
const PAGE_EVENTS: usize = 1_024;

/// Calls `each` with every event from `first` to `last`, in order; of what was cut away with those that are carried forward. What
/// comes next is read meanwhile.
///
/// # Errors
/// [`LogFault::OlderThanKept`] for one that is cut away meanwhile, [`LogFault::Missing`] for one that is left out, [`LogFault`] with the position of what cannot be read, and what `each`
/// returns; nothing follows then.
pub fn each_event<E: From<LogFault>>(
    reader: &dyn LogReader,
    (first, last): (Sequence, Sequence),
    mut each: impl FnMut(Recorded) -> Result<(), E>,
) -> Result<(), E> {
    let mut take = |events: Vec<Recorded>| events.into_iter().try_for_each(&mut each);
    let mut pages = Pages { reader, next: first, last, kept: reader.kept_from() };
    if last.get().saturating_sub(first.get()) < PAGE_EVENTS as u64 {
        while let Some(page) = pages.page()? {
            take(page)?;
        }
        return Ok(());
    }
    let read = |hand_out: &mut dyn FnMut(Vec<Recorded>) -> ControlFlow<()>| {
        while let Some(page) = pages.page()? {
            if hand_out(page).is_break() {
                break;
            }
        }
        Ok(())
    };
    read_ahead(read, take)
}

/// The events up to `last` that were not read yet.
struct Pages<'a> {
    reader: &'a dyn LogReader,
    next: Sequence,
    last: Sequence,
    /// From where on none is left out.
    kept: Sequence,
}

impl Pages<'_> {
    /// The next events; `None` behind the last.
    fn page(&mut self) -> Result<Option<Vec<Recorded>>, LogFault> {
        if self.next > self.last {
            return Ok(None);
        }
        let mut events = self.reader.read(self.next, PAGE_EVENTS)?;
        if events.is_empty() && self.last < self.kept {
            return Ok(None);
        }
        if events.is_empty() {
            return Err(gone(self.reader, self.next));
        }
        events.retain(|recorded| recorded.sequence <= self.last);
        let (from, kept, mut next) = (self.next, self.kept, self.next);
        let whole = events.iter().take_while(|recorded| {
            let is_there = recorded.sequence == next || next < kept && recorded.sequence <= kept;
            next = recorded.sequence.next();
            is_there
        });
        let whole = whole.count();
        if whole == 0 && !events.is_empty() {
            return Err(gone(self.reader, from));
        }
        events.truncate(whole);
        self.next = events.last().map_or(from, |last| last.sequence.next());
        Ok((!events.is_empty()).then_some(events))
    }
}

/// Why the event at `sequence` was not found.
fn gone(reader: &dyn LogReader, sequence: Sequence) -> LogFault {
    reader.read_one(sequence).err().unwrap_or(LogFault::Missing { sequence })
}
