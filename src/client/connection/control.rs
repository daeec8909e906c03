//! CONTROL: the stream of everything that changes state.
//!
//! Must never hold: the order of answers (see `resume`).

use std::sync::Arc;

use quinn::SendStream;

use super::fault;
use super::stream::{StreamReader, decode};
use crate::client::address::ServerAddress;
use crate::client::error::{ClientError, Refused};
use crate::model::{Lifetime, RefusalCode};
use crate::protocol::body::{self, Body as _};
use crate::protocol::{Answer, Command};
use crate::wire::{Frame, VERSION};

/// One frame from the server on CONTROL after `Welcome`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// An answer.
    Answer {
        /// The number of the request on this connection.
        number: u64,
        /// Yes or no.
        result: Result<Answer, Refused>,
    },
    /// The server is about to go.
    Goaway(body::Goaway),
}

/// Reads a frame of CONTROL; `None` for a kind that may be passed over.
fn control_event(frame: &Frame) -> Result<Option<ControlEvent>, ClientError> {
    let (number, result) = match frame.kind {
        body::Refused::KIND => {
            let refused: body::Refused = decode(frame)?;
            (refused.request, Err(refused.into()))
        }
        body::Goaway::KIND => {
            return decode(frame).map(|goaway| Some(ControlEvent::Goaway(goaway)));
        }
        _ if frame.is_ignorable() => return Ok(None),
        _ => {
            let (number, answer) = Answer::decode(frame).map_err(ClientError::protocol)?;
            (number, Ok(answer))
        }
    };
    Ok(Some(ControlEvent::Answer { number, result }))
}

/// Writes requests. They are answered in the order they are written.
#[derive(Debug)]
pub struct ControlSender {
    stream: SendStream,
    server: Arc<ServerAddress>,
}

impl ControlSender {
    pub(super) fn new(stream: SendStream, server: Arc<ServerAddress>) -> Self {
        Self { stream, server }
    }

    /// Writes a request under `number`, which must be one more than the last.
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn request(&mut self, number: u64, request: &Command) -> Result<(), ClientError> {
        let mut out = Vec::new();
        request.encode(number, &mut out);
        self.write(&out).await
    }

    /// Writes whole frames; several at once cost less than one by one.
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn write(&mut self, frames: &[u8]) -> Result<(), ClientError> {
        let written = self.stream.write_all(frames).await;
        written.map_err(|error| fault::unwritten(&self.server, error))
    }

    /// Writes a first part of `frames` and tells how much. Cancel-safe: nothing is written if it does not resolve.
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn write_some(&mut self, frames: &[u8]) -> Result<usize, ClientError> {
        let written = self.stream.write(frames).await;
        written.map_err(|error| fault::unwritten(&self.server, error))
    }
}

/// A server that goes away before it lets anybody in refuses in its own way.
fn going_away(goaway: &body::Goaway) -> Refused {
    let code = RefusalCode::GoingAway;
    Refused {
        number: code.number(),
        code: Some(code),
        message: "the server is going away; connect again in a moment".into(),
        retry_after: Some(Lifetime::from_ms(goaway.reconnect_after_ms)),
    }
}

/// Reads answers.
#[derive(Debug)]
pub struct ControlReceiver {
    reader: StreamReader,
}

impl ControlReceiver {
    pub(super) fn new(reader: StreamReader) -> Self {
        Self { reader }
    }

    /// The first answer: the session may act. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Refused`] if the server does not let this device in, [`ClientError::Version`],
    /// [`ClientError::Protocol`] for anything else than a `Welcome`, and those of a connection that ends.
    pub async fn welcome(&mut self) -> Result<body::Welcome, ClientError> {
        let frame = self.reader.control().await?;
        if frame.kind == body::Refused::KIND {
            let refused: body::Refused = decode(&frame)?;
            return Err(ClientError::Refused(refused.into()));
        }
        if frame.kind == body::Goaway::KIND {
            return Err(ClientError::Refused(going_away(&decode(&frame)?)));
        }
        let welcome: body::Welcome = decode(&frame)?;
        if welcome.version != VERSION {
            let server = self.reader.server().clone();
            let reason = format!("it answered with version {}", welcome.version);
            return Err(ClientError::Version { server, reason });
        }
        Ok(welcome)
    }

    /// The next answer or announcement. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] for what may not come on CONTROL, and those of a connection that ends.
    pub async fn next(&mut self) -> Result<ControlEvent, ClientError> {
        loop {
            let frame: Frame = self.reader.control().await?;
            if let Some(event) = control_event(&frame)? {
                return Ok(event);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, Decoder, encode};

    fn frame<B: Body>(body: &B) -> Frame {
        let (mut out, mut decoder) = (Vec::new(), Decoder::default());
        encode(body, &mut out);
        decoder.push(&out);
        decoder.next_frame().unwrap().unwrap()
    }

    #[test]
    fn an_unknown_kind_is_passed_over_or_is_a_breach_by_its_number() {
        let unknown = |kind| Frame { kind, body: bytes::Bytes::new() };
        assert_eq!(control_event(&unknown(0x9000)).unwrap(), None);
        assert!(matches!(control_event(&unknown(0x0199)), Err(ClientError::Protocol { .. })));
    }

    #[test]
    fn an_answer_tells_its_request() {
        let event = control_event(&frame(&body::Sent { request: 9, duplicate: true }));
        let result = Ok(Answer::Sent { duplicate: true });
        assert_eq!(event.unwrap(), Some(ControlEvent::Answer { number: 9, result }));
        let event = control_event(&frame(&body::Changed { request: 4, version: 7 }));
        let result = Ok(Answer::Changed { version: 7 });
        assert_eq!(event.unwrap(), Some(ControlEvent::Answer { number: 4, result }));
    }
}
