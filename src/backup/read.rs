//! Reading a backup: what its manifest names, with each file checked whenever it is read.
//!
//! Must never hold: a way round a file that is damaged or missing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::BackupFault;
use super::manifest::{self, Kind, LOCK, Manifest, Part};
use super::record::{self, Record};
use crate::disk;
use crate::log::Tip;

/// What is called with each entry's key and value.
pub(super) type EachEntry<'a> = &'a mut (dyn FnMut(&[u8], &[u8]) -> Result<(), BackupFault> + 'a);

/// A backup, read only. As long as this lives, nobody changes it.
#[derive(Debug)]
pub struct Backup {
    pub(super) dir: PathBuf,
    pub(super) manifest: Manifest,
    /// None where nothing can be locked, such as on a medium that cannot be written to.
    _lock: Option<File>,
}

impl Backup {
    /// The backup in the folder `dir`.
    ///
    /// # Errors
    /// [`BackupFault::None`] if there is none, [`BackupFault::Locked`] while it is being made, [`BackupFault::Damaged`]
    /// or [`BackupFault::Version`] if its manifest cannot be read.
    pub fn open(dir: &Path) -> Result<Self, BackupFault> {
        let lock = File::open(dir.join(LOCK)).ok();
        let is_free =
            |lock: &File| !matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock));
        if lock.as_ref().is_some_and(|lock| !is_free(lock)) {
            return Err(BackupFault::Locked { dir: dir.to_owned() });
        }
        let manifest =
            manifest_in(dir)?.ok_or_else(|| BackupFault::None { dir: dir.to_owned() })?;
        Ok(Self { dir: dir.to_owned(), manifest, _lock: lock })
    }

    /// The last event in it, and the chain there.
    pub fn tip(&self) -> Tip {
        self.manifest.tip
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.dir.join(manifest::NAME)
    }

    /// The keys in it, sealed.
    ///
    /// # Errors
    /// [`BackupFault::Damaged`] if the file is not as it was written.
    pub fn keys(&self) -> Result<Option<Vec<u8>>, BackupFault> {
        self.only(Kind::Keys)
    }

    /// What tells the store's keys apart.
    pub(super) fn marks(&self) -> Result<Option<Vec<u8>>, BackupFault> {
        self.only(Kind::Marks)
    }

    fn only(&self, kind: Kind) -> Result<Option<Vec<u8>>, BackupFault> {
        self.manifest.only(kind).map(|part| part_in(&self.dir, part)).transpose()
    }

    /// Calls `each` with every entry, in order.
    ///
    /// # Errors
    /// [`BackupFault::Damaged`] with the file, [`BackupFault::Io`], and what `each` fails with.
    pub fn walk(&self, each: EachEntry<'_>) -> Result<(), BackupFault> {
        for part in self.manifest.parts.iter().filter(|part| part.kind == Kind::Segment) {
            let bytes = part_in(&self.dir, part)?;
            walk_segment(&self.dir.join(&part.name), &bytes, each)?;
        }
        Ok(())
    }
}

/// What the manifest in `dir` tells; `None` if there is none.
pub(super) fn manifest_in(dir: &Path) -> Result<Option<Manifest>, BackupFault> {
    let path = dir.join(manifest::NAME);
    let bytes = if dir.is_dir() { disk::read(&path)? } else { None };
    bytes.map(|bytes| Manifest::read(&bytes, &path)).transpose()
}

/// The bytes of `part`, as they were written.
pub(super) fn part_in(dir: &Path, part: &Part) -> Result<Vec<u8>, BackupFault> {
    let path = dir.join(&part.name);
    let damaged = |reason: String| BackupFault::damaged(&path, reason);
    // Before it is read: what grew may not fit into memory.
    let length = fs::metadata(&path).map(|found| found.len());
    if length.as_ref().is_ok_and(|length| *length != part.length) {
        let length = length.unwrap_or_default();
        return Err(damaged(format!("it has {length} bytes, and {} were written", part.length)));
    }
    let bytes = disk::read(&path)?.ok_or_else(|| damaged("it is gone".to_owned()))?;
    if Part::of(part.kind, part.name.clone(), &bytes) != *part {
        return Err(damaged("its bytes are not those that were written".to_owned()));
    }
    Ok(bytes)
}

fn walk_segment(path: &Path, bytes: &[u8], each: EachEntry<'_>) -> Result<(), BackupFault> {
    let unknown =
        |found: &str| BackupFault::Version { path: path.to_owned(), found: found.to_owned() };
    let mut rest = bytes.strip_prefix(record::TITLE).ok_or_else(|| unknown("another title"))?;
    while !rest.is_empty() {
        let Some((Record::Entry { key, value }, after)) = Record::split(rest) else {
            return Err(unknown("another kind of record"));
        };
        each(key, value)?;
        rest = after;
    }
    Ok(())
}
