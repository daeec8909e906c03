//! What the protocol asks of a connection and its streams, so that it runs on QUIC today, on WebTransport tomorrow
//! and on pipes in a simulated world.
//!
//! Must never hold: a stream id, or anything that only one kind of transport has.

use core::future::Future;

use bytes::Bytes;
use thiserror::Error;

use crate::wire::{CloseCode, Decoder, ResetCode};

/// The connection or the stream is gone. What was on its way may or may not have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the stream is gone: {reason}")]
pub struct Gone {
    /// What the transport said.
    pub reason: String,
}

impl Gone {
    /// Gone for a reason that the transport names.
    #[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
    pub fn because(reason: impl ToString) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// A connection whose peer opens all streams.
pub trait Transport: Clone + Send + Sync + 'static {
    /// The half the server writes.
    type Send: SendHalf;
    /// The half the server reads.
    type Receive: ReceiveHalf;

    /// The next stream the peer opened; an error once the connection is over.
    fn accept(&self) -> impl Future<Output = Result<(Self::Send, Self::Receive), Gone>> + Send;

    /// The TLS exporter for the proof of identity, if this transport has one.
    fn exporter(&self) -> Option<[u8; 32]>;

    /// The peer has proven who it is: it may have as many streams open, and as many bytes on their way, as a connection
    /// may. Before that it has little of both.
    fn widen(&self);

    /// In how many pieces the bytes of all streams have come so far, where pieces are held one by one.
    fn pieces(&self) -> u64;

    /// Ends the connection at once. What was written and not yet taken may be lost.
    fn close(&self, code: CloseCode, reason: &str);
}

/// The half of a stream that the server writes. Dropping it looks to the peer like a clean end, so every answer and
/// feed has an explicit last frame.
pub trait SendHalf: Send + 'static {
    /// Writes all of `bytes`; waits while the peer takes nothing. Not to be given up half-way.
    fn write(&mut self, bytes: Bytes) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Says that nothing follows.
    fn finish(&mut self);

    /// Waits until the peer has everything or wants nothing more.
    fn taken(&mut self) -> impl Future<Output = ()> + Send;

    /// Gives up the stream.
    fn reset(&mut self, code: ResetCode);

    /// Higher leaves first.
    fn set_priority(&mut self, priority: i32);
}

/// The half of a stream that the server reads.
pub trait ReceiveHalf: Send + 'static {
    /// Hands what has arrived to `decoder`, waiting for at least one byte; false at the end of the stream. No more than
    /// the decoder has room for, so that what is not to be read yet stays under flow control.
    /// May be given up while waiting without losing anything.
    fn read(&mut self, decoder: &mut Decoder) -> impl Future<Output = Result<bool, Gone>> + Send;

    /// The stream's first byte, or `None` if it ended before. May be given up as [`read`](Self::read).
    fn read_byte(&mut self) -> impl Future<Output = Result<Option<u8>, Gone>> + Send;

    /// Asks the peer to send no more.
    fn stop(&mut self, code: ResetCode);
}
