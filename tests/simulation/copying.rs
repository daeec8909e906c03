//! A real backup of a server's log, made beside everything else that goes on.
//!
//! It runs in a thread of its own, which goes on only while the world waits for it, as a turn of the keeper does: between any
//! two records, and before any change of a file, the log may grow or be cut, the disk may be full, or the process may end.
//! Must never hold: when one is made, or what is to be in it.

use core::ops::ControlFlow;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use adsum::backup::{BackupFault, Copied, Place, back_up};
use adsum::log::memory::MemoryDisk;
use adsum::log::{Carried, CutMark, Each, Entries, LogFault, Tip};
use fastrand::Rng;

use super::Bug;
use super::shelf::Shelf;

/// Small, so that a world fills several.
const SEGMENT_BYTES: usize = 6_000;
/// Records that are copied at once, at most, by a slow one and by a fast one.
const RECORDS_MAX: [u32; 2] = [12, 120];

/// What one has done, and waits.
#[derive(Debug)]
pub(crate) enum Stage {
    Rests,
    /// It copies all that is durable by now.
    AsksEnd,
    /// It has copied that, and wants the keys.
    AsksKeys,
    /// It is over.
    Over(Result<Copied, BackupFault>),
}

/// What it hears.
#[derive(Debug)]
pub(crate) enum Told {
    GoOn,
    /// The log is durable through here.
    Durable(Tip),
    /// These keys, if any.
    Keys(Option<Vec<u8>>),
}

/// A backup in the making. Dropped, it ends where it is.
pub(crate) struct Copier {
    says: Option<SyncSender<Told>>,
    stages: Receiver<Stage>,
    thread: Option<JoinHandle<()>>,
}

impl Copier {
    /// One of `disk` to `shelf`, which has yet to begin.
    pub(crate) fn new(seed: u64, disk: MemoryDisk, shelf: Shelf, bug: Option<Bug>) -> Self {
        let (says, heard) = sync_channel(1);
        let (tells, stages) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            let (mut rng, left, is_over) = (Rng::with_seed(seed), 0, false);
            let most = RECORDS_MAX[usize::from(rng.bool())];
            let side = Side { tells, heard, rng, most, left, is_over };
            if side.heard.recv().is_ok() {
                copy(disk, shelf, &Shared(Arc::new(Mutex::new(side))), bug);
            }
        });
        Self { says: Some(says), stages, thread: Some(thread) }
    }

    /// It goes on until it waits again.
    pub(crate) fn go_on(&mut self, told: Told) -> Stage {
        let is_heard = self.says.as_ref().is_some_and(|says| says.send(told).is_ok());
        assert!(is_heard, "whoever waits is there");
        self.stages.recv().expect("it says when it is over")
    }
}

impl Drop for Copier {
    fn drop(&mut self) {
        self.says = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked was noticed when it was to say something.
            let _ = thread.join();
        }
    }
}

/// The thread's side.
#[derive(Debug)]
struct Side {
    tells: SyncSender<Stage>,
    heard: Receiver<Told>,
    rng: Rng,
    /// How many records are copied at once, at most, and before it rests again.
    most: u32,
    left: u32,
    is_over: bool,
}

#[derive(Clone, Debug)]
struct Shared(Arc<Mutex<Side>>);

impl Shared {
    fn side(&self) -> MutexGuard<'_, Side> {
        self.0.lock().expect("one thread has it")
    }

    fn say(&self, stage: Stage) -> Option<Told> {
        let mut side = self.side();
        let told = if side.is_over { None } else { side.tells.send(stage).ok() };
        let told = told.and_then(|()| side.heard.recv().ok());
        side.is_over |= told.is_none();
        told
    }

    fn rest(&self) -> Result<(), LogFault> {
        self.say(Stage::Rests).map(drop).ok_or_else(ended)
    }

    /// Rests before the next record, if it is time.
    fn pace(&self) -> Result<(), LogFault> {
        let mut side = self.side();
        if side.left > 0 && !side.is_over {
            side.left -= 1;
            return Ok(());
        }
        let most = side.most;
        side.left = side.rng.u32(..=most);
        drop(side);
        self.rest()
    }
}

