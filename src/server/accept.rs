//! Who gets in: handshakes at once, peers with no proven address, connections in all.
//!
//! Must never hold: anything that happens after the handshake.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quinn::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::config::ServerLimits;
use super::metrics::Handshake;
use super::session::{self, Shared};

/// Accepts connections until told to stop, then until the last one has ended.
pub(super) async fn run(
    endpoint: quinn::Endpoint,
    shared: Arc<Shared>,
    limits: ServerLimits,
    stop: watch::Receiver<bool>,
) {
    let gate = Gate {
        handshakes: Arc::new(Semaphore::new(limits.handshakes_max)),
        waiting: Arc::default(),
        limits,
        stop,
        shared,
    };
    let mut connections = JoinSet::new();
    let mut stop = gate.stop.clone();
    let mut stopping = false;
    while !(stopping && connections.is_empty()) {
        tokio::select! {
            incoming = endpoint.accept() => match incoming {
                Some(incoming) if stopping => incoming.refuse(),
                Some(incoming) => gate.admit(incoming, &mut connections),
                None => return,
            },
            Some(_) = connections.join_next() => {}
            _ = stop.wait_for(|stop| *stop), if !stopping => stopping = true,
        }
    }
}

struct Gate {
    handshakes: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    limits: ServerLimits,
    stop: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

impl Gate {
    /// Lets a peer begin its handshake, has it prove its address first, or turns it away.
    fn admit(&self, incoming: Incoming, connections: &mut JoinSet<()>) {
        if connections.len() >= self.limits.connections_max {
            warn!(connections = connections.len(), "a peer is turned away: too many connections");
            return self.turn_away(incoming);
        }
        let permit = Arc::clone(&self.handshakes).try_acquire_owned().ok();
        if permit.is_none() && incoming.may_retry() && !incoming.remote_address_validated() {
            self.shared.metrics.handshake(Handshake::Retried);
            // Fails only for a peer that was told so before, which was just ruled out.
            let _ = incoming.retry();
            return;
        }
        if permit.is_none()
            && self.waiting.load(Ordering::Relaxed) >= self.limits.handshakes_waiting_max
        {
            warn!("a peer is turned away: too many wait for their handshake");
            return self.turn_away(incoming);
        }
        connections.spawn(self.connection(incoming, permit));
    }

    fn turn_away(&self, incoming: Incoming) {
        self.shared.metrics.handshake(Handshake::Refused);
        incoming.refuse();
    }

    /// One connection, from the handshake to its end.
    fn connection(
        &self,
        incoming: Incoming,
        permit: Option<OwnedSemaphorePermit>,
    ) -> impl Future<Output = ()> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        let (handshakes, waiting) = (Arc::clone(&self.handshakes), Arc::clone(&self.waiting));
        let mut stop = self.stop.clone();
        async move {
            let permit = match permit {
                Some(permit) => permit,
                None => wait_for_turn(handshakes, &waiting).await,
            };
            let connection = tokio::select! {
                connection = handshake(incoming, &shared) => connection,
                _ = stop.wait_for(|stop| *stop) => None,
            };
            drop(permit);
            if let Some(connection) = connection {
                session::run(connection, shared).await;
            }
        }
    }
}

async fn wait_for_turn(handshakes: Arc<Semaphore>, waiting: &AtomicUsize) -> OwnedSemaphorePermit {
    waiting.fetch_add(1, Ordering::Relaxed);
    let permit = handshakes.acquire_owned().await;
    waiting.fetch_sub(1, Ordering::Relaxed);
    permit.expect("the semaphore is never closed")
}

async fn handshake(incoming: Incoming, shared: &Shared) -> Option<quinn::Connection> {
    let peer = incoming.remote_address();
    let outcome = match incoming.accept() {
        Ok(connecting) => timeout(shared.timeouts.hello, connecting).await,
        Err(error) => Ok(Err(error)),
    };
    match outcome {
        Ok(Ok(connection)) => {
            shared.metrics.handshake(Handshake::Completed);
            return Some(connection);
        }
        Ok(Err(error)) => debug!(%peer, %error, "a handshake failed"),
        Err(_) => debug!(%peer, "a handshake took too long"),
    }
    shared.metrics.handshake(Handshake::Failed);
    None
}
