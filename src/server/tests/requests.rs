//! Requests and questions: what is asked, what is refused, and in which order the answers come.
//!
//! Must never hold: feeds.

use bytes::Bytes;

use super::peer::{ALICE, BOB, Peer, Stream, closed, reach};
use super::{Store, soon};
use crate::model::RefusalCode;
use crate::protocol::body::{
    self, Document, Fetch, InboxState, InboxStatus, ListSubscriptions, Presence, Publish,
    Published, Refused, Send, Sent, Subscribe, Subscribed, Subscription, Tuple,
};
use crate::wire::{CloseCode, Frame, ResetCode, StreamType, encode};

pub(super) fn publish(request: u64, presentity: &str, note: &str) -> Publish {
    let tuple = Tuple {
        id: "desk".to_owned(),
        basic: 1,
        status_markup: Vec::new(),
        contact: None,
        notes: vec![body::Note { language: String::new(), text: Some(note.to_owned().into()) }],
        timestamp_ms: None,
        markup: Vec::new(),
    };
    let mut operation = [0; 16];
    operation[..8].copy_from_slice(&request.to_be_bytes());
    operation[8..].copy_from_slice(&blake3::hash(note.as_bytes()).as_bytes()[..8]);
    Publish {
        request,
        operation,
        presentity: presentity.to_owned(),
        name: String::new(),
        if_match: None,
        lifetime_ms: None,
        document: Some(Document { tuples: vec![tuple], ..Document::default() }),
    }
}

pub(super) fn message(request: u64, inbox: &str, id: &str, text: &str) -> Send {
    Send {
        request,
        inbox: inbox.to_owned(),
        sender: String::new(),
        id: id.to_owned(),
        content_type: "text/plain".to_owned(),
        body: Bytes::copy_from_slice(text.as_bytes()),
        lifetime_ms: None,
        receipts: None,
    }
}

pub(super) fn subscribe(request: u64, presentity: &str, mode: u8) -> Subscribe {
    let presentity = presentity.to_owned();
    Subscribe { request, presentity, mode, lifetime_ms: None, operation: None }
}

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
    let mut alice = ALICE.connect(&server).await;
    let bob = BOB.connect(&server).await;
    assert!(alice.welcome.enrolled);
    let published: Published = alice.ask(&publish(1, "pres:alice@localhost", "at my desk")).await;
    assert_eq!(published.request, 1);
    let shown: Presence = bob.query(&fetch("pres:alice@localhost")).await;
    let note = &shown.presence.document.tuples[0].notes[0];
    assert_eq!(note.text.as_deref(), Some(&b"at my desk"[..]));
    server.shutdown().await.unwrap();
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_requests_whoever_gives_them() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let _bob = BOB.connect(&server).await;
    let mut bytes = Vec::new();
    encode(&message(1, "im:bob@localhost", "a", "one"), &mut bytes);
    encode(&message(2, "nonsense", "b", "two"), &mut bytes);
    encode(&message(3, "im:bob@localhost", "c", "three"), &mut bytes);
    // An unknown kind that begins with the number 4.
    bytes.extend_from_slice(&[0, 0, 0, 3, 0x7f, 0xff, 4]);
    // An unknown kind that may be passed over.
    bytes.extend_from_slice(&[0, 0, 0, 2, 0xff, 0xff]);
    encode(&message(5, "im:bob@localhost", "a", "one"), &mut bytes);
    alice.control.write(&bytes).await;
    let first: Sent = alice.control.next().await;
    let second: Refused = alice.control.next().await;
    let third: Sent = alice.control.next().await;
    let fourth: Refused = alice.control.next().await;
    let fifth: Sent = alice.control.next().await;
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
    let mut alice = ALICE.connect(&server).await;
    let _bob = BOB.connect(&server).await;
    let mut bytes = Vec::new();
    for request in 1..=3_000 {
        encode(&message(request, "im:bob@localhost", &format!("m{request}"), "hi"), &mut bytes);
    }
    let answers = alice.control.pipeline(bytes, 3_000).await;
    for (frame, expected) in answers.iter().zip(1..) {
        assert_eq!(crate::wire::decode::<Sent>(frame).unwrap().request, expected);
    }
}

