//! Requests and questions: what is asked, what is refused, and in which order the answers come.
//!
//! Must never hold: feeds.

use super::store::Store;
use crate::support::peer::{Device, Peer, Session, message, publish, subscribe};
use crate::support::stream::{End, Stream};
use adsum::model::RefusalCode;
use adsum::protocol::body::{
    self, Fetch, InboxState, InboxStatus, ListSubscriptions, Presence, Published, Refused, Send,
    Sent, Subscribed, Subscription,
};
use adsum::wire::{CloseCode, Frame, ResetCode, StreamType, encode};

fn fetch(presentity: &str) -> Fetch {
    Fetch { presentity: presentity.to_owned() }
}

fn code(refused: &Refused) -> RefusalCode {
    RefusalCode::from_number(refused.code).unwrap()
}

#[tokio::test]
async fn what_is_published_is_fetched() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    assert!(alice.welcome.enrolled);
    let published: Published = alice.request(&publish("alice", 1, "at my desk")).await;
    assert_eq!(published.request, 1);
    let shown: Presence = bob.query(&fetch("pres:alice@d.example")).await;
    let note = &shown.presence.document.tuples[0].notes[0];
    assert_eq!(note.text.as_deref(), Some(&b"at my desk"[..]));
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests_whoever_gives_them() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let _bob = Session::enter(server.local_addr(), "bob").await;
    let nonsense = Send { inbox: "nonsense".to_owned(), ..message(2, "bob", "b", b"two") };
    let mut bytes = Vec::new();
    encode(&message(1, "bob", "a", b"one"), &mut bytes);
    encode(&nonsense, &mut bytes);
    encode(&message(3, "bob", "c", b"three"), &mut bytes);
    // An unknown kind that begins with the number 4.
    bytes.extend_from_slice(&[0, 0, 0, 3, 0x7f, 0xff, 4]);
    // An unknown kind that may be passed over.
    bytes.extend_from_slice(&[0, 0, 0, 2, 0xff, 0xff]);
    encode(&message(5, "bob", "a", b"one"), &mut bytes);
    alice.control.bytes(&bytes).await;
    let first: Sent = alice.control.read().await;
    let second: Refused = alice.control.read().await;
    let third: Sent = alice.control.read().await;
    let fourth: Refused = alice.control.read().await;
    let fifth: Sent = alice.control.read().await;
    assert_eq!((first.request, first.duplicate), (1, false));
    assert_eq!((second.request, code(&second)), (2, RefusalCode::BadAddress));
    assert_eq!(third.request, 3);
    assert_eq!((fourth.request, code(&fourth)), (4, RefusalCode::UnknownKind));
    assert_eq!((fifth.request, fifth.duplicate), (5, true));
}

#[tokio::test]
async fn more_requests_than_may_be_in_flight_are_all_answered() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    // An inbox takes a thousand of one sender unread.
    let names = ["bob", "carol", "dave"];
    for name in names {
        Session::enter(server.local_addr(), name).await.close();
    }
    let mut bytes = Vec::new();
    for (request, name) in (1..=3_000).zip(names.into_iter().cycle()) {
        encode(&message(request, name, &format!("m{request}"), b"hi"), &mut bytes);
    }
    let answers = alice.control.pipeline(&bytes, 3_000).await;
    for (frame, expected) in answers.iter().zip(1..) {
        assert_eq!(adsum::wire::decode::<Sent>(frame).unwrap().request, expected);
    }
}

#[tokio::test]
async fn rows_end_with_an_explicit_end() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let _bob = Session::enter(server.local_addr(), "bob").await;
    let _: Subscribed = alice.request(&subscribe(1, "bob", 0)).await;
    let mut stream = alice.peer.open(StreamType::Query).await;
    stream.write(&ListSubscriptions {}).await;
    let row: Subscription = stream.read().await;
    assert_eq!(row.presentity, "pres:bob@d.example");
    let _: body::End = stream.read().await;
    assert!(stream.next().await.is_err());
}

#[tokio::test]
async fn a_question_about_somebody_elses_inbox_is_refused() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = Session::enter(server.local_addr(), "alice").await;
    let _bob = Session::enter(server.local_addr(), "bob").await;
    let status = |inbox: &str| InboxStatus { inbox: inbox.to_owned() };
    let own: InboxState = alice.query(&status("im:alice@d.example")).await;
    assert_eq!((own.head, own.waiting), (0, 0));
    let refused: Refused = alice.query(&status("im:bob@d.example")).await;
    assert_eq!(code(&refused), RefusalCode::Forbidden);
}

#[tokio::test]
async fn a_broken_question_costs_its_stream_and_nothing_more() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = Session::enter(server.local_addr(), "alice").await;
    let _bob = Session::enter(server.local_addr(), "bob").await;
    let broken: [(&[u8], ResetCode); 4] = [
        (&[0, 0, 0, 3, 0x00, 0x20, 9], ResetCode::Malformed),
        (&[0, 0, 0, 2, 0x01, 0x01], ResetCode::Unsupported),
        (&[0xff, 0, 0, 0], ResetCode::FrameTooLarge),
        (&[0, 0, 0, 1, 0], ResetCode::Malformed),
    ];
    for (bytes, expected) in broken {
        let mut stream = alice.peer.open(StreamType::Query).await;
        stream.bytes(bytes).await;
        assert_eq!(stream.end().await, End::reset(expected));
    }
    let mut stream = Stream::blank(&alice.peer.connection).await.unwrap();
    stream.bytes(&[9]).await;
    assert_eq!(stream.end().await, End::reset(ResetCode::Unsupported));
    let _: Presence = alice.query(&fetch("pres:bob@d.example")).await;
}

#[tokio::test]
async fn what_cannot_be_a_request_closes_the_connection() {
    let store = Store::new();
    let server = store.serve().await;
    let wrong: [(&[u8], CloseCode); 4] = [
        (&[0xff, 0, 0, 0], CloseCode::FrameTooLarge),
        (&[0, 0, 0, 1], CloseCode::ProtocolViolation),
        (&[0, 0, 0, 2, 0x00, 0x13], CloseCode::ProtocolViolation),
        (&[0, 0, 0, 3, 0x00, 0x01, 1], CloseCode::ProtocolViolation),
    ];
    for (bytes, expected) in wrong {
        let mut alice = Session::enter(server.local_addr(), "alice").await;
        alice.control.bytes(bytes).await;
        assert_eq!(alice.peer.end().await, End::closed(expected), "{bytes:?}");
    }
}

#[tokio::test]
async fn one_control_stream_is_enough_and_must_stay() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = Session::enter(server.local_addr(), "alice").await;
    let _second = alice.peer.open(StreamType::Control).await;
    assert_eq!(alice.peer.end().await, End::closed(CloseCode::ProtocolViolation));
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    alice.control.finish();
    assert_eq!(alice.peer.end().await, End::closed(CloseCode::ProtocolViolation));
}

#[tokio::test]
async fn nothing_is_answered_before_the_proof_holds() {
    let store = Store::new();
    let server = store.serve().await;
    let peer = Peer::connect(server.local_addr()).await;
    let mut early = peer.open(StreamType::Query).await;
    early.write(&ListSubscriptions {}).await;
    let mut control = peer.open(StreamType::Control).await;
    control.write(&peer.hello(&Device::of("alice"))).await;
    let _: body::Welcome = control.read().await;
    // It waited for the proof, and then was answered.
    let Frame { kind, .. } = early.next().await.unwrap();
    assert_eq!(kind, <body::End as body::Body>::KIND);
}