/// Nothing is done any more, as when the process is killed.
fn ended() -> LogFault {
    LogFault::Engine { action: "go on", reason: "the process has ended".into() }
}

fn copy(disk: MemoryDisk, shelf: Shelf, side: &Shared, bug: Option<Bug>) {
    let begin = disk.mark();
    let log = Read { disk, side: side.clone(), begin, bug };
    let durable = || match side.say(Stage::AsksEnd) {
        Some(Told::Durable(tip)) => Ok(tip),
        _ => Err(ended()),
    };
    let mut keys = || match side.say(Stage::AsksKeys) {
        Some(Told::Keys(keys)) => keys,
        _ => None,
    };
    let (side_of_target, late) = (side.clone(), Mutex::default());
    let target = Target { shelf, side: side_of_target, bug, late };
    let outcome = back_up(&log, &durable, (Box::new(target), SEGMENT_BYTES), &mut keys);
    // The world may have gone on without it.
    let _ = side.side().tells.send(Stage::Over(outcome));
}

/// A log that is read record by record.
struct Read {
    disk: MemoryDisk,
    side: Shared,
    /// Where it began when the backup did.
    begin: CutMark,
    bug: Option<Bug>,
}

impl Entries for Read {
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.disk.last_before(bound)
    }

    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.disk.walk(from, &mut |key, value| {
            self.side.pace()?;
            each(key, value)
        })
    }

    fn mark(&self) -> CutMark {
        if self.bug == Some(Bug::BackupSeesNoCut) { self.begin } else { self.disk.mark() }
    }

    fn walk_carried(&self, of: Carried, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.disk.walk_carried(of, from, &mut |key, value| {
            self.side.pace()?;
            if Bug::is_left_out(self.bug, key) {
                return Ok(ControlFlow::Continue(()));
            }
            each(key, value)
        })
    }

    fn name(&self) -> String {
        self.disk.name()
    }
}

/// Where it is made.
#[derive(Debug)]
struct Target {
    shelf: Shelf,
    side: Shared,
    bug: Option<Bug>,
    /// What a bug writes when the backup counts already.
    late: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Target {
    fn failed(&self, action: &'static str, kind: io::ErrorKind) -> BackupFault {
        let path = PathBuf::from(self.path());
        BackupFault::Io { action, path, source: kind.into() }
    }

    fn late(&self) -> MutexGuard<'_, Vec<(String, Vec<u8>)>> {
        self.late.lock().expect("one thread has it")
    }

    /// Writes a file, or ends before that.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), BackupFault> {
        let goes_on = self.side.rest().is_ok();
        if goes_on && !self.shelf.is_full() {
            self.shelf.put(name, bytes);
            return Ok(());
        }
        if self.side.side().rng.bool() {
            self.shelf.put(&format!(".{name}.0.tmp"), &bytes[..bytes.len() / 2]);
        }
        let kind = if goes_on { io::ErrorKind::StorageFull } else { io::ErrorKind::Interrupted };
        Err(self.failed("write", kind))
    }
}

impl Place for Target {
    fn path(&self) -> &Path {
        self.shelf.path()
    }

    fn length(&self, name: &str) -> Option<u64> {
        self.shelf.length(name)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BackupFault> {
        self.shelf.read(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), BackupFault> {
        if self.bug == Some(Bug::BackupBeforeItsParts) && name != "MANIFEST" {
            self.late().push((name.to_owned(), bytes.to_vec()));
            return Ok(());
        }
        self.put(name, bytes)?;
        let late = core::mem::take(&mut *self.late());
        late.iter().try_for_each(|(name, bytes)| self.put(name, bytes))
    }

    fn remove(&self, name: &str) -> Result<(), BackupFault> {
        if self.side.rest().is_err() {
            return Err(self.failed("remove", io::ErrorKind::Interrupted));
        }
        self.shelf.remove(name)
    }

    fn names(&self) -> Result<Vec<String>, BackupFault> {
        self.shelf.names()
    }
}
