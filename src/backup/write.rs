//! Making a backup: new files beside those that are there, then the manifest in the place of the old one.
//!
//! Interrupted at any moment it is the old backup or the new one. Must never hold: a change of a file that the manifest
//! names, or a removal of one before the manifest names it no more.

use std::ffi::OsStr;
use std::path::Path;

use super::manifest::{self, Kind, LOCK, Manifest, Part};
use super::place::Folder;
use super::read::{manifest_in, part_in};
use super::record::{self, Record};
use super::{BackupFault, Place, SEGMENT_BYTES};
use crate::disk;
use crate::log::{CutMark, Tip, Verified, Verifier};
use crate::model::Sequence;

/// What becomes of the keys in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewKeys {
    /// There were none, and there are to be none.
    None,
    /// These, sealed, and no others.
    Sealed(Vec<u8>),
    /// None, whatever there was.
    Removed,
}

/// A backup that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The last event in it, and the chain there.
    pub tip: Tip,
    /// What was added to what it held before.
    pub added: Verified,
    /// Whether it holds keys.
    pub keys: bool,
}

/// A backup in the making.
#[derive(Debug)]
pub(crate) struct Copying {
    place: Box<dyn Place>,
    before: Manifest,
    after: Manifest,
    /// The segment that is not full yet, and its first event.
    segment: Vec<u8>,
    first: Sequence,
    segment_bytes: usize,
    /// What is carried forward of the log, if it was cut: what is not written yet, and the parts that are.
    carried: Vec<u8>,
    carried_parts: Vec<Part>,
    /// Whether what the backup carries stays: the log begins before it does, as one does that was put back.
    keeps_carried: bool,
    /// What the backup goes on from: its end, or where the log begins if it had none.
    from: Tip,
    verifier: Verifier,
    /// Where the log that is copied ends.
    end: Option<Tip>,
    /// None where nothing is to be locked.
    _lock: Option<disk::Lock>,
}

impl Copying {
    /// Begins a backup in the folder `dir`, which goes on from the one that is there.
    ///
    /// # Errors
    /// [`BackupFault::Foreign`] if other things lie there, [`BackupFault::Locked`] if somebody else makes it,
    /// [`BackupFault::HoldsKeys`] if it holds keys and `keys` says nothing of them, [`BackupFault::Damaged`] if what is
    /// there and is to be gone on from is not as it was written.
    pub(crate) fn begin(dir: &Path, keys: &NewKeys) -> Result<Self, BackupFault> {
        Self::begin_with(dir, keys, SEGMENT_BYTES)
    }

    pub(super) fn begin_with(
        dir: &Path,
        keys: &NewKeys,
        segment_bytes: usize,
    ) -> Result<Self, BackupFault> {
        disk::make_folder(dir)?;
        let place = Folder(dir.to_owned());
        check_ours(&place)?;
        let locked = || BackupFault::Locked { dir: dir.to_owned() };
        let lock = disk::lock(&dir.join(LOCK))?.ok_or_else(locked)?;
        let copying = Self::at(Box::new(place), keys, segment_bytes)?;
        Ok(Self { _lock: Some(lock), ..copying })
    }

    /// As [`Copying::begin`], at a `place` that nobody else changes, in segments of about so many bytes.
    pub(super) fn at(
        place: Box<dyn Place>,
        keys: &NewKeys,
        segment_bytes: usize,
    ) -> Result<Self, BackupFault> {
        let before = manifest_in(place.as_ref())?.unwrap_or_default();
        if before.only(Kind::Keys).is_some() && *keys == NewKeys::None {
            return Err(BackupFault::HoldsKeys { dir: place.path().to_owned() });
        }
        let mut after = before.clone();
        after.parts.retain(|part| part.kind == Kind::Segment);
        let mut copying = Self {
            place,
            segment: record::TITLE.to_vec(),
            first: before.tip.head.next(),
            segment_bytes,
            carried: record::TITLE_CARRIED.to_vec(),
            carried_parts: Vec::new(),
            keeps_carried: true,
            from: before.tip,
            verifier: Verifier::since(before.tip),
            before,
            after,
            end: None,
            _lock: None,
        };
        copying.sweep()?;
        Ok(copying)
    }

    /// The end of what the backup holds already.
    pub(crate) fn since(&self) -> Tip {
        self.before.tip
    }

