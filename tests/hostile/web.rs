//! Pages that mean ill, or whatever speaks HTTP/3: what they try is ended in time, and they are given no more than others.
//!
//! Must never hold: a page that keeps to the protocol (see `tests/server/web.rs`).

use std::net::SocketAddr;
use std::time::Duration;

use adsum::model::limits::UNPROVEN_REQUEST_BYTES_MAX;
use adsum::wire::{CloseCode, ResetCode, StreamType};
use quinn::{RecvStream, SendStream};
use web_transport_quinn::Session;
use web_transport_quinn::proto::{ConnectRequest, Settings, error_to_http3};

use crate::support::page::{Page, PageStream};
use crate::support::peer::Session as Native;
use crate::support::server::Running;
use crate::support::stream::End;
use crate::support::web::{Http3, RIGHT, over, page_of};
use crate::support::{until, within};

/// Long enough for a request on a machine that does ten other things.
const HELLO: Duration = Duration::from_secs(2);

/// A server that takes one connection of an address, so that whoever comes next tells whether the one before was given back.
async fn narrow() -> Running {
    Running::start_with(|config| {
        config.limits.proxies = Vec::new();
        config.limits.address_connections_max = 1;
        config.timeouts.hello = HELLO;
    })
    .await
}

/// The code of a session, as HTTP/3 carries it.
fn code(code: CloseCode) -> End {
    End::Closed(error_to_http3(code.number()))
}

/// A connection, once there is room for it: the one before may not be over yet.
async fn connected(running: &Running) -> Http3 {
    until("there is room", async || Http3::try_connect(running.address()).await.ok()).await
}

async fn ended(http3: &Http3) -> End {
    within("the connection ends", http3.connection.closed()).await.into()
}

/// There is room for another, and it may act.
async fn given_back(server: SocketAddr) {
    let entering = async || {
        let device = crate::support::peer::Device::of("bob");
        Native::try_enter(server, &device, crate::support::peer::Manner::default()).await.ok()
    };
    until("there is room again", entering).await.publish("in").await;
}

/// The settings of a browser.
fn settings() -> Vec<u8> {
    let (mut settings, mut bytes) = (Settings::default(), Vec::new());
    settings.enable_webtransport(1);
    settings.encode(&mut bytes);
    bytes
}

