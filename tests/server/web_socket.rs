//! Pages over a WebSocket: the same service and the same refusals, and who may connect.
//!
//! Must never hold: a page that means ill (see `tests/hostile/web_socket.rs`), or a server that is killed.

use std::net::SocketAddr;
use std::time::Duration;

use adsum::model::RefusalCode as Code;
use adsum::protocol::body::{CaughtUp, FeedReady, Hello, MessageEvent, PresenceEvent};
use adsum::server::{self, ServerConfig};
use adsum::wire::{CloseCode, ResetCode, StreamType};
use bytes::Bytes;
use qmux::{Error, Session};
use web_transport_quinn::generic::{Error as _, Session as _};

use super::web::certificate_in;
use crate::support::page::{Page, PageEnd, PageStream, hello, refused};
use crate::support::peer::{Device, inbox_feed, note_of, presence_feed};
use crate::support::server::{Running, any_port, config};
use crate::support::socket::{RIGHT, Upgrade, answer, connect, connect_encrypted, page_of};
use crate::support::web;
use crate::support::within;

async fn start() -> Running {
    Running::start_with(|config| config.web.websocket = Some(any_port())).await
}

fn address(running: &Running) -> SocketAddr {
    running.server.websocket_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_enrols_publishes_watches_sends_and_reads_over_a_socket() {
    let running = start().await;
    let key = running.server.server_key_hash();
    let mut alice = page_of(address(&running), &key, "alice").await;
    let (_http3, mut bob) = web::page_of(running.address(), &key, "bob").await;
    alice.publish("over a socket").await;
    bob.subscribe("alice", 0).await;
    let mut feed = bob.feed(&presence_feed(Bytes::new())).await;
    let _: FeedReady = feed.read().await;
    let event: PresenceEvent = feed.read().await;
    assert_eq!(note_of(&event.presence.document).as_deref(), Some("over a socket"));
    bob.publish("over UDP").await;
    alice.subscribe("bob", 0).await;
    let mut feed = alice.feed(&presence_feed(Bytes::new())).await;
    let _: FeedReady = feed.read().await;
    let event: PresenceEvent = feed.read().await;
    assert_eq!(note_of(&event.presence.document).as_deref(), Some("over UDP"));
    let _: CaughtUp = feed.read().await;
    // Larger than what may be read before the proof, and than a record.
    let body = vec![7; 60_000];
    bob.send("alice", "m1", &body).await;
    alice.send("bob", "m2", &body).await;
    let mut messages = alice.feed(&inbox_feed("alice")).await;
    let _: FeedReady = messages.read().await;
    let message: MessageEvent = messages.read().await;
    assert_eq!(message.message.body.unwrap(), body);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_path_origin_or_token_is_refused() {
    let running = start().await;
    let status = async |upgrade| {
        let head = answer(address(&running), upgrade).await;
        head.split(' ').nth(1).unwrap_or_else(|| panic!("{head}")).to_owned()
    };
    assert_eq!(status(RIGHT).await, "101");
    assert_eq!(status(Upgrade { origin: None, ..RIGHT }).await, "101");
    assert_eq!(status(Upgrade { token: Some("moq, qmux-02.adsum-1"), ..RIGHT }).await, "101");
    for path in ["/", "/adsum/", "/adsum?token=1", "/web.json"] {
        assert_eq!(status(Upgrade { path, ..RIGHT }).await, "404", "{path}");
    }
    for (host, origin) in [
        ("127.0.0.1:2779", "https://evil.example"),
        ("127.0.0.1:2779", "null"),
        ("evil.example", "https://evil.example"),
        ("", "https://evil.example"),
    ] {
        let origin = Some(origin);
        assert_eq!(status(Upgrade { host, origin, ..RIGHT }).await, "403", "{host} {origin:?}");
    }
    let tokens = ["qmux-02", "qmux-01.adsum-1", "qmux-02.adsum-2", "webtransport", "adsum-1"];
    for token in tokens.map(Some).into_iter().chain([None]) {
        assert_eq!(status(Upgrade { token, ..RIGHT }).await, "400", "{token:?}");
    }
    let head = answer(address(&running), RIGHT).await.to_ascii_lowercase();
    assert!(head.contains("sec-websocket-protocol: qmux-02.adsum-1\r\n"), "{head}");
    running.stop().await;
}

/// The code with which a session was ended.
async fn over(session: &Session) -> u32 {
    let error: Error = within("the session ends", session.closed()).await;
    error.session_error().unwrap_or_else(|| panic!("{error}")).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_hears_why_a_stream_or_its_session_ends_over_a_socket() {
    let running = start().await;
    let key = running.server.server_key_hash();
    let alice = page_of(address(&running), &key, "alice").await;
    let (send, receive) = alice.session.open_bi().await.unwrap();
    let mut typeless = PageStream::<Session>::of(send, receive);
    typeless.bytes(&[0x77]).await;
    assert_eq!(typeless.end().await, PageEnd::Reset(ResetCode::Unsupported.number()));
    let _second = PageStream::<Session>::open(&alice.session, StreamType::Control).await;
    assert_eq!(over(&alice.session).await, CloseCode::ProtocolViolation.number());
    let session = connect(address(&running)).await.unwrap();
    let mut control = PageStream::<Session>::open(&session, StreamType::Control).await;
    let signature = Bytes::from_static(&[7; 64]);
    control.write(&Hello { proof: 1, signature, ..hello(&Device::of("alice")) }).await;
    assert_eq!(refused(&mut control).await, Code::BadProof as u16);
    assert_eq!(over(&session).await, CloseCode::AuthFailed.number());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_over_a_socket_has_64_streams_and_hears_a_shutdown() {
    let running = start().await;
    let key = running.server.server_key_hash();
    let alice = page_of(address(&running), &key, "alice").await;
    let mut streams = Vec::new();
    // With CONTROL.
    for _ in 1..64 {
        streams.push(within("there is room", alice.session.open_bi()).await.unwrap());
    }
    let short = Duration::from_millis(100);
    assert!(tokio::time::timeout(short, alice.session.open_bi()).await.is_err(), "a 65th waits");
    assert!(tokio::time::timeout(short, alice.session.open_uni()).await.is_err(), "none one way");
    let session = alice.session.clone();
    running.stop().await;
    assert_eq!(over(&session).await, CloseCode::GoingAway.number());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_a_socket_pages_are_told_so_and_it_is_never_in_the_clear_on_a_network() {
    let running = start().await;
    let told = web::card(running.http()).await;
    let port = address(&running).port();
    let socket =
        serde_json::json!({"port": port, "encrypted": false, "protocol": "qmux-02.adsum-1"});
    assert_eq!(told["websocket"], socket);
    running.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let anywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let mut config: ServerConfig = config(folder.path());
    config.web.websocket = Some(anywhere);
    let fault = server::start(config).await.err().unwrap().to_string();
    assert!(fault.starts_with("web.websocket 0.0.0.0:0 would be unencrypted"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_certificates_from_files_a_socket_is_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = certificate_in(folder.path());
    let running = Running::start_with(|config| {
        config.certificate = Some(files);
        config.web.websocket = Some(any_port());
    })
    .await;
    assert_eq!(web::card(running.http()).await["websocket"]["encrypted"], true);
    assert!(connect(address(&running)).await.is_err(), "not in the clear");
    let key = running.server.server_key_hash();
    let session = connect_encrypted(address(&running)).await;
    Page::enter(session, &key, "alice").await.publish("by name").await;
    running.stop().await;
}
