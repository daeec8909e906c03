//! Making a backup of a log that is at hand, without a server that gives a copy of it.
//!
//! Must never hold: what is done with keys.

use std::path::Path;

use super::record::stream;
use super::{BackupFault, Copied, Copying, NewKeys};
use crate::log::{Entries, LogFault, Tip};

/// Makes a backup of `log` in the folder `dir`, in segments of about so many bytes, without keys; it goes on from the backup that
/// is there, as far as `log` is `durable` when that is asked for. Asks `goes_on` before each record and before the
/// last step; once that says no, the backup is the one that was there, and nothing is returned.
///
/// # Errors
/// [`BackupFault::Foreign`], [`BackupFault::Locked`], [`BackupFault::HoldsKeys`] or [`BackupFault::Damaged`] for what is there,
/// [`BackupFault::OtherLog`] or [`BackupFault::OlderThanKept`] if `log` does not go on from it, [`BackupFault::Log`].
pub fn back_up(
    log: &dyn Entries,
    (dir, segment_bytes): (&Path, usize),
    durable: &dyn Fn() -> Result<Tip, LogFault>,
    goes_on: &mut dyn FnMut() -> bool,
) -> Result<Option<Copied>, BackupFault> {
    let (keys, name) = (NewKeys::None, log.name());
    let mut copying = Copying::begin_with(dir, &keys, segment_bytes)?;
    let since = copying.since().head;
    let streamed = stream(log, since, durable, &mut |record| {
        if !goes_on() {
            return Err(Ended::Stopped);
        }
        copying.take(record, &name).map(drop).map_err(Ended::Failed)
    });
    match streamed {
        Err(Ended::Failed(fault)) => Err(fault),
        Ok(()) if goes_on() => copying.finish(&name, None, &keys).map(Some),
        Ok(()) | Err(Ended::Stopped) => Ok(None),
    }
}

/// Why a copy ends early.
enum Ended {
    Stopped,
    Failed(BackupFault),
}

impl From<LogFault> for Ended {
    fn from(fault: LogFault) -> Self {
        Self::Failed(fault.into())
    }
}
