//! Backups of a store, whether or not a server runs on it, and stores of backups.
//!
//! Must never hold: what a backup looks like, or a key that nobody sealed.

use core::ops::ControlFlow;
use std::path::Path;

use super::keys::MARKS;
use super::{copy, keys};
use crate::backup::{
    Backup, BackupFault, Copied, Copying, EachRecord, NewKeys, Proven, copied, restore, stream,
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
    made((data, dir), new_keys, &mut || Ok(new_keys.clone()), progress)
}

/// As [`back_up`], with the keys of the store as [`pack_keys`](super::pack_keys) packs them, sealed by `seal`. They are read once
/// the log is copied, so that they open all of it, also what was written meanwhile by somebody who is new.
///
/// # Errors
/// As [`back_up`].
pub fn back_up_with_keys(
    data: &Path,
    dir: &Path,
    seal: &dyn Fn(&[u8]) -> Vec<u8>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Copied, BackupFault> {
    let mut sealed = || Ok(NewKeys::Sealed(seal(&keys::packed(data)?)));
    made((data, dir), &NewKeys::Removed, &mut sealed, progress)
}

/// A backup in `dir` of the store in `data`, of which `before` says what becomes of keys in it, and `keys` which those are once
/// the log is copied.
fn made(
    (data, dir): (&Path, &Path),
    before: &NewKeys,
    keys: &mut dyn FnMut() -> Result<NewKeys, BackupFault>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Copied, BackupFault> {
    let log = match SledLog::open_existing(data) {
        Ok(log) => Some(log),
        Err(LogFault::Locked { .. }) => None,
        Err(fault) => return Err(fault.into()),
    };
    let (name, marks) = (data.display().to_string(), disk::read(&data.join(MARKS))?);
    let copying = Copying::begin(dir, before)?;
    let total = SledLog::durable_tip(data)?.head.get().saturating_sub(copying.since().head.get());
    let mut source = |since, take: EachRecord<'_>| match &log {
        // All of it is durable once it is open.
        Some(log) => stream(log, since, &|| Ok(log.durable()), take),
        None => copy::ask(data, since, &mut |record| take(record).map(ControlFlow::Continue)),
    };
    let mut progress = |events| progress(events, total);
    copied(copying, (&name, marks.as_deref()), &mut source, keys, &mut progress)
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
    restore(&backup, (data, MARKS), &files, progress)
}

#[cfg(test)]
mod tests {
    use core::cell::RefCell;

    use super::*;
    use crate::event::{EpochBegan, Event};
    use crate::log::EventLog as _;
    use crate::model::{EpochId, Moment};

    #[test]
    fn keys_that_are_made_while_the_log_is_copied_are_in_the_backup() {
        let place = tempfile::tempdir().unwrap();
        let (data, dir) = (place.path().join("data"), place.path().join("backup"));
        let mut log = SledLog::open(&data).unwrap();
        let event = Event::EpochBegan(EpochBegan { epoch: EpochId([1; 8]) });
        log.append(&[(Moment::from_us(1), event)]).unwrap();
        log.sync().unwrap();
        drop(log);
        let given = RefCell::new(Vec::new());
        let seal = |keys: &[u8]| {
            *given.borrow_mut() = keys.to_vec();
            vec![7; 100]
        };
        let key = data.join("keys").join("principals.keys");
        let copied = back_up_with_keys(&data, &dir, &seal, &mut |_, _| {
            disk::make_folder(&data.join("keys")).unwrap();
            disk::replace(&key, b"of somebody new").unwrap();
        });
        assert!(copied.unwrap().keys);
        let names: Vec<_> = keys::unpack(&given.borrow()).unwrap();
        assert_eq!(names, [("keys/principals.keys".into(), b"of somebody new".to_vec())]);
    }
}
