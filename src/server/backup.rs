//! Backups of a store, whether or not a server runs on it, and stores of backups.
//!
//! Must never hold: what a backup looks like, or a key that nobody sealed.

use core::ops::ControlFlow;
use std::path::Path;

use super::{copy, keys};
use crate::backup::{
    Backup, BackupFault, Copied, Copying, NewKeys, Proven, Record, restore, stream,
};
use crate::disk;
use crate::log::{Entries, LogFault, SledLog};

/// Makes a backup of the store in `data`, or goes on with the one that is in the folder `dir`. A server that runs on the
/// store gives it, and goes on meanwhile; it must run as the user as whom this does. Calls `progress` with the number of
/// events so far, and how many there are.
///
/// # Errors
/// [`BackupFault`]; what was in `dir` is then still the backup.
pub fn back_up(
    data: &Path,
    dir: &Path,
    new_keys: &NewKeys,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Copied, BackupFault> {
    let log = match SledLog::open_existing(data) {
        Ok(log) => Some(log),
        Err(LogFault::Locked { .. }) => None,
        Err(fault) => return Err(fault.into()),
    };
    let (name, marks) = (data.display().to_string(), disk::read(&data.join(keys::MARKS))?);
    let mut copying = Copying::begin(dir, new_keys)?;
    let since = copying.since().head;
    let total = SledLog::durable_tip(data)?.head.get().saturating_sub(since.get());
    let mut take = |record: Record<'_>| {
        progress(copying.take(record, &name)?, total);
        Ok(())
    };
    if let Some(log) = &log {
        // All of it is durable once it is open.
        stream(log, since, &|| Ok(log.durable()), &mut take)?;
    } else {
        copy::ask(data, since, &mut |record| take(record).map(ControlFlow::Continue))?;
    }
    copying.finish(&name, marks.as_deref(), new_keys)
}

/// Makes a store in the folder `data` of the backup in `dir`, with the keys in `keys`, see [`pack_keys`](super::pack_keys).
/// Calls `progress` as [`restore`].
///
/// # Errors
/// As [`Backup::open`] and [`restore`], [`BackupFault::Keys`] if those are none.
pub fn restore_store(
    dir: &Path,
    data: &Path,
    keys: Option<&[u8]>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Proven, BackupFault> {
    let backup = Backup::open(dir)?;
    let files = keys.map(keys::unpack).transpose()?.unwrap_or_default();
    restore(&backup, (data, keys::MARKS), &files, progress)
}
