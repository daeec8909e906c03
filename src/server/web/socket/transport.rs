//! The protocol's streams in a session of qmux.
//!
//! Must never hold: what the bytes on them mean.

use bytes::Bytes;
use qmux::{RecvStream, SendStream, Session};
use web_transport_quinn::generic::{RecvStream as _, SendStream as _, Session as _};

use super::room::Room;
use crate::session::{Gone, ReceiveHalf, SendHalf, Transport};
use crate::wire::{CloseCode, Decoder, ResetCode};

/// A session. Cheap to share.
#[derive(Clone)]
pub(super) struct SocketSession {
    session: Session,
    room: Room,
}

impl SocketSession {
    pub(super) fn new(session: Session, room: Room) -> Self {
        Self { session, room }
    }
}

impl Transport for SocketSession {
    type Send = SocketSend;
    type Receive = SocketReceive;

    async fn accept(&self) -> Result<(SocketSend, SocketReceive), Gone> {
        let (send, receive) = self.session.accept_bi().await.map_err(Gone::because)?;
        Ok((SocketSend(send), SocketReceive(receive)))
    }

    fn exporter(&self) -> Option<[u8; 32]> {
        None
    }

    fn widen(&self) {
        self.room.set(None);
    }

    /// Few bytes are read before the proof in all, in however many pieces they come.
    fn pieces(&self) -> u64 {
        0
    }

    fn close(&self, code: CloseCode, reason: &str) {
        self.session.close(code.number(), reason);
        // What it says now has to be read, for it is what ends the connection.
        self.room.set(None);
    }
}

/// The half that is written.
pub(super) struct SocketSend(SendStream);

impl SendHalf for SocketSend {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        self.0.write_chunk(bytes).await.map_err(Gone::because)
    }

    fn finish(&mut self) {
        // Fails only on a stream that has ended already.
        let _ = self.0.finish();
    }

    async fn taken(&mut self) {
        let _ = self.0.closed().await;
    }

    fn reset(&mut self, code: ResetCode) {
        self.0.reset(code.number());
    }

    fn set_priority(&mut self, priority: i32) {
        self.0.set_priority(priority);
    }
}

/// The half that is read.
pub(super) struct SocketReceive(RecvStream);

impl ReceiveHalf for SocketReceive {
    async fn read(&mut self, decoder: &mut Decoder) -> Result<bool, Gone> {
        let chunk = self.0.read_chunk(decoder.room()).await.map_err(Gone::because)?;
        Ok(chunk.is_some_and(|chunk| {
            decoder.push(&chunk);
            true
        }))
    }

    async fn read_byte(&mut self) -> Result<Option<u8>, Gone> {
        let chunk = self.0.read_chunk(1).await.map_err(Gone::because)?;
        Ok(chunk.and_then(|chunk| chunk.first().copied()))
    }

    fn stop(&mut self, code: ResetCode) {
        self.0.stop(code.number());
    }
}
