//! sled: how it is opened, how it is made durable, how its errors are told.
//!
//! Must never hold: what the trees mean.

use std::any::Any;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::LogFault;
use super::folder::Folder;
use super::reserve::{self, Reserve};
use crate::disk::{self, Fault};
use crate::event::Entry;
use crate::log::Room;

/// sled's page cache. The log is appended and read once, views live in memory: what pays is the tail and the
/// upper pages of the trees, and those are a few megabytes. Its own default is 1 GiB.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// How long sled's own lock is waited for, and in which steps. Work that sled left to its threads may hold its file for
/// some milliseconds after the last handle is gone; on a starved machine longer.
const LOCK_WAITS: u32 = 500;
const LOCK_WAIT: Duration = Duration::from_millis(10);

/// How the names begin and end of files that sled writes when it is opened and has not given their names yet.
const UNFINISHED: (&str, &str) = ("snap.", ".generating");

/// sled, opened.
#[derive(Clone, Debug)]
pub(super) struct Engine {
    /// Packed entries by [`EntryKey`](crate::event::EntryKey).
    pub(super) events: sled::Tree,
    /// Checkpoint records.
    pub(super) views: sled::Tree,
    /// Blocks.
    pub(super) blocks: sled::Tree,
    /// What is carried forward of what was cut away.
    pub(super) carried: sled::Tree,
    /// Where the log begins.
    pub(super) cuts: sled::Tree,
    db: sled::Db,
    /// sled's own file, opened once more; see [`Engine::sync`].
    file: Arc<File>,
    reserve: Reserve,
}

impl Engine {
    /// Opens sled in the folder. Everything the format depends on is left at sled's default: the segment size, which
    /// [`ENTRY_BYTES_MAX`](crate::event::ENTRY_BYTES_MAX) is derived from, and the background flush, which alone
    /// calls sled's clean-up of old segments.
    pub(super) fn open(folder: &Folder) -> Result<Self, LogFault> {
        Self::opened(folder).map_err(|fault| fault.below(folder.path()))
    }

    fn opened(folder: &Folder) -> Result<Self, LogFault> {
        let path = folder.log_path();
        // Before sled makes it as the process makes any: from its first byte on nobody else reaches what lies in there.
        disk::make_folder(&path)?;
        remove_unfinished(&path)?;
        reserve::give_back(&folder.sled_file());
        let config = sled::Config::new()
            .path(&path)
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::HighThroughput);
        let db = guarded("open", || open_unlocked(&config))?;
        let events = guarded("open", || db.open_tree("events"))?;
        let views = guarded("open", || db.open_tree("views"))?;
        let blocks = guarded("open", || db.open_tree("blocks"))?;
        let carried = guarded("open", || db.open_tree("carried"))?;
        let cuts = guarded("open", || db.open_tree("cuts"))?;
        // The file's name is sled's own business: if it were another one, a sync of ours would sync nothing.
        let inner = folder.sled_file();
        let file = File::options()
            .write(true)
            .open(&inner)
            .map_err(Fault::of("open sled's file", &inner))?;
        folder.close_log()?;
        sync_names(folder)?;
        let file = Arc::new(file);
        Ok(Self { events, views, blocks, carried, cuts, db, file, reserve: Reserve::default() })
    }

    /// Keeps `bytes` of room for sled's file from now on.
    pub(super) fn keep_room(&mut self, bytes: u64) {
        self.reserve = Reserve::of(bytes);
    }

    /// How much room there is for sled's file.
    pub(super) fn room(&mut self) -> Room {
        self.reserve.look(&self.file)
    }

    /// The last key that lies where the entries do, whatever it is.
    pub(super) fn last_key(&self) -> Result<Option<sled::IVec>, LogFault> {
        Ok(guarded("read", || self.events.last())?.map(|(key, _)| key))
    }

    /// Puts separators where entries are to come. They need not come whole.
    pub(super) fn separate(
        &self,
        mut keys: impl Iterator<Item = impl AsRef<[u8]>>,
    ) -> Result<(), LogFault> {
        guarded("append", || keys.try_for_each(|key| self.events.insert(key, &[]).map(drop)))
    }

    /// Appends the entries of a commit: all of them or, if the process ends meanwhile, none.
    pub(super) fn append(&self, entries: Vec<Entry>) -> Result<(), LogFault> {
        guarded("append", || match <[Entry; 1]>::try_from(entries) {
            // A batch begins with a record of its own, which waits for the disk by itself; one entry is whole by itself.
            Ok([Entry { key, value }]) => self.events.insert(key.to_bytes(), value).map(drop),
            Err(entries) => {
                let mut batch = sled::Batch::default();
                for Entry { key, value } in entries {
                    batch.insert(key.to_bytes(), value);
                }
                self.events.apply_batch(batch)
            }
        })
    }

    /// Puts everything written so far on stable storage.
    ///
    /// On Linux sled's flush ends in `sync_file_range`, which writes neither the file's metadata nor the drive's cache:
    /// after a power cut the log may not open (sled issues 1351 and 1452). So its flush, which hands its buffers to the
    /// system, is followed by a real sync of the same file through a handle of our own.
    pub(super) fn sync(&self) -> Result<(), LogFault> {
        guarded("flush", || self.db.flush())?;
        self.file.sync_data().map_err(|source| LogFault::Io {
            action: "sync",
            path: "log/db".into(),
            source,
        })
    }
}

