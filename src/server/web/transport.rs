//! The protocol's streams in a session of WebTransport.
//!
//! Each stream begins with the session it is of; that is read where its first byte is read, under the same time-out and the
//! same counts as a stream without it. Must never hold: what the bytes behind that mean.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::VarInt;
use tokio::time::sleep;
use web_transport_quinn::Session;
use web_transport_quinn::proto::error_to_http3;

use crate::model::limits::STREAMS_OPEN_MAX;
use crate::server::endpoint::RECEIVE_WINDOW;
use crate::session::{Gone, ReceiveHalf, SendHalf, Transport};
use crate::wire::{CloseCode, Decoder, ResetCode};

/// The stream of the request that asked for the session, which stays open as long as it.
pub(super) const OWN_STREAM: u32 = 1;
/// What a stream of the session begins with: the type of a WebTransport stream, and the id of the session, which is that of
/// the connection's first stream. The type has two bytes and stands for itself in no other form that is in use.
const HEAD: [u8; 3] = [0x40, 0x41, 0x00];
/// Between the end of the streams and that of their session: a round trip, within these bounds. Chromium (156) hands on the
/// end of a stream a moment after it came, and kills the page if its session has ended by then.
const QUIET_MIN: Duration = Duration::from_millis(100);
const QUIET_MAX: Duration = Duration::from_millis(400);
/// What stands for the first byte of a stream of no session of ours: no type of the protocol.
const FOREIGN: u8 = 0xff;

/// A session. Cheap to share.
#[derive(Clone)]
pub(in crate::server) struct WebSession(Arc<Session>);

impl WebSession {
    /// The one session of its connection.
    pub(super) fn new(session: Session) -> Self {
        Self(Arc::new(session))
    }
}

impl Transport for WebSession {
    type Send = WebSend;
    type Receive = WebReceive;

    async fn accept(&self) -> Result<(WebSend, WebReceive), Gone> {
        let connection: &quinn::Connection = &self.0;
        let (send, receive) = connection.accept_bi().await.map_err(Gone::because)?;
        let send = WebSend { inner: send, is_over: false };
        Ok((send, WebReceive { inner: receive, head: 0 }))
    }

    /// A browser has none, so nobody is believed by it here.
    fn exporter(&self) -> Option<[u8; 32]> {
        None
    }

    fn widen(&self) {
        self.0.set_receive_window(RECEIVE_WINDOW.into());
        self.0.set_max_concurrent_bi_streams((STREAMS_OPEN_MAX + OWN_STREAM).into());
    }

    fn pieces(&self) -> u64 {
        quinn::Connection::stats(&self.0).frame_rx.stream
    }

    /// Once the page was told how its streams ended.
    fn close(&self, code: CloseCode, reason: &str) {
        let (session, reason) = (Arc::clone(&self.0), reason.to_owned());
        tokio::spawn(async move {
            sleep(session.rtt().clamp(QUIET_MIN, QUIET_MAX)).await;
            session.close(code.number(), reason.as_bytes());
        });
    }
}

/// The half that is written.
pub(in crate::server) struct WebSend {
    inner: quinn::SendStream,
    /// Whether its end was said.
    is_over: bool,
}

impl SendHalf for WebSend {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        SendHalf::write(&mut self.inner, bytes).await
    }

    fn finish(&mut self) {
        self.is_over = true;
        SendHalf::finish(&mut self.inner);
    }

    async fn taken(&mut self) {
        SendHalf::taken(&mut self.inner).await;
    }

    fn reset(&mut self, code: ResetCode) {
        self.is_over = true;
        let _ = self.inner.reset(over_http3(code.number()));
    }

    fn set_priority(&mut self, priority: i32) {
        SendHalf::set_priority(&mut self.inner, priority);
    }
}

/// What is cut short is no clean end, and is told at once, whatever the page has yet to read of it.
impl Drop for WebSend {
    fn drop(&mut self) {
        if !self.is_over {
            self.reset(ResetCode::GoingAway);
        }
    }
}

/// The half that is read.
pub(in crate::server) struct WebReceive {
    inner: quinn::RecvStream,
    /// How much of [`HEAD`] was read.
    head: usize,
}

impl ReceiveHalf for WebReceive {
    async fn read(&mut self, decoder: &mut Decoder) -> Result<bool, Gone> {
        ReceiveHalf::read(&mut self.inner, decoder).await
    }

    /// Behind the head; what has another one is of no type that is known, and is given up as that.
    async fn read_byte(&mut self) -> Result<Option<u8>, Gone> {
        while let Some(expected) = HEAD.get(self.head) {
            match self.inner.read_byte().await? {
                None => return Ok(None),
                Some(byte) if byte != *expected => return Ok(Some(FOREIGN)),
                Some(_) => self.head += 1,
            }
        }
        self.inner.read_byte().await
    }

    fn stop(&mut self, code: ResetCode) {
        let _ = self.inner.stop(over_http3(code.number()));
    }
}

/// The code of a session's stream, where HTTP/3 keeps room for such.
pub(super) fn over_http3(code: u32) -> VarInt {
    VarInt::from_u64(error_to_http3(code)).expect("HTTP/3 has codes that QUIC can carry")
}
