//! Frames from a stream of the server.
//!
//! Must never hold: what a frame means, beyond the refusal that may stand in place of any answer.

use crate::client::error::ClientError;
use crate::protocol::body;
use crate::wire::{self, Body, Decoder, Frame};

/// Decodes a frame of the server.
///
/// # Errors
/// [`ClientError::Protocol`] for another kind, and for a body that is none.
pub fn decode<B: Body>(frame: &Frame) -> Result<B, ClientError> {
    wire::decode(frame).map_err(ClientError::protocol)
}

/// The frames of one stream, as its bytes come.
#[derive(Debug, Default)]
pub struct Frames {
    decoder: Decoder,
}

impl Frames {
    /// The stream's next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.decoder.push(bytes);
    }

    /// The next whole frame, if it came.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] for bytes that are no frame.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ClientError> {
        self.decoder.next_frame().map_err(ClientError::protocol)
    }

    /// The next frame that this version knows, on a stream where a refusal stands for the whole answer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server says no, and as [`Frames::next_frame`].
    pub fn next_answer(&mut self) -> Result<Option<Frame>, ClientError> {
        while let Some(frame) = self.next_frame()? {
            if frame.kind == body::Refused::KIND {
                let refused: body::Refused = decode(&frame)?;
                return Err(ClientError::Refused(refused.into()));
            }
            if !frame.is_ignorable() || frame.kind == body::ComposingEvent::KIND {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// The stream ended here.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] inside a frame.
    pub fn finish(&self) -> Result<(), ClientError> {
        self.decoder.finish().map_err(ClientError::protocol)
    }
}