    /// Takes the next record of a copy of the store called `log`. Says how many events were added so far.
    pub(crate) fn take(&mut self, record: Record<'_>, log: &str) -> Result<u64, BackupFault> {
        match record {
            Record::Begins(mark) => self.begin_at(mark, log),
            Record::Carried { .. } if self.keeps_carried => Ok(0),
            Record::Carried { .. } => self.take_carried(record),
            Record::Stands(found) if found == self.from => self.carried_is_whole().map(|()| 0),
            Record::Stands(found) => Err(BackupFault::OtherLog {
                dir: self.place.path().to_owned(),
                had: self.from.to_string(),
                log: log.to_owned(),
                found: found.to_string(),
            }),
            Record::Entry { key, value } => self.take_entry(key, value),
            Record::Ends(tip) => {
                self.end = Some(tip);
                Ok(self.verifier.so_far().events)
            }
            Record::Fault(reason) => Err(cut_short(log, reason)),
        }
    }

    /// Forgets all that was taken. Files that were written are swept with the next manifest.
    fn begin_again(&mut self) {
        let before = &self.before;
        self.after.parts = before.parts.clone();
        self.after.parts.retain(|part| part.kind == Kind::Segment);
        (self.segment, self.first) = (record::TITLE.to_vec(), before.tip.head.next());
        (self.carried, self.carried_parts) = (record::TITLE_CARRIED.to_vec(), Vec::new());
        self.keeps_carried = true;
        (self.from, self.verifier, self.end) = (before.tip, Verifier::since(before.tip), None);
    }

    /// The log begins at `mark`: what it does not keep, the backup does not keep any more.
    fn begin_at(&mut self, mark: CutMark, log: &str) -> Result<u64, BackupFault> {
        self.begin_again();
        let base = mark.base;
        if self.from == Tip::EMPTY {
            (self.from, self.first, self.verifier) =
                (base, base.head.next(), Verifier::since(base));
        }
        if self.from.head < base.head {
            let (dir, had) = (self.place.path().to_owned(), self.from.head);
            let (log, through) = (log.to_owned(), base.head);
            return Err(BackupFault::OlderThanKept { dir, had, log, through });
        }
        if base.head.next() < self.begins() {
            return Ok(0);
        }
        self.keeps_carried = false;
        let is_kept = |part: &Part| part.span().is_none_or(|(_, last)| last > base.head);
        self.after.parts.retain(is_kept);
        self.take_carried(Record::Begins(mark))
    }

    /// The first event that the backup holds; of one that holds none the first that it would.
    fn begins(&self) -> Sequence {
        let spans = self.before.parts.iter().filter(|part| part.kind == Kind::Segment);
        let first = spans.filter_map(Part::span).map(|(first, _)| first).min();
        first.unwrap_or(self.first)
    }

    /// All that the log carries was taken.
    fn carried_is_whole(&mut self) -> Result<(), BackupFault> {
        if !self.keeps_carried {
            return self.put_carried();
        }
        let carried = self.before.parts.iter().filter(|part| part.kind == Kind::Carried);
        self.carried_parts = carried.cloned().collect();
        Ok(())
    }

    fn take_carried(&mut self, record: Record<'_>) -> Result<u64, BackupFault> {
        record.put(&mut self.carried);
        if self.carried.len() >= self.segment_bytes {
            self.put_carried()?;
        }
        Ok(0)
    }

    fn put_carried(&mut self) -> Result<(), BackupFault> {
        if self.carried.len() > record::TITLE_CARRIED.len() {
            let bytes = core::mem::replace(&mut self.carried, record::TITLE_CARRIED.to_vec());
            let digest = blake3::hash(&bytes).to_hex();
            let name = format!("{:020}-{}", self.carried_parts.len(), &digest[..16]);
            let part = self.write(Kind::Carried, &name, &bytes)?;
            self.carried_parts.push(part);
        }
        Ok(())
    }

    fn take_entry(&mut self, key: &[u8], value: &[u8]) -> Result<u64, BackupFault> {
        self.take_over_last()?;
        let is_whole = !self.verifier.push(key, value)?.is_empty();
        Record::Entry { key, value }.put(&mut self.segment);
        if is_whole && self.segment.len() >= self.segment_bytes {
            self.put_segment()?;
        }
        Ok(self.verifier.so_far().events)
    }

