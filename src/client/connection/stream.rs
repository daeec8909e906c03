//! A stream of the server, read as its bytes come.
//!
//! Must never hold: what a frame means (see `exchange`).

use std::sync::Arc;

use quinn::{RecvStream, VarInt};

use super::fault;
use crate::client::address::ServerAddress;
use crate::client::error::ClientError;
use crate::client::exchange::Frames;
use crate::wire::{Frame, ResetCode};

const READ_BYTES: usize = 16 * 1024;
/// What an answer that was cut off is called.
pub(super) const ENDED: &str = "the answer ended before its end";

/// Reads the frames of one stream.
#[derive(Debug)]
pub struct StreamReader {
    stream: RecvStream,
    frames: Frames,
    buffer: Vec<u8>,
    server: Arc<ServerAddress>,
}

impl StreamReader {
    pub(super) fn new(stream: RecvStream, server: Arc<ServerAddress>) -> Self {
        Self { stream, frames: Frames::default(), buffer: vec![0; READ_BYTES], server }
    }

    pub(super) fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// The next frame that this version knows, of a stream that may not end yet. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server says no, [`ClientError::Lost`] if the stream ends,
    /// [`ClientError::Protocol`] for bytes that are no frame, and those of a connection that ends.
    pub async fn answer(&mut self) -> Result<Frame, ClientError> {
        self.next(Frames::next_answer, ENDED).await
    }

    /// What `read` finds in the frames, on a stream that may not end yet: `ended` says that it did. Cancel-safe.
    pub(super) async fn next<T>(
        &mut self,
        read: impl Fn(&mut Frames) -> Result<Option<T>, ClientError>,
        ended: &str,
    ) -> Result<T, ClientError> {
        loop {
            if let Some(found) = read(&mut self.frames)? {
                return Ok(found);
            }
            let count = self.stream.read(&mut self.buffer).await;
            let Some(count) = count.map_err(|error| fault::unread(&self.server, error))? else {
                self.frames.finish()?;
                return Err(ClientError::Lost { reason: ended.to_owned() });
            };
            self.frames.push(&self.buffer[..count]);
        }
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        // Without a word QUIC would send code 0, which carries no meaning. A stream that ended takes no harm.
        let _ = self.stream.stop(VarInt::from_u32(ResetCode::Cancelled.number()));
    }
}
