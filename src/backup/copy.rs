//! Making a backup: all that a log gives is taken, then the keys are read, then it counts.
//!
//! Must never hold: how keys are sealed, or who gives the log.

use super::record::{Record, stream};
use super::{BackupFault, Copied, Copying, NewKeys, Place};
use crate::log::{Entries, LogFault, Tip};
use crate::model::Sequence;

/// What takes the records of a copy, one after the other.
pub(crate) type EachRecord<'a> = &'a mut dyn FnMut(Record<'_>) -> Result<(), BackupFault>;

/// Makes `copying` the backup of the log called `log`: takes what `source` gives of the events behind one, and asks for `keys`
/// once that is all, so that they open all of it. Calls `progress` with the number of events so far.
///
/// # Errors
/// [`BackupFault`]; what was there is then still the backup.
pub(crate) fn copied(
    mut copying: Copying,
    (log, marks): (&str, Option<&[u8]>),
    source: &mut dyn FnMut(Sequence, EachRecord<'_>) -> Result<(), BackupFault>,
    keys: &mut dyn FnMut() -> Result<NewKeys, BackupFault>,
    progress: &mut dyn FnMut(u64),
) -> Result<Copied, BackupFault> {
    source(copying.since().head, &mut |record| {
        progress(copying.take(record, log)?);
        Ok(())
    })?;
    copying.finish(log, marks, &keys()?)
}

/// Makes a backup of `log` at `place`, which nobody else changes, in segments of about so many bytes; or goes on with the one
/// that is there. It goes as far as `log` is `durable` when that is asked for. `keys` gives the sealed keys that it is to hold,
/// if any.
///
/// # Errors
/// [`BackupFault::Damaged`] for what is there, [`BackupFault::OtherLog`] or [`BackupFault::OlderThanKept`] if `log` does not go
/// on from it, [`BackupFault::Log`], [`BackupFault::Io`]; what was there is then still the backup.
pub fn back_up(
    log: &dyn Entries,
    durable: &dyn Fn() -> Result<Tip, LogFault>,
    (place, segment_bytes): (Box<dyn Place>, usize),
    keys: &mut dyn FnMut() -> Option<Vec<u8>>,
) -> Result<Copied, BackupFault> {
    let name = log.name();
    let copying = Copying::at(place, &NewKeys::Removed, segment_bytes)?;
    let mut source = |since, each: EachRecord<'_>| stream(log, since, durable, each);
    let mut keys = || Ok(keys().map_or(NewKeys::Removed, NewKeys::Sealed));
    copied(copying, (&name, None), &mut source, &mut keys, &mut |_| ())
}
