//! A peer that keeps to the protocol, over quinn and the frames and bodies of the crate, without the client library.
//!
//! The other one is `tests/by_hand/`, which knows `docs/PROTOCOL.md` and nothing of the crate.
//! Must never hold: a part of the client library, which must be able to fail against these tests too.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use adsum::protocol::body::{
    Body, Document, End as AnswerEnd, Enroll, FeedOpen, Hello, Note, Publish, Published, Refused,
    Send, Sent, Subscribe, Subscribed, Tuple, Welcome,
};
use adsum::wire::{ALPN, EXPORTER_CONTEXT, EXPORTER_LABEL, Frame, StreamType, proof_bytes};
use bytes::Bytes;
use quinn::{Connection, ConnectionError, Endpoint, VarInt};
use ring::signature::{Ed25519KeyPair, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::stream::{End, Stream, known};
use super::{inbox, presentity, principal, within};

/// A device of a principal.
pub struct Device {
    pub name: String,
    pub principal: String,
    pub key: [u8; 32],
    pair: Ed25519KeyPair,
}

impl Device {
    /// The first device of `name`: always the same one.
    pub fn of(name: &str) -> Self {
        Self::labelled(name, "first")
    }

    /// A device of `name`: always the same one for the same label.
    pub fn labelled(name: &str, label: &str) -> Self {
        Self::acting_for(principal(name), name, label)
    }

    /// A device of the principal of this whole address.
    pub fn of_principal(principal: &str) -> Self {
        Self::acting_for(principal.to_owned(), principal, "first")
    }

    /// Another device of the principal of this whole address.
    pub fn second_of(principal: &str) -> Self {
        Self::acting_for(principal.to_owned(), principal, "second")
    }

    /// A device that does not say whose it is.
    pub fn anonymous(label: &str) -> Self {
        Self::acting_for(String::new(), "", label)
    }

    fn acting_for(principal: String, name: &str, label: &str) -> Self {
        let seed = blake3::hash(format!("{name} {label}").as_bytes());
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_bytes()).unwrap();
        let key = pair.public_key().as_ref().try_into().unwrap();
        Self { name: name.to_owned(), principal, key, pair }
    }

    /// Signs what proves it.
    pub fn sign(&self, context: &[u8], server_key: &[u8; 32], fresh: &[u8; 32]) -> Bytes {
        let signed = proof_bytes(context, server_key, fresh, &self.key, &self.principal);
        Bytes::copy_from_slice(self.pair.sign(&signed).as_ref())
    }
}

/// What a peer may want of its connection.
#[derive(Clone)]
pub struct Manner {
    pub alpn: Vec<u8>,
    /// What it offers behind that.
    pub also: Option<Vec<u8>>,
    /// Bytes of one stream that may be on their way to us.
    pub stream_window: u32,
    /// The address it comes from.
    pub from: IpAddr,
    /// How long it may hear nothing before it takes the connection for lost; the server does the same.
    pub idle: Duration,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            alpn: ALPN.to_vec(),
            also: None,
            stream_window: 1024 * 1024,
            from: Ipv4Addr::LOCALHOST.into(),
            idle: Duration::from_mins(1),
        }
    }
}

/// A connection on which nothing was said yet.
pub struct Peer {
    pub connection: Connection,
    /// What the server showed.
    pub server_key: [u8; 32],
    _endpoint: Endpoint,
}

impl Peer {
    pub async fn connect(server: SocketAddr) -> Self {
        Self::try_connect(server, Manner::default()).await.unwrap()
    }

    pub async fn try_connect(server: SocketAddr, manner: Manner) -> Result<Self, ConnectionError> {
        let endpoint = Endpoint::client(SocketAddr::new(manner.from, 0)).unwrap();
        let connecting = endpoint.connect_with(client_config(manner), server, "adsum").unwrap();
        let connection = within("the handshake ends", connecting).await?;
        let server_key = key_of(&connection);
        Ok(Self { connection, server_key, _endpoint: endpoint })
    }

    /// A `Hello` with a proof over the exporter, for open enrolment.
    pub fn hello(&self, device: &Device) -> Hello {
        let mut fresh = [0; 32];
        self.connection.export_keying_material(&mut fresh, EXPORTER_LABEL, b"").unwrap();
        Hello {
            version: 1,
            features: 0,
            principal: device.principal.clone(),
            key: device.key,
            proof: 1,
            signature: device.sign(EXPORTER_CONTEXT, &self.server_key, &fresh),
            // Whoever does not say who it is has nothing to enrol for.
            enroll: (!device.principal.is_empty())
                .then(|| Enroll { token: Bytes::new(), label: "by hand".to_owned() }),
            client: "by hand".to_owned(),
        }
    }

