//! All events of a stretch of the log, one after the other.
//!
//! Must never hold: what is done with one.

use super::{LogFault, LogReader};
use crate::event::Recorded;
use crate::model::Sequence;

/// Events read at once.
const PAGE_EVENTS: usize = 4_096;

/// Calls `each` with every event from `first` to `last`, in order; of what was cut away with those that are carried forward.
///
/// # Errors
/// [`LogFault::OlderThanKept`] for one that is cut away meanwhile, [`LogFault::Missing`] for one that is left out, [`LogFault`] with the position of what cannot be read, and what `each`
/// returns; nothing follows then.
pub fn each_event<E: From<LogFault>>(
    reader: &dyn LogReader,
    (first, last): (Sequence, Sequence),
    mut each: impl FnMut(Recorded) -> Result<(), E>,
) -> Result<(), E> {
    let (mut next, kept) = (first, reader.kept_from());
    while next <= last {
        let events = reader.read(next, PAGE_EVENTS)?;
        if events.is_empty() && last < kept {
            return Ok(());
        }
        if events.is_empty() {
            return Err(gone(reader, next).into());
        }
        for recorded in events.into_iter().take_while(|recorded| recorded.sequence <= last) {
            let is_next = recorded.sequence == next;
            if !is_next && (next >= kept || recorded.sequence > kept) {
                return Err(gone(reader, next).into());
            }
            next = recorded.sequence.next();
            each(recorded)?;
        }
    }
    Ok(())
}

/// Why the event at `sequence` was not found.
fn gone(reader: &dyn LogReader, sequence: Sequence) -> LogFault {
    reader.read_one(sequence).err().unwrap_or(LogFault::Missing { sequence })
}