async fn control(http3: &Http3, bytes: &[u8]) -> SendStream {
    let mut control = http3.connection.open_uni().await.unwrap();
    control.write_all(bytes).await.unwrap();
    control
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_no_session_is_ended_in_time_and_its_place_given_back() {
    let running = narrow().await;
    for name in ["nothing", "settings", "half of the settings", "half a request"] {
        let http3 = connected(&running).await;
        let settings = settings();
        let _held: (Option<SendStream>, Option<(SendStream, RecvStream)>) = match name {
            "nothing" => (None, None),
            "settings" => (Some(control(&http3, &settings).await), None),
            "half of the settings" => (Some(control(&http3, &settings[..5]).await), None),
            _ => {
                let control = control(&http3, &settings).await;
                let (mut send, receive) = http3.connection.open_bi().await.unwrap();
                // HEADERS of 200 bytes, of which some come.
                send.write_all(&[0x01, 0x40, 200, 0, 0, 0]).await.unwrap();
                (Some(control), Some((send, receive)))
            }
        };
        assert_eq!(ended(&http3).await, code(CloseCode::HelloTimeout), "{name}");
        given_back(running.address()).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_in_which_nobody_says_hello_is_ended_in_time_and_its_place_given_back() {
    let running = narrow().await;
    let http3 = connected(&running).await;
    let session = http3.ask(&RIGHT).await.unwrap();
    assert_eq!(over(&session).await.0, CloseCode::HelloTimeout.number());
    given_back(running.address()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http3_ends_the_connection_at_once() {
    let running = narrow().await;
    let push = [&[0x01][..], &settings()[1..]].concat();
    let no_settings = [0x00, 0x00, 0x01, 0x00];
    // Of 65,536 bytes and more.
    let long = [0x00, 0x04, 0x80, 0x01, 0x00, 0x01];
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &push, &no_settings, &long, &[0, 4, 0]] {
        let http3 = connected(&running).await;
        let _control = control(&http3, bytes).await;
        assert_eq!(ended(&http3).await, code(CloseCode::ProtocolViolation), "{bytes:02x?}");
        given_back(running.address()).await;
    }
    for bytes in [&[0x00, 0x01, 0x00][..], &[0x01, 0x03, 0xff, 0xff, 0xff]] {
        let http3 = connected(&running).await;
        let _control = control(&http3, &settings()).await;
        let (mut send, _receive) = http3.connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        assert_eq!(ended(&http3).await, code(CloseCode::ProtocolViolation), "{bytes:02x?}");
        given_back(running.address()).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_request_takes_ends_the_connection_before_it_is_whole() {
    let running = narrow().await;
    // Grease, then settings, of 65,000 bytes each.
    for first in [[0x00, 0x21, 0x80, 0x00, 0xfd, 0xe8], [0x00, 0x04, 0x80, 0x00, 0xfd, 0xe8]] {
        let http3 = connected(&running).await;
        let mut control = control(&http3, &first).await;
        let mut taken = 0_u64;
        while taken < 64_000 && control.write_all(&[0x21; 1_000]).await.is_ok() {
            taken += 1_000;
        }
        assert_eq!(ended(&http3).await, code(CloseCode::LimitExceeded), "{first:02x?}");
        assert!(taken > UNPROVEN_REQUEST_BYTES_MAX / 4, "{taken}");
        given_back(running.address()).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_pieces_before_the_request_end_the_connection() {
    let running = narrow().await;
    let http3 = connected(&running).await;
    let mut control = control(&http3, &[0x00, 0x21, 0x50, 0x00]).await;
    while control.write_all(&[7]).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(ended(&http3).await, code(CloseCode::LimitExceeded));
    given_back(running.address()).await;
    running.stop().await;
}

/// Bytes of a request for a session.
fn request(server: SocketAddr) -> Vec<u8> {
    let url: url::Url = format!("https://127.0.0.1:{}/adsum", server.port()).parse().unwrap();
    let mut bytes = Vec::new();
    ConnectRequest::new(url).with_protocol("adsum/1").encode(&mut bytes).unwrap();
    bytes
}

async fn page(running: &Running) -> (Http3, Page<Session>) {
    page_of(running.address(), &running.server.server_key_hash(), "alice").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_has_one_session_and_streams_of_no_other() {
    let running = narrow().await;
    let (http3, mut alice) = page(&running).await;
    let second = request(running.address());
    // The session of stream 4; a stream of an unknown type; a type in a longer form than there need be.
    let others = [&second[..], &[0x40, 0x41, 0x04, 0x01], &[0x21, 0x00, 0x00], &[0x80, 0, 0, 0x41]];
    // Many more than may be open: each is given up, and makes room.
    for bytes in others.iter().cycle().take(300) {
        let (mut send, mut receive) =
            within("there is room", http3.connection.open_bi()).await.unwrap();
        send.write_all(bytes).await.unwrap();
        let end = within("it is given up", receive.read_to_end(100)).await.unwrap_err();
        let expected = error_to_http3(ResetCode::Unsupported.number());
        assert!(end.to_string().contains(&expected.to_string()), "{end} {bytes:02x?}");
    }
    alice.publish("undisturbed").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_its_head_is_given_up_in_time() {
    let running = Running::start_with(|config| {
        config.timeouts.stream = Duration::from_millis(200);
    })
    .await;
    let (http3, mut alice) = page(&running).await;
    for bytes in [&[0x40][..], &[0x40, 0x41], &[0x40, 0x41, 0x00]] {
        let (mut send, mut receive) = http3.connection.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        let end = within("it is given up", receive.read_to_end(100)).await.unwrap_err();
        let expected = error_to_http3(ResetCode::Rejected.number());
        assert!(end.to_string().contains(&expected.to_string()), "{end} {bytes:02x?}");
    }
    alice.publish("undisturbed").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_of_no_session_before_welcome_are_counted_like_all_others() {
    let running = narrow().await;
    let http3 = connected(&running).await;
    let session = http3.ask(&RIGHT).await.unwrap();
    let mut opened = 0;
    while let Ok((mut send, _receive)) = http3.connection.open_bi().await {
        let _ = send.write_all(&[0x01, 0x00]).await;
        let _ = send.reset(7_u32.into());
        opened += 1;
        assert!(opened < 1_000, "{opened} streams were opened");
    }
    assert_eq!(over(&session).await.0, CloseCode::LimitExceeded.number());
    given_back(running.address()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_has_three_streams_one_way_and_what_it_writes_there_stays_under_flow_control() {
    let running = narrow().await;
    let (http3, mut alice) = page(&running).await;
    let short = Duration::from_millis(200);
    let mut taken = 0;
    // The settings took the first.
    for kind in [0x02, 0x03] {
        let mut stream = within("it opens", http3.connection.open_uni()).await.unwrap();
        stream.write_all(&[kind]).await.unwrap();
        while let Ok(written) = tokio::time::timeout(short, stream.write(&[7; 4_096])).await {
            taken += written.unwrap();
        }
        std::mem::forget(stream);
    }
    assert!(taken <= 2 * 128 * 1024, "{taken} bytes were taken of two streams");
    assert!(tokio::time::timeout(short, http3.connection.open_uni()).await.is_err(), "a fourth");
    alice.publish("undisturbed").await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_ends_its_session_ends_the_connection_and_gives_its_place_back() {
    let running = narrow().await;
    let (_http3, alice) = page(&running).await;
    let mut feed = PageStream::<Session>::open(&alice.session, StreamType::Feed).await;
    feed.bytes(&[0, 0]).await;
    alice.session.close(0, b"done");
    given_back(running.address()).await;
    running.stop().await;
}
