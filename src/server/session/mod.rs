//! One connection: its streams, each served by a task of its own, and how it ends.
//!
//! Each stream has its task from its first byte on: a serial loop would let one silent stream block all younger ones.
//! What a stream says and hears is in `crate::session`; here is what it needs of the world ([`host`]).
//! Must never hold: a decision of the service, or state that must outlive the connection.

mod frames;
mod host;
mod messages;
mod proof;
mod query;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{Instrument, Span, debug, field, info_span, warn};

use self::frames::FrameEnd;
use self::host::StreamHost;
use super::cache::RecentMessages;
use super::config::ServerTimeouts;
use super::keys;
use super::lanes::{Departure, Lanes, Seat};
use super::metrics::Metrics;
use super::tls::Certificates;
use super::writer::{Writer, WriterGone};
use crate::log::LogReader;
use crate::service::Actor;
use crate::session::{
    Close, Connection, Fresh, Gone, LAST_WORDS, ReceiveHalf, SendHalf, Settings, Transport,
    serve_from,
};
use crate::wire::{CloseCode, Decoder, Frame, FrameFault, ResetCode, StreamType};

/// What waits for a stream leaves in writes of about this size: a packet costs much more than the bytes in it.
const WRITE_BYTES: usize = 16 * 1024;

/// What all sessions of a server share.
pub(super) struct Shared {
    /// How long things may take.
    pub(super) timeouts: ServerTimeouts,
    /// The way back from the writer.
    pub(super) lanes: Arc<Lanes>,
    /// The way to the writer.
    pub(super) writer: Writer,
    /// Secrets and bounds of every connection.
    pub(super) settings: Arc<Settings>,
    /// What proofs are bound to.
    pub(super) certificates: Arc<Certificates>,
    /// Messages accepted a moment ago.
    pub(super) recent: Arc<RecentMessages>,
    /// The log.
    pub(super) reader: Arc<dyn LogReader>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
}

/// One connection's state, shared by its streams.
struct Session {
    shared: Arc<Shared>,
    seat: Seat,
    connection: Arc<Connection>,
    /// Changes when it is decided who the connection is.
    decided: watch::Sender<bool>,
}

/// Why a stream's task ended before its time.
#[derive(Debug)]
enum StreamEnd {
    /// The stream is gone; the connection may live.
    Gone,
    /// The connection must be closed.
    Close(CloseCode, String),
}

impl From<Gone> for StreamEnd {
    fn from(gone: Gone) -> Self {
        debug!(reason = gone.reason, "a stream is gone");
        Self::Gone
    }
}

impl From<WriterGone> for StreamEnd {
    fn from(_: WriterGone) -> Self {
        Self::Close(CloseCode::Internal, "the server has failed".to_owned())
    }
}

impl From<FrameFault> for StreamEnd {
    fn from(fault: FrameFault) -> Self {
        Self::Close(fault.close_code(), fault.to_string())
    }
}

/// Serves a connection until it ends.
pub(super) async fn run<T: Transport>(transport: T, shared: Arc<Shared>) {
    shared.metrics.connections.inc();
    let metrics = Arc::clone(&shared.metrics);
    let session = Arc::new(Session::new(shared));
    let span =
        info_span!("connection", session = session.seat.session().0, principal = field::Empty);
    serve(transport, session).instrument(span).await;
    metrics.connections.dec();
}

async fn serve<T: Transport>(transport: T, session: Arc<Session>) {
    let mut streams = JoinSet::new();
    let (code, reason) = accept_streams(&transport, &session, &mut streams).await;
    debug!(code = code.as_str(), reason, "the connection ends");
    transport.close(code, &reason);
    session.connection.handle_end();
    session.decided.send_replace(true);
    while streams.join_next().await.is_some() {}
}

type Streams = JoinSet<Option<Close>>;

/// Accepts streams until the connection must end, and says how.
async fn accept_streams<T: Transport>(
    transport: &T,
    session: &Arc<Session>,
    streams: &mut Streams,
) -> Close {
    let mut departure = session.seat.ending();
    let hello_timeout = sleep(session.shared.timeouts.hello);
    tokio::pin!(hello_timeout);
    let mut is_timed = true;
    loop {
        tokio::select! {
            accepted = transport.accept() => match accepted {
                Ok((send, receive)) => {
                    let task = stream(Arc::clone(session), transport.clone(), send, receive);
                    streams.spawn(task.instrument(Span::current()));
                }
                Err(gone) => return (CloseCode::NoError, gone.reason),
            },
            Some(ended) = streams.join_next() => if let Some(close) = close_of(ended) {
                return close;
            },
            () = &mut hello_timeout, if is_timed => {
                is_timed = false;
                if let Some(close) = session.connection.handle_hello_timeout() {
                    warn!("no Hello came in time");
                    return close;
                }
            }
            departure = next_departure(&mut departure) => {
                return wind_down(transport, streams, departure).await;
            }
        }
    }
}

