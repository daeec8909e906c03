//! A small server for the client's own tests: real QUIC on loopback, one inbox in memory, faults on demand.
//!
//! Must never hold: a rule of the real service. Whole runs against that one are in `tests/`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use quinn::{Connection, Endpoint, RecvStream, SendStream, VarInt};
use ring::signature::{ED25519, UnparsedPublicKey};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::address::{KeyHash, ServerAddress};
use super::state::{Home, Identity};
use crate::model::Principal;
use crate::protocol::{body, body::Body as _};
use crate::wire::{
    self, ALPN, CloseCode, Decoder, EXPORTER_CONTEXT, EXPORTER_LABEL, Frame, StreamType, encode,
    proof_bytes,
};

/// What the server was told and what it is to do.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Says no to every Hello with this code.
    pub(super) refuse_hello: Option<u16>,
    /// Takes this many requests and cuts the connection instead of answering.
    pub(super) cuts: u32,
    /// Takes requests and says nothing.
    pub(super) mute: bool,
    /// The ids of the messages it was sent, repeats too.
    pub(super) sent: Vec<String>,
    /// Hellos whose proof held.
    pub(super) hellos: u32,
    /// Subscriptions begun or renewed.
    pub(super) subscribed: u32,
    /// How long each is good, in milliseconds; a second if 0.
    pub(super) granted_ms: u64,
    /// Tells the watcher as the last change that its subscription ran out, instead of a document.
    pub(super) ran_out: bool,
    /// Messages in the inbox, or changes of presence.
    pub(super) head: u64,
    /// The last one acknowledged.
    pub(super) acknowledged: u64,
    /// Cuts a feed's connection after this many events, once.
    pub(super) cut_feed_after: Option<u64>,
    /// So many feeds are opened as those of a store that was put back.
    pub(super) restored: u32,
    /// The positions at which feeds were opened.
    pub(super) opened_at: Vec<u64>,
    /// Answers the first request with Goaway instead, once.
    pub(super) goaway: bool,
    /// What it was asked to publish: whether with a document, not as a refreshment.
    pub(super) published: Vec<bool>,
    /// Publications are good for so long, in milliseconds.
    pub(super) published_ms: u64,
    /// Refuses so many requests that name a tag, because what was published is gone.
    pub(super) stale: u32,
}

#[derive(Debug)]
pub(super) struct FakeServer {
    endpoint: Endpoint,
    pub(super) key: KeyHash,
    pub(super) script: Arc<Mutex<Script>>,
    /// Where the identities of its clients lie.
    folder: tempfile::TempDir,
}

/// A certificate and its key.
pub(super) type Pair = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A certificate for `localhost`, made once, so that the client's tests need no library that issues some.
pub(super) fn certificate() -> Pair {
    pair(include_bytes!("fixtures/one.certificate.der"), include_bytes!("fixtures/one.key.der"))
}

/// Another one, with another key.
pub(super) fn other_certificate() -> Pair {
    pair(include_bytes!("fixtures/other.certificate.der"), include_bytes!("fixtures/other.key.der"))
}

fn pair(certificate: &'static [u8], key: &'static [u8]) -> Pair {
    (certificate.into(), PrivateKeyDer::try_from(key).unwrap())
}

/// A server endpoint on loopback that shows what `resolver` gives and speaks `alpn`.
pub(super) fn endpoint(
    resolver: Arc<dyn rustls::server::ResolvesServerCert>,
    alpn: &[u8],
) -> Endpoint {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    tls.alpn_protocols = vec![alpn.to_vec()];
    let tls = quinn::crypto::rustls::QuicServerConfig::try_from(tls).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    Endpoint::server(config, SocketAddr::from(([127, 0, 0, 1], 0))).unwrap()
}

