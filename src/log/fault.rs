//! What is wrong with a log, or with the disk it lies on: each with the thing, the cause and the cure.
//!
//! Must never hold: a refusal that a client sees.

use std::path::Path;

use thiserror::Error;

use crate::disk::{self, Fault};
use crate::event::EntryFault;
use crate::guard::Unsafe;
use crate::model::{Sequence, Timestamp};

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
    /// An event was cut away.
    #[error(
        "event {sequence} is older than what is kept: the log begins behind event {through}; ask for a later one, or look into a backup from before"
    )]
    OlderThanKept {
        /// Its position.
        sequence: Sequence,
        /// The last event that was cut away.
        through: Sequence,
        /// When that was recorded, by the wall clock then.
        until: Timestamp,
    },
    /// What is carried forward of what was cut away is damaged.
    #[error("record {key} of what is carried forward is damaged: {reason}; restore a backup")]
    Carried {
        /// Its key in words.
        key: String,
        /// Why.
        reason: String,
    },
    /// What is carried forward was written by another version.
    #[error(
        "what is carried forward of the log was written by another version; use the adsum that wrote it"
    )]
    CarriedVersion,
    /// A cut is not as it was stated.
    #[error(
        "the log was cut through event {through}, but {reason}; restore a backup, or copy the folder and ask for help before anything else"
    )]
    CutDiffers {
        /// The last event that was cut away.
        through: Sequence,
        /// What does not fit.
        reason: &'static str,
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
