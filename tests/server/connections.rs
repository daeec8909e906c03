//! How connections begin and end.
//!
//! Must never hold: what is asked on them.

use std::time::Duration;

use bytes::Bytes;

use super::store::Store;
use crate::support::peer::{Device, Peer, Session, message};
use crate::support::stream::End;
use crate::support::{inbox, within};
use adsum::model::{PublicKey, RefusalCode};
use adsum::protocol::body::{
    self, Challenge, ChallengeAnswer, Enroll, FeedEnd, FeedOpen, FeedReady, Goaway, Hello,
    KeyRevoked, Refused, RevokeKey, Sent, Welcome,
};
use adsum::server::{ServerError, start};
use adsum::wire::{CHALLENGE_CONTEXT, CloseCode, ResetCode, StreamType};

/// Says `hello` and returns why it was refused, after the connection was closed for it.
async fn refused(
    server: &adsum::server::Server,
    change: impl FnOnce(Hello) -> Hello,
) -> RefusalCode {
    let peer = Peer::connect(server.local_addr()).await;
    let mut control = peer.open(StreamType::Control).await;
    control.write(&change(peer.hello(&Device::of("alice")))).await;
    let refused: Refused = control.read().await;
    assert_eq!(refused.request, 0);
    assert_eq!(peer.end().await, End::closed(CloseCode::AuthFailed));
    RefusalCode::from_number(refused.code).unwrap()
}

#[tokio::test]
async fn a_device_without_an_exporter_signs_a_challenge() {
    let store = Store::new();
    let server = store.serve().await;
    let (peer, device) = (Peer::connect(server.local_addr()).await, Device::of("alice"));
    let hello = Hello { proof: 0, signature: Bytes::new(), ..peer.hello(&device) };
    let mut control = peer.say_hello(&hello).await;
    let challenge: Challenge = control.read().await;
    let signature = device.sign(CHALLENGE_CONTEXT, &peer.server_key, &challenge.nonce);
    control.write(&ChallengeAnswer { signature }).await;
    let welcome: Welcome = control.read().await;
    assert_eq!(welcome.principal, "alice@d.example");
    assert_eq!(welcome.device, PublicKey(device.key).device().0);
    assert_eq!(welcome.durability, 1);
}

#[tokio::test]
async fn who_does_not_prove_itself_stays_outside() {
    let store = Store::new();
    let server = store.serve().await;
    let unsigned = |hello: Hello| Hello { signature: vec![0; 64].into(), ..hello };
    assert_eq!(refused(&server, unsigned).await, RefusalCode::BadProof);
    let other_name = |hello| Hello { principal: "mallory@d.example".to_owned(), ..hello };
    assert_eq!(refused(&server, other_name).await, RefusalCode::BadProof);
    let other_key = |hello| Hello { key: Device::of("bob").key, ..hello };
    assert_eq!(refused(&server, other_key).await, RefusalCode::BadProof);
    let version = |hello| Hello { version: 2, ..hello };
    assert_eq!(refused(&server, version).await, RefusalCode::Version);
    let not_enrolled = |hello| Hello { enroll: None, ..hello };
    assert_eq!(refused(&server, not_enrolled).await, RefusalCode::UnknownKey);
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let store = Store::new();
    let mut config = store.config();
    config.timeouts.hello = Duration::from_millis(100);
    let server = start(config).await.unwrap();
    let peer = Peer::connect(server.local_addr()).await;
    assert_eq!(peer.end().await, End::closed(CloseCode::HelloTimeout));
}

#[tokio::test]
async fn who_has_said_hello_may_be_silent() {
    let store = Store::new();
    let mut config = store.config();
    config.timeouts.hello = Duration::from_secs(2);
    let server = start(config).await.unwrap();
    let alice = Session::enter(server.local_addr(), "alice").await;
    let wait = Duration::from_millis(2_200);
    assert!(tokio::time::timeout(wait, alice.peer.connection.closed()).await.is_err());
}

#[tokio::test]
async fn a_first_frame_that_is_too_long_is_not_waited_for() {
    let store = Store::new();
    let server = store.serve().await;
    let peer = Peer::connect(server.local_addr()).await;
    let mut control = peer.open(StreamType::Control).await;
    control.bytes(&5_000_u32.to_be_bytes()).await;
    assert_eq!(peer.end().await, End::closed(CloseCode::FrameTooLarge));
}

