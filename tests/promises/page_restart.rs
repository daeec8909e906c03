//! A page goes on where it was after its server was killed, over WebTransport and over a WebSocket: nothing acknowledged is
//! lost or comes twice.
//!
//! Must never hold: what the client library does by itself.

use std::net::SocketAddr;

use adsum::protocol::body::{CaughtUp, FeedAck, FeedReady, MessageEvent, PresenceEvent};
use bytes::Bytes;
use tokio::task::block_in_place;
use web_transport_quinn::generic::Session;

use crate::support::child::Process;
use crate::support::page::{Page, PageStream};
use crate::support::peer::{inbox_feed, note_of, presence_feed};
use crate::support::web::{Http3, card, hashes};
use crate::support::{socket, web, within};

/// What a page learns from its server before it connects.
async fn server_key(server: &Process) -> [u8; 32] {
    let told = card(server.http).await;
    let key = data_encoding::HEXLOWER.decode(told["server_key"].as_str().unwrap().as_bytes());
    key.unwrap().try_into().unwrap()
}

async fn over_udp(server: &Process, name: &str) -> (Http3, Page<web_transport_quinn::Session>) {
    web::page_of(server.address, &server_key(server).await, name).await
}

async fn over_a_socket(server: &Process, name: &str) -> ((), Page<qmux::Session>) {
    let port = card(server.http).await["websocket"]["port"].as_u64().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port.try_into().unwrap()));
    ((), socket::page_of(address, &server_key(server).await, name).await)
}

fn kill_and_restart(server: &mut Process) {
    block_in_place(|| {
        server.kill();
        server.start_again();
    });
}

async fn next<S: Session>(feed: &mut PageStream<S>) -> (String, Bytes) {
    let event: PresenceEvent = feed.read().await;
    (note_of(&event.presence.document).unwrap(), event.cursor)
}

/// The story, of pages that `enter`; what holds their connections comes with them.
async fn resumes<S: Session, H>(enter: impl AsyncFn(&Process, &str) -> (H, Page<S>)) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = block_in_place(|| Process::start(folder.path()));
    let pinned = hashes(&card(server.http).await);
    let (_one, mut alice) = enter(&server, "alice").await;
    let (_other, mut bob) = enter(&server, "bob").await;
    alice.publish("first").await;
    bob.subscribe("alice", 1).await;
    let mut feed = bob.feed(&presence_feed(Bytes::new())).await;
    let _: FeedReady = feed.read().await;
    let (note, cursor) = next(&mut feed).await;
    assert_eq!(note, "first");
    let _: CaughtUp = feed.read().await;
    feed.write(&FeedAck { cursor: cursor.clone() }).await;
    alice.publish("second").await;
    assert!(!alice.send("bob", "m1", b"lunch?").await.duplicate);
    kill_and_restart(&mut server);
    within("the page hears of it", bob.session.closed()).await;
    assert_eq!(hashes(&card(server.http).await), pinned, "what was pinned is shown");
    let (_one, mut alice) = enter(&server, "alice").await;
    let (_other, bob) = enter(&server, "bob").await;
    assert!(alice.send("bob", "m1", b"lunch?").await.duplicate, "what was acknowledged is known");
    alice.publish("third").await;
    let mut feed = bob.feed(&presence_feed(cursor)).await;
    let ready: FeedReady = feed.read().await;
    assert_eq!((ready.outcome, ready.complete), (1, true), "it is resumed");
    assert_eq!(next(&mut feed).await.0, "second");
    assert_eq!(next(&mut feed).await.0, "third");
    let mut messages = bob.feed(&inbox_feed("bob")).await;
    let ready: FeedReady = messages.read().await;
    assert_eq!(ready.pending, 1);
    let message: MessageEvent = messages.read().await;
    assert_eq!(message.message.id, "m1");
    let _: CaughtUp = messages.read().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_resumes_over_a_kill_without_gap_or_duplicate() {
    resumes(over_udp).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_over_a_socket_resumes_over_a_kill_without_gap_or_duplicate() {
    resumes(over_a_socket).await;
}
