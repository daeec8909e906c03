//! CONTROL: the stream of everything that changes state.
//!
//! Must never hold: the order of answers (see `resume`).

use std::sync::Arc;

use quinn::SendStream;

use super::fault;
use super::stream::StreamReader;
use crate::client::address::ServerAddress;
use crate::client::error::ClientError;
use crate::client::exchange::{Admission, ControlEvent};
use crate::protocol::{Command, body};
use crate::wire::VERSION;

/// A server that goes away ends its streams first, and the close of the connection may come later.
const ENDED: &str = "the server ended CONTROL";

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
        let Admission::Welcome(welcome) = self.reader.next(Admission::next, ENDED).await? else {
            return Err(ClientError::protocol("a challenge came where a proof was brought"));
        };
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
        self.reader.next(ControlEvent::next, ENDED).await
    }
}