    /// The last segment goes on, in another file, unless it is full: so hourly backups do not become as many files.
    fn take_over_last(&mut self) -> Result<(), BackupFault> {
        if self.verifier.so_far().entries > 0 {
            return Ok(());
        }
        let last = self.after.parts.last().filter(|part| part.length < self.segment_bytes as u64);
        let Some(last) = last else { return Ok(()) };
        let bytes = part_in(self.place.as_ref(), last)?;
        let Some((first, _)) = last.span() else {
            let path = self.place.path().join(&last.name);
            return Err(BackupFault::damaged(&path, "its name does not say its first event"));
        };
        (self.segment, self.first) = (bytes, first);
        self.after.parts.pop();
        Ok(())
    }

    fn put_segment(&mut self) -> Result<(), BackupFault> {
        let last = self.verifier.so_far().head;
        let bytes = core::mem::replace(&mut self.segment, record::TITLE.to_vec());
        let name = format!("{:020}-{:020}", self.first.get(), last.get());
        self.first = last.next();
        self.put(Kind::Segment, &name, &bytes)
    }

    /// Writes a part. What the manifest of before names under this name has the same bytes, and is left alone.
    fn write(&self, kind: Kind, name: &str, bytes: &[u8]) -> Result<Part, BackupFault> {
        let part = Part::of(kind, format!("{}-{name}", kind.word()), bytes);
        if !self.before.parts.contains(&part) {
            self.place.replace(&part.name, bytes)?;
        }
        Ok(part)
    }

    fn put(&mut self, kind: Kind, name: &str, bytes: &[u8]) -> Result<(), BackupFault> {
        let part = self.write(kind, name, bytes)?;
        self.after.parts.push(part);
        Ok(())
    }

    fn put_by_digest(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), BackupFault> {
        self.put(kind, &blake3::hash(bytes).to_hex()[..16], bytes)
    }

    /// Makes what was taken the backup: with `marks`, which tell the store's keys apart, and with `keys`.
    ///
    /// # Errors
    /// [`BackupFault::Server`] if the copy did not come to its end, else as [`Copying::begin`].
    pub(crate) fn finish(
        mut self,
        log: &str,
        marks: Option<&[u8]>,
        keys: &NewKeys,
    ) -> Result<Copied, BackupFault> {
        let added = self.verifier.finish()?;
        let reached = Tip { head: added.head, chain: added.chain };
        if self.end != Some(reached) {
            let reason = format!("it ends at {reached}, which is not where the log does");
            return Err(cut_short(log, &reason));
        }
        if added.entries > 0 && self.segment.len() > record::TITLE.len() {
            self.put_segment()?;
        }
        self.after.parts.append(&mut self.carried_parts);
        if let Some(marks) = marks {
            self.put_by_digest(Kind::Marks, marks)?;
        }
        if let NewKeys::Sealed(sealed) = keys {
            self.put_by_digest(Kind::Keys, sealed)?;
        }
        self.after.tip = reached;
        self.put_manifest()?;
        let keys = self.after.only(Kind::Keys).is_some();
        Ok(Copied { tip: reached, added, keys })
    }

    fn put_manifest(&mut self) -> Result<(), BackupFault> {
        if self.after != self.before || self.place.length(manifest::NAME).is_none() {
            self.place.replace(manifest::NAME, self.after.to_text().as_bytes())?;
        }
        self.before = self.after.clone();
        self.sweep()
    }

    /// Removes what backups that were cut short have left, and what this one has no use for any more.
    fn sweep(&mut self) -> Result<(), BackupFault> {
        for name in self.place.names()? {
            let is_known = self.before.parts.iter().any(|part| part.name == name);
            if manifest::is_part(&name) && !is_known || is_left_over(&name) {
                self.place.remove(&name)?;
            }
        }
        Ok(())
    }
}

/// Whether all that lies at `place` is, or is left of, a backup.
fn check_ours(place: &dyn Place) -> Result<(), BackupFault> {
    let is_ours = |name: &String| {
        [manifest::NAME, LOCK].contains(&name.as_str())
            || manifest::is_part(name)
            || is_left_over(name)
    };
    if place.length(manifest::NAME).is_some() || place.names()?.iter().all(is_ours) {
        return Ok(());
    }
    Err(BackupFault::Foreign { dir: place.path().to_owned() })
}

/// Whether a file called `name` is what a write of a part or of the manifest that was cut short has left.
fn is_left_over(name: &str) -> bool {
    let Some(of) = name.strip_prefix('.').and_then(|rest| rest.split('.').next()) else {
        return false;
    };
    (of == manifest::NAME || manifest::is_part(of))
        && disk::is_left_over(OsStr::new(name), OsStr::new(of))
}

fn cut_short(log: &str, reason: &str) -> BackupFault {
    BackupFault::Server { data: log.into(), reason: reason.to_owned() }
}
