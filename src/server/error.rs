//! Why a server does not start or cannot go on: each with the thing, the cause and the cure.
//!
//! Must never hold: a refusal a client sees.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use super::listen;
use crate::disk::{self, Fault};
use crate::guard::Unsafe;
use crate::log::LogFault;
use crate::model::Refusal;

/// Why a server does not start or cannot go on.
#[derive(Debug, Error)]
pub enum ServerError {
    /// No domain was named.
    #[error("no domain is served; name at least one")]
    NoDomain,
    /// A limit of nothing, by which nobody could come in.
    #[error("{limit} is 0, the most {counted}, and nobody could come in; set it to at least 1")]
    NobodyAdmitted {
        /// The setting.
        limit: &'static str,
        /// What it counts.
        counted: &'static str,
    },
    /// The store knows several domains and none was named.
    #[error("the store has principals of several domains ({domains}); name the one that is meant")]
    WhichDomain {
        /// Which there are.
        domains: String,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} {}: {source}; {}", .path.display(), disk::cure(.source))]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else than it must.
    #[error("{} {reason}; {cure}", .path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What to do.
        cure: &'static str,
    },
    /// Somebody else of this machine could get at a file of the server.
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    /// The address could not be taken.
    #[error("cannot listen on {transport} {address}: {}", listen::why(.address, .source))]
    Listen {
        /// `UDP` or `TCP`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// What goes over a WebSocket would be unencrypted on a network.
    #[error(
        "web.websocket {address} would be unencrypted and is not on loopback; set server.certificate and server.key, or choose a loopback address behind a proxy"
    )]
    InTheClear {
        /// The address.
        address: SocketAddr,
    },
    /// What the operator wants is not possible.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The log cannot be opened or written.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The encryption layer said no.
    #[error("TLS cannot be set up: {reason}; check the certificate and its key")]
    Tls {
        /// What it said.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start the thread {name}: {source}; raise the limit on threads")]
    Thread {
        /// The thread.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The writer ended: nothing can be made durable any more.
    #[error("the writer ended: {reason}; start the server again, it replays what is on the disk")]
    Writer {
        /// Why.
        reason: String,
    },
}

impl ServerError {
    /// The address of this transport could not be taken.
    pub(super) fn listen(transport: &'static str) -> impl FnOnce((SocketAddr, io::Error)) -> Self {
        move |(address, source)| Self::Listen { transport, address, source }
    }

    /// A failed file operation.
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { action, path: path.into(), source }
    }
}

impl From<Fault> for ServerError {
    fn from(Fault { action, path, source }: Fault) -> Self {
        Self::File { action, path, source }
    }
}
