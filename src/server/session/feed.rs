//! FEED streams: opening one, and what presence and inbox feeds have in common.
//!
//! A feed's task listens while it writes, so that what happens meanwhile goes into the feed's state machine, where it
//! is conflated or counted, and not into a queue. Must never hold: what a feed sends next (`service::feed` decides).

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tracing::{debug, error, warn};

use super::frames::write_frame;
use super::requests::too_large;
use super::{
    FeedPlace, Session, StreamEnd, feed_inbox, feed_presence, finish, first_frame, next_ending,
    refuse_stream,
};
use crate::log::LogFault;
use crate::model::limits::FEED_PRESENTITIES_MAX;
use crate::model::{Lifetime, Presentity, Refusal};
use crate::server::cursor::Sealer;
use crate::server::lanes::{Ending, Lane, Letter};
use crate::server::stream::{Gone, ReceiveHalf, SendHalf};
use crate::service::{Actor, Input};
use crate::wire::body::{Body, FeedAck, FeedEnd, FeedOpen, FeedReady};
use crate::wire::convert::{self, refused};
use crate::wire::{Decoder, Frame, FrameFault, ResetCode, decode, encode};

const PRESENCE: u8 = 1;
const INBOX: u8 = 2;
/// When to try again for a feed that found no place: another one must end first.
const FEEDS_RETRY_MS: u64 = 5_000;

/// Serves one feed until either side ends it.
pub(super) async fn serve<S: SendHalf, R: ReceiveHalf>(
    session: &Arc<Session>,
    mut send: S,
    mut receive: R,
) -> Result<(), StreamEnd> {
    let mut decoder = Decoder::default();
    let first = first_frame(session, &mut receive, &mut decoder).await?;
    let wanted =
        first.and_then(|frame| decode::<FeedOpen>(&frame).map_err(|fault| fault.reset_code()));
    let body = match wanted {
        Ok(body) => body,
        Err(code) => {
            refuse_stream(&mut send, &mut receive, code);
            return Ok(());
        }
    };
    let actor = session.actor().await?;
    match begin(session, body) {
        Ok((place, wish)) => run(session, actor, place, wish, send, (receive, decoder)).await,
        Err(refusal) => {
            session.shared.metrics.refused("feed", &refusal);
            write_frame(&mut send, &refused(0, &refusal)).await?;
            finish(&mut send).await;
            Ok(())
        }
    }
}

fn begin(session: &Arc<Session>, body: FeedOpen) -> Result<(FeedPlace, Wish), Refusal> {
    let wish = Wish::read(body)?;
    let retry_after = Lifetime::from_ms(FEEDS_RETRY_MS);
    let place = session.feed_place().ok_or(Refusal::Busy { retry_after })?;
    Ok((place, wish))
}

async fn run<S: SendHalf, R: ReceiveHalf>(
    session: &Arc<Session>,
    actor: Arc<Actor>,
    _place: FeedPlace,
    wish: Wish,
    send: S,
    (receive, decoder): (R, Decoder),
) -> Result<(), StreamEnd> {
    let ears = Ears {
        lane: session.seat.lane(),
        receive,
        decoder,
        ending: session.seat.ending(),
        hears_peer: true,
        hears_ending: true,
    };
    let feed = ears.lane.feed();
    let stream = FeedStream { send, ears, out: Vec::new() };
    let ended = match wish.kind {
        WishKind::Presence { presentities, with_watchers } => {
            let cursor = wish.cursor;
            let opening = feed_presence::Opening { presentities, cursor, with_watchers };
            feed_presence::run(session, actor, opening, wish.window, stream).await
        }
        WishKind::Inbox { inbox, from_start } => {
            let opening = feed_inbox::Opening { inbox, from_start, cursor: wish.cursor };
            feed_inbox::run(session, actor, opening, wish.window, stream).await
        }
    };
    session.shared.writer.submit(vec![Input::CloseFeed { feed }]).await?;
    ended
}

/// What a `FeedOpen` asks for.
struct Wish {
    kind: WishKind,
    cursor: Bytes,
    window: u32,
}

enum WishKind {
    Presence { presentities: Vec<Presentity>, with_watchers: bool },
    Inbox { inbox: crate::model::InboxAddress, from_start: bool },
}

