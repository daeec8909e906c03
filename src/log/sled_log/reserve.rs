//! Room that is set apart on the disk for sled's file, so that a disk that gets full never fails a write of the log.
//!
//! The room is blocks that belong to the file and lie behind its end: nobody else can take them, the file is no longer by
//! them, and what is appended goes there. Where a file system cannot do that, what is free on the disk is all there is to go by.
//! Must never hold: a wait, or a byte of the file.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::log::Room;

/// Between two tries to have more set apart on a disk that had no more.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// Into which parts of itself the reserve is cut: new things are refused from the second on, all from the last on.
const HALF: u64 = 2;
const LEAST: u64 = 8;

/// The room of one log.
#[derive(Clone, Debug, Default)]
pub(super) struct Reserve {
    /// How much is to be set apart; nothing is looked at if it is zero.
    bytes: u64,
    /// Up to which byte of the file room is set apart.
    end: u64,
    /// How many blocks the file had then. Fewer mean that sled has cut off its end, and what was set apart with it.
    blocks: u64,
    /// Whether the file system cannot set anything apart.
    is_unsupported: bool,
    failed_at: Option<Instant>,
    room: Room,
}

impl Reserve {
    /// Keeps `bytes` from now on.
    pub(super) fn of(bytes: u64) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// How much room there is for `file`, after having more set apart if some of it was used.
    pub(super) fn look(&mut self, file: &File) -> Room {
        if self.bytes > 0 {
            let free = free(file);
            let kept = self.keep(file).unwrap_or(free.min(self.bytes));
            self.room = self.judge(kept, free);
        }
        self.room
    }

    /// What to make of it that `kept` bytes are set apart and `free` are free beside. Files beside the log need some of
    /// these, too. Once there was too little, there has to be clearly more.
    fn judge(&self, kept: u64, free: u64) -> Room {
        let part = |parts: u64| self.bytes / parts;
        let is_enough = kept >= part(HALF) && free >= part(LEAST);
        let is_plenty = kept >= part(4) * 3 && free >= part(4);
        match self.room {
            _ if kept < part(LEAST) => Room::None,
            Room::Plenty if is_enough => Room::Plenty,
            _ if is_plenty => Room::Plenty,
            _ => Room::Short,
        }
    }

    /// How many bytes are set apart; `None` if that cannot be done here.
    #[cfg(target_os = "linux")]
    fn keep(&mut self, file: &File) -> Option<u64> {
        let found = file.metadata().ok()?;
        if found.blocks() < self.blocks {
            self.end = found.len();
        }
        let kept = self.end.saturating_sub(found.len());
        if kept < self.bytes / 4 * 3 && self.failed_at.is_none_or(|at| at.elapsed() >= TRY_EVERY) {
            self.set_apart(file, found.len());
        }
        (!self.is_unsupported).then(|| self.end.saturating_sub(found.len()))
    }

    /// As much as the disk has: all of it, or half, or a part.
    #[cfg(target_os = "linux")]
    fn set_apart(&mut self, file: &File, length: u64) {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        self.failed_at = None;
        for bytes in [1, HALF, 4, LEAST].map(|parts| self.bytes / parts) {
            if length + bytes <= self.end {
                return;
            }
            match fallocate(file, FallocateFlags::KEEP_SIZE, length, bytes) {
                Ok(()) => {
                    self.end = length + bytes;
                    self.blocks = file.metadata().map_or(0, |found| found.blocks());
                    return;
                }
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.is_unsupported = true,
                Err(_) => self.failed_at = Some(Instant::now()),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn keep(&mut self, _file: &File) -> Option<u64> {
        None
    }
}

/// Gives back what was set apart for the file at `path`, if there is one, so that there is room for what sled writes when it is
/// opened. The file stays as it is.
pub(super) fn give_back(path: &Path) {
    let opened = File::options().write(true).open(path);
    // Whoever opens it next tells what is wrong with it.
    let _ = opened.and_then(|file| file.set_len(file.metadata()?.len()));
}

/// How many bytes are free on the disk of `file` for whoever we are; as many as there can be if nobody knows.
#[cfg(unix)]
fn free(file: &File) -> u64 {
    let found = rustix::fs::fstatvfs(file).ok();
    found.map_or(u64::MAX, |found| found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_file: &File) -> u64 {
    u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_told_early_and_enough_only_when_it_is_clearly_more() {
        let mut reserve = Reserve::of(800);
        let mut told = |kept, free| {
            reserve.room = reserve.judge(kept, free);
            reserve.room
        };
        for (kept, free, room) in [
            (800, 1_000, Room::Plenty),
            (400, 100, Room::Plenty),
            (399, 1_000, Room::Short),
            (599, 1_000, Room::Short),
            (600, 199, Room::Short),
            (600, 200, Room::Plenty),
            (800, 99, Room::Short),
            (99, 0, Room::None),
            (100, 0, Room::Short),
            (800, 1_000, Room::Plenty),
        ] {
            assert_eq!(told(kept, free), room, "{kept} kept, {free} free");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_set_apart_is_taken_from_the_disk_and_not_from_the_file() {
        use std::io::Write as _;
        const BYTES: u64 = 1 << 20;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let mut file = File::create(&path).unwrap();
        let mut reserve = Reserve::of(BYTES);
        for _ in 0..3 {
            assert_eq!(reserve.look(&file), Room::Plenty);
            let found = file.metadata().unwrap();
            if reserve.is_unsupported {
                return;
            }
            assert!(found.blocks() * 512 >= found.len() + BYTES / 2, "{found:?}");
            file.write_all(&vec![1; 300_000]).unwrap();
        }
        give_back(&path);
        let found = file.metadata().unwrap();
        assert!(found.len() == 900_000 && found.blocks() * 512 < 900_000 + BYTES / 2, "{found:?}");
        assert_eq!(reserve.look(&file), Room::Plenty);
        let found = file.metadata().unwrap();
        assert!(found.blocks() * 512 >= found.len() + BYTES / 2, "set apart anew: {found:?}");
    }
}
