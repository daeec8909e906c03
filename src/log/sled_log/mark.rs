//! `HEAD`: how far the log was durable, so that a log that lost its end is not taken for a shorter one.
//!
//! sled ends its own recovery at the first record it cannot read and overwrites what follows, because after a crash
//! that is the torn end of its last write. A flipped bit looks the same to it. The mark tells the two apart.
//!
//! ```text
//! file := slot zeros slot            the second slot at byte 4096, so that no write can tear both
//! slot := version:u8=1 crc32:u32le head:u64le chain:[u8;32]     crc32 is over head and chain
//! ```
//!
//! Each sync writes the slot that is not the newest, without a sync of its own: after a kill the system still has it,
//! and after a power cut an older mark only notices less. Must never hold: a mark beyond what is on stable storage.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::folder::{Folder, HEAD};
use super::{LogFault, Tip};
use crate::disk::Fault;
use crate::event::Chain;
use crate::model::Sequence;

const VERSION: u8 = 1;
const SLOT_BYTES: usize = 1 + 4 + 8 + 32;
const SLOT_OFFSETS: [u64; 2] = [0, 4096];
const FILE_BYTES: usize = 4096 + SLOT_BYTES;
/// Marks between two syncs of the file. One costs as much as a commit, so this is a thousandth of the load; beside it
/// the system writes the file by itself, about every half minute.
const MARKS_UNSYNCED_MAX: u32 = 1_024;

/// The open file.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    path: PathBuf,
    tip: Tip,
    /// The slot that holds `tip`.
    slot: usize,
    unsynced: u32,
}

impl Mark {
    /// Opens the mark of a store, or makes one if sled was never opened in it.
    pub(super) fn open(folder: &Folder) -> Result<Self, LogFault> {
        let path = folder.path().join(HEAD);
        if !path.exists() {
            // Made, durably, before sled's folder is: a log without its mark is damaged and not new.
            if folder.has_log() {
                return Err(damaged(&path, "it is gone"));
            }
            folder.write_durably(HEAD, &fresh())?;
        }
        let file = File::options().read(true).write(true).open(&path);
        let file = file.map_err(Fault::of("read", &path))?;
        let (slot, tip) = newest(&file, &path)?;
        Ok(Self { file, path, tip, slot, unsynced: 0 })
    }

    /// How far the log was durable.
    pub(super) fn tip(&self) -> Tip {
        self.tip
    }

    /// Tells that the log is durable up to `tip`.
    pub(super) fn advance(&mut self, tip: Tip) -> Result<(), LogFault> {
        if tip == self.tip {
            return Ok(());
        }
        assert!(tip.head > self.tip.head, "a log never gets shorter");
        self.slot = 1 - self.slot;
        self.tip = tip;
        let mut file = &self.file;
        let write = file
            .seek(SeekFrom::Start(SLOT_OFFSETS[self.slot]))
            .and_then(|_| file.write_all(&encode(tip)));
        write.map_err(Fault::of("write", &self.path))?;
        self.unsynced += 1;
        if self.unsynced >= MARKS_UNSYNCED_MAX { self.settle() } else { Ok(()) }
    }

    /// Puts the mark itself on stable storage.
    pub(super) fn settle(&mut self) -> Result<(), LogFault> {
        self.unsynced = 0;
        Ok(self.file.sync_data().map_err(Fault::of("sync", &self.path))?)
    }
}

/// What the mark in the folder `store` tells. Its owner may move it meanwhile: one slot is good at any moment.
pub(super) fn read(store: &Path) -> Result<Tip, LogFault> {
    let path = store.join(HEAD);
    match File::open(&path) {
        Ok(file) => newest(&file, &path).map(|(_, tip)| tip),
        Err(source) if source.kind() == ErrorKind::NotFound => Err(damaged(&path, "it is gone")),
        Err(source) => Err(Fault::of("read", &path)(source).into()),
    }
}

