//! Frames from a stream of the server.
//!
//! Must never hold: what a frame means, beyond the refusal that may stand in place of any answer.

use std::sync::Arc;

use quinn::{RecvStream, VarInt};

use super::fault;
use crate::client::address::ServerAddress;
use crate::client::error::ClientError;
use crate::protocol::body;
use crate::wire::{self, Body, Decoder, Frame, ResetCode};

/// Decodes a frame of the server.
pub(crate) fn decode<B: Body>(frame: &Frame) -> Result<B, ClientError> {
    wire::decode(frame).map_err(ClientError::protocol)
}

const READ_BYTES: usize = 16 * 1024;

/// Reads the frames of one stream.
#[derive(Debug)]
pub struct StreamReader {
    stream: RecvStream,
    decoder: Decoder,
    buffer: Vec<u8>,
    server: Arc<ServerAddress>,
}

impl StreamReader {
    pub(super) fn new(stream: RecvStream, server: Arc<ServerAddress>) -> Self {
        Self { stream, decoder: Decoder::default(), buffer: vec![0; READ_BYTES], server }
    }

    pub(super) fn server(&self) -> &ServerAddress {
        &self.server
    }

    /// The next frame, or `None` at the end of the stream. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] for bytes that are no frame, and those of a connection that ends.
    pub async fn frame(&mut self) -> Result<Option<Frame>, ClientError> {
        loop {
            if let Some(frame) = self.decoder.next_frame().map_err(ClientError::protocol)? {
                return Ok(Some(frame));
            }
            let read = self.stream.read(&mut self.buffer).await;
            let Some(count) = read.map_err(|error| fault::unread(&self.server, error))? else {
                self.decoder.finish().map_err(ClientError::protocol)?;
                return Ok(None);
            };
            self.decoder.push(&self.buffer[..count]);
        }
    }

    /// The next frame that this version knows, of a stream that may not end yet. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server says no, [`ClientError::Lost`] if the stream ends, and as
    /// [`StreamReader::frame`].
    pub async fn answer(&mut self) -> Result<Frame, ClientError> {
        loop {
            let Some(frame) = self.frame().await? else {
                return Err(ClientError::Lost { reason: "the answer ended before its end".into() });
            };
            if frame.kind == body::Refused::KIND {
                let refused: body::Refused = decode(&frame)?;
                return Err(ClientError::Refused(refused.into()));
            }
            if !frame.is_ignorable() {
                return Ok(frame);
            }
        }
    }

    /// The next frame of CONTROL, where a refusal belongs to one request and a feature of a later version is passed
    /// over by its reader. Cancel-safe.
    pub(super) async fn control(&mut self) -> Result<Frame, ClientError> {
        let frame = self.frame().await?;
        // A server that goes away ends its streams first, and the close of the connection may come later.
        frame.ok_or_else(|| ClientError::Lost { reason: "the server ended CONTROL".into() })
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        // Without a word QUIC would send code 0, which carries no meaning. A stream that ended takes no harm.
        let _ = self.stream.stop(VarInt::from_u32(ResetCode::Cancelled.number()));
    }
}
