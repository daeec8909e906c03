//! A stream of the server, read as its bytes come.
//!
//! Must never hold: what a frame means (see `client::exchange`).

use web_transport_quinn::RecvStream;

use crate::client::ClientError;
use crate::client::exchange::Frames;
use crate::wire::{Frame, ResetCode};

const READ_BYTES: usize = 16 * 1024;

/// Reads the frames of one stream. Dropped, it tells the server that nobody is interested any more.
pub(super) struct Reader {
    stream: RecvStream,
    frames: Frames,
    buffer: Vec<u8>,
}

impl Reader {
    pub(super) fn new(stream: RecvStream) -> Self {
        Self { stream, frames: Frames::default(), buffer: vec![0; READ_BYTES] }
    }

    /// The next frame of an answer. Cancel-safe.
    pub(super) async fn answer(&mut self) -> Result<Frame, ClientError> {
        self.next(Frames::next_answer).await
    }

    /// What `read` finds in the frames; waits for it. Cancel-safe.
    pub(super) async fn next<T>(
        &mut self,
        read: impl Fn(&mut Frames) -> Result<Option<T>, ClientError>,
    ) -> Result<T, ClientError> {
        loop {
            if let Some(found) = read(&mut self.frames)? {
                return Ok(found);
            }
            let count = self.stream.read(&mut self.buffer).await;
            let count = count.map_err(|error| ClientError::Lost { reason: error.to_string() })?;
            let ended = || ClientError::Lost { reason: "the server ended a stream".to_owned() };
            self.frames.push(&self.buffer[..count.ok_or_else(ended)?]);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A stream that ended takes no harm.
        let _ = self.stream.stop(ResetCode::Cancelled.number());
    }
}