/// Shows `certificate` and signs with `key`, whether or not they belong together.
pub(super) fn resolver(
    certificate: CertificateDer<'static>,
    key: &PrivateKeyDer<'static>,
) -> Arc<dyn rustls::server::ResolvesServerCert> {
    let key = rustls::crypto::ring::sign::any_supported_type(key).unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![certificate], key);
    Arc::new(rustls::sign::SingleCertAndKey::from(certified))
}

pub(super) fn address_of(endpoint: &Endpoint) -> ServerAddress {
    endpoint.local_addr().unwrap().to_string().parse().unwrap()
}

impl FakeServer {
    pub(super) fn start() -> Self {
        Self::showing(certificate())
    }

    pub(super) fn with_another_key() -> Self {
        Self::showing(other_certificate())
    }

    fn showing((certificate, key): Pair) -> Self {
        let key_hash = super::connection::key_of_certificate(&certificate);
        let endpoint = endpoint(resolver(certificate, &key), ALPN);
        let script = Arc::new(Mutex::new(Script::default()));
        tokio::spawn(accept(endpoint.clone(), key_hash, Arc::clone(&script)));
        let folder = tempfile::tempdir().unwrap();
        Self { endpoint, key: key_hash, script, folder }
    }

    pub(super) fn address(&self) -> ServerAddress {
        address_of(&self.endpoint)
    }

    pub(super) fn with<R>(&self, change: impl FnOnce(&mut Script) -> R) -> R {
        change(&mut self.script.lock().unwrap())
    }

    /// An identity of this server, as if it had been enrolled.
    pub(super) fn identity(&self) -> Identity {
        self.identity_at(&self.address())
    }

    /// The same, reached at `address`.
    pub(super) fn identity_at(&self, address: &ServerAddress) -> Identity {
        let home = Home::at(self.folder.path());
        let alice: Principal = "alice@localhost".parse().unwrap();
        home.identity(&alice)
            .unwrap_or_else(|_| home.stage(&alice).unwrap().finish(address, self.key).unwrap())
    }
}

async fn accept(endpoint: Endpoint, key: KeyHash, script: Arc<Mutex<Script>>) {
    while let Some(incoming) = endpoint.accept().await {
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            while let Ok((send, receive)) = connection.accept_bi().await {
                let stream = Stream { send, receive, decoder: Decoder::default() };
                tokio::spawn(serve(connection.clone(), stream, key, Arc::clone(&script)));
            }
        });
    }
}

struct Stream {
    send: SendStream,
    receive: RecvStream,
    decoder: Decoder,
}

impl Stream {
    async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(frame);
            }
            let mut buffer = [0; 4096];
            let count = self.receive.read(&mut buffer).await.ok()??;
            self.decoder.push(&buffer[..count]);
        }
    }

    async fn say<B: body::Body>(&mut self, body: &B) {
        let mut out = Vec::new();
        encode(body, &mut out);
        let _ = self.send.write_all(&out).await;
    }
}

async fn serve(
    connection: Connection,
    mut stream: Stream,
    key: KeyHash,
    script: Arc<Mutex<Script>>,
) {
    let mut first = [0];
    if stream.receive.read_exact(&mut first).await.is_err() {
        return;
    }
    match StreamType::from_byte(first[0]) {
        Some(StreamType::Control) => control(connection, stream, key, script).await,
        Some(StreamType::Query) => query(stream, script).await,
        Some(StreamType::Feed) => feed(connection, stream, script).await,
        None => connection.close(VarInt::from_u32(CloseCode::ProtocolViolation.number()), b""),
    }
}

