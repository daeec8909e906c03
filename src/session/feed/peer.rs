//! What the peer of a feed writes after it has opened it: how far it has taken what it was told.
//!
//! Must never hold: a position. Cursors are opened by whoever knows the feed's key.

use bytes::Bytes;

use super::over::FeedOver;
use crate::protocol::body::{Body, FeedAck};
use crate::wire::{Decoder, Frame, FrameFault, decode};

/// What the peer said.
pub(super) enum Said {
    /// It has taken everything up to the newest of these cursors; they come in order.
    Taken(Vec<Bytes>),
    /// The feed is to end.
    Over(FeedOver),
}

/// The peer's half of a feed's stream.
pub(super) struct Peer {
    pub(super) decoder: Decoder,
    is_heard: bool,
}

impl Peer {
    /// A peer whose first frame was taken out of `decoder`.
    pub(super) fn new(decoder: Decoder) -> Self {
        Self { decoder, is_heard: true }
    }

    /// Whether anything that it writes still counts.
    pub(super) fn is_heard(&self) -> bool {
        self.is_heard
    }

    /// The peer is not listened to any more.
    pub(super) fn leave(&mut self) {
        self.is_heard = false;
    }

    /// What it wrote, as far as it is whole; nothing follows if not `more`.
    pub(super) fn said(&mut self, more: bool) -> Vec<Said> {
        let mut cursors = Vec::new();
        let over = loop {
            match self.decoder.next_frame().and_then(|frame| frame.as_ref().map(cursor).transpose())
            {
                Ok(Some(cursor)) => cursors.extend(cursor),
                Ok(None) if more => break None,
                Ok(None) => {
                    let finished = self.decoder.finish().map(|()| FeedOver::Finished);
                    break Some(finished.unwrap_or_else(FeedOver::Malformed));
                }
                Err(fault) => break Some(FeedOver::Malformed(fault)),
            }
        };
        self.is_heard = over.is_none();
        let taken = (!cursors.is_empty()).then_some(Said::Taken(cursors));
        taken.into_iter().chain(over.map(Said::Over)).collect()
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
