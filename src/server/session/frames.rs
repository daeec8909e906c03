//! Frames out of a stream.
//!
//! Must never hold: what a frame means.

use super::StreamEnd;
use crate::session::{Gone, ReceiveHalf};
use crate::wire::{Decoder, Frame, FrameFault};

/// Waits for the next frame; `None` if the stream ended cleanly.
pub(super) async fn next_frame(
    receive: &mut impl ReceiveHalf,
    decoder: &mut Decoder,
) -> Result<Option<Frame>, FrameEnd> {
    loop {
        if let Some(frame) = decoder.next_frame()? {
            return Ok(Some(frame));
        }
        if !receive.read(decoder).await? {
            decoder.finish()?;
            return Ok(None);
        }
    }
}

/// Why there is no next frame.
#[derive(Debug)]
pub(super) enum FrameEnd {
    /// The stream is gone.
    Gone(Gone),
    /// Its bytes are not frames.
    Fault(FrameFault),
}

impl From<Gone> for FrameEnd {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

impl From<FrameFault> for FrameEnd {
    fn from(fault: FrameFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<FrameEnd> for StreamEnd {
    fn from(end: FrameEnd) -> Self {
        match end {
            FrameEnd::Gone(gone) => gone.into(),
            FrameEnd::Fault(fault) => fault.into(),
        }
    }
}
