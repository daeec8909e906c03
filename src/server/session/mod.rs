//! One connection: who it is, its streams, and how it ends.
//!
//! Each stream is served by its own task, from its first byte on: a serial loop would let one silent stream block all
//! younger ones. Nothing is answered on any stream before the proof in `Hello` holds.
//! Must never hold: a decision of the service, or state that must outlive the connection.

mod answers;
mod control;
mod feed;
mod feed_inbox;
mod feed_presence;
mod frames;
mod governance;
mod hello;
mod messages;
mod presence;
mod proof;
mod query;
mod requests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{Instrument, Span, debug, field, info_span, warn};

use self::frames::FrameEnd;
use super::cache::RecentMessages;
use super::config::ServerTimeouts;
use super::lanes::{Ending, Lanes, Seat};
use super::metrics::Metrics;
use super::stream::{Gone, ReceiveHalf, SendHalf, Transport};
use super::tls::Certificates;
use super::writer::{Writer, WriterGone};
use crate::log::LogReader;
use crate::model::limits::FEEDS_MAX;
use crate::service::Actor;
use crate::wire::{CloseCode, Decoder, Frame, FrameFault, ResetCode, StreamType};

/// What waits for a stream leaves in writes of about this size: a packet costs much more than the bytes in it.
const WRITE_BYTES: usize = 16 * 1024;
/// How long a peer gets to take the last words of a stream or connection.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all sessions of a server share.
pub(super) struct Shared {
    /// How long things may take.
    pub(super) timeouts: ServerTimeouts,
    /// The way back from the writer.
    pub(super) lanes: Arc<Lanes>,
    /// The way to the writer.
    pub(super) writer: Writer,
    /// Keys what a watcher is shown of who publishes nothing, and principals in traces.
    pub(super) store_secret: [u8; 32],
    /// Seals cursors.
    pub(super) cursor_secret: [u8; 32],
    /// What proofs are bound to.
    pub(super) certificates: Arc<Certificates>,
    /// Messages accepted a moment ago.
    pub(super) recent: Arc<RecentMessages>,
    /// The log.
    pub(super) reader: Arc<dyn LogReader>,
    /// What is counted.
    pub(super) metrics: Arc<Metrics>,
}

/// Whether the connection has proven who it is.
#[derive(Clone)]
enum Identity {
    /// Not yet.
    Awaited,
    /// It acts as this.
    Proven(Arc<Actor>),
    /// It never will.
    Never,
}

/// One connection's state, shared by its streams.
struct Session {
    shared: Arc<Shared>,
    seat: Seat,
    identity: watch::Sender<Identity>,
    has_control: AtomicBool,
    feeds: AtomicUsize,
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
    session.identity.send_replace(Identity::Never);
    while streams.join_next().await.is_some() {}
}

type Streams = JoinSet<Result<(), StreamEnd>>;

/// Accepts streams until the connection must end, and says how.
async fn accept_streams<T: Transport>(
    transport: &T,
    session: &Arc<Session>,
    streams: &mut Streams,
) -> (CloseCode, String) {
    let mut ending = session.seat.ending();
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
                if session.is_awaited() {
                    warn!("no Hello came in time");
                    return (CloseCode::HelloTimeout, "no Hello came in time".to_owned());
                }
            }
            ending = next_ending(&mut ending) => return wind_down(transport, streams, ending).await,
        }
    }
}