/// Lets the streams say their last words, within bounds.
async fn wind_down<T: Transport>(
    transport: &T,
    streams: &mut Streams,
    departure: Departure,
) -> Close {
    let (deadline, code) = match departure {
        Departure::Revoked => (Instant::now() + LAST_WORDS, CloseCode::AuthExpired),
        Departure::GoingAway { deadline, .. } => (deadline, CloseCode::GoingAway),
    };
    let all = async {
        while !streams.is_empty() {
            tokio::select! {
                accepted = transport.accept() => match accepted {
                    Ok((mut send, mut receive)) => {
                        refuse_stream(&mut send, &mut receive, ResetCode::GoingAway);
                    }
                    Err(_) => return,
                },
                _ = streams.join_next() => {}
            }
        }
    };
    if timeout_at(deadline, all).await.is_err() {
        debug!("the peer did not take the last words in time");
    }
    (code, code.as_str().to_owned())
}

/// How the connection must be closed because of how a stream ended, if it must.
fn close_of(ended: Result<Option<Close>, JoinError>) -> Option<Close> {
    // A panic was printed with its place; the peer learns only that it was not its fault.
    ended.unwrap_or_else(|_| Some((CloseCode::Internal, "the server has failed".to_owned())))
}

/// Waits until the session must end.
async fn next_departure(departure: &mut watch::Receiver<Option<Departure>>) -> Departure {
    match departure.wait_for(Option::is_some).await.map(|found| *found) {
        Ok(Some(departure)) => departure,
        // Nobody is left who could end it.
        _ => std::future::pending().await,
    }
}

/// Serves one stream, from its first byte on.
async fn stream<T: Transport>(
    session: Arc<Session>,
    transport: T,
    send: T::Send,
    mut receive: T::Receive,
) -> Option<Close> {
    let byte = match timeout(session.shared.timeouts.stream, receive.read_byte()).await {
        Ok(Ok(byte)) => byte,
        Ok(Err(gone)) => {
            debug!(reason = gone.reason, "a stream is gone");
            return None;
        }
        Err(_) => None,
    };
    if byte == Some(StreamType::Query.byte()) {
        return match query::serve(&session, send, receive).await {
            Ok(()) | Err(StreamEnd::Gone) => None,
            Err(StreamEnd::Close(code, reason)) => Some((code, reason)),
        };
    }
    let (lane, mailbox) = session.seat.lane();
    let connection = Arc::clone(&session.connection);
    let host = StreamHost::new(session, mailbox, transport);
    serve_from(byte, connection, lane, (send, receive), host).await
}

/// Gives up a stream in both directions; the connection goes on.
fn refuse_stream(send: &mut impl SendHalf, receive: &mut impl ReceiveHalf, code: ResetCode) {
    debug!(code = code.as_str(), "a stream is given up");
    receive.stop(code);
    send.reset(code);
}

/// The first frame of a QUERY, or the code to give the stream up with.
async fn first_frame(
    session: &Session,
    receive: &mut impl ReceiveHalf,
    decoder: &mut Decoder,
) -> Result<Result<Frame, ResetCode>, StreamEnd> {
    let first = frames::next_frame(receive, decoder);
    match timeout(session.shared.timeouts.stream, first).await {
        Ok(Ok(Some(frame))) => Ok(Ok(frame)),
        Ok(Ok(None)) => Ok(Err(ResetCode::Malformed)),
        Ok(Err(FrameEnd::Fault(fault))) => Ok(Err(fault.reset_code())),
        Ok(Err(FrameEnd::Gone(gone))) => Err(gone.into()),
        Err(_) => Ok(Err(ResetCode::Rejected)),
    }
}

impl Session {
    fn new(shared: Arc<Shared>) -> Self {
        let fresh = Fresh { nonce: keys::random::<32>(), pseudonym: keys::random::<8>() };
        Self {
            seat: shared.lanes.enter(),
            connection: Arc::new(Connection::new(Arc::clone(&shared.settings), fresh)),
            decided: watch::channel(false).0,
            shared,
        }
    }

    /// Waits until the connection has proven who it is.
    async fn actor(&self) -> Result<Arc<Actor>, StreamEnd> {
        self.is_decided().await;
        self.connection.identity().flatten().ok_or(StreamEnd::Gone)
    }

    /// Waits until it is decided who the connection is.
    async fn is_decided(&self) {
        // The sender lives as long as the session.
        let _ = self.decided.subscribe().wait_for(|decided| *decided).await;
    }

    /// What traces call a principal: the same for the same one, and nothing to anybody without the store's secret.
    fn pseudonym(&self, actor: &Actor) -> String {
        let account = actor.principal.account().as_bytes();
        blake3::keyed_hash(&self.shared.settings.store_secret, account).to_hex()[..12].to_owned()
    }
}