    pub async fn open(&self, kind: StreamType) -> Stream {
        Stream::open(&self.connection, kind).await.unwrap()
    }

    /// Says who it is, and whatever comes behind stands on the stream.
    pub async fn say_hello(&self, hello: &Hello) -> Stream {
        let mut control = self.open(StreamType::Control).await;
        control.write(hello).await;
        control
    }

    /// How the connection ends.
    pub async fn end(&self) -> End {
        within("the connection ends", self.connection.closed()).await.into()
    }
}

/// A connection that may act. Nothing is repeated, and nothing comes back after it was lost.
pub struct Session {
    pub peer: Peer,
    pub control: Stream,
    pub welcome: Welcome,
    pub name: String,
    requests: u64,
}

impl Session {
    /// Connects as the first device of `name`, enrolling it if that was not done before.
    pub async fn enter(server: SocketAddr, name: &str) -> Self {
        Self::enter_as(server, &Device::of(name), Manner::default()).await
    }

    pub async fn enter_as(server: SocketAddr, device: &Device, manner: Manner) -> Self {
        Self::try_enter(server, device, manner).await.unwrap()
    }

    /// As [`Session::enter_as`], for a server that may be gone at any moment.
    pub async fn try_enter(
        server: SocketAddr,
        device: &Device,
        manner: Manner,
    ) -> Result<Self, End> {
        let peer = Peer::try_connect(server, manner).await?;
        let hello = peer.hello(device);
        Self::begin(peer, &device.name, &hello).await
    }

    /// Says `hello`, which must be let in.
    pub async fn begin(peer: Peer, name: &str, hello: &Hello) -> Result<Self, End> {
        let mut control = Stream::open(&peer.connection, StreamType::Control).await?;
        control.write(hello).await;
        let frame = control.next().await?;
        let welcome = answer_in(&frame).unwrap_or_else(|code| panic!("refused with {code}"));
        Ok(Self { peer, control, welcome, name: name.to_owned(), requests: 0 })
    }

    /// A number for the next request.
    pub fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// The answer that comes next, which must be to this request.
    pub async fn answer<B: Body>(&mut self) -> Result<B, u16> {
        let frame = self.control.next().await.unwrap();
        answer_in(&frame)
    }

    /// Publishes a note as one's own presence.
    pub async fn publish(&mut self, note: &str) -> Published {
        let body = publish(&self.name, self.requests + 1, note);
        self.requests += 1;
        self.control.write(&body).await;
        self.answer().await.unwrap()
    }

    pub async fn subscribe(&mut self, to: &str, mode: u8) -> Subscribed {
        let body = subscribe(self.number(), to, mode);
        self.control.write(&body).await;
        self.answer().await.unwrap()
    }

    pub async fn send(&mut self, to: &str, id: &str, body: &[u8]) -> Sent {
        let body = message(self.number(), to, id, body);
        self.control.write(&body).await;
        self.answer().await.unwrap()
    }

    /// Sends a request of whatever number and reads what is answered.
    pub async fn request<B: Body, A: Body>(&mut self, request: &B) -> A {
        self.control.write(request).await;
        self.control.read().await
    }

    /// Opens a feed; its first frame has not been read.
    pub async fn feed(&self, open: &FeedOpen) -> Stream {
        let mut feed = self.peer.open(StreamType::Feed).await;
        feed.write(open).await;
        feed
    }

    /// Asks something.
    pub async fn ask<B: Body>(&self, question: &B) -> Stream {
        let mut query = self.peer.open(StreamType::Query).await;
        query.write(question).await;
        query.finish();
        query
    }

    /// Asks something that is answered by one frame.
    pub async fn query<B: Body, A: Body>(&self, question: &B) -> A {
        self.ask(question).await.read().await
    }

    /// Asks something that is answered by any number of frames in front of an end.
    pub async fn list<B: Body>(&self, question: &B) -> Vec<Frame> {
        let mut stream = self.ask(question).await;
        let mut frames = Vec::new();
        loop {
            let frame =
                stream.next().await.unwrap_or_else(|end| panic!("{end:?} after {frames:?}"));
            if frame.kind == AnswerEnd::KIND {
                return frames;
            }
            frames.push(frame);
        }
    }

    pub fn close(&self) {
        self.peer.connection.close(VarInt::from_u32(0), b"done");
    }
}