impl Wish {
    fn read(body: FeedOpen) -> Result<Self, Refusal> {
        let kind = match body.kind {
            PRESENCE => WishKind::Presence {
                presentities: presentities(&body.presentities)?,
                with_watchers: convert::wants_watchers(body.watchers.as_ref())?,
            },
            INBOX => WishKind::Inbox { inbox: body.inbox.parse()?, from_start: body.from_start },
            _ => {
                return Err(Refusal::bad_field(
                    "feed kind",
                    "is neither 1 (presence) nor 2 (inbox)",
                ));
            }
        };
        Ok(Self { kind, cursor: body.cursor, window: body.window })
    }
}

fn presentities(given: &[String]) -> Result<Vec<Presentity>, Refusal> {
    if given.len() > FEED_PRESENTITIES_MAX {
        return Err(too_large("list of presentities", given.len(), FEED_PRESENTITIES_MAX));
    }
    given.iter().map(|presentity| presentity.parse()).collect()
}

/// How a feed began, as `FeedReady` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No cursor was given.
    Fresh,
    /// It goes on at the cursor.
    Resumed,
    /// The cursor was of no use.
    Anew,
}

impl Outcome {
    /// What a feed becomes for which `cursor` was given and `position` found in it.
    pub(super) fn of(cursor: &[u8], position: Option<u64>) -> Self {
        match (cursor.is_empty(), position) {
            (true, _) => Self::Fresh,
            (false, Some(_)) => Self::Resumed,
            (false, None) => Self::Anew,
        }
    }

    /// The word for counting.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Resumed => "resumed",
            Self::Anew => "anew",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Fresh => 0,
            Self::Resumed => 1,
            Self::Anew => 2,
        }
    }
}

/// What `FeedReady` says.
pub(super) struct Ready {
    /// How it began.
    pub(super) outcome: Outcome,
    /// Where.
    pub(super) from: u64,
    /// Where it will be caught up.
    pub(super) to: u64,
    /// Events between.
    pub(super) pending: u64,
    /// Whether none of them is missing.
    pub(super) complete: bool,
}

impl Ready {
    /// Appends the frame.
    pub(super) fn write(&self, sealer: &Sealer, out: &mut Vec<u8>) {
        let ready = FeedReady {
            outcome: self.outcome.number(),
            from: sealer.seal(self.from),
            to: sealer.seal(self.to),
            pending: self.pending,
            complete: self.complete,
        };
        encode(&ready, out);
    }
}

/// Why a feed ends, other than that its stream is gone.
#[derive(Debug)]
pub(super) enum FeedOver {
    /// The watcher ended its half.
    Finished,
    /// The session ends.
    Ending(Ending),
    /// The watcher broke the protocol.
    Malformed(FrameFault),
    /// The feed cannot go on.
    Broken(ResetCode, String),
    /// The service refused.
    Refused(Refusal),
}

impl From<LogFault> for FeedOver {
    fn from(fault: LogFault) -> Self {
        error!(%fault, "a feed could not read the log; run `adsum log verify`");
        Self::Broken(ResetCode::Internal, "the log could not be read".to_owned())
    }
}

/// What a feed hears.
pub(super) enum Heard {
    /// The writer wrote.
    Letters(Vec<Letter>),
    /// The watcher has taken everything up to the newest of these cursors; they come in order.
    Cursors(Vec<Bytes>),
    /// The feed is to end.
    Over(FeedOver),
}

/// A feed's stream, with ears that stay open while it writes.
pub(super) struct FeedStream<S, R> {
    /// The half that is written.
    pub(super) send: S,
    /// Everything that is heard.
    pub(super) ears: Ears<R>,
    /// What goes into the next write.
    pub(super) out: Vec<u8>,
}

/// Listens to the writer, the watcher and the end.
pub(super) struct Ears<R> {
    /// From the writer.
    pub(super) lane: Lane,
    receive: R,
    decoder: Decoder,
    ending: watch::Receiver<Option<Ending>>,
    hears_peer: bool,
    hears_ending: bool,
}

