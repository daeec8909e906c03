//! The disk without a log: one file, written on and synced.
//!
//! The file has its full size before anything is measured, as the files of a log have: a file that grows with each
//! write makes the file system sync its journal too, together with whatever other processes have in it.
//! Must never hold: anything a log adds, such as a checksum or an index.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::cli::command::bench::{samples::Samples, scale::scaled};
use crate::cli::run::failure::Failure;

/// Bytes of an event, as in the workloads.
const EVENT_BYTES: usize = 200;
/// Single events, each synced.
const SYNCS: usize = 400;
/// How long groups are written.
const APPEND_TIME: Duration = Duration::from_millis(500);
/// Size of the file; behind its end writing goes on at its beginning. A commit is far smaller.
const FILE_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Disk {
    pub(super) fdatasync_p50_ms: f64,
    pub(super) append_per_s: f64,
}

/// Measures in a file of its own in `folder`, which is removed again.
pub(super) fn measure(folder: &Path, group: usize, scale: f64) -> Result<Disk, Failure> {
    let path = folder.join("yardstick.tmp");
    let _awake = Awake::keep();
    let measured = Tape::make(&path).and_then(|mut tape| {
        let fdatasync_p50_ms = tape.single(scaled(SYNCS, scale))?;
        let append_per_s = tape.groups(group, APPEND_TIME.mul_f64(scale.min(1.0)))?;
        Ok(Disk { fdatasync_p50_ms, append_per_s })
    });
    let removed = std::fs::remove_file(&path);
    let measured = measured.map_err(|error| Failure::io("write and sync", &path, &error))?;
    removed.map_err(|error| Failure::io("remove", &path, &error))?;
    Ok(measured)
}

/// Keeps a processor of this machine awake, as the server and its load do. Alone, this thread sleeps while the disk
/// works, and a virtual machine that sleeps may hear of a finished write some milliseconds late.
struct Awake {
    over: Arc<AtomicBool>,
}

impl Awake {
    fn keep() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        });
        Self { over }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// A file that is written from its beginning to its end, again and again.
struct Tape {
    file: File,
    written: usize,
}

impl Tape {
    fn make(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(&vec![0; FILE_BYTES])?;
        file.sync_all()?;
        file.rewind()?;
        Ok(Self { file, written: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.written + bytes.len() > FILE_BYTES {
            self.file.seek(SeekFrom::Start(0))?;
            self.written = 0;
        }
        self.written += bytes.len();
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    fn single(&mut self, count: usize) -> io::Result<f64> {
        let mut samples = Samples::with_capacity(count);
        for _ in 0..count {
            let began = Instant::now();
            self.write(&[b'x'; EVENT_BYTES])?;
            samples.add(began.elapsed());
        }
        Ok(samples.p50_p99_ms().0)
    }

    #[expect(clippy::cast_precision_loss, reason = "half a second holds far less than 2^52 events")]
    fn groups(&mut self, group: usize, time: Duration) -> io::Result<f64> {
        let bytes = vec![b'x'; group * EVENT_BYTES];
        let (began, mut events) = (Instant::now(), 0);
        while events == 0 || began.elapsed() < time {
            self.write(&bytes)?;
            events += group;
        }
        Ok(events as f64 / began.elapsed().as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_never_grows_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tape");
        let mut tape = Tape::make(&path).unwrap();
        for _ in 0..3 {
            tape.write(&vec![1; FILE_BYTES / 2 - 1]).unwrap();
        }
        assert_eq!(std::fs::metadata(&path).unwrap().len(), FILE_BYTES as u64);
        drop(tape);
        std::fs::remove_file(path).unwrap();
        let disk = measure(folder.path(), 3, 0.01).unwrap();
        assert!(disk.fdatasync_p50_ms > 0.0 && disk.append_per_s > 0.0);
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    }
}