/// The answer in a frame of CONTROL.
pub fn answer_in<B: Body>(frame: &Frame) -> Result<B, u16> {
    if frame.kind == Refused::KIND { Err(known::<Refused>(frame).code) } else { Ok(known(frame)) }
}

/// Bytes that name an operation, different for every number and text.
pub fn operation(number: u64, text: &str) -> [u8; 16] {
    let hash = blake3::hash(format!("{number} {text}").as_bytes());
    hash.as_bytes()[..16].try_into().unwrap()
}

/// A request that publishes `note` as the presence of `name`, whatever was published before.
pub fn publish(name: &str, request: u64, note: &str) -> Publish {
    Publish {
        request,
        operation: operation(request, note),
        presentity: presentity(name),
        name: String::new(),
        if_match: None,
        lifetime_ms: None,
        document: Some(document(note)),
    }
}

/// One open tuple with a note.
pub fn document(note: &str) -> Document {
    let note =
        Note { language: String::new(), text: Some(Bytes::copy_from_slice(note.as_bytes())) };
    let tuple = Tuple {
        id: "desk".to_owned(),
        basic: 1,
        status_markup: Vec::new(),
        contact: None,
        notes: vec![note],
        timestamp_ms: None,
        markup: Vec::new(),
    };
    Document { tuples: vec![tuple], notes: Vec::new(), markup: Vec::new() }
}

/// The note of a document made by [`document`]; `None` for what is shown when nothing is published.
pub fn note_of(document: &Document) -> Option<String> {
    let tuple = document.tuples.first()?;
    (!tuple.notes.is_empty()).then(|| note_in(tuple))
}

/// The note of a tuple made by [`document`].
pub fn note_in(tuple: &Tuple) -> String {
    let text = tuple.notes[0].text.as_ref().expect("nobody erased it");
    String::from_utf8(text.to_vec()).unwrap()
}

pub fn subscribe(request: u64, to: &str, mode: u8) -> Subscribe {
    Subscribe { request, presentity: presentity(to), mode, lifetime_ms: None, operation: None }
}

pub fn message(request: u64, to: &str, id: &str, body: &[u8]) -> Send {
    Send {
        request,
        inbox: inbox(to),
        sender: String::new(),
        id: id.to_owned(),
        content_type: "text/plain".to_owned(),
        body: Bytes::copy_from_slice(body),
        lifetime_ms: None,
        receipts: None,
    }
}

/// Opens a presence feed of all subscriptions.
pub fn presence_feed(cursor: Bytes) -> FeedOpen {
    let (inbox, presentities) = (String::new(), Vec::new());
    FeedOpen { kind: 1, cursor, window: 0, presentities, inbox, from_start: false, watchers: None }
}

/// Opens the feed of an inbox from its oldest message on.
pub fn inbox_feed(name: &str) -> FeedOpen {
    FeedOpen {
        kind: 2,
        cursor: Bytes::new(),
        window: 0,
        presentities: Vec::new(),
        inbox: inbox(name),
        from_start: true,
        watchers: None,
    }
}

/// How a peer connects.
pub fn client_config(manner: Manner) -> quinn::ClientConfig {
    let idle = manner.idle;
    let protocols = [manner.alpn].into_iter().chain(manner.also).collect();
    let tls = tls_config(protocols);
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    let mut transport = quinn::TransportConfig::default();
    transport
        .stream_receive_window(VarInt::from_u32(manner.stream_window))
        // On loopback; the usual third of a second would be spent at every server that is not there yet.
        .initial_rtt(Duration::from_millis(20))
        .keep_alive_interval(Some(idle / 12))
        .max_idle_timeout(Some(idle.try_into().unwrap()));
    config.transport_config(Arc::new(transport));
    config
}

/// How a peer that offers these protocols encrypts.
pub fn tls_config(protocols: Vec<Vec<u8>>) -> rustls::ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        .with_no_client_auth();
    tls.alpn_protocols = protocols;
    // So that a server that took early data would be found out.
    tls.enable_early_data = true;
    tls
}

fn key_of(connection: &Connection) -> [u8; 32] {
    let identity = connection.peer_identity().expect("the server showed a certificate");
    let chain = identity.downcast::<Vec<CertificateDer<'static>>>().unwrap();
    let parsed = ParsedCertificate::try_from(&chain[0]).unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, &parsed.subject_public_key_info());
    hash.as_ref().try_into().unwrap()
}

/// Takes any certificate whose holder proves its key: the tests know whom they talk to.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
