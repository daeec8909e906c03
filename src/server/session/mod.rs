//! One connection: its streams, each served by a task of its own, and how it ends.
//!
//! Each stream has its task from its first byte on: a serial loop would let one silent stream block all younger ones.
//! What a stream says and hears is in `crate::session`; here is what it needs of the world ([`host`]).
//! Must never hold: a decision of the service, or state that must outlive the connection.

mod host;
mod messages;
mod proof;
mod shared;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, interval, sleep_until, timeout, timeout_at};
use tracing::{Instrument, Span, debug, field, info_span};

use self::host::StreamHost;
pub(super) use self::shared::Shared;
use self::shared::{Session, next_departure};
use super::lanes::Departure;
use super::line::line;
use super::stages::Timed;
use super::unproven::Place;
use crate::service::{Input, Origin};
use crate::session::{self, Close, LAST_WORDS, ReceiveHalf, SendHalf, Transport};
use crate::wire::{CloseCode, ResetCode};

/// Between two looks at what a peer sends that has proven nothing.
const UNPROVEN_LOOK: Duration = Duration::from_millis(25);

/// What there is of a connection when it has proven nothing but its address.
pub(super) struct Arrival {
    /// Its place among such.
    pub(super) place: Place,
    /// From where it comes, if that is counted.
    pub(super) origin: Option<Origin>,
    /// When its handshake ended.
    pub(super) began: Instant,
}

/// Serves a connection until it ends.
pub(super) async fn run<T: Transport>(transport: T, arrival: Arrival, shared: Arc<Shared>) {
    shared.metrics.connections.inc();
    let metrics = Arc::clone(&shared.metrics);
    let session = Arc::new(Session::new(shared, arrival.origin));
    let span =
        info_span!("connection", session = session.seat.session().0, principal = field::Empty);
    serve(transport, arrival, session).instrument(span).await;
    metrics.connections.dec();
}

async fn serve<T: Transport>(transport: T, arrival: Arrival, session: Arc<Session>) {
    let mut streams = JoinSet::new();
    let (code, reason) = accept_streams(&transport, arrival, &session, &mut streams).await;
    line!(debug, code = code.as_str(), reason = %reason.escape_debug(), "the connection ends");
    transport.close(code, &reason);
    session.connection.handle_end();
    session.decided.send_replace(true);
    // A session in a browser ends a moment later than it is closed, so that the page hears why; nothing is served meanwhile.
    streams.abort_all();
    let _ = timeout(LAST_WORDS, ended(&transport)).await;
    while streams.join_next().await.is_some() {}
    if session.connection.must_leave() {
        let leave = Input::Leave { session: session.seat.session() };
        // A writer that is gone forgets it at the next start.
        let _ = session.share().submit(vec![leave]).await;
    }
}

/// Waits until nothing comes of a connection that was closed.
async fn ended<T: Transport>(transport: &T) {
    while transport.accept().await.is_ok() {}
}

type Streams = JoinSet<Option<Close>>;

/// Accepts streams until the connection must end, and says how.
async fn accept_streams<T: Transport>(
    transport: &T,
    arrival: Arrival,
    session: &Arc<Session>,
    streams: &mut Streams,
) -> Close {
    let mut place = Some(arrival.place);
    let mut looks = interval(UNPROVEN_LOOK);
    let mut departure = session.seat.ending();
    let hello_timeout = sleep_until(arrival.began + session.shared.timeouts.hello);
    tokio::pin!(hello_timeout);
    let mut is_timed = true;
    loop {
        tokio::select! {
            accepted = transport.accept() => match accepted {
                Ok((send, receive)) => {
                    if let Some(close) = session.connection.handle_stream() {
                        return close;
                    }
                    let task = stream(Arc::clone(session), transport.clone(), (send, receive));
                    streams.spawn(task.instrument(Span::current()));
                }
                Err(gone) => return (CloseCode::NoError, gone.reason),
            },
            Some(ended) = streams.join_next() => if let Some(close) = close_of(ended) {
                return close;
            },
            () = session.is_decided(), if place.is_some() => place = None,
            _ = looks.tick(), if place.is_some() => {
                if let Some(close) = session.connection.handle_pieces(transport.pieces()) {
                    return close;
                }
            }
            () = lost(place.as_ref()), if place.is_some() => {
                let reason = "too many connections have proven nothing; connect again later";
                return (CloseCode::Overloaded, reason.to_owned());
            }
            () = &mut hello_timeout, if is_timed => {
                is_timed = false;
                if let Some(close) = session.connection.handle_hello_timeout() {
                    line!(warn, "no Hello came in time; its connection ends");
                    return close;
                }
            }
            departure = next_departure(&mut departure) => {
                return wind_down(transport, streams, departure).await;
            }
        }
    }
}

/// Waits until the place is taken back, if there is one.
async fn lost(place: Option<&Place>) {
    if let Some(place) = place {
        place.lost().await;
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

/// Serves one stream, from its first byte on.
fn stream<T: Transport>(
    session: Arc<Session>,
    transport: T,
    (send, receive): (T::Send, T::Receive),
) -> impl Future<Output = Option<Close>> {
    let (lane, mailbox) = session.seat.lane();
    let stages = Arc::clone(&session.shared.metrics.stages);
    let send = Timed::new(send, mailbox.handed_at(), stages);
    let connection = Arc::clone(&session.connection);
    let host = StreamHost::new(session, mailbox, transport);
    session::serve(connection, lane, (send, receive), host)
}

/// Gives up a stream in both directions; the connection goes on.
fn refuse_stream(send: &mut impl SendHalf, receive: &mut impl ReceiveHalf, code: ResetCode) {
    line!(debug, code = code.as_str(), "a stream is given up");
    receive.stop(code);
    send.reset(code);
}
