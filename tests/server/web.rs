//! Pages over WebTransport: the same service and the same refusals, who may connect, and certificates that pages pin.
//!
//! Must never hold: a page that means ill (see `tests/hostile/web.rs`), or a server that is killed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use adsum::model::RefusalCode as Code;
use adsum::protocol::body::{
    CaughtUp, FeedReady, Fetch, Hello, InboxState, InboxStatus, MessageEvent, Presence,
    PresenceEvent,
};
use adsum::server::{self, CertificateFiles, Clock, Server};
use adsum::wire::{CloseCode, EXPORTER_CONTEXT, EXPORTER_LABEL, HTTP3, ResetCode, StreamType};
use bytes::Bytes;

use super::clock::Played;
use crate::support::http::page as http_page;
use crate::support::page::{Page, PageEnd, PageStream, hello, refused};
use crate::support::peer::{Device, Manner, Peer, Session, inbox_feed, note_of, presence_feed};
use crate::support::server::{Running, config};
use crate::support::web::{Asking, Http3, RIGHT, card, hashes, over, page_of};
use crate::support::{inbox, presentity, until, within};

type Over = web_transport_quinn::Session;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_enrols_publishes_watches_sends_and_reads() {
    let running = Running::start().await;
    let key = running.server.server_key_hash();
    let (_one, mut alice) = page_of(running.address(), &key, "alice").await;
    let (_other, mut bob) = page_of(running.address(), &key, "bob").await;
    assert_eq!(alice.session.protocol(), Some("adsum/1"));
    alice.publish("at my desk").await;
    bob.subscribe("alice", 0).await;
    let mut feed = bob.feed(&presence_feed(Bytes::new())).await;
    let ready: FeedReady = feed.read().await;
    assert_eq!(ready.pending, 1);
    assert_eq!(shown(&mut feed).await, "at my desk");
    let _: CaughtUp = feed.read().await;
    alice.publish("away").await;
    assert_eq!(shown(&mut feed).await, "away");
    bob.send("alice", "m1", b"lunch?").await;
    let mut messages = alice.feed(&inbox_feed("alice")).await;
    let _: FeedReady = messages.read().await;
    let message: MessageEvent = messages.read().await;
    assert_eq!(
        (message.message.id.as_str(), &message.message.body.unwrap()[..]),
        ("m1", &b"lunch?"[..])
    );
    let status: InboxState = alice.query(&InboxStatus { inbox: inbox("alice") }).await;
    assert_eq!(status.waiting, 1);
    running.stop().await;
}

