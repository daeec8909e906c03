//! What can be wrong with the client's files.
//!
//! Must never hold: an error without the path it is about.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use crate::disk::{self, Fault};
use crate::guard::Unsafe;

/// Something is wrong with the files of the client, or with what they say.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// No folder was named and none can be derived.
    #[error("there is no folder for identities; set ADSUM_HOME, XDG_DATA_HOME or HOME")]
    NoHome,
    /// The principal is not enrolled on this machine.
    #[error("{principal} is not enrolled on this machine ({home}); enroll it first")]
    NoIdentity {
        /// The principal.
        principal: String,
        /// Where was looked.
        home: PathBuf,
    },
    /// No principal is enrolled on this machine.
    #[error("nobody is enrolled here ({home}); enroll somebody first")]
    Nobody {
        /// Where was looked.
        home: PathBuf,
    },
    /// More than one identity is enrolled and none was named.
    #[error("several identities are enrolled ({}); say which one", .principals.join(", "))]
    SeveralIdentities {
        /// Who.
        principals: Vec<String>,
    },
    /// The principal is enrolled on this machine already.
    #[error(
        "{principal} is enrolled here already, at {server} (in {folder}); enroll with `replace` to put that identity aside"
    )]
    AlreadyEnrolled {
        /// The principal.
        principal: String,
        /// Its server.
        server: String,
        /// Where the identity is.
        folder: PathBuf,
    },
    /// There is no publication of that name that this device knows the tag of.
    #[error(
        "this device has nothing published for {presentity} under the name {name:?}; publish first"
    )]
    NothingPublished {
        /// The presentity.
        presentity: String,
        /// The publication's name.
        name: String,
    },
    /// Another process of this identity does the same: reads the same feed, or enrolls.
    #[error(
        "another process does the same with this identity ({path} is locked); wait for it or end it"
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// A file does not hold what was written to it.
    #[error("{path} is damaged: {reason}; {cure}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        cure: &'static str,
    },
    /// Somebody else of this machine could get at a file of an identity.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    /// The file system said no.
    #[error("cannot {action} {path}: {cause}; {}", disk::cure(.cause))]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the file system said.
        cause: Arc<io::Error>,
    },
}

impl StateError {
    /// The word of this error in JSON.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoHome => "no-home",
            Self::NoIdentity { .. } | Self::Nobody { .. } => "no-identity",
            Self::SeveralIdentities { .. } => "several-identities",
            Self::AlreadyEnrolled { .. } => "already-enrolled",
            Self::NothingPublished { .. } => "nothing-published",
            Self::Locked { .. } => "locked",
            Self::Damaged { .. } => "state-damaged",
            Self::Unsafe(_) => "unsafe-files",
            Self::Io { .. } => "state-io",
        }
    }

    /// Turns what the file system said into an error about `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |cause| Self::Io { action, path: path.clone(), cause: Arc::new(cause) }
    }
}

impl From<Fault> for StateError {
    fn from(Fault { action, path, source }: Fault) -> Self {
        Self::Io { action, path, cause: Arc::new(source) }
    }
}
