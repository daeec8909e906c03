//! Who gets in: handshakes at once, peers with no proven address, connections in all.
//!
//! Must never hold: anything that happens after the handshake.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use quinn::Incoming;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::addresses::{Addresses, Member};
use super::beat::{Beat, Paced};
use super::block::Block;
use super::config::ServerLimits;
use super::line::line;
use super::metrics::Handshake;
use super::session::{self, Arrival, Shared};
use super::tls;
use super::web::{self, WebSession};
use crate::wire::CloseCode;

/// Accepts connections until told to stop, then until the last one has ended.
pub(super) async fn run(
    endpoint: quinn::Endpoint,
    shared: Arc<Shared>,
    limits: ServerLimits,
    stop: watch::Receiver<bool>,
) {
    let gate = Gate {
        beat: Beat::begin(shared.timeouts.beat),
        handshakes: Arc::new(Semaphore::new(limits.handshakes_max)),
        unvalidated: Arc::new(Semaphore::new(limits.handshakes_unvalidated_max)),
        addresses: Arc::clone(&shared.addresses),
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
    /// With which what is written leaves.
    beat: Option<Beat>,
    /// For peers with a proven address.
    handshakes: Arc<Semaphore>,
    /// For the others.
    unvalidated: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    waiting: Arc<AtomicUsize>,
    limits: ServerLimits,
    stop: watch::Receiver<bool>,
    shared: Arc<Shared>,
}

/// Under which conditions a peer makes its handshake.
enum Turn {
    /// Its address is not proven: at once, and in a short time.
    Unvalidated(OwnedSemaphorePermit),
    /// Its address is proven: when it is its turn.
    Validated(Option<OwnedSemaphorePermit>),
}

impl Gate {
    /// Lets a peer begin its handshake, has it prove its address first, or turns it away.
    fn admit(&self, incoming: Incoming, connections: &mut JoinSet<()>) {
        if self.addresses.is_full(connections.len().max(self.shared.lanes.count())) {
            return self.turn_away(
                incoming,
                "there are too many connections; raise limits.connections_max to take more",
            );
        }
        let block = Block::from(incoming.remote_address());
        let is_validated = incoming.remote_address_validated();
        // Anybody can write anybody's address on a packet: what it would be refused for counts once it is proven.
        if is_validated && !self.addresses.handshake(block) {
            return self.turn_away(incoming, "its address makes too many handshakes; limits.address_handshakes_per_s_max says how many");
        }
        let turn = if is_validated {
            let permit = Arc::clone(&self.handshakes).try_acquire_owned().ok();
            let waiting = self.waiting.load(Ordering::Relaxed);
            if permit.is_none() && waiting >= self.limits.handshakes_waiting_max {
                return self.turn_away(
                    incoming,
                    "too many wait for their handshake; raise limits.handshakes_max to take more",
                );
            }
            Turn::Validated(permit)
        } else {
            let Ok(permit) = Arc::clone(&self.unvalidated).try_acquire_owned() else {
                return self.retry(incoming);
            };
            Turn::Unvalidated(permit)
        };
        match self.addresses.enter(block) {
            Some(member) => {
                connections.spawn(self.connection(incoming, turn, member));
            }
            None if is_validated => {
                self.turn_away(incoming, "its address has too many connections; limits.address_connections_max says how many");
            }
            None => self.retry(incoming),
        }
    }

    /// Has a peer prove its address; nothing is kept of it until then.
    fn retry(&self, incoming: Incoming) {
        if !incoming.may_retry() {
            return self.turn_away(incoming, "its address is not proven; it was asked to do so");
        }
        self.shared.metrics.handshake(Handshake::Retried);
        // Fails only for a peer that was told so before, which was just ruled out.
        let _ = incoming.retry();
    }

    fn turn_away(&self, incoming: Incoming, why: &'static str) {
        self.shared.metrics.handshake(Handshake::Refused);
        line!(warn, why, "a peer is turned away; it may try again");
        incoming.refuse();
    }

    /// One connection, from the handshake to its end.
    fn connection(
        &self,
        incoming: Incoming,
        turn: Turn,
        member: Member,
    ) -> impl Future<Output = ()> + Send + use<> {
        let (shared, addresses) = (Arc::clone(&self.shared), Arc::clone(&self.addresses));
        let (handshakes, waiting) = (Arc::clone(&self.handshakes), Arc::clone(&self.waiting));
        let (mut stop, beat) = (self.stop.clone(), self.beat);
        // What the handshake takes is given back behind it.
        let entering = Box::pin(async move {
            let block = Block::from(incoming.remote_address());
            let is_validated = matches!(turn, Turn::Validated(_));
            let permit = match turn {
                Turn::Unvalidated(permit) | Turn::Validated(Some(permit)) => permit,
                Turn::Validated(None) => wait_for_turn(handshakes, &waiting).await,
            };
            let most =
                if is_validated { shared.timeouts.hello } else { shared.timeouts.unvalidated };
            let connection = tokio::select! {
                connection = handshake(incoming, most, &shared) => connection,
                _ = stop.wait_for(|stop| *stop) => None,
            };
            drop(permit);
            let connection = connection?;
            // A handshake that is done has proven the address.
            if !is_validated && !addresses.handshake(block) {
                let reason = b"the address makes too many handshakes; connect again later";
                connection.close(CloseCode::LimitExceeded.number().into(), reason);
                return None;
            }
            let (place, origin) = (shared.unproven.enter(block), addresses.origin(block));
            let arrival = Arrival { place, origin, began: Instant::now() };
            let entered = tokio::select! {
                entered = enter(connection, &arrival, &shared) => entered?,
                _ = stop.wait_for(|stop| *stop) => return None,
            };
            Some((entered, arrival, shared))
        });
        async move {
            let _member = member;
            match entering.await {
                Some((Entered::Native(connection), arrival, shared)) => {
                    session::run(Paced::new(connection, beat), arrival, shared).await;
                }
                Some((Entered::Page(page), arrival, shared)) => {
                    session::run(Paced::new(page, beat), arrival, shared).await;
                }
                None => {}
            }
        }
    }
}

/// A connection, by what it speaks.
enum Entered {
    /// The protocol itself.
    Native(quinn::Connection),
    /// The protocol in a session of WebTransport.
    Page(WebSession),
}

/// What `connection` speaks; a page's session, once it was asked for.
async fn enter(
    connection: quinn::Connection,
    arrival: &Arrival,
    shared: &Shared,
) -> Option<Entered> {
    match &shared.web {
        Some(web) if tls::speaks_http3(&connection) => {
            let page = web::open(connection, arrival, shared.timeouts.hello, &web.pages).await;
            page.map(Entered::Page)
        }
        _ => Some(Entered::Native(connection)),
    }
}

async fn wait_for_turn(handshakes: Arc<Semaphore>, waiting: &AtomicUsize) -> OwnedSemaphorePermit {
    waiting.fetch_add(1, Ordering::Relaxed);
    let permit = handshakes.acquire_owned().await;
    waiting.fetch_sub(1, Ordering::Relaxed);
    permit.expect("the semaphore is never closed")
}

async fn handshake(
    incoming: Incoming,
    most: Duration,
    shared: &Shared,
) -> Option<quinn::Connection> {
    let peer = incoming.remote_address();
    let outcome = match incoming.accept() {
        Ok(connecting) => timeout(most, connecting).await,
        Err(error) => Ok(Err(error)),
    };
    match outcome {
        Ok(Ok(connection)) => {
            shared.metrics.handshake(Handshake::Completed);
            return Some(connection);
        }
        Ok(Err(error)) => {
            let error = error.to_string();
            line!(debug, %peer, error = %error.escape_debug(), "a handshake failed");
        }
        Err(_) => line!(debug, %peer, "a handshake took too long"),
    }
    shared.metrics.handshake(Handshake::Failed);
    None
}
