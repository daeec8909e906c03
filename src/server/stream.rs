//! The protocol's streams on QUIC.
//!
//! Must never hold: what the bytes on them mean.

use bytes::Bytes;

use super::endpoint::{RECEIVE_WINDOW, STREAMS_MAX};
use crate::session::{Gone, ReceiveHalf, SendHalf, Transport};
use crate::wire::{CloseCode, Decoder, EXPORTER_LABEL, ResetCode};

/// Chunks taken from a stream at once; each is mostly what one packet carried.
const CHUNKS_MAX: usize = 16;
/// Where a decoder has no room for so much, chunks are taken one by one and cut.
const CHUNKS_BYTES: usize = CHUNKS_MAX * 1_500;

impl Transport for quinn::Connection {
    type Send = quinn::SendStream;
    type Receive = quinn::RecvStream;

    async fn accept(&self) -> Result<(Self::Send, Self::Receive), Gone> {
        tokio::select! {
            opened = self.accept_bi() => opened.map_err(Gone::because),
            opened = self.accept_uni() => {
                opened.map_err(Gone::because)?;
                let reason = "unidirectional streams are not used";
                Transport::close(self, CloseCode::ProtocolViolation, reason);
                Err(Gone::because(reason))
            }
        }
    }

    fn exporter(&self) -> Option<[u8; 32]> {
        let mut bytes = [0; 32];
        self.export_keying_material(&mut bytes, EXPORTER_LABEL, &[]).ok().map(|()| bytes)
    }

    fn widen(&self) {
        self.set_receive_window(RECEIVE_WINDOW.into());
        self.set_max_concurrent_bi_streams(STREAMS_MAX.into());
    }

    fn pieces(&self) -> u64 {
        self.stats().frame_rx.stream
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
        if decoder.room() < CHUNKS_BYTES {
            let chunk = self.read_chunk(decoder.room(), true).await.map_err(Gone::because)?;
            return Ok(chunk.is_some_and(|chunk| {
                decoder.push(&chunk.bytes);
                true
            }));
        }
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
