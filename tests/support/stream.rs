//! One stream, frame by frame.
//!
//! Must never hold: a part of the client library.

use std::time::Duration;

use adsum::protocol::body::{Body, Refused};
use adsum::wire::{CloseCode, Decoder, Frame, ResetCode, StreamType, decode, encode};
use quinn::{Connection, ReadError, RecvStream, SendStream, VarInt};

use super::within;

/// How a stream, or its whole connection, ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The peer ended it cleanly.
    Finished,
    /// The peer reset it with this code.
    Reset(u64),
    /// The peer closed the connection with this code.
    Closed(u64),
    /// The connection was lost otherwise.
    Lost(String),
}

impl End {
    /// The connection was closed with `code`.
    pub fn closed(code: CloseCode) -> Self {
        Self::Closed(code.number().into())
    }

    /// The stream was reset with `code`.
    pub fn reset(code: ResetCode) -> Self {
        Self::Reset(code.number().into())
    }
}

impl From<quinn::ConnectionError> for End {
    fn from(error: quinn::ConnectionError) -> Self {
        match error {
            quinn::ConnectionError::ApplicationClosed(close) => {
                Self::Closed(close.error_code.into_inner())
            }
            other => Self::Lost(other.to_string()),
        }
    }
}

/// A stream with both halves.
pub struct Stream {
    pub send: SendStream,
    pub receive: RecvStream,
    decoder: Decoder,
}

impl Stream {
    /// Opens a stream without saying what it is for.
    pub async fn blank(connection: &Connection) -> Result<Self, End> {
        let (send, receive) = within("a stream opens", connection.open_bi()).await?;
        Ok(Self { send, receive, decoder: Decoder::default() })
    }

    /// Opens a stream of `kind`.
    pub async fn open(connection: &Connection, kind: StreamType) -> Result<Self, End> {
        let mut stream = Self::blank(connection).await?;
        stream.bytes(&[kind.byte()]).await;
        Ok(stream)
    }

    /// Writes bytes. A peer that does not want them says so when it is read.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        let _ = within("bytes are written", self.send.write_all(bytes)).await;
    }

    /// Writes one frame.
    pub async fn write<B: Body>(&mut self, body: &B) {
        self.bytes(&frame(body)).await;
    }

    /// Ends our half.
    pub fn finish(&mut self) {
        self.send.finish().unwrap();
    }

    /// Resets our half.
    pub fn reset(&mut self, code: u32) {
        self.send.reset(VarInt::from_u32(code)).unwrap();
    }

    /// The next frame.
    pub async fn next(&mut self) -> Result<Frame, End> {
        within("a frame or an end comes", self.next_whenever()).await
    }

    /// The next frame, or nothing if none comes for `time`.
    pub async fn next_for(&mut self, time: Duration) -> Option<Result<Frame, End>> {
        tokio::time::timeout(time, self.next_whenever()).await.ok()
    }

    /// The next frame, however long it takes. May be given up while waiting.
    pub async fn next_whenever(&mut self) -> Result<Frame, End> {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("the server writes frames") {
                return Ok(frame);
            }
            match self.receive.read_chunk(64 * 1024, true).await {
                Ok(Some(chunk)) => self.decoder.push(&chunk.bytes),
                Ok(None) => {
                    self.decoder.finish().expect("the server ends behind a frame");
                    return Err(End::Finished);
                }
                Err(ReadError::Reset(code)) => return Err(End::Reset(code.into_inner())),
                Err(ReadError::ConnectionLost(error)) => return Err(error.into()),
                Err(other) => panic!("{other}"),
            }
        }
    }

    /// The next frame, which must be of this kind.
    pub async fn read<B: Body>(&mut self) -> B {
        let frame =
            self.next().await.unwrap_or_else(|end| panic!("{end:?} instead of {}", B::NAME));
        known(&frame)
    }

    /// The code of the refusal that comes next.
    pub async fn refused(&mut self) -> u16 {
        self.read::<Refused>().await.code
    }

    /// Writes `bytes` and reads `count` frames at the same time, as a peer must that writes more than fits.
    pub async fn pipeline(&mut self, bytes: &[u8], count: u64) -> Vec<Frame> {
        let Self { send, receive, decoder } = self;
        let write = async { send.write_all(bytes).await.unwrap() };
        let read = async {
            let mut frames = Vec::new();
            while (frames.len() as u64) < count {
                let chunk = receive.read_chunk(usize::MAX, true).await.unwrap().unwrap();
                decoder.push(&chunk.bytes);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    frames.push(frame);
                }
            }
            frames
        };
        within("all is written and answered", async { tokio::join!(write, read) }).await.1
    }

    /// How it ends. Frames that come before are passed over.
    pub async fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }
}

/// The bytes of a frame.
pub fn frame<B: Body>(body: &B) -> Vec<u8> {
    let mut out = Vec::new();
    encode(body, &mut out);
    out
}

/// The body of a frame that must be of this kind.
pub fn known<B: Body>(frame: &Frame) -> B {
    decode(frame).unwrap_or_else(|fault| panic!("{fault}; wanted {}: {frame:?}", B::NAME))
}