/// The newest good slot of `file` and what it holds.
fn newest(mut file: &File, path: &Path) -> Result<(usize, Tip), LogFault> {
    let mut bytes = Vec::with_capacity(FILE_BYTES);
    file.read_to_end(&mut bytes).map_err(Fault::of("read", path))?;
    let slots = SLOT_OFFSETS.map(|offset| decode(&bytes, offset));
    // A power cut may tear the slot that was being written, so one good slot is enough.
    let good = slots.iter().enumerate().filter_map(|(slot, tip)| tip.map(|tip| (slot, tip)));
    good.max_by_key(|(_, tip)| tip.head).ok_or_else(|| damaged(path, "its checksums do not fit"))
}

fn damaged(path: &Path, reason: &str) -> LogFault {
    LogFault::Mark { path: path.display().to_string(), reason: reason.into() }
}

fn fresh() -> Vec<u8> {
    let mut bytes = encode(Tip::EMPTY).to_vec();
    bytes.resize(4096, 0);
    bytes.extend_from_slice(&encode(Tip::EMPTY));
    bytes
}

fn encode(tip: Tip) -> [u8; SLOT_BYTES] {
    let mut slot = [VERSION; SLOT_BYTES];
    slot[5..13].copy_from_slice(&tip.head.get().to_le_bytes());
    slot[13..].copy_from_slice(&tip.chain.0);
    let checksum = crc32fast::hash(&slot[5..]);
    slot[1..5].copy_from_slice(&checksum.to_le_bytes());
    slot
}

fn decode(bytes: &[u8], offset: u64) -> Option<Tip> {
    let start = usize::try_from(offset).ok()?;
    let slot: &[u8; SLOT_BYTES] = bytes.get(start..)?.first_chunk()?;
    let head = Sequence::new(u64::from_le_bytes(slot[5..13].try_into().ok()?));
    let tip = Tip { head, chain: Chain(slot[13..].try_into().ok()?) };
    (encode(tip) == *slot).then_some(tip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tip(head: u64) -> Tip {
        Tip { head: Sequence::new(head), chain: Chain([7; 32]) }
    }

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open_or_create(place.path()).unwrap();
        (place, folder)
    }

    #[test]
    fn the_newest_mark_is_found_again() {
        let (_place, folder) = folder();
        let mut mark = Mark::open(&folder).unwrap();
        assert_eq!(mark.tip(), Tip::EMPTY);
        for head in 1..4 {
            mark.advance(tip(head)).unwrap();
        }
        std::fs::create_dir(folder.log_path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), tip(3), "also while somebody has it open");
        assert_eq!(Mark::open(&folder).unwrap().tip(), tip(3));
    }

    #[test]
    fn a_torn_slot_leaves_the_mark_before_it() {
        let (_place, folder) = folder();
        let mut mark = Mark::open(&folder).unwrap();
        mark.advance(tip(1)).unwrap();
        mark.advance(tip(2)).unwrap();
        std::fs::create_dir(folder.log_path()).unwrap();
        let path = folder.path().join("HEAD");
        let mut bytes = std::fs::read(&path).unwrap();
        let newest = usize::try_from(SLOT_OFFSETS[mark.slot]).unwrap();
        bytes[newest + 20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Mark::open(&folder).unwrap().tip(), tip(1));
        bytes[0] ^= 1;
        bytes[4096] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(Mark::open(&folder), Err(LogFault::Mark { .. })));
    }

    #[test]
    fn a_log_without_its_mark_is_damaged() {
        let (_place, folder) = folder();
        drop(Mark::open(&folder).unwrap());
        std::fs::create_dir(folder.log_path()).unwrap();
        std::fs::remove_file(folder.path().join("HEAD")).unwrap();
        assert!(matches!(Mark::open(&folder), Err(LogFault::Mark { .. })));
        assert!(matches!(read(folder.path()), Err(LogFault::Mark { .. })));
    }
}
