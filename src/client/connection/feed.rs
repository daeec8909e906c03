//! FEED: presence or an inbox, as it comes.
//!
//! Must never hold: what was received before (see `resume`).

use std::sync::Arc;

use bytes::Bytes;
use quinn::SendStream;

use super::fault;
use super::stream::{ENDED, StreamReader};
use crate::client::address::ServerAddress;
use crate::client::error::ClientError;
use crate::client::exchange::{FeedEvent, acknowledgement};

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
        let written = self.stream.write_all(&acknowledgement(cursor)).await;
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
        self.reader.next(FeedEvent::next, ENDED).await
    }
}