impl<R: ReceiveHalf> Ears<R> {
    /// Waits for whatever comes next. May be given up while waiting without losing anything.
    pub(super) async fn hear(&mut self) -> Result<Heard, Gone> {
        loop {
            tokio::select! {
                letters = self.lane.letters() => {
                    return Ok(if self.lane.overrun() { too_far_behind() } else { Heard::Letters(letters) });
                }
                read = self.receive.read(&mut self.decoder), if self.hears_peer => {
                    if let Some(heard) = self.peer(read?) {
                        return Ok(heard);
                    }
                }
                ending = next_ending(&mut self.ending), if self.hears_ending => {
                    self.hears_ending = false;
                    return Ok(Heard::Over(FeedOver::Ending(ending)));
                }
            }
        }
    }

    /// What the watcher wrote, as far as it is whole.
    fn peer(&mut self, more: bool) -> Option<Heard> {
        let mut cursors = Vec::new();
        loop {
            match self.decoder.next_frame().and_then(|frame| frame.as_ref().map(cursor).transpose())
            {
                Ok(Some(Some(cursor))) => cursors.push(cursor),
                Ok(Some(None)) => {}
                Ok(None) => break,
                Err(fault) => {
                    self.hears_peer = false;
                    return Some(Heard::Over(FeedOver::Malformed(fault)));
                }
            }
        }
        if !cursors.is_empty() {
            // The end of the stream, if this was it, is heard again.
            return Some(Heard::Cursors(cursors));
        }
        if more {
            return None;
        }
        self.hears_peer = false;
        Some(Heard::Over(match self.decoder.finish() {
            Ok(()) => FeedOver::Finished,
            Err(fault) => FeedOver::Malformed(fault),
        }))
    }
}

/// The cursor of an acknowledgement; `None` for a frame that is to be passed over.
fn cursor(frame: &Frame) -> Result<Option<Bytes>, FrameFault> {
    match frame.kind {
        FeedAck::KIND => decode::<FeedAck>(frame).map(|ack| Some(ack.cursor)),
        _ if frame.is_ignorable() => Ok(None),
        found => Err(FrameFault::Unexpected { found, expected: "FeedAck" }),
    }
}

fn too_far_behind() -> Heard {
    let reason = "the server is overloaded; open the feed again".to_owned();
    Heard::Over(FeedOver::Broken(ResetCode::TooFarBehind, reason))
}

/// The newest position among acknowledged `cursors`. One that is none of this feed's acknowledges nothing.
pub(super) fn newest(sealer: &Sealer, cursors: &[Bytes]) -> Option<u64> {
    cursors.iter().filter_map(|cursor| sealer.open(cursor)).max()
}

impl<S: SendHalf, R: ReceiveHalf> FeedStream<S, R> {
    /// Writes what is due and hands what is heard meanwhile to `listener`.
    pub(super) async fn flush(&mut self, mut listener: impl FnMut(Heard)) -> Result<(), Gone> {
        let Self { send, ears, out } = self;
        let write = send.write(Bytes::from(std::mem::take(out)));
        tokio::pin!(write);
        loop {
            tokio::select! {
                biased;
                written = &mut write => return written,
                heard = ears.hear() => listener(heard?),
            }
        }
    }

    /// Says why the feed is over and ends the stream.
    pub(super) async fn end(mut self, over: FeedOver) -> Result<(), StreamEnd> {
        debug!(?over, "the feed ends");
        let (code, message) = match over {
            // The connection is about to be closed with the reason.
            FeedOver::Ending(Ending::Revoked) => return Ok(()),
            FeedOver::Ending(Ending::GoingAway { .. }) => {
                (ResetCode::GoingAway, "the server is shutting down".to_owned())
            }
            FeedOver::Finished => (ResetCode::Cancelled, "the watcher ended the feed".to_owned()),
            FeedOver::Broken(code, message) => (code, message),
            FeedOver::Malformed(fault) => {
                warn!(%fault, "the watcher broke the protocol");
                refuse_stream(&mut self.send, &mut self.ears.receive, fault.reset_code());
                return Ok(());
            }
            FeedOver::Refused(refusal) => {
                encode(&refused(0, &refusal), &mut self.out);
                return self.last_words().await;
            }
        };
        let end = FeedEnd { code: code.number(), cursor: Bytes::new(), message };
        encode(&end, &mut self.out);
        self.last_words().await
    }

    async fn last_words(mut self) -> Result<(), StreamEnd> {
        self.send.write(Bytes::from(self.out)).await?;
        finish(&mut self.send).await;
        Ok(())
    }
}