#[tokio::test]
async fn rows_end_with_an_explicit_end() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let _bob = BOB.connect(&server).await;
    let _: Subscribed = alice.ask(&subscribe(1, "pres:bob@localhost", 0)).await;
    let mut stream = alice.open(StreamType::Query).await;
    stream.send(&ListSubscriptions {}).await;
    let row: Subscription = stream.next().await;
    assert_eq!(row.presentity, "pres:bob@localhost");
    let _: body::End = stream.next().await;
    assert!(stream.frame().await.is_none());
}

#[tokio::test]
async fn a_question_about_somebody_elses_inbox_is_refused() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = ALICE.connect(&server).await;
    let _bob = BOB.connect(&server).await;
    let status = |inbox: &str| InboxStatus { inbox: inbox.to_owned() };
    let own: InboxState = alice.query(&status("im:alice@localhost")).await;
    assert_eq!((own.head, own.waiting), (0, 0));
    let refused: Refused = alice.query(&status("im:bob@localhost")).await;
    assert_eq!(code(&refused), RefusalCode::Forbidden);
}

#[tokio::test]
async fn a_broken_question_costs_its_stream_and_nothing_more() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = ALICE.connect(&server).await;
    let _bob = BOB.connect(&server).await;
    let broken: [(&[u8], ResetCode); 4] = [
        (&[0, 0, 0, 3, 0x00, 0x20, 9], ResetCode::Malformed),
        (&[0, 0, 0, 2, 0x01, 0x01], ResetCode::Unsupported),
        (&[0xff, 0, 0, 0], ResetCode::FrameTooLarge),
        (&[0, 0, 0, 1, 0], ResetCode::Malformed),
    ];
    for (bytes, expected) in broken {
        let mut stream = alice.open(StreamType::Query).await;
        stream.write(bytes).await;
        assert_eq!(reset(&mut stream).await, u64::from(expected.number()));
    }
    let mut stream = Stream::open_byte(&alice.connection, 9).await;
    assert_eq!(reset(&mut stream).await, u64::from(ResetCode::Unsupported.number()));
    let _: Presence = alice.query(&fetch("pres:bob@localhost")).await;
}

/// The code the server resets `stream` with.
async fn reset(stream: &mut Stream) -> u64 {
    match soon(stream.receive.read(&mut [0; 8])).await {
        Err(quinn::ReadError::Reset(code)) => code.into_inner(),
        other => panic!("not reset: {other:?}"),
    }
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
        let mut alice = ALICE.connect(&server).await;
        alice.control.write(bytes).await;
        assert_eq!(alice.closed().await, u64::from(expected.number()), "{bytes:?}");
    }
}

#[tokio::test]
async fn one_control_stream_is_enough_and_must_stay() {
    let store = Store::new();
    let server = store.serve().await;
    let alice = ALICE.connect(&server).await;
    let _second = alice.open(StreamType::Control).await;
    assert_eq!(alice.closed().await, u64::from(CloseCode::ProtocolViolation.number()));
    let Peer { mut control, connection, .. } = ALICE.connect(&server).await;
    control.send.finish().unwrap();
    assert_eq!(closed(&connection).await, u64::from(CloseCode::ProtocolViolation.number()));
}

#[tokio::test]
async fn nothing_is_answered_before_the_proof_holds() {
    let store = Store::new();
    let server = store.serve().await;
    let (_endpoint, connection) = reach(&server).await;
    let mut early = Stream::open(&connection, StreamType::Query).await;
    early.send(&ListSubscriptions {}).await;
    let mut control = Stream::open(&connection, StreamType::Control).await;
    control.send(&ALICE.hello(&server, &connection)).await;
    let _: body::Welcome = control.next().await;
    // It waited for the proof, and then was answered.
    let Frame { kind, .. } = early.frame().await.unwrap();
    assert_eq!(kind, <body::End as body::Body>::KIND);
}
