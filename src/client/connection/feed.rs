//! FEED: presence or an inbox, as it comes.
//!
//! Must never hold: what was received before (see `resume`).

use std::sync::Arc;

use bytes::Bytes;
use quinn::SendStream;

use super::fault;
use super::stream::{StreamReader, decode};
use crate::client::address::ServerAddress;
use crate::client::error::ClientError;
use crate::protocol::{body, body::Body as _};
use crate::wire::{Frame, encode};

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

/// Acknowledges what was taken from a feed. Dropped, it ends the client's side of the stream.
#[derive(Debug)]
pub struct FeedSender {
    stream: SendStream,
    server: Arc<ServerAddress>,
}

impl FeedSender {
    pub(super) fn new(stream: SendStream, server: Arc<ServerAddress>) -> Self {
        Self { stream, server }
    }

    /// Tells the server that everything up to `cursor` was taken for good.
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn acknowledge(&mut self, cursor: Bytes) -> Result<(), ClientError> {
        let mut out = Vec::new();
        encode(&body::FeedAck { cursor }, &mut out);
        let written = self.stream.write_all(&out).await;
        written.map_err(|error| fault::unwritten(&self.server, error))
    }
}

/// Reads a feed. Dropped, it tells the server that nobody is interested any more.
#[derive(Debug)]
pub struct FeedReceiver {
    reader: StreamReader,
}

impl FeedReceiver {
    pub(super) fn new(reader: StreamReader) -> Self {
        Self { reader }
    }

    /// The next event. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not open the feed, [`ClientError::Protocol`] for what may not come on
    /// a feed, and those of a connection that ends.
    pub async fn next(&mut self) -> Result<FeedEvent, ClientError> {
        let frame = self.reader.answer().await?;
        feed_event(&frame)
    }
}

fn feed_event(frame: &Frame) -> Result<FeedEvent, ClientError> {
    let bytes = frame.body.len();
    Ok(match frame.kind {
        body::FeedReady::KIND => FeedEvent::Ready(decode(frame)?),
        body::PresenceEvent::KIND => FeedEvent::Presence { event: decode(frame)?, bytes },
        body::MessageEvent::KIND => FeedEvent::Message { event: decode(frame)?, bytes },
        body::ReceiptEvent::KIND => FeedEvent::Receipt { event: decode(frame)?, bytes },
        body::WatcherEvent::KIND => FeedEvent::Watcher { event: decode(frame)?, bytes },
        body::CaughtUp::KIND => {
            FeedEvent::CaughtUp { cursor: decode::<body::CaughtUp>(frame)?.cursor }
        }
        body::FeedAcked::KIND => {
            FeedEvent::Acknowledged { cursor: decode::<body::FeedAcked>(frame)?.cursor }
        }
        body::FeedEnd::KIND => FeedEvent::End(decode(frame)?),
        kind => return Err(ClientError::protocol(format!("kind {kind:#06x} came on a feed"))),
    })
}
