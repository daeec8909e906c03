//! A client that speaks frames and nothing above them.
//!
//! Must never hold: anything of `adsum::client`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::soon;
use crate::protocol::body::{
    Body, Challenge, ChallengeAnswer, End, Enroll, Hello, Refused, Welcome,
};
use crate::server::Server;
use crate::wire::{
    ALPN, CHALLENGE_CONTEXT, Decoder, EXPORTER_CONTEXT, EXPORTER_LABEL, Frame, StreamType, VERSION,
    decode, encode, proof_bytes,
};

/// A connection that may act, with its CONTROL stream.
pub(super) struct Peer {
    pub(super) connection: Connection,
    pub(super) control: Stream,
    pub(super) welcome: Welcome,
    // Dropping it would end the connection.
    _endpoint: Endpoint,
}

/// A device: a key and a principal.
#[derive(Clone, Copy)]
pub(super) struct Device {
    pub(super) principal: &'static str,
    pub(super) seed: u8,
}

pub(super) const ALICE: Device = Device { principal: "alice@localhost", seed: 1 };
pub(super) const BOB: Device = Device { principal: "bob@localhost", seed: 2 };

impl Device {
    fn pair(self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[self.seed; 32]).unwrap()
    }

    pub(super) fn key(self) -> [u8; 32] {
        self.pair().public_key().as_ref().try_into().unwrap()
    }

    fn sign(self, server: &Server, context: &[u8], fresh: [u8; 32]) -> Bytes {
        let hash = server.server_key_hash();
        let signed = proof_bytes(context, &hash, &fresh, &self.key(), self.principal);
        Bytes::copy_from_slice(self.pair().sign(&signed).as_ref())
    }

    /// A `Hello` that enrolls this device if it is not yet, with proof over the exporter.
    pub(super) fn hello(self, server: &Server, connection: &Connection) -> Hello {
        let mut fresh = [0; 32];
        connection.export_keying_material(&mut fresh, EXPORTER_LABEL, &[]).unwrap();
        Hello {
            version: VERSION,
            features: 0,
            principal: self.principal.to_owned(),
            key: self.key(),
            proof: 1,
            signature: self.sign(server, EXPORTER_CONTEXT, fresh),
            enroll: Some(Enroll { token: Bytes::new(), label: "test".to_owned() }),
            client: "test".to_owned(),
        }
    }

    pub(super) async fn connect(self, server: &Server) -> Peer {
        let (endpoint, connection) = reach(server).await;
        let mut control = Stream::open(&connection, StreamType::Control).await;
        control.send(&self.hello(server, &connection)).await;
        let welcome = control.next().await;
        Peer { connection, control, welcome, _endpoint: endpoint }
    }

    pub(super) async fn connect_without_enrolling(self, server: &Server) -> Peer {
        let (endpoint, connection) = reach(server).await;
        let mut control = Stream::open(&connection, StreamType::Control).await;
        control.send(&Hello { enroll: None, ..self.hello(server, &connection) }).await;
        let welcome = control.next().await;
        Peer { connection, control, welcome, _endpoint: endpoint }
    }

    /// Connects with an invite that makes it an administrator, on a server where nobody is enrolled.
    pub(super) async fn connect_first(self, server: &Server) -> Peer {
        let token = Bytes::copy_from_slice(&server.first_invite().unwrap());
        let (endpoint, connection) = reach(server).await;
        let mut control = Stream::open(&connection, StreamType::Control).await;
        let enroll = Some(Enroll { token, label: "test".to_owned() });
        control.send(&Hello { enroll, ..self.hello(server, &connection) }).await;
        let welcome = control.next().await;
        Peer { connection, control, welcome, _endpoint: endpoint }
    }

    pub(super) async fn connect_by_challenge(self, server: &Server) -> Peer {
        let (endpoint, connection) = reach(server).await;
        let mut control = Stream::open(&connection, StreamType::Control).await;
        let hello = self.hello(server, &connection);
        control.send(&Hello { proof: 0, signature: Bytes::new(), ..hello }).await;
        let challenge: Challenge = control.next().await;
        let signature = self.sign(server, CHALLENGE_CONTEXT, challenge.nonce);
        control.send(&ChallengeAnswer { signature }).await;
        let welcome = control.next().await;
        Peer { connection, control, welcome, _endpoint: endpoint }
    }
}

