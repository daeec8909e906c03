//! FEED: presence or an inbox, as it comes, and what each event does to what was received before.
//!
//! Must never hold: when to open a feed, or a position on disk.

use bytes::Bytes;

use super::frames::{Frames, decode};
use crate::client::error::ClientError;
use crate::client::resume::{Arrived, FeedResume, Opening};
use crate::protocol::{Composing, FeedReady, Framed as _, body, body::Body as _};
use crate::wire::Frame;

/// One frame from the server on a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// The feed is open.
    Ready(body::FeedReady),
    /// A presentity's state.
    Presence {
        /// The event.
        event: body::PresenceEvent,
        /// What its frame took, for the window.
        bytes: usize,
    },
    /// A message.
    Message {
        /// The event.
        event: body::MessageEvent,
        /// What its frame took, for the window.
        bytes: usize,
    },
    /// A receipt for a message that was sent.
    Receipt {
        /// The event.
        event: body::ReceiptEvent,
        /// What its frame took, for the window.
        bytes: usize,
    },
    /// A watcher of a presentity one controls.
    Watcher {
        /// The event.
        event: body::WatcherEvent,
        /// What its frame took, for the window.
        bytes: usize,
    },
    /// Somebody is composing.
    Composing(body::ComposingEvent),
    /// What was missed is through; from here on it is live.
    CaughtUp {
        /// Where the feed stands.
        cursor: Bytes,
    },
    /// An acknowledgement is durable.
    Acknowledged {
        /// What was acknowledged.
        cursor: Bytes,
    },
    /// The server ends the feed.
    End(body::FeedEnd),
}

impl FeedEvent {
    /// The next event, if it came.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not open the feed, [`ClientError::Protocol`] for what may not come on
    /// a feed.
    pub fn next(frames: &mut Frames) -> Result<Option<Self>, ClientError> {
        frames.next_answer()?.map(|frame| Self::of(&frame)).transpose()
    }

    fn of(frame: &Frame) -> Result<Self, ClientError> {
        let bytes = frame.body.len();
        Ok(match frame.kind {
            body::FeedReady::KIND => Self::Ready(decode(frame)?),
            body::PresenceEvent::KIND => Self::Presence { event: decode(frame)?, bytes },
            body::MessageEvent::KIND => Self::Message { event: decode(frame)?, bytes },
            body::ReceiptEvent::KIND => Self::Receipt { event: decode(frame)?, bytes },
            body::ComposingEvent::KIND => Self::Composing(decode(frame)?),
            body::WatcherEvent::KIND => Self::Watcher { event: decode(frame)?, bytes },
            body::CaughtUp::KIND => {
                Self::CaughtUp { cursor: decode::<body::CaughtUp>(frame)?.cursor }
            }
            body::FeedAcked::KIND => {
                Self::Acknowledged { cursor: decode::<body::FeedAcked>(frame)?.cursor }
            }
            body::FeedEnd::KIND => Self::End(decode(frame)?),
            kind => return Err(ClientError::protocol(format!("kind {kind:#06x} came on a feed"))),
        })
    }
}

/// An item of a feed.
pub trait FeedItem: Sized {
    /// Reads it from an event; `None` if the event carries no item of this kind.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] for an item that cannot be.
    fn arrived(event: FeedEvent) -> Result<Option<Arrived<Self>>, ClientError>;
}

/// What an event came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The feed is open.
    Opened(Opening),
    /// An item was received.
    Received,
    /// Everything that was missed was received.
    CaughtUp,
    /// Somebody is composing. It is no item: it moves nothing, and is lost with the connection.
    Composing(Composing),
    /// The server made the acknowledgement of this cursor durable.
    Acknowledged(Bytes),
    /// The server ended the feed.
    Ended(body::FeedEnd),
}

/// Takes an event into what was received of its feed.
///
/// # Errors
/// [`ClientError::Protocol`] for what may not come now, or not on this feed.
pub fn hear<T: FeedItem>(
    resume: &mut FeedResume<T>,
    event: FeedEvent,
) -> Result<Heard, ClientError> {
    Ok(match event {
        FeedEvent::Ready(ready) => {
            let FeedReady { outcome, from, pending, complete, .. } =
                FeedReady::from_body(ready).map_err(ClientError::protocol)?;
            let had = resume.received();
            resume.ready(outcome, from).map_err(ClientError::protocol)?;
            Heard::Opened(Opening { outcome, pending, complete, had })
        }
        FeedEvent::CaughtUp { cursor } => {
            resume.caught_up(cursor).map_err(ClientError::protocol)?;
            Heard::CaughtUp
        }
        FeedEvent::Acknowledged { cursor } => {
            resume.acknowledged(&cursor);
            Heard::Acknowledged(cursor)
        }
        FeedEvent::Composing(event) => {
            Heard::Composing(Composing::from_body(event).map_err(ClientError::protocol)?)
        }
        FeedEvent::End(end) => Heard::Ended(end),
        item => {
            let other = || ClientError::protocol("an event of the other kind came on a feed");
            let arrived = T::arrived(item)?.ok_or_else(other)?;
            resume.arrived(arrived).map_err(ClientError::protocol)?;
            Heard::Received
        }
    })
}
