//! Reading a backup: what its manifest names, with each file checked whenever it is read.
//!
//! Must never hold: a way round a file that is damaged or missing.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::manifest::{self, Kind, LOCK, Manifest, Part};
use super::place::Folder;
use super::record::{self, Record};
use super::{BackupFault, Place};
use crate::event::EntryKey;
use crate::log::{CutMark, Tip};

/// What is called with each entry's key and value.
pub(super) type EachEntry<'a> = &'a mut (dyn FnMut(&[u8], &[u8]) -> Result<(), BackupFault> + 'a);

/// A backup, read only. As long as this lives, nobody changes it.
#[derive(Debug)]
pub struct Backup {
    place: Box<dyn Place>,
    pub(super) manifest: Manifest,
    /// None where nothing can be locked, such as on a medium that cannot be written to, or no folder.
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
        Ok(Self { _lock: lock, ..Self::at(Box::new(Folder(dir.to_owned())))? })
    }

    /// The backup at `place`, which nobody else may change as long as this lives.
    ///
    /// # Errors
    /// As [`Backup::open`].
    pub fn at(place: Box<dyn Place>) -> Result<Self, BackupFault> {
        let none = || BackupFault::None { dir: place.path().to_owned() };
        let manifest = manifest_in(place.as_ref())?.ok_or_else(none)?;
        Ok(Self { place, manifest, _lock: None })
    }

    /// Where it lies, for faults.
    pub(super) fn dir(&self) -> &Path {
        self.place.path()
    }

    /// The last event in it, and the chain there.
    pub fn tip(&self) -> Tip {
        self.manifest.tip
    }

    pub(super) fn manifest_path(&self) -> PathBuf {
        self.dir().join(manifest::NAME)
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
        self.manifest.only(kind).map(|part| part_in(self.place.as_ref(), part)).transpose()
    }

    /// Where the log in it begins.
    ///
    /// # Errors
    /// As [`Backup::walk`].
    pub fn mark(&self) -> Result<CutMark, BackupFault> {
        let Some(part) = self.parts(Kind::Carried).next() else { return Ok(CutMark::NONE) };
        let (path, bytes) = (self.dir().join(&part.name), part_in(self.place.as_ref(), part)?);
        let first = bytes.strip_prefix(record::TITLE_CARRIED).and_then(Record::split);
        match first {
            Some((Record::Begins(mark), _)) => Ok(mark),
            _ => Err(unknown(&path, "another beginning")),
        }
    }

    /// Calls `each` with every record of what is carried forward, in order.
    ///
    /// # Errors
    /// As [`Backup::walk`].
    pub fn walk_carried(&self, each: EachEntry<'_>) -> Result<(), BackupFault> {
        self.walk_records(Kind::Carried, record::TITLE_CARRIED, &mut |path, record| match record {
            Record::Carried { key, value } => each(key, value),
            Record::Begins(_) => Ok(()),
            _ => Err(unknown(path, "another kind of record")),
        })
    }

    fn parts(&self, kind: Kind) -> impl Iterator<Item = &Part> {
        self.manifest.parts.iter().filter(move |part| part.kind == kind)
    }

    fn walk_records(
        &self,
        kind: Kind,
        title: &[u8],
        each: &mut dyn FnMut(&Path, Record<'_>) -> Result<(), BackupFault>,
    ) -> Result<(), BackupFault> {
        for part in self.parts(kind) {
            let (path, bytes) = (self.dir().join(&part.name), part_in(self.place.as_ref(), part)?);
            let rest = bytes.strip_prefix(title).ok_or_else(|| unknown(&path, "another title"))?;
            let mut rest = rest;
            while !rest.is_empty() {
                let split = Record::split(rest);
                let (record, after) =
                    split.ok_or_else(|| unknown(&path, "another kind of record"))?;
                each(&path, record)?;
                rest = after;
            }
        }
        Ok(())
    }

    /// Calls `each` with every entry, in order.
    ///
    /// # Errors
    /// [`BackupFault::Damaged`] with the file, [`BackupFault::Io`], and what `each` fails with.
    pub fn walk(&self, each: EachEntry<'_>) -> Result<(), BackupFault> {
        let base = self.mark()?.base.head;
        self.walk_records(Kind::Segment, record::TITLE, &mut |path, record| match record {
            // A segment may begin before what was cut away ends.
            Record::Entry { key, .. } if EntryKey::from_bytes(key)?.sequence <= base => Ok(()),
            Record::Entry { key, value } => each(key, value),
            _ => Err(unknown(path, "another kind of record")),
        })
    }
}

/// What the manifest at `place` tells; `None` if there is none.
pub(super) fn manifest_in(place: &dyn Place) -> Result<Option<Manifest>, BackupFault> {
    let path = place.path().join(manifest::NAME);
    place.read(manifest::NAME)?.map(|bytes| Manifest::read(&bytes, &path)).transpose()
}

/// The bytes of `part`, as they were written.
pub(super) fn part_in(place: &dyn Place, part: &Part) -> Result<Vec<u8>, BackupFault> {
    let path = place.path().join(&part.name);
    let damaged = |reason: String| BackupFault::damaged(&path, reason);
    // Before it is read: what grew may not fit into memory.
    if let Some(length) = place.length(&part.name).filter(|length| *length != part.length) {
        return Err(damaged(format!("it has {length} bytes, and {} were written", part.length)));
    }
    let bytes = place.read(&part.name)?.ok_or_else(|| damaged("it is gone".to_owned()))?;
    if Part::of(part.kind, part.name.clone(), &bytes) != *part {
        return Err(damaged("its bytes are not those that were written".to_owned()));
    }
    Ok(bytes)
}

fn unknown(path: &Path, found: &str) -> BackupFault {
    BackupFault::Version { path: path.to_owned(), found: found.to_owned() }
}