/// Removes what sled did not finish because its disk was full or its process was killed. It would take such a file for its
/// newest, find it damaged and not open. What the file was to replace is still there and says the same.
fn remove_unfinished(log: &Path) -> Result<(), Fault> {
    let (begin, end) = UNFINISHED;
    // A folder that cannot be read is sled's to tell of.
    for entry in fs::read_dir(log).into_iter().flatten().flatten() {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(begin) && name.ends_with(end))
        {
            disk::remove(&entry.path())?;
        }
    }
    Ok(())
}

/// sled does not sync its settings file nor the folders it makes.
fn sync_names(folder: &Folder) -> Result<(), LogFault> {
    let path = folder.log_path().join("conf");
    let sync = || File::open(&path)?.sync_all();
    sync().map_err(Fault::of("sync", &path))?;
    disk::sync_folder(&folder.log_path())?;
    Ok(disk::sync_folder(folder.path())?)
}

/// Calls sled. Some damage it reports, some it meets with an assertion; both are a fault of the store.
pub(super) fn guarded<T>(
    action: &'static str,
    work: impl FnOnce() -> sled::Result<T>,
) -> Result<T, LogFault> {
    let reason = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(sled::Error::Io(source))) => {
            let (action, path) = (on_file(action), "log/db".into());
            return Err(LogFault::Io { action, path, source: plain(source) });
        }
        Ok(Err(error)) => words(&error),
        Err(panic) => {
            format!("sled gave up: {}; its files are damaged, restore a backup", message(&*panic))
        }
    };
    Err(LogFault::Engine { action, reason })
}

/// `error` without what sled has wrapped around it, which shows its insides.
fn plain(error: io::Error) -> io::Error {
    match (error.raw_os_error(), error.kind()) {
        (Some(_), _) | (None, io::ErrorKind::Other) => error,
        (None, kind) => kind.into(),
    }
}

/// What `action` does to sled's file.
fn on_file(action: &'static str) -> &'static str {
    match action {
        "open" => "open",
        "read" | "load a checkpoint" => "read",
        _ => "write",
    }
}

/// Opens sled once what this process had open before has let go of its file. Nobody else can hold it: the folder's own
/// lock is ours.
fn open_unlocked(config: &sled::Config) -> sled::Result<sled::Db> {
    for _ in 0..LOCK_WAITS {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
                std::thread::sleep(LOCK_WAIT);
            }
            opened => return opened,
        }
    }
    config.open()
}

fn words(error: &sled::Error) -> String {
    match error {
        sled::Error::Corruption { at: Some(at), .. } => {
            format!("its file log/db is damaged at {at:?}; restore a backup")
        }
        sled::Error::Corruption { at: None, .. } => {
            "its files in log/ are damaged; restore a backup".into()
        }
        other => format!("{other}; copy the folder and ask for help before anything else"),
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcome: impl FnOnce() -> sled::Result<()>) -> String {
        guarded("append", outcome).unwrap_err().to_string()
    }

    #[test]
    fn what_sled_says_is_told_with_what_to_do() {
        let at = None;
        let damaged = told(|| Err(sled::Error::Corruption { at, bt: () }));
        let restore = "its files in log/ are damaged; restore a backup";
        assert_eq!(damaged, format!("the log engine failed to append: {restore}"));
        let other = told(|| Err(sled::Error::Unsupported("a tree of trees".into())));
        let ask = "a tree of trees; copy the folder and ask for help before anything else";
        assert!(other.ends_with(ask), "{other}");
        let full = io::Error::new(io::ErrorKind::StorageFull, "Os { code: 28 }");
        let full = told(|| Err(sled::Error::Io(full)));
        assert_eq!(full, "cannot write log/db: no storage space; make room there");
        let gave_up = told(|| panic!("odd"));
        let restore = "sled gave up: odd; its files are damaged, restore a backup";
        assert!(gave_up.ends_with(restore), "{gave_up}");
    }
}