#[tokio::test]
async fn the_first_invite_makes_an_administrator_and_each_start_tells_it_until_there_is_one() {
    let store = Store::new();
    let mut config = store.config();
    config.open_enrollment = false;
    let server = start(config.clone()).await.unwrap();
    let told = server.first_invite().unwrap();
    server.shutdown().await.unwrap();

    let server = start(config.clone()).await.unwrap();
    let token = server.first_invite().unwrap();
    assert_eq!(token, told);
    let peer = Peer::connect(server.local_addr()).await;
    let mut control = peer.open(StreamType::Control).await;
    let enroll = Enroll { token: Bytes::copy_from_slice(&token), label: String::new() };
    let hello = Hello { enroll: Some(enroll), ..peer.hello(&Device::of("alice")) };
    control.write(&hello).await;
    let welcome: Welcome = control.read().await;
    assert_eq!((welcome.role, welcome.enrolled), (1, true));
    peer.connection.close(0_u32.into(), b"");
    server.shutdown().await.unwrap();

    let server = start(config).await.unwrap();
    assert_eq!(server.first_invite(), None);
}

#[tokio::test]
async fn a_revoked_device_gets_its_answer_and_is_closed() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let _feed = alice.peer.open(StreamType::Feed).await;
    let revoke = RevokeKey {
        operation: None,
        request: 1,
        principal: String::new(),
        device: alice.welcome.device,
    };
    let _: KeyRevoked = alice.request(&revoke).await;
    assert_eq!(alice.peer.end().await, End::closed(CloseCode::AuthExpired));
    assert_eq!(refused(&server, |hello| hello).await, RefusalCode::KeyRevoked);
}

#[tokio::test]
async fn a_stopping_server_says_so_and_answers_what_it_took() {
    let store = Store::new();
    let mut config = store.config();
    config.timeouts.reconnect_spread = Some(Duration::ZERO);
    config.timeouts.drain = Duration::from_secs(20);
    let server = start(config).await.unwrap();
    let bob = Session::enter(server.local_addr(), "bob").await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut feed = alice.peer.open(StreamType::Feed).await;
    feed.write(&inbox_of("alice")).await;
    let _: FeedReady = feed.read().await;
    let _: body::CaughtUp = feed.read().await;
    let stopping = tokio::spawn(server.shutdown());
    let goaway: Goaway = alice.control.read().await;
    assert_eq!(goaway.reconnect_after_ms, 0);
    let end: FeedEnd = feed.read().await;
    assert_eq!(end.code, ResetCode::GoingAway.number());
    let late: Refused = alice.request(&message(7, "bob", "late", b"hi")).await;
    assert_eq!((late.request, late.code), (7, RefusalCode::GoingAway.number()));
    alice.peer.connection.close(0_u32.into(), b"");
    drop(bob);
    within("it ends", stopping).await.unwrap().unwrap();
}

/// Opens the feed of an inbox where its reader stopped.
pub(super) fn inbox_of(name: &str) -> FeedOpen {
    FeedOpen {
        kind: 2,
        cursor: Bytes::new(),
        window: 0,
        presentities: Vec::new(),
        inbox: inbox(name),
        from_start: false,
        watchers: None,
    }
}

#[tokio::test]
async fn an_answered_message_is_there_after_a_restart() {
    let store = Store::new();
    let server = store.serve().await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let _: Sent = alice.request(&message(1, "bob", "m1", b"lunch?")).await;
    let hash = server.server_key_hash();
    drop((alice, bob));
    server.shutdown().await.unwrap();
    let server = store.serve().await;
    assert_eq!(server.server_key_hash(), hash);
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    assert!(!alice.welcome.enrolled);
    let again: Sent = alice.request(&message(1, "bob", "m1", b"lunch?")).await;
    assert!(again.duplicate);
}

#[tokio::test]
async fn two_servers_cannot_have_one_folder() {
    let store = Store::new();
    let _server = store.serve().await;
    let fault = start(store.config()).await.err().unwrap();
    assert!(matches!(fault, ServerError::Log(_)), "{fault}");
    assert!(fault.to_string().contains("in use"), "{fault}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let store = Store::new();
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut config = store.config();
    config.listen = taken.local_addr().unwrap();
    let fault = start(config).await.err().unwrap().to_string();
    assert!(fault.contains(&format!("UDP {}", taken.local_addr().unwrap())), "{fault}");
}