/// The note of the change that comes next.
async fn shown(feed: &mut PageStream<Over>) -> String {
    let event: PresenceEvent = feed.read().await;
    note_of(&event.presence.document).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_and_a_native_client_are_told_of_each_other() {
    let running = Running::start().await;
    let mut alice = Session::enter(running.address(), "alice").await;
    let key = running.server.server_key_hash();
    let (_http3, mut bob) = page_of(running.address(), &key, "bob").await;
    alice.publish("native").await;
    let fetch = |name| Fetch { presentity: presentity(name) };
    let seen: Presence = bob.query(&fetch("alice")).await;
    assert_eq!(note_of(&seen.presence.document).as_deref(), Some("native"));
    bob.publish("in a page").await;
    let seen: Presence = alice.query(&fetch("bob")).await;
    assert_eq!(note_of(&seen.presence.document).as_deref(), Some("in a page"));
    running.stop().await;
}

/// The status by which `asking` is refused.
async fn status(running: &Running, asking: Asking<'_>) -> u16 {
    let http3 = Http3::connect(running.address()).await;
    let Err(error) = http3.ask(&asking).await else { panic!("a session was opened") };
    let told = error.to_string();
    let digits = told.rsplit_once("Some(").map(|(_, rest)| rest.trim_end_matches(')').to_owned());
    digits.unwrap_or_else(|| panic!("{told}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_path_origin_or_protocol_is_refused() {
    let running = Running::start_with(|config| {
        config.web.origins = vec!["https://app.example".parse().unwrap()];
    })
    .await;
    for path in ["/", "/adsum/", "/adsum2", "/adsum?token=1"] {
        assert_eq!(status(&running, Asking { path, ..RIGHT }).await, 404, "{path}");
    }
    for (host, origin) in [
        ("127.0.0.1", "https://evil.example"),
        ("127.0.0.1", "http://app.example"),
        ("127.0.0.1", "null"),
        ("127.0.0.1", ""),
        ("evil.example", "https://evil.example"),
    ] {
        let origin = Some(origin);
        assert_eq!(status(&running, Asking { host, origin, ..RIGHT }).await, 403, "{origin:?}");
    }
    for protocols in [&["adsum/2"][..], &["moq", "adsum"]] {
        assert_eq!(status(&running, Asking { protocols, ..RIGHT }).await, 400, "{protocols:?}");
    }
    let many = vec!["another-protocol"; 100];
    assert_eq!(status(&running, Asking { protocols: &many, ..RIGHT }).await, 431);
    for (host, origin) in
        [("127.0.0.1", Some("https://app.example")), ("x.d.example", Some("https://x.d.example"))]
    {
        let http3 = Http3::connect(running.address()).await;
        assert!(http3.ask(&Asking { host, origin, ..RIGHT }).await.is_ok(), "{host} {origin:?}");
    }
    let http3 = Http3::connect(running.address()).await;
    let several = Asking { origin: None, protocols: &["moq", "adsum/1"], ..RIGHT };
    assert_eq!(http3.ask(&several).await.unwrap().protocol(), Some("adsum/1"));
    // A browser that does not know that protocols can be offered.
    let http3 = Http3::connect(running.address()).await;
    let none = Asking { protocols: &[], ..RIGHT };
    assert_eq!(http3.ask(&none).await.unwrap().protocol(), None);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_proves_itself_over_the_challenge_and_by_no_exporter() {
    let running = Running::start().await;
    let (key, device) = (running.server.server_key_hash(), Device::of("alice"));
    let http3 = Http3::connect(running.address()).await;
    let session = http3.ask(&RIGHT).await.unwrap();
    let mut control = PageStream::<Over>::open(&session, StreamType::Control).await;
    let mut fresh = [0; 32];
    http3.connection.export_keying_material(&mut fresh, EXPORTER_LABEL, b"").unwrap();
    let signature = device.sign(EXPORTER_CONTEXT, &key, &fresh);
    control.write(&Hello { proof: 1, signature, ..hello(&device) }).await;
    assert_eq!(refused(&mut control).await, Code::BadProof as u16);
    assert_eq!(over(&session).await.0, CloseCode::AuthFailed.number());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_hears_why_a_stream_or_its_session_ends() {
    let running = Running::start().await;
    let key = running.server.server_key_hash();
    let (_http3, alice) = page_of(running.address(), &key, "alice").await;
    let mut unknown = PageStream::<Over>::open(&alice.session, StreamType::Query).await;
    unknown.bytes(&[0, 0, 0, 2, 0x7f, 0xff]).await;
    assert!(matches!(unknown.end().await, PageEnd::Reset(_) | PageEnd::Finished));
    let (send, receive) = alice.session.open_bi().await.unwrap();
    let mut typeless = PageStream::<Over>::of(send, receive);
    typeless.bytes(&[0x77]).await;
    assert_eq!(typeless.end().await, PageEnd::Reset(ResetCode::Unsupported.number()));
    let mut feed = alice.feed(&presence_feed(Bytes::new())).await;
    let _second = PageStream::<Over>::open(&alice.session, StreamType::Control).await;
    let cut_short = PageEnd::Reset(ResetCode::GoingAway.number());
    assert_eq!(feed.end().await, cut_short, "before the session is over");
    let (code, reason) = over(&alice.session).await;
    assert_eq!(code, CloseCode::ProtocolViolation.number());
    assert_eq!(reason, "there is a CONTROL stream already");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_64_streams_beside_that_of_its_session_and_hears_a_shutdown() {
    let running = Running::start().await;
    let key = running.server.server_key_hash();
    let (_http3, alice) = page_of(running.address(), &key, "alice").await;
    let mut streams = Vec::new();
    // With CONTROL.
    for _ in 1..64 {
        streams.push(within("there is room", alice.session.open_bi()).await.unwrap());
    }
    let short = Duration::from_millis(100);
    assert!(tokio::time::timeout(short, alice.session.open_bi()).await.is_err(), "a 65th waits");
    drop(streams);
    let session = alice.session.clone();
    running.stop().await;
    assert_eq!(over(&session).await.0, CloseCode::GoingAway.number());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hash_that_is_told_is_that_of_what_is_shown_and_outlives_a_restart() {
    let running = Running::start().await;
    let told = card(running.http()).await;
    let [shown, next] = hashes(&told);
    let http3 = Http3::connect(running.address()).await;
    assert_eq!(http3.certificate_hash(), shown);
    assert_eq!(told["port"], running.address().port());
    assert_eq!((&told["path"], &told["protocol"]), (&"/adsum".into(), &"adsum/1".into()));
    let key = data_encoding::HEXLOWER.encode(&running.server.server_key_hash());
    assert_eq!(told["server_key"], key);
    let file = std::fs::read_to_string(running.data.path().join("web.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&file).unwrap(), told);
    // Native clients are shown the key that they pin.
    let native = Peer::connect(running.address()).await;
    assert_eq!(native.server_key, running.server.server_key_hash());
    let running = running.restart().await;
    assert_eq!(hashes(&card(running.http()).await), [shown, next]);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_may_connect_may_read_what_it_must_know() {
    let running = Running::start().await;
    let asked = |origin| {
        let lines = format!("/web.json HTTP/1.1\r\nOrigin: {origin}\r\nX-Rest:");
        let http = running.http();
        async move { http_page(http, &lines).await.to_ascii_lowercase() }
    };
    let allowed = "access-control-allow-origin: http://localhost:8080";
    assert!(asked("http://localhost:8080").await.contains(allowed));
    let refused = asked("https://evil.example").await;
    assert!(refused.contains("200 ok") && !refused.contains("access-control"), "{refused}");
    running.stop().await;
}

async fn serve(data: &Path, clock: &Arc<Played>) -> Server {
    let mut config = config(data);
    config.timeouts.certificate_poll = Duration::from_millis(10);
    server::start_with_clock(config, Arc::clone(clock) as Arc<dyn Clock>).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_while_pages_are_open() {
    let (data, clock) = (tempfile::tempdir().unwrap(), Arc::new(Played::default()));
    let server = serve(data.path(), &clock).await;
    let (address, key) = (server.local_addr(), server.server_key_hash());
    let [before, next] = hashes(&card(server.http_addr().unwrap()).await);
    let (_http3, mut alice) = page_of(address, &key, "alice").await;
    clock.pass(11 * 24 * 60 * 60);
    let [shown, after] = until("the next one is shown", async || {
        let told = hashes(&card(server.http_addr().unwrap()).await);
        (told[0] != before).then_some(told)
    })
    .await;
    assert_eq!(shown, next, "who knew both hashes still connects");
    assert!(after != before && after != next);
    alice.publish("still here").await;
    let (http3, mut bob) = page_of(address, &key, "bob").await;
    assert_eq!(http3.certificate_hash(), next);
    bob.publish("just come").await;
    server.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_pages_are_not_served_http3_is_not_spoken() {
    let running = Running::start_with(|config| config.web.webtransport = false).await;
    let fault = Http3::try_connect(running.address()).await.err().unwrap().to_string();
    assert!(fault.contains("protocol"), "{fault}");
    assert!(http_page(running.http(), "/web.json").await.contains("404"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_speaks_both_speaks_ours_and_is_shown_the_key_that_it_pins() {
    let running = Running::start().await;
    let manner = Manner { also: Some(HTTP3.to_vec()), ..Manner::default() };
    let device = Device::of("alice");
    let mut alice = Session::enter_as(running.address(), &device, manner).await;
    assert_eq!(alice.peer.server_key, running.server.server_key_hash());
    alice.publish("native").await;
    running.stop().await;
}

/// A certificate of the operator's in `folder`, and its bytes.
pub(super) fn certificate_in(folder: &Path) -> (CertificateFiles, Vec<u8>) {
    let of = rcgen::generate_simple_self_signed(vec!["d.example".to_owned()]).unwrap();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, of.cert.pem()).unwrap();
    std::fs::write(&key, of.signing_key.serialize_pem()).unwrap();
    (CertificateFiles { chain, key }, of.cert.der().to_vec())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_certificates_from_files_pages_are_shown_those() {
    let folder = tempfile::tempdir().unwrap();
    let (files, certificate) = certificate_in(folder.path());
    let running = Running::start_with(|config| config.certificate = Some(files)).await;
    let told = card(running.http()).await;
    assert_eq!(told["certificate_hashes"].as_array().unwrap().len(), 0);
    let key = running.server.server_key_hash();
    let (http3, mut alice): (_, Page<Over>) = page_of(running.address(), &key, "alice").await;
    let shown = ring::digest::digest(&ring::digest::SHA256, &certificate);
    assert_eq!(http3.certificate_hash(), data_encoding::HEXLOWER.encode(shown.as_ref()));
    alice.publish("by name").await;
    running.stop().await;
}