/// Lets the streams say their last words, within bounds.
async fn wind_down<T: Transport>(
    transport: &T,
    streams: &mut Streams,
    ending: Ending,
) -> (CloseCode, String) {
    let (deadline, code) = match ending {
        Ending::Revoked => (Instant::now() + LAST_WORDS, CloseCode::AuthExpired),
        Ending::GoingAway { deadline, .. } => (deadline, CloseCode::GoingAway),
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
fn close_of(ended: Result<Result<(), StreamEnd>, JoinError>) -> Option<(CloseCode, String)> {
    match ended {
        Ok(Ok(()) | Err(StreamEnd::Gone)) => None,
        Ok(Err(StreamEnd::Close(code, reason))) => Some((code, reason)),
        // The panic was printed with its place; the peer learns only that it was not its fault.
        Err(_) => Some((CloseCode::Internal, "the server has failed".to_owned())),
    }
}

/// Waits until the session must end.
async fn next_ending(ending: &mut watch::Receiver<Option<Ending>>) -> Ending {
    match ending.wait_for(Option::is_some).await.map(|found| *found) {
        Ok(Some(ending)) => ending,
        // Nobody is left who could end it.
        _ => std::future::pending().await,
    }
}

/// Serves one stream, from its first byte on.
async fn stream<T: Transport>(
    session: Arc<Session>,
    transport: T,
    mut send: T::Send,
    mut receive: T::Receive,
) -> Result<(), StreamEnd> {
    let byte = match timeout(session.shared.timeouts.stream, receive.read_byte()).await {
        Ok(byte) => byte?,
        Err(_) => None,
    };
    match byte.map(StreamType::from_byte) {
        Some(Some(StreamType::Control)) => {
            if session.has_control.swap(true, Ordering::AcqRel) {
                let reason = "there is a CONTROL stream already".to_owned();
                return Err(StreamEnd::Close(CloseCode::ProtocolViolation, reason));
            }
            control::serve(&session, || transport.exporter(), send, receive).await
        }
        Some(Some(StreamType::Query)) => query::serve(&session, send, receive).await,
        Some(Some(StreamType::Feed)) => feed::serve(&session, send, receive).await,
        Some(None) => {
            refuse_stream(&mut send, &mut receive, ResetCode::Unsupported);
            Ok(())
        }
        None => {
            refuse_stream(&mut send, &mut receive, ResetCode::Rejected);
            Ok(())
        }
    }
}

/// Gives up a stream in both directions; the connection goes on.
fn refuse_stream(send: &mut impl SendHalf, receive: &mut impl ReceiveHalf, code: ResetCode) {
    debug!(code = code.as_str(), "a stream is given up");
    receive.stop(code);
    send.reset(code);
}

/// The first frame of a QUERY or FEED, or the code to give the stream up with.
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

/// Ends a stream cleanly and gives the peer a moment to take what was written.
async fn finish(send: &mut impl SendHalf) {
    send.finish();
    // Whether it was taken or not, there is nothing more to do.
    let _ = timeout(LAST_WORDS, send.taken()).await;
}

impl Session {
    fn new(shared: Arc<Shared>) -> Self {
        Self {
            seat: shared.lanes.enter(),
            shared,
            identity: watch::channel(Identity::Awaited).0,
            has_control: AtomicBool::new(false),
            feeds: AtomicUsize::new(0),
        }
    }

    fn is_awaited(&self) -> bool {
        matches!(*self.identity.borrow(), Identity::Awaited)
    }

    /// The connection has proven to be `actor`.
    fn proven(&self, actor: Actor) {
        Span::current().record("principal", self.pseudonym(&actor));
        self.identity.send_if_modified(|identity| {
            let awaited = matches!(identity, Identity::Awaited);
            if awaited {
                *identity = Identity::Proven(Arc::new(actor));
            }
            awaited
        });
    }

    /// Waits until the connection has proven who it is.
    async fn actor(&self) -> Result<Arc<Actor>, StreamEnd> {
        let mut identity = self.identity.subscribe();
        let decided = identity.wait_for(|found| !matches!(found, Identity::Awaited)).await;
        match decided.as_deref() {
            Ok(Identity::Proven(actor)) => Ok(Arc::clone(actor)),
            _ => Err(StreamEnd::Gone),
        }
    }

    /// What traces call a principal: the same for the same one, and nothing to anybody without the store's secret.
    fn pseudonym(&self, actor: &Actor) -> String {
        let account = actor.principal.account().as_bytes();
        blake3::keyed_hash(&self.shared.store_secret, account).to_hex()[..12].to_owned()
    }

    /// A place for one more feed, unless there are as many as there may be.
    fn feed_place(self: &Arc<Self>) -> Option<FeedPlace> {
        let place = FeedPlace(Arc::clone(self));
        (self.feeds.fetch_add(1, Ordering::AcqRel) < FEEDS_MAX).then_some(place)
    }
}

/// Counts one feed while it lives.
struct FeedPlace(Arc<Session>);

impl Drop for FeedPlace {
    fn drop(&mut self) {
        self.0.feeds.fetch_sub(1, Ordering::AcqRel);
    }
}
