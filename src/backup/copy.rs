//! Making a backup of a log that is at hand, without a server that gives a copy of it.
//!
//! Must never hold: how keys are sealed.

use super::record::stream;
use super::{BackupFault, Copied, Copying, NewKeys, Place};
use crate::log::{Entries, LogFault, Tip};

/// Makes a backup of `log` at `place`, which nobody else changes, in segments of about so many bytes; or goes on with the one
/// that is there. It goes as far as `log` is `durable` when that is asked for. `keys` gives the sealed keys that it is to hold,
/// if any; asked for once the log is copied, so that they open all of it.
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
    let mut copying = Copying::at(place, &NewKeys::Removed, segment_bytes)?;
    let since = copying.since().head;
    stream(log, since, durable, &mut |record| copying.take(record, &name).map(drop))?;
    let keys = keys().map_or(NewKeys::Removed, NewKeys::Sealed);
    copying.finish(&name, None, &keys)
}