/// Ends the handshake and nothing more.
pub(super) async fn reach(server: &Server) -> (Endpoint, Connection) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let endpoint = Endpoint::client(any).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let tls = QuicClientConfig::try_from(tls).unwrap();
    let config = quinn::ClientConfig::new(Arc::new(tls));
    let connecting = endpoint.connect_with(config, server.local_addr(), "localhost").unwrap();
    let connection = soon(connecting).await.unwrap();
    (endpoint, connection)
}

/// The proof in `Hello` binds to the server's key, which is enough here.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        unreachable!("TLS 1.3 only")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let provider = rustls::crypto::ring::default_provider();
        provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Peer {
    /// Sends a request and reads its answer.
    pub(super) async fn ask<B: Body, A: Body>(&mut self, request: &B) -> A {
        self.control.send(request).await;
        self.control.next().await
    }

    /// Asks a question and reads its answer up to the end, of whatever kinds.
    pub(super) async fn list<B: Body>(&self, question: &B) -> Vec<Frame> {
        let mut stream = Stream::open(&self.connection, StreamType::Query).await;
        stream.send(question).await;
        stream.send.finish().unwrap();
        let mut frames = Vec::new();
        loop {
            match stream.frame().await {
                Some(Frame { kind, .. }) if kind == End::KIND => return frames,
                Some(frame) => frames.push(frame),
                None => panic!("the answer has no end: {frames:?}"),
            }
        }
    }

    /// Asks a question on a stream of its own.
    pub(super) async fn query<B: Body, A: Body>(&self, question: &B) -> A {
        let mut stream = Stream::open(&self.connection, StreamType::Query).await;
        stream.send(question).await;
        stream.send.finish().unwrap();
        stream.next().await
    }

    pub(super) async fn open(&self, kind: StreamType) -> Stream {
        Stream::open(&self.connection, kind).await
    }

    /// Waits until the server closes the connection and returns the code.
    pub(super) async fn closed(&self) -> u64 {
        closed(&self.connection).await
    }
}

/// Waits until the server closes `connection` and returns the code.
pub(super) async fn closed(connection: &Connection) -> u64 {
    match soon(connection.closed()).await {
        quinn::ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        other => panic!("closed otherwise: {other}"),
    }
}

/// What the HTTP side answers to a request for `path`.
pub(super) async fn http(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: adsum\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// One stream.
pub(super) struct Stream {
    pub(super) send: SendStream,
    pub(super) receive: RecvStream,
    decoder: Decoder,
}

impl Stream {
    pub(super) async fn open(connection: &Connection, kind: StreamType) -> Self {
        Self::open_byte(connection, kind.byte()).await
    }

    pub(super) async fn open_byte(connection: &Connection, byte: u8) -> Self {
        let (mut send, receive) = soon(connection.open_bi()).await.unwrap();
        send.write_all(&[byte]).await.unwrap();
        Self { send, receive, decoder: Decoder::default() }
    }

    pub(super) async fn send<B: Body>(&mut self, body: &B) {
        let mut bytes = Vec::new();
        encode(body, &mut bytes);
        self.write(&bytes).await;
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) {
        soon(self.send.write_all(bytes)).await.unwrap();
    }

    /// Writes `bytes` and reads `count` frames at the same time, as a peer must that writes more than fits.
    pub(super) async fn pipeline(&mut self, bytes: Vec<u8>, count: u64) -> Vec<Frame> {
        let Self { send, receive, decoder } = self;
        let write = async { send.write_all(&bytes).await.unwrap() };
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
        soon(async { tokio::join!(write, read) }).await.1
    }

    /// The next frame; `None` at the end of the stream or connection.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            let mut bytes = [0; 4_096];
            let count = soon(self.receive.read(&mut bytes)).await.ok().flatten()?;
            self.decoder.push(&bytes[..count]);
        }
    }

    /// The next frame, which must be of this kind.
    pub(super) async fn next<B: Body>(&mut self) -> B {
        let frame = self.frame().await.unwrap_or_else(|| panic!("no {} came", B::NAME));
        decode(&frame).unwrap_or_else(|fault| {
            panic!("{fault}: {:?}", decode::<Refused>(&frame).map(|refused| refused.message))
        })
    }
}