async fn control(
    connection: Connection,
    mut stream: Stream,
    key: KeyHash,
    script: Arc<Mutex<Script>>,
) {
    let Some(frame) = stream.frame().await else { return };
    let hello: body::Hello = wire::decode(&frame).unwrap();
    let refused = script.lock().unwrap().refuse_hello;
    if let Some(code) = refused {
        stream.say(&refusal(0, code)).await;
        let _ = stream.send.finish();
        let _ = stream.send.stopped().await;
        connection.close(VarInt::from_u32(CloseCode::AuthFailed.number()), b"auth-failed");
        return;
    }
    assert_proof(&connection, key, &hello);
    script.lock().unwrap().hellos += 1;
    stream.say(&welcome(&hello)).await;
    while let Some(frame) = stream.frame().await {
        if frame.kind == body::Subscribe::KIND {
            let request = wire::decode::<body::Subscribe>(&frame).unwrap().request;
            let granted_ms = {
                let mut script = script.lock().unwrap();
                script.subscribed += 1;
                if script.granted_ms == 0 { 1_000 } else { script.granted_ms }
            };
            stream.say(&body::Subscribed { request, state: 1, granted_ms }).await;
            continue;
        }
        if frame.kind == body::Publish::KIND {
            publish(&mut stream, &script, &wire::decode(&frame).unwrap()).await;
            continue;
        }
        let request: body::Send = wire::decode(&frame).unwrap();
        if !answer(&connection, &mut stream, &script, request).await {
            return;
        }
    }
}

async fn publish(stream: &mut Stream, script: &Mutex<Script>, asked: &body::Publish) {
    let (granted_ms, is_stale) = {
        let mut script = script.lock().unwrap();
        script.published.push(asked.document.is_some());
        let is_stale = asked.if_match.is_some() && script.stale > 0;
        script.stale -= u32::from(is_stale);
        (script.published_ms, is_stale)
    };
    if is_stale {
        let stale = crate::model::RefusalCode::StaleTag.number();
        stream.say(&refusal(asked.request, stale)).await;
    } else {
        let tag = asked.operation;
        stream.say(&body::Published { request: asked.request, tag, granted_ms }).await;
    }
}

/// Answers a request, or cuts the connection and tells so.
async fn answer(
    connection: &Connection,
    stream: &mut Stream,
    script: &Mutex<Script>,
    request: body::Send,
) -> bool {
    let (cut, goaway, mute, duplicate) = {
        let mut script = script.lock().unwrap();
        let goaway = core::mem::take(&mut script.goaway);
        let duplicate = script.sent.contains(&request.id);
        if !goaway {
            script.sent.push(request.id);
        }
        let cut = script.cuts > 0;
        script.cuts = script.cuts.saturating_sub(1);
        (cut, goaway, script.mute, duplicate)
    };
    if cut {
        connection.close(VarInt::from_u32(CloseCode::Internal.number()), b"cut");
    } else if mute {
        return true;
    } else if goaway {
        let going = crate::model::RefusalCode::GoingAway.number();
        stream.say(&body::Goaway { deadline_ms: 1_000, reconnect_after_ms: 1 }).await;
        stream.say(&refusal(request.request, going)).await;
    } else {
        stream.say(&body::Sent { request: request.request, duplicate }).await;
    }
    !cut
}

fn refusal(request: u64, code: u16) -> body::Refused {
    let message = "no".to_owned();
    body::Refused { request, code, message, retry_after_ms: None }
}

fn assert_proof(connection: &Connection, key: KeyHash, hello: &body::Hello) {
    let mut exporter = [0; 32];
    connection.export_keying_material(&mut exporter, EXPORTER_LABEL, b"").unwrap();
    let signed = proof_bytes(EXPORTER_CONTEXT, &key.0, &exporter, &hello.key, &hello.principal);
    UnparsedPublicKey::new(&ED25519, hello.key).verify(&signed, &hello.signature).unwrap();
}

fn welcome(hello: &body::Hello) -> body::Welcome {
    body::Welcome {
        version: 1,
        features: 0,
        principal: hello.principal.clone(),
        device: crate::model::PublicKey(hello.key).device().0,
        role: 0,
        enrolled: hello.enroll.is_some(),
        durability: 1,
        time_ms: 0,
        server: "fake".into(),
        recovery: None,
    }
}

