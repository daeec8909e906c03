//! Where events are kept: append, sync, read.
//!
//! Holds: the [`EventLog`] trait, the sled engine and an engine in memory with injected faults.
//! The trait asks only for appending a commit and reading by position, so that an engine with per-subject
//! sequences and optimistic append fits behind it. Must never hold: a rule, a view, or a repair of a damaged store.

pub mod memory;
mod rewrite;
mod room;
mod scan;
mod sealing;
mod sled_log;
mod stat;
mod tally;
mod tip;
mod verify;
mod walk;

use std::path::Path;
use std::sync::Arc;

use thiserror::Error;

pub use rewrite::rewrite;
pub use room::Room;
pub(crate) use scan::tip_at;
pub use scan::{Each, Entries};
pub use sled_log::{LostEvents, Restoring, Salvaged, SledLog};
pub use stat::{Stat, stat};
pub use tally::{STRETCHES, Share, Tally, tally};
pub use tip::Tip;
pub use verify::{Verified, Verifier, check_noted, verify};
pub use walk::each_event;

use crate::disk::{self, Fault};
use crate::event::{EntryFault, Event, Owners, Recorded};
use crate::guard::Unsafe;
use crate::model::{Ahead, Moment, Payload, Principal, Sequence};

/// A durable, ordered log of events with a place for checkpoints beside it.
///
/// One owner appends. Readers come from [`EventLog::reader`] and may be used from any thread at any time.
pub trait EventLog: Send {
    /// The last event appended, synced or not; zero if there is none.
    fn head(&self) -> Sequence;

    /// Appends one commit, each event with its moment, whole or not at all: a crash leaves all of it or nothing. The wall
    /// clock was `ahead` of their moments. Returns the new head. It is durable only after [`EventLog::sync`].
    ///
    /// # Errors
    /// [`LogFault`]; afterwards the log must not be used any more.
    fn append_at(&mut self, ahead: Ahead, events: &[(Moment, Event)])
    -> Result<Sequence, LogFault>;

    /// As [`EventLog::append_at`], with a wall clock that shows the moments as they are.
    ///
    /// # Errors
    /// As [`EventLog::append_at`].
    fn append(&mut self, events: &[(Moment, Event)]) -> Result<Sequence, LogFault> {
        self.append_at(Ahead::ZERO, events)
    }

    /// Puts everything appended or saved so far on stable storage.
    ///
    /// # Errors
    /// [`LogFault`]; what is durable is then unknown until the log is opened again.
    fn sync(&mut self) -> Result<(), LogFault>;

    /// A reader of this log.
    fn reader(&self) -> Arc<dyn LogReader>;

