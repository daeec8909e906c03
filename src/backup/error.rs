//! Why a backup is not made, not good, or not made a store again: each with the thing, the cause and the cure.
//!
//! Must never hold: a repair.

use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::disk::{self, Fault};
use crate::event::EntryFault;
use crate::guard::Unsafe;
use crate::log::LogFault;
use crate::model::Sequence;

/// Why a backup is not made, not good, or not made a store again.
#[derive(Debug, Error)]
pub enum BackupFault {
    /// There is none.
    #[error("there is no backup in {}; name the folder in which one was made", .dir.display())]
    None {
        /// The folder.
        dir: PathBuf,
    },
    /// Something else lies where one is to be made.
    #[error("{} holds other things and no backup; name an empty folder, or one that is not there yet", .dir.display())]
    Foreign {
        /// The folder.
        dir: PathBuf,
    },
    /// Something lies where a store is to be made.
    #[error("{} is not empty; restore into a folder that is not there yet", .path.display())]
    Taken {
        /// The folder.
        path: PathBuf,
    },
    /// Another process has the backup.
    #[error("the backup in {} is in use by another adsum process; wait until that has ended", .dir.display())]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// The backup was made by a newer version.
    #[error("{} has {found}, which this program does not know; use the adsum that wrote it", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What is not known.
        found: String,
    },
    /// A file of the backup is not as it was written.
    #[error("{} is damaged: {reason}; use another backup", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The backup is of another log.
    #[error(
        "the backup in {} ends at {had}, and {log} has {found} there, so it is of another log, or of one that was put back to an earlier state since; make a new backup in an empty folder, and keep this one", .dir.display()
    )]
    OtherLog {
        /// The backup's folder.
        dir: PathBuf,
        /// Its end, as `POSITION:CHAIN`.
        had: String,
        /// The store, in words.
        log: String,
        /// What that has there, likewise.
        found: String,
    },
    /// The backup ends before what the log keeps.
    #[error(
        "the backup in {} ends at event {had}, and {log} keeps only what comes after event {through}; make a new backup in an empty folder, and keep this one", .dir.display()
    )]
    OlderThanKept {
        /// The backup's folder.
        dir: PathBuf,
        /// Its last event.
        had: Sequence,
        /// The store, in words.
        log: String,
        /// The last event that was cut away there.
        through: Sequence,
    },
    /// The backup holds keys, and this time none were given.
    #[error(
        "the backup in {} holds the keys of the server, and none were given this time; give them again, or say that it is to hold none", .dir.display()
    )]
    HoldsKeys {
        /// The folder.
        dir: PathBuf,
    },
    /// The server that has the store ended the copy.
    #[error("the server on {} did not give a copy: {reason}; look into its log lines, and try again", .data.display())]
    Server {
        /// The store.
        data: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A server has the store, and does not answer whoever wants a copy.
    #[error(
        "{} is in use by another adsum process, and it does not answer at {}: {reason}; wait for it if it is a server that starts, else stop it", .data.display(), .socket.display()
    )]
    Silent {
        /// The store.
        data: PathBuf,
        /// Where it was asked.
        socket: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Files for a restored store are none that it can have.
    #[error(
        "the keys in the backup are not those of a server: {reason}; use the adsum that wrote them"
    )]
    Keys {
        /// What is wrong.
        reason: String,
    },
    /// The file system said no.
    #[error("cannot {action} {}: {source}; {}", .path.display(), disk::cure(.source))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The store that is copied or made is not as it must be.
    #[error(transparent)]
    Log(#[from] LogFault),
}

impl BackupFault {
    /// The file at `path` is damaged.
    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}

impl From<Fault> for BackupFault {
    fn from(Fault { action, path, source }: Fault) -> Self {
        Self::Io { action, path, source }
    }
}

impl From<EntryFault> for BackupFault {
    fn from(fault: EntryFault) -> Self {
        Self::Log(fault.into())
    }
}

impl From<Unsafe> for BackupFault {
    fn from(fault: Unsafe) -> Self {
        Self::Log(fault.into())
    }
}