async fn query(mut stream: Stream, script: Arc<Mutex<Script>>) {
    let Some(frame) = stream.frame().await else { return };
    if frame.kind == body::InboxStatus::KIND {
        let (head, acknowledged) = {
            let script = script.lock().unwrap();
            (script.head, script.acknowledged)
        };
        let (waiting, kept) = (head - acknowledged, head);
        stream.say(&body::InboxState { head, acknowledged, waiting, kept }).await;
    } else {
        let unknown = crate::model::RefusalCode::UnknownKind.number();
        stream.say(&refusal(0, unknown)).await;
    }
    let _ = stream.send.finish();
}

fn cursor(position: u64) -> Bytes {
    Bytes::copy_from_slice(&position.to_be_bytes())
}

fn position(cursor: &Bytes) -> u64 {
    u64::from_be_bytes(cursor.as_ref().try_into().unwrap())
}

async fn feed(connection: Connection, mut stream: Stream, script: Arc<Mutex<Script>>) {
    let Some(frame) = stream.frame().await else { return };
    let open: body::FeedOpen = wire::decode(&frame).unwrap();
    let (mut at, head, ran_out, restored) = {
        let mut script = script.lock().unwrap();
        let fresh = if open.from_start { 0 } else { script.acknowledged };
        let at = if open.cursor.is_empty() { fresh } else { position(&open.cursor) };
        script.opened_at.push(at);
        let restored = script.restored > 0;
        script.restored = script.restored.saturating_sub(1);
        (at, script.head, script.ran_out, restored)
    };
    stream
        .say(&body::FeedReady {
            outcome: if restored { 2 } else { u8::from(!open.cursor.is_empty()) },
            from: cursor(at),
            to: cursor(head),
            pending: head - at,
            complete: true,
            restored: restored.then(|| Bytes::from_static(&[1])),
        })
        .await;
    let mut number = 0;
    while at < head {
        at += 1;
        number += 1;
        if open.kind == 1 {
            let mut event = presence(&open.presentities[0], number, at);
            if ran_out && at == head {
                (event.presence.state, event.presence.reason) = (2, 1);
            }
            stream.say(&event).await;
        } else {
            stream.say(&message(&open.inbox, number, at)).await;
        }
        let cut = {
            let mut script = script.lock().unwrap();
            script.cut_feed_after.take_if(|after| *after == number).is_some()
        };
        if cut {
            // What was written must arrive before the connection ends.
            let _ = stream.send.finish();
            let _ = stream.send.stopped().await;
            connection.close(VarInt::from_u32(CloseCode::Internal.number()), b"cut");
            return;
        }
    }
    stream.say(&body::CaughtUp { cursor: cursor(at) }).await;
    while let Some(frame) = stream.frame().await {
        let taken: body::FeedAck = wire::decode(&frame).unwrap();
        {
            let mut script = script.lock().unwrap();
            script.acknowledged = script.acknowledged.max(position(&taken.cursor));
        }
        stream.say(&body::FeedAcked { cursor: taken.cursor }).await;
    }
}

fn presence(presentity: &str, number: u64, position: u64) -> body::PresenceEvent {
    let document = body::Document::default();
    let presentity = presentity.to_owned();
    let presence = body::PresenceBody { presentity, state: 1, reason: 0, document };
    body::PresenceEvent { number, cursor: cursor(position), presence, left_out: None }
}

fn message(inbox: &str, number: u64, sequence: u64) -> body::MessageEvent {
    let message = body::MessageBody {
        inbox: inbox.to_owned(),
        sequence,
        sender: "bob@localhost".into(),
        id: format!("m{sequence}"),
        content_type: "text/plain".into(),
        body: Some(Bytes::from_static(b"x")),
        accepted_at_ms: 0,
        lifetime_ms: None,
    };
    body::MessageEvent { number, cursor: cursor(sequence), message, withheld: None }
}
