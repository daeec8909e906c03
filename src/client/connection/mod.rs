//! One connection to a server, without reconnecting: what [`Client`](crate::client::Client) is built on, and what load
//! generators and tests use directly.
//!
//! A connection is usable as soon as TLS is done: `Hello`, requests and feeds may be written in one flight, before
//! `Welcome` arrives. Every read is cancel-safe, so that it can stand in a `select!`.
//! Must never hold: a retry, a file, or a request that outlives the connection.

mod control;
mod dial;
mod endpoint;
mod fault;
mod feed;
mod stream;
mod tls;

use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use quinn::{RecvStream, SendStream, VarInt};

pub use control::{ControlReceiver, ControlSender};
pub use endpoint::{Endpoint, KEEP_ALIVE};
pub use feed::{FeedReceiver, FeedSender};
pub use stream::StreamReader;
pub use tls::Pin;

use super::address::{KeyHash, ServerAddress};
use super::error::ClientError;
use super::exchange::opening;
pub use super::exchange::{ControlEvent, FeedEvent};
use super::state::Credentials;
use crate::protocol::identity::PROOF_EXPORTER;
use crate::protocol::{FeedOpen, FeedSubject, Framed as _, body};
use crate::wire::{CloseCode, EXPORTER_LABEL, StreamType, VERSION};

/// Longest wait for a stream to be opened: at a peer's limit QUIC would wait for ever without a word.
const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Which stream is served first when there is more to send than fits.
#[derive(Clone, Copy)]
enum Priority {
    Query,
    Inbox,
    Presence,
    Control,
}

/// What has passed over a connection so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct Traffic {
    /// Frames sent that the server must acknowledge: what is said, and the signs of life.
    pub(in crate::client) asking: u64,
    /// Packets of the server.
    pub(in crate::client) heard: u64,
}

/// A connection whose server has proven its key.
#[derive(Clone, Debug)]
pub struct Connection {
    quic: quinn::Connection,
    server: Arc<ServerAddress>,
    server_key: KeyHash,
}

impl Connection {
    /// Connects to `server`, trying all its addresses, and checks its key. Gives up after `within`.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::ServerKeyChanged`], [`ClientError::Version`] if the server speaks
    /// another protocol, [`ClientError::Protocol`].
    pub async fn connect(
        endpoint: &Endpoint,
        server: &ServerAddress,
        pin: &Pin,
        within: Duration,
    ) -> Result<Self, ClientError> {
        let (quic, server_key) = dial::connect(endpoint, server, *pin, within).await?;
        Ok(Self { quic, server: Arc::new(server.clone()), server_key })
    }

    /// The key the server has shown and proven to hold.
    pub fn server_key(&self) -> KeyHash {
        self.server_key
    }

    /// Opens CONTROL, the first stream, and writes `Hello` with a proof made for this connection. Does not wait for the
    /// answer: see [`ControlReceiver::welcome`].
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn hello(
        &self,
        credentials: &Credentials,
        enroll: Option<body::Enroll>,
        software: &str,
    ) -> Result<(ControlSender, ControlReceiver), ClientError> {
        let (send, receive) = self.open(Priority::Control).await?;
        let hello = self.introduction(credentials, enroll, software)?;
        let mut sender = ControlSender::new(send, self.server());
        sender.write(&opening(StreamType::Control, &hello)).await?;
        Ok((sender, ControlReceiver::new(StreamReader::new(receive, self.server()))))
    }

    /// The `Hello` of [`Connection::hello`].
    pub(crate) fn introduction(
        &self,
        credentials: &Credentials,
        enroll: Option<body::Enroll>,
        software: &str,
    ) -> Result<body::Hello, ClientError> {
        let mut exporter = [0; 32];
        self.quic
            .export_keying_material(&mut exporter, EXPORTER_LABEL, b"")
            .map_err(|_| ClientError::protocol("TLS gave no exporter"))?;
        let signature = credentials.prove(self.server_key, &exporter);
        Ok(body::Hello {
            version: VERSION,
            features: 0,
            principal: credentials.account().to_owned(),
            key: credentials.public_key().0,
            proof: PROOF_EXPORTER,
            signature: Bytes::copy_from_slice(&signature),
            enroll,
            client: software.to_owned(),
        })
    }

    /// The QUIC connection itself, for what is measured beside the protocol.
    pub fn quic(&self) -> &quinn::Connection {
        &self.quic
    }

    pub(in crate::client) fn traffic(&self) -> Traffic {
        let stats = self.quic.stats();
        let asking = stats.frame_tx.ping + stats.frame_tx.stream;
        Traffic { asking, heard: stats.udp_rx.datagrams }
    }

    /// Asks something that changes nothing on a stream of its own; the answer's frames come from the reader.
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn query<B: body::Body + Sync>(
        &self,
        request: &B,
    ) -> Result<StreamReader, ClientError> {
        let (mut send, receive) = self.open(Priority::Query).await?;
        let bytes = opening(StreamType::Query, request);
        send.write_all(&bytes).await.map_err(|error| fault::unwritten(&self.server, error))?;
        // That the stream is finished twice cannot be: it was opened here.
        let _ = send.finish();
        Ok(StreamReader::new(receive, self.server()))
    }

    /// Opens a feed. Its first event is [`FeedEvent::Ready`].
    ///
    /// # Errors
    /// Those of a connection that ends.
    pub async fn feed(&self, open: &FeedOpen) -> Result<(FeedSender, FeedReceiver), ClientError> {
        let priority = match &open.subject {
            FeedSubject::Presence { .. } => Priority::Presence,
            FeedSubject::Inbox { .. } => Priority::Inbox,
        };
        let (mut send, receive) = self.open(priority).await?;
        let bytes = opening(StreamType::Feed, &open.to_body());
        send.write_all(&bytes).await.map_err(|error| fault::unwritten(&self.server, error))?;
        let reader = StreamReader::new(receive, self.server());
        Ok((FeedSender::new(send, self.server()), FeedReceiver::new(reader)))
    }

    /// The server, for the words of what goes wrong on a stream.
    fn server(&self) -> Arc<ServerAddress> {
        Arc::clone(&self.server)
    }

    async fn open(&self, priority: Priority) -> Result<(SendStream, RecvStream), ClientError> {
        let opened = tokio::time::timeout(OPEN_TIMEOUT, self.quic.open_bi()).await;
        let opened = opened.map_err(|_| ClientError::Lost {
            reason: "the server lets no further stream be opened".into(),
        })?;
        let (send, receive) = opened.map_err(|error| fault::ended(&self.server, error))?;
        // Fails only for a stream that is gone, which the next write tells.
        let _ = send.set_priority(priority as i32);
        Ok((send, receive))
    }

    /// Ends the connection.
    pub fn close(&self, code: CloseCode) {
        self.quic.close(VarInt::from_u32(code.number()), code.as_str().as_bytes());
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.quic.close_reason().is_some()
    }

    /// Waits until the connection has ended and tells why.
    pub async fn closed(&self) -> ClientError {
        let error = self.quic.closed().await;
        fault::ended(&self.server, error)
    }
}

#[cfg(test)]
pub(crate) fn key_of_certificate(certificate: &rustls::pki_types::CertificateDer<'_>) -> KeyHash {
    tls::key_of(certificate).unwrap()
}

#[cfg(test)]
mod tests;
