//! What all sessions share, and what the streams of one share.
//!
//! Must never hold: anything that a single stream knows.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::log::LogReader;
use crate::random;
use crate::server::addresses::Addresses;
use crate::server::cache::RecentMessages;
use crate::server::clock::Timekeeper;
use crate::server::config::ServerTimeouts;
use crate::server::desk::{Desk, Share};
use crate::server::known::Known;
use crate::server::lanes::{Departure, Lanes, Seat};
use crate::server::metrics::Metrics;
use crate::server::tls::Certificates;
use crate::server::unproven::Unproven;
use crate::server::web::Web;
use crate::service::{Actor, Asker, Input, Origin};
use crate::session::{Connection, Fresh, Settings};

/// What all sessions of a server share.
pub(in crate::server) struct Shared {
    /// How long things may take.
    pub(in crate::server) timeouts: ServerTimeouts,
    /// The way back from the writer.
    pub(in crate::server) lanes: Arc<Lanes>,
    /// Places of connections that have proven nothing.
    pub(in crate::server) unproven: Arc<Unproven>,
    /// What is counted by address.
    pub(in crate::server) addresses: Arc<Addresses>,
    /// The way to the writer.
    pub(in crate::server) desk: Arc<Desk>,
    /// Which devices are enrolled.
    pub(in crate::server) known: Arc<Known>,
    /// Secrets and bounds of every connection.
    pub(in crate::server) settings: Arc<Settings>,
    /// What pages need, where they are served.
    pub(in crate::server) web: Option<Arc<Web>>,
    /// What proofs are bound to.
    pub(in crate::server) certificates: Arc<Certificates>,
    /// Messages accepted a moment ago.
    pub(in crate::server) recent: Arc<RecentMessages>,
    /// The folder of the store.
    pub(in crate::server) data: Arc<Path>,
    /// The log.
    pub(in crate::server) reader: Arc<dyn LogReader>,
    /// What is counted.
    pub(in crate::server) metrics: Arc<Metrics>,
    /// What time it is.
    pub(in crate::server) time: Timekeeper,
}

/// One connection's state, shared by its streams.
pub(super) struct Session {
    /// What it shares with all others.
    pub(super) shared: Arc<Shared>,
    /// Its place among the lanes.
    pub(super) seat: Seat,
    /// What its streams know of each other.
    pub(super) connection: Arc<Connection>,
    /// Changes when it is decided who the connection is.
    pub(super) decided: watch::Sender<bool>,
    /// From where it comes, if that is counted.
    origin: Option<Origin>,
    /// What may wait of it for the writer, once it is known who it is.
    share: OnceLock<Arc<Share>>,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, origin: Option<Origin>) -> Self {
        let fresh = Fresh { nonce: random::bytes::<32>(), pseudonym: random::bytes::<8>(), origin };
        Self {
            seat: shared.lanes.enter(),
            connection: Arc::new(Connection::new(Arc::clone(&shared.settings), fresh)),
            decided: watch::channel(false).0,
            origin,
            share: OnceLock::new(),
            shared,
        }
    }

    /// What may wait of it for the writer.
    pub(super) fn share(&self) -> Arc<Share> {
        let of = |actor: Option<&Actor>| self.shared.desk.share(Asker::of(actor, self.origin));
        match self.connection.identity().flatten() {
            Some(actor) => Arc::clone(self.share.get_or_init(|| of(Some(&actor)))),
            None => of(None),
        }
    }

    /// As [`Session::share`], for `inputs`: who comes back asks to be let in by its own share already.
    pub(super) fn share_for(&self, inputs: &[Input]) -> Arc<Share> {
        match inputs {
            [input] if self.connection.identity().is_none() => {
                let is_known = |actor: &Actor| self.shared.known.holds(actor);
                self.shared.desk.share(Asker::entering(input, self.origin, is_known))
            }
            _ => self.share(),
        }
    }

    /// Waits until it is decided who the connection is.
    pub(super) async fn is_decided(&self) {
        // The sender lives as long as the session.
        let _ = self.decided.subscribe().wait_for(|decided| *decided).await;
    }

    /// What traces call a principal: the same for the same one, and nothing to anybody without the store's secret.
    pub(super) fn pseudonym(&self, actor: &Actor) -> String {
        let account = actor.principal.account().as_bytes();
        blake3::keyed_hash(&self.shared.settings.store_secret, account).to_hex()[..12].to_owned()
    }
}

/// Waits until the session must end.
pub(super) async fn next_departure(
    departure: &mut watch::Receiver<Option<Departure>>,
) -> Departure {
    match departure.wait_for(Option::is_some).await.map(|found| *found) {
        Ok(Some(departure)) => departure,
        // Nobody is left who could end it.
        _ => std::future::pending().await,
    }
}
