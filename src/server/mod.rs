//! The async edge: endpoint, sessions, the writer's thread, the clock, health and metrics.
//!
//! ```text
//! peers ─ accept ─ session ─ stream tasks ──Vec<Input>──▶ writer thread ── commit ── disk
//!                              ▲                              │
//!                              └────────── lanes ◀──Outputs───┘       (only what is durable)
//! ```
//!
//! Must never hold: a rule about presence or messages, or bytes of the log.

mod accept;
mod addresses;
mod backup;
mod beat;
mod block;
mod cache;
mod certificate;
mod check;
mod clock;
mod config;
mod connection_id;
mod copy;
mod cut;
mod desk;
mod endpoint;
mod erasure;
mod error;
mod files;
mod guarded;
mod http;
mod keeper;
mod keys;
mod known;
mod lanes;
mod line;
mod listen;
mod look;
mod metrics;
mod offline;
mod reload;
mod running;
mod session;
mod stages;
mod start;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod unproven;
mod visit;
mod web;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::info;

pub use crate::guard::Unsafe;
pub use backup::{back_up, back_up_with_keys, restore_store};
pub use block::Network;
pub use clock::{Clock, SystemClock, Timekeeper};
pub use config::{
    CertificateFiles, RetentionConfig, ServerConfig, ServerLimits, ServerTimeouts, WebConfig,
};
pub use cut::{CutDone, cut_as_operator, is_cut_signed, state_carried};
pub use endpoint::transport;
pub use erasure::{
    Certificate, Erasure, Written, erase_as_operator, erasure_of, is_signed, sign, signing_key,
};
pub use error::ServerError;
pub use guarded::unsafe_files;
pub use keys::{KeyFault, key_faults, pack as pack_keys};
pub use offline::{OperatorInvite, OperatorInvited, invite_as_operator};
pub use running::{EachEvent, RunningReplay, digests_of_running, each_running, fields_of_running};
pub use start::{start, start_and_tell, start_with_clock};
pub use web::PageOrigin;

use self::http::{Health, Phase};
use self::session::Shared;
use self::writer::WriterThread;
use crate::wire::CloseCode;

/// How long the last packets of a shutdown may take.
const IDLE_WAIT: Duration = Duration::from_secs(3);
/// Handshakes cost about 0.35 ms of a core; clients that come back get half a core.
const RECONNECT_EACH: Duration = Duration::from_micros(700);

/// A running server. Stop it with [`Server::shutdown`]; dropping it ends connections without a word.
pub struct Server {
    address: SocketAddr,
    http: Option<SocketAddr>,
    websocket: Option<SocketAddr>,
    first_invite: Option<[u8; 32]>,
    /// The operator's files, if the certificate comes from there.
    certificate: Option<CertificateFiles>,
    endpoint: quinn::Endpoint,
    shared: Arc<Shared>,
    health: Arc<Health>,
    stop: watch::Sender<bool>,
    writer: WriterThread,
    accepting: JoinSet<()>,
    background: JoinSet<()>,
}

impl Server {
    /// The UDP address clients reach.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The TCP address of health and metrics, if there is one.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The TCP address for a WebSocket, if there is one.
    pub fn websocket_addr(&self) -> Option<SocketAddr> {
        self.websocket
    }

    /// The token of an administrator invite for the first domain, as long as nobody is enrolled.
    ///
    /// It follows from the store's secret: each start tells the same, and it ends with the first enrolment.
    pub fn first_invite(&self) -> Option<[u8; 32]> {
        self.first_invite
    }

    /// SHA-256 over the `SubjectPublicKeyInfo` of the certificate in use: what clients pin.
    pub fn server_key_hash(&self) -> [u8; 32] {
        self.shared.certificates.key_hash()
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.shared.lanes.count()
    }

    /// Waits until the writer is between two rounds, and so until it decides and the disk takes what it decides. Never
    /// returns if it does not get there.
    pub async fn turned(&self) {
        self.writer.turned().await;
    }

    /// Waits until nothing can be made durable any more and says why. The caller must then end the process: what was
    /// acknowledged is on the disk, and the next start replays it. Never returns while all is well.
    pub async fn failed(&self) -> ServerError {
        let failure = self.writer.failed().await;
        self.health.enter(Phase::Failed(failure.to_string()));
        failure
    }

    /// Stops in order: nobody new gets in, clients are told when to come back, what is on its way arrives, and the
    /// log is closed behind a checkpoint. Takes at most the drain time, and some seconds.
    ///
    /// # Errors
    /// [`ServerError::Writer`] if the log could not be closed in order; nothing acknowledged is lost.
    pub async fn shutdown(mut self) -> Result<(), ServerError> {
        self.health.enter(Phase::Stopping);
        self.stop.send_replace(true);
        self.say_goodbye();
        let deadline = self.shared.timeouts.drain + IDLE_WAIT;
        let drained = async { while self.accepting.join_next().await.is_some() {} };
        if timeout(deadline, drained).await.is_err() {
            info!("some connections did not end in time");
        }
        self.endpoint.close(CloseCode::GoingAway.number().into(), b"going-away");
        // Whoever has not answered by then finds out by a stateless reset.
        let _ = timeout(IDLE_WAIT, self.endpoint.wait_idle()).await;
        let closed = self.writer.stop().await;
        self.background.shutdown().await;
        closed
    }

    fn say_goodbye(&self) {
        let Shared { lanes, timeouts, .. } = &*self.shared;
        let clients = u32::try_from(lanes.count()).unwrap_or(u32::MAX);
        let needed = RECONNECT_EACH.saturating_mul(clients);
        let spread = timeouts.reconnect_spread.unwrap_or(needed);
        let deadline = Instant::now() + timeouts.drain;
        lanes.end_all(deadline, || spread.mul_f64(fastrand::f64()));
        info!(clients, ?spread, "the server stops");
    }
}
