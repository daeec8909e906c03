//! Peers over TCP that mean ill: what they try is ended in time, and no more is read of them than of others.
//!
//! Must never hold: a page that keeps to the protocol (see `tests/server/web_socket.rs`).

use std::net::SocketAddr;
use std::time::Duration;

use adsum::model::limits::UNPROVEN_REQUEST_BYTES_MAX;
use adsum::wire::{CloseCode, StreamType};
use qmux::Session;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use web_transport_quinn::generic::{Error as _, SendStream as _, Session as _};

use crate::support::page::{Page, PageStream};
use crate::support::server::{Running, any_port};
use crate::support::socket::{RIGHT, connect, request};
use crate::support::{until, within};

/// A server that takes one connection of an address, so that whoever comes next tells whether the one before was given back.
async fn narrow() -> (Running, SocketAddr) {
    let running = Running::start_with(|config| {
        config.limits.proxies = Vec::new();
        config.limits.address_connections_max = 1;
        config.timeouts.hello = Duration::from_secs(2);
        config.web.websocket = Some(any_port());
    })
    .await;
    let address = running.server.websocket_addr().unwrap();
    (running, address)
}

/// A session, once there is room for it: the one before may not be over yet.
async fn session(address: SocketAddr) -> Session {
    until("there is room again", async || connect(address).await.ok()).await
}

/// There is room for another, and it may act.
async fn given_back(running: &Running, address: SocketAddr) {
    let (session, key) = (session(address).await, running.server.server_key_hash());
    Page::enter(session.clone(), &key, "bob").await.publish("in").await;
    session.close(0, "done");
}

/// A WebSocket of which nothing but the upgrade was said.
async fn upgraded(address: SocketAddr) -> TcpStream {
    until("there is room again", async || {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request(RIGHT).as_bytes()).await.ok()?;
        let mut answered = [0; 12];
        stream.read_exact(&mut answered).await.ok()?;
        (answered == *b"HTTP/1.1 101").then_some(stream)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_no_socket_is_ended_in_time_and_its_place_given_back() {
    let whole = request(RIGHT);
    for sent in ["", "GET /adsum HTTP/1.1\r\nHost: localhost\r\n", &whole] {
        let (running, address) = narrow().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answered = Vec::new();
        let ended = within("it is ended", stream.read_to_end(&mut answered)).await;
        assert!(ended.is_ok() || answered.is_empty(), "{ended:?}");
        given_back(&running, address).await;
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_is_read_of_a_stranger_than_a_request_and_a_hello_take() {
    let (running, address) = narrow().await;
    let stream = TcpStream::connect(address).await.unwrap();
    // Small buffers of the system, so that what is not read shows.
    let stream = socket2::Socket::from(stream.into_std().unwrap());
    stream.set_send_buffer_size(4_096).unwrap();
    let mut stream = TcpStream::from_std(stream.into()).unwrap();
    let long = format!("GET /adsum HTTP/1.1\r\nX-Long: {}", "x".repeat(8 << 20));
    let written = within("it is ended", stream.write_all(long.as_bytes())).await;
    assert!(written.is_err(), "all of it was taken: more than {UNPROVEN_REQUEST_BYTES_MAX}");
    given_back(&running, address).await;
    let session = session(address).await;
    let mut control = PageStream::<Session>::open(&session, StreamType::Query).await;
    let _ = within("it is ended", control.send.write_all(&vec![7; 8 << 20])).await;
    let error = within("the session ends", session.closed()).await;
    assert!(error.session_error().is_none_or(|(code, _)| code == CloseCode::HelloTimeout.number()));
    given_back(&running, address).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_in_a_socket_ends_it_and_nobody_else() {
    let (running, address) = narrow().await;
    // Text, a message that is no record, one that claims to be long, and one without a mask.
    for frame in [
        &[0x81, 0x82, 0, 0, 0, 0, b'h', b'i'][..],
        &[0x82, 0x83, 0, 0, 0, 0, 0xff, 0xff, 0xff],
        &[0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x82, 0x01, 0x00],
    ] {
        let mut stream = upgraded(address).await;
        stream.write_all(frame).await.unwrap();
        let mut answered = Vec::new();
        let _ = within("it is ended", stream.read_to_end(&mut answered)).await;
        given_back(&running, address).await;
    }
    let key = running.server.server_key_hash();
    Page::enter(session(address).await, &key, "alice").await.publish("undisturbed").await;
    running.stop().await;
}
