//! Who gets in over TCP: as many as over UDP, counted with them, and within the same time.
//!
//! Must never hold: what a connection asks for.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use super::transport::SocketSession;
use super::upgrade;
use crate::server::beat::{Beat, Paced};
use crate::server::block::Block;
use crate::server::config::ServerConfig;
use crate::server::line::line;
use crate::server::session::{self, Arrival, Shared};
use crate::server::tls::{self, Certificates};
use crate::server::web::Pages;
use crate::server::{ServerError, listen};

/// A TCP address on which pages are served.
pub(in crate::server) struct Listening {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    /// Where it is.
    pub(in crate::server) address: SocketAddr,
}

impl Listening {
    /// Whether it is encrypted.
    pub(in crate::server) fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }
}

/// Takes the address for a WebSocket, if there is one: with the operator's certificate, or in the clear for a proxy on this
/// machine.
pub(in crate::server) fn bind(
    config: &ServerConfig,
    certificates: &Arc<Certificates>,
) -> Result<Option<Listening>, ServerError> {
    let Some(address) = config.web.websocket else { return Ok(None) };
    let tls = match &config.certificate {
        Some(_) => Some(TlsAcceptor::from(Arc::new(tls::tcp_config(Arc::clone(certificates))?))),
        None if address.ip().is_loopback() => None,
        None => return Err(ServerError::InTheClear { address }),
    };
    let (listener, address) = listen::tcp(address).map_err(ServerError::listen("TCP"))?;
    Ok(Some(Listening { listener, tls, address }))
}

/// Takes connections on until told to stop, then until the last one has ended.
pub(in crate::server) async fn run(
    listening: Listening,
    shared: Arc<Shared>,
    pages: Arc<Pages>,
    mut stop: watch::Receiver<bool>,
) {
    let Listening { mut listener, tls, .. } = listening;
    let beat = Beat::begin(shared.timeouts.beat);
    let (mut connections, stopped) = (JoinSet::new(), stop.clone());
    let mut stopping = false;
    while !(stopping && connections.is_empty()) {
        tokio::select! {
            (stream, peer) = Listener::accept(&mut listener), if !stopping => {
                let block = Block::from(peer);
                let open = connections.len().max(shared.lanes.count());
                let may_come = !shared.addresses.is_full(open) && shared.addresses.handshake(block);
                let Some(member) = may_come.then(|| shared.addresses.enter(block)).flatten() else {
                    line!(warn, "a peer over TCP is turned away; it may try again");
                    continue;
                };
                let of = (Arc::clone(&shared), Arc::clone(&pages), beat);
                let served = serve(stream, (block, tls.clone()), of, stopped.clone());
                connections.spawn(async move {
                    let _member = member;
                    served.await;
                });
            }
            Some(_) = connections.join_next() => {}
            _ = stop.wait_for(|stop| *stop), if !stopping => stopping = true,
        }
    }
}

/// One connection, from its first byte to its end.
async fn serve(
    stream: TcpStream,
    (block, tls): (Block, Option<TlsAcceptor>),
    (shared, pages, beat): (Arc<Shared>, Arc<Pages>, Option<Beat>),
    mut stop: watch::Receiver<bool>,
) {
    let (place, origin) = (shared.unproven.enter(block), shared.addresses.origin(block));
    let arrival = Arrival { place, origin, began: Instant::now() };
    // Small frames are put together above.
    let _ = stream.set_nodelay(true);
    let upgraded = tokio::select! {
        upgraded = Box::pin(upgrade::upgrade(stream, tls.as_ref(), pages, shared.timeouts.idle)) => upgraded,
        () = arrival.place.lost() => Err("too many connections have proven nothing".to_owned()),
        () = sleep_until(arrival.began + shared.timeouts.hello) => Err("it took too long".to_owned()),
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match upgraded {
        Ok(socket) => run_session(socket, arrival, shared, beat).await,
        Err(reason) => line!(debug, reason = %reason.escape_debug(), "no WebSocket is opened"),
    }
}

async fn run_session(
    socket: SocketSession,
    arrival: Arrival,
    shared: Arc<Shared>,
    beat: Option<Beat>,
) {
    debug!("a session over a WebSocket is opened");
    session::run(Paced::new(socket, beat), arrival, shared).await;
}
