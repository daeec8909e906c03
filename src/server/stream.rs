//! What the protocol asks of a connection and its streams, so that it runs on QUIC today, on WebTransport tomorrow
//! and on pipes in tests.
//!
//! Must never hold: a stream id, or anything that only one kind of transport has.

use std::future::Future;

use bytes::Bytes;
use thiserror::Error;

use crate::wire::{CloseCode, Decoder, EXPORTER_LABEL, ResetCode};

/// Chunks taken from a stream at once; each is at most what one packet carried.
const CHUNKS_MAX: usize = 16;

/// The connection or the stream is gone. What was on its way may or may not have arrived.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the stream is gone: {reason}")]
pub(super) struct Gone {
    /// What the transport said.
    pub(super) reason: String,
}

impl Gone {
    #[expect(clippy::needless_pass_by_value, reason = "it is handed to `map_err`")]
    fn because(reason: impl ToString) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// A connection whose peer opens all streams.
pub(super) trait Transport: Clone + Send + Sync + 'static {
    /// The half the server writes.
    type Send: SendHalf;
    /// The half the server reads.
    type Receive: ReceiveHalf;

    /// The next stream the peer opened; an error once the connection is over.
    fn accept(&self) -> impl Future<Output = Result<(Self::Send, Self::Receive), Gone>> + Send;

    /// The TLS exporter for the proof of identity, if this transport has one.
    fn exporter(&self) -> Option<[u8; 32]>;

    /// Ends the connection at once. What was written and not yet taken may be lost.
    fn close(&self, code: CloseCode, reason: &str);
}

/// The half of a stream that the server writes. Dropping it looks to the peer like a clean end, so every answer and
/// feed has an explicit last frame.
pub(super) trait SendHalf: Send + 'static {
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
pub(super) trait ReceiveHalf: Send + 'static {
    /// Hands what has arrived to `decoder`, waiting for at least one byte; false at the end of the stream.
    /// May be given up while waiting without losing anything.
    fn read(&mut self, decoder: &mut Decoder) -> impl Future<Output = Result<bool, Gone>> + Send;

    /// The stream's first byte, or `None` if it ended before.
    fn read_byte(&mut self) -> impl Future<Output = Result<Option<u8>, Gone>> + Send;

    /// Asks the peer to send no more.
    fn stop(&mut self, code: ResetCode);
}

impl Transport for quinn::Connection {
    type Send = quinn::SendStream;
    type Receive = quinn::RecvStream;

    async fn accept(&self) -> Result<(Self::Send, Self::Receive), Gone> {
        self.accept_bi().await.map_err(Gone::because)
    }

    fn exporter(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        self.export_keying_material(&mut bytes, EXPORTER_LABEL, &[]).ok().map(|()| bytes)
    }

    fn close(&self, code: CloseCode, reason: &str) {
        Self::close(self, code.number().into(), reason.as_bytes());
    }
}

impl SendHalf for quinn::SendStream {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        self.write_chunk(bytes).await.map_err(Gone::because)
    }

    fn finish(&mut self) {
        // Fails only on a stream that has ended already.
        let _ = Self::finish(self);
    }

    async fn taken(&mut self) {
        let _ = self.stopped().await;
    }

    fn reset(&mut self, code: ResetCode) {
        let _ = Self::reset(self, code.number().into());
    }

    fn set_priority(&mut self, priority: i32) {
        let _ = Self::set_priority(self, priority);
    }
}

impl ReceiveHalf for quinn::RecvStream {
    async fn read(&mut self, decoder: &mut Decoder) -> Result<bool, Gone> {
        let mut chunks: [Bytes; CHUNKS_MAX] = Default::default();
        let Some(count) = self.read_chunks(&mut chunks).await.map_err(Gone::because)? else {
            return Ok(false);
        };
        // The decoder copies: a chunk kept would pin the whole datagram it came in.
        chunks[..count].iter().for_each(|chunk| decoder.push(chunk));
        Ok(true)
    }

    async fn read_byte(&mut self) -> Result<Option<u8>, Gone> {
        let mut byte = [0];
        let count = Self::read(self, &mut byte).await.map_err(Gone::because)?;
        Ok(count.filter(|count| *count == 1).map(|_| byte[0]))
    }

    fn stop(&mut self, code: ResetCode) {
        let _ = Self::stop(self, code.number().into());
    }
}
