//! What is written to a server and read from it on each kind of stream: bytes in, events out. Sans-I/O.
//!
//! Holds: frames as they come ([`Frames`]), CONTROL ([`Admission`], [`ControlEvent`]), a feed ([`FeedEvent`], and what one
//! does to what was received before, [`hear`]), and the answer to a question ([`Answering`]).
//! Must never hold: a socket, a clock, randomness, a file, a task or a log line.

mod answer;
mod control;
mod feed;
mod frames;

pub use answer::Answering;
pub use control::{Admission, ControlEvent};
pub use feed::{FeedEvent, FeedItem, Heard, hear};
pub use frames::{Frames, decode};

use bytes::Bytes;

use crate::protocol::body;
use crate::wire::{Body, StreamType, encode};

/// The first bytes of a stream: what kind it is, and its first frame.
pub fn opening<B: Body>(kind: StreamType, first: &B) -> Vec<u8> {
    let mut out = vec![kind.byte()];
    encode(first, &mut out);
    out
}

/// The frame that says that everything of a feed up to `cursor` was taken for good.
pub fn acknowledgement(cursor: Bytes) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&body::FeedAck { cursor }, &mut out);
    out
}