    /// Writes checkpoint records, all or none: `Some` replaces, `None` removes. Durable after [`EventLog::sync`].
    ///
    /// # Errors
    /// [`LogFault`], as for [`EventLog::append`].
    fn save(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault>;

    /// Calls `each` with every checkpoint record, in order of key.
    ///
    /// # Errors
    /// [`LogFault`], also one that `each` returns.
    fn load(&self, each: EachRecord<'_>) -> Result<(), LogFault>;

    /// How much room there is now. Costs little, so it may be asked before each append.
    fn room(&mut self) -> Room {
        Room::Plenty
    }

    /// The keys that what people wrote is sealed with; none if it is stored as it came. Events are sealed and opened by the
    /// log itself.
    fn vault(&self) -> Option<&dyn Sealing> {
        None
    }
}

/// What people wrote, sealed with keys that lie outside the log.
pub trait Sealing {
    /// Seals together what belongs to `owners`. A key that was not there is made, and durable when this returns.
    ///
    /// # Errors
    /// [`LogFault::Io`].
    fn seal(&self, owners: &Owners, payloads: Vec<&mut Payload>) -> Result<(), LogFault>;

    /// Opens those of `payloads`, which were sealed together, that are sealed. They read as erased if a key that they need is
    /// gone.
    ///
    /// # Errors
    /// [`LogFault::Keys`] if the keys are there and do not open it.
    fn open(&self, payloads: Vec<&mut Payload>) -> Result<(), LogFault>;

    /// Destroys the key of `principal`: nobody can read any more what was sealed with it. Returns whether there was one.
    ///
    /// # Errors
    /// [`LogFault::Io`]; the key is then there or not, and is destroyed when this is done again.
    fn destroy(&self, principal: &Principal) -> Result<bool, LogFault>;
}

/// A checkpoint record: its key, and its value unless it is to be removed.
pub type CheckpointRecord = (Vec<u8>, Option<Vec<u8>>);

/// What [`EventLog::load`] calls with each record's key and value.
pub type EachRecord<'a> = &'a mut (dyn FnMut(&[u8], &[u8]) -> Result<(), LogFault> + 'a);

/// Reads events by position. Cheap to share.
pub trait LogReader: Send + Sync {
    /// Events from `from` on, in order: at least one unless there is none, then as many as fit `events_max`.
    ///
    /// # Errors
    /// [`LogFault`] with the position of what cannot be read.
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault>;

    /// The event at `sequence`.
    ///
    /// # Errors
    /// [`LogFault::Missing`] if there is none, [`LogFault`] if it cannot be read.
    fn read_one(&self, sequence: Sequence) -> Result<Recorded, LogFault> {
        let found = self.read(sequence, 1)?.into_iter().next();
        found.filter(|recorded| recorded.sequence == sequence).ok_or(LogFault::Missing { sequence })
    }

    /// The end of the entry that holds the event at `sequence`, or of the last one before it.
    ///
    /// # Errors
    /// [`LogFault`] if it cannot be read; [`LogFault::Missing`] if this is no reader of a whole log.
    fn end_at(&self, sequence: Sequence) -> Result<Tip, LogFault> {
        Err(LogFault::Missing { sequence })
    }
}

/// The disk, or what is on it, is not as it must be.
#[derive(Debug, Error)]
pub enum LogFault {
    /// Somebody else of this machine could get at the store.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    /// What is stored is damaged.
    #[error("the log is damaged: {0}; {cure}", cure = of_entry(.0))]
    Entry(#[from] EntryFault),
    /// An event that must be there is not.
    #[error(
        "event {sequence} is not in the log; restore a backup, or copy the folder and ask for help before anything else"
    )]
    Missing {
        /// Its position.
        sequence: Sequence,
    },
    /// The log ends before what was known to be on stable storage.
    #[error(
        "the log in {path} is damaged: it ends at event {found}, but event {durable} was durable; restore a backup, or copy the folder and ask for help before anything else"
    )]
    Lost {
        /// The folder.
        path: String,
        /// The last event found.
        found: Sequence,
        /// The last event that was on stable storage.
        durable: Sequence,
    },
    /// The log ends before what was noted of it elsewhere.
    #[error(
        "the log in {path} is whole, but it ends at event {found} and {noted} was noted, so an older state was put back; bring back the newer one, or tell everybody from when on to send and publish again"
    )]
    Shorter {
        /// The folder.
        path: String,
        /// Its last event.
        found: Sequence,
        /// What was noted, as `POSITION:CHAIN`.
        noted: String,
    },
    /// The log is not the one that something was noted of elsewhere.
    #[error(
        "the log in {path} is whole, but it has {found} where {noted} was noted, so it is another log from there or before: an older state that was put back and went on, or one that somebody made; bring back the right one, or tell everybody from when on to send and publish again"
    )]
    Differs {
        /// The folder.
        path: String,
        /// The end of its entry there, as `POSITION:CHAIN`.
        found: String,
        /// What was noted, likewise.
        noted: String,
    },
    /// The record of how far the log was durable is missing or damaged.
    #[error(
        "{path} is damaged: {reason}, and nothing tells any more whether the log is whole; restore a backup"
    )]
    Mark {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An append or a sync failed before, so memory and disk may differ.
    #[error("an earlier append or sync failed; end the process and start it again")]
    Poisoned,
    /// A file is not as an orderly end left it.
    #[error(
        "{file} was changed between byte {from} and byte {to} since the store was closed; restore a backup, or copy the folder and ask for help before anything else"
    )]
    Changed {
        /// The file, below the store's folder.
        file: String,
        /// The first byte of the stretch that holds the change.
        from: u64,
        /// The end of the stretch.
        to: u64,
    },
    /// A checkpoint record is damaged.
    #[error("checkpoint record {key} is damaged: {reason}; have the whole log folded anew")]
    Checkpoint {
        /// Its key in words.
        key: String,
        /// Why.
        reason: String,
    },
    /// The file of the keys that payloads are sealed with is damaged, or another store's.
    #[error(
        "the key file {path} {reason}; restore it from a backup, or copy the folder and ask for help before anything else"
    )]
    Keys {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another process has the folder.
    #[error("the store {path} is in use by another adsum process; stop it, or name another folder")]
    Locked {
        /// The folder.
        path: String,
    },
    /// The store was written by another version.
    #[error(
        "the store {path} has format {found}, this program reads {expected}; use the adsum that wrote it"
    )]
    Format {
        /// The folder.
        path: String,
        /// The format found.
        found: String,
        /// The format this program reads.
        expected: u32,
    },
    /// A restore did not come to its end.
    #[error(
        "there is half a store in {path}, because a restore into it was cut short; remove the folder, and restore the backup once more"
    )]
    HalfRestored {
        /// The folder.
        path: String,
    },
    /// There is no store here.
    #[error("there is no store in {path}; name the folder that a server uses")]
    NoStore {
        /// The folder.
        path: String,
    },
    /// The file system said no.
    #[error("cannot {action} {path}: {source}; {}", disk::cure(.source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// What it said.
        source: std::io::Error,
    },
    /// The engine said no.
    #[error("the log engine failed to {action}: {reason}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// What it said.
        reason: String,
    },
}

/// What to do about an entry that cannot be read.
fn of_entry(fault: &EntryFault) -> &'static str {
    match fault {
        EntryFault::Version { .. } => "use the adsum that wrote it",
        _ => "restore a backup, or copy the folder and ask for help before anything else",
    }
}

impl LogFault {
    /// The same, with the whole path of a file that lies below `folder`.
    pub(crate) fn below(self, folder: &Path) -> Self {
        match self {
            Self::Io { action, path, source } => {
                Self::Io { action, path: folder.join(path).display().to_string(), source }
            }
            other => other,
        }
    }
}

impl From<Fault> for LogFault {
    fn from(Fault { action, path, source }: Fault) -> Self {
        Self::Io { action, path: path.display().to_string(), source }
    }
}
