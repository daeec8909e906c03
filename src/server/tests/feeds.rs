//! Feeds: from the start, live, resumed, too slow.
//!
//! Must never hold: what is due to whom in which order; `service::feed` is tested for that.

use bytes::Bytes;

use super::Store;
use super::connections::inbox_of;
use super::peer::{ALICE, BOB, Peer, Stream};
use super::requests::{message, publish, subscribe};
use crate::model::RefusalCode;
use crate::protocol::body::{
    Body, CaughtUp, FeedAck, FeedAcked, FeedEnd, FeedOpen, FeedReady, MessageEvent, PresenceEvent,
    Published, Refused, Sent, Subscribed,
};
use crate::wire::StreamType;

pub(super) fn presence(cursor: &Bytes, window: u32) -> FeedOpen {
    FeedOpen {
        kind: 1,
        cursor: cursor.clone(),
        window,
        presentities: Vec::new(),
        inbox: String::new(),
        from_start: false,
        watchers: None,
    }
}

pub(super) async fn open(peer: &Peer, wish: &FeedOpen) -> (Stream, FeedReady) {
    let mut stream = peer.open(StreamType::Feed).await;
    stream.send(wish).await;
    let ready = stream.next().await;
    (stream, ready)
}

pub(super) fn note(event: &PresenceEvent) -> String {
    let note = &event.presence.document.tuples[0].notes[0];
    String::from_utf8(note.text.clone().unwrap().to_vec()).unwrap()
}

pub(super) async fn ack(stream: &mut Stream, cursor: &Bytes) {
    stream.send(&FeedAck { cursor: cursor.clone() }).await;
}

#[tokio::test]
async fn a_watcher_gets_the_state_then_each_change() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let mut bob = BOB.connect(&server).await;
    let _: Published = alice.ask(&publish(1, "pres:alice@localhost", "first")).await;
    let _: Subscribed = bob.ask(&subscribe(1, "pres:alice@localhost", 0)).await;
    let (mut feed, ready) = open(&bob, &presence(&Bytes::new(), 0)).await;
    assert_eq!((ready.outcome, ready.pending, ready.complete), (0, 1, true));
    let first: PresenceEvent = feed.next().await;
    assert_eq!((first.number, note(&first).as_str()), (1, "first"));
    let caught_up: CaughtUp = feed.next().await;
    assert_eq!(caught_up.cursor, ready.to);
    let _: Published = alice.ask(&publish(2, "pres:alice@localhost", "second")).await;
    let second: PresenceEvent = feed.next().await;
    assert_eq!((second.number, note(&second).as_str()), (2, "second"));
}

#[tokio::test]
async fn a_watcher_comes_back_where_it_stopped_also_after_a_restart() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let mut bob = BOB.connect(&server).await;
    let _: Published = alice.ask(&publish(1, "pres:alice@localhost", "first")).await;
    let _: Subscribed = bob.ask(&subscribe(1, "pres:alice@localhost", 1)).await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 0)).await;
    let first: PresenceEvent = feed.next().await;
    drop((feed, bob));
    for (request, text) in [(2, "second"), (3, "third")] {
        let _: Published = alice.ask(&publish(request, "pres:alice@localhost", text)).await;
    }
    drop(alice);
    server.shutdown().await.unwrap();
    let server = store.serve().await;
    let bob = BOB.connect(&server).await;
    let (mut feed, ready) = open(&bob, &presence(&first.cursor, 0)).await;
    assert_eq!((ready.outcome, ready.pending), (1, 2));
    assert_eq!(note(&feed.next().await), "second");
    assert_eq!(note(&feed.next().await), "third");
    let _: CaughtUp = feed.next().await;
}

#[tokio::test]
async fn a_cursor_of_no_use_is_answered_with_everything() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let mut bob = BOB.connect(&server).await;
    let _: Published = alice.ask(&publish(1, "pres:alice@localhost", "first")).await;
    let _: Subscribed = bob.ask(&subscribe(1, "pres:alice@localhost", 0)).await;
    let (_feed, ready) = open(&bob, &presence(&Bytes::from_static(b"forged"), 0)).await;
    assert_eq!((ready.outcome, ready.pending), (2, 1));
    let (_feed, ready) = open(&bob, &presence(&vec![1; 1_000].into(), 0)).await;
    assert_eq!((ready.outcome, ready.pending), (2, 1));
}

#[tokio::test]
async fn a_slow_watcher_misses_steps_and_not_the_end() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let mut bob = BOB.connect(&server).await;
    let _: Published = alice.ask(&publish(1, "pres:alice@localhost", "0")).await;
    let _: Subscribed = bob.ask(&subscribe(1, "pres:alice@localhost", 0)).await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 1)).await;
    let mut event: PresenceEvent = feed.next().await;
    for change in 1..=200_u64 {
        let _: Published =
            alice.ask(&publish(change + 1, "pres:alice@localhost", &change.to_string())).await;
    }
    let mut seen = 1;
    ack(&mut feed, &event.cursor).await;
    let _: CaughtUp = feed.next().await;
    while note(&event) != "200" {
        event = feed.next().await;
        ack(&mut feed, &event.cursor).await;
        seen += 1;
    }
    assert!(seen < 10, "{seen} steps were told");
}

#[tokio::test]
async fn messages_wait_and_are_taken_once_acknowledged() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    drop(BOB.connect(&server).await);
    for number in 1..=300 {
        let id = format!("m{number}");
        let _: Sent = alice.ask(&message(number, "im:bob@localhost", &id, &id)).await;
    }
    let bob = BOB.connect(&server).await;
    let (mut feed, ready) = open(&bob, &inbox_of(BOB)).await;
    assert_eq!((ready.outcome, ready.pending), (0, 300));
    let mut last = Bytes::new();
    for number in 1..=100 {
        let event: MessageEvent = feed.next().await;
        assert_eq!((event.number, event.message.sequence), (number, number));
        assert_eq!(event.message.body, Some(Bytes::from(format!("m{number}"))));
        last = event.cursor;
    }
    ack(&mut feed, &last).await;
    assert_eq!(confirmed(&mut feed, 100).await, last);
    let (_feed, ready) = open(&bob, &inbox_of(BOB)).await;
    assert_eq!((ready.from, ready.pending), (last.clone(), 200));
    let (_feed, ready) = open(&bob, &FeedOpen { from_start: true, ..inbox_of(BOB) }).await;
    assert_eq!((ready.outcome, ready.pending), (0, 300));
    let (_feed, ready) = open(&bob, &FeedOpen { cursor: last, ..inbox_of(BOB) }).await;
    assert_eq!((ready.outcome, ready.pending), (1, 200));
}

/// The cursor that is confirmed next, past the events that leave before it.
async fn confirmed(feed: &mut Stream, mut number: u64) -> Bytes {
    loop {
        let frame = feed.frame().await.unwrap();
        if frame.kind == FeedAcked::KIND {
            return crate::wire::decode::<FeedAcked>(&frame).unwrap().cursor;
        }
        let event: MessageEvent = crate::wire::decode(&frame).unwrap();
        number += 1;
        assert_eq!(event.number, number);
    }
}

#[tokio::test]
async fn a_message_reaches_a_live_feed() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let bob = BOB.connect(&server).await;
    let (mut feed, _) = open(&bob, &inbox_of(BOB)).await;
    let _: CaughtUp = feed.next().await;
    let large = "x".repeat(64 * 1024);
    for (number, text) in [(1, "hi"), (2, large.as_str())] {
        let id = format!("m{number}");
        let _: Sent = alice.ask(&message(number, "im:bob@localhost", &id, text)).await;
        let event: MessageEvent = feed.next().await;
        assert_eq!(event.message.sender, "alice@localhost");
        assert_eq!(event.message.body.as_deref(), Some(text.as_bytes()));
    }
}

#[tokio::test]
async fn a_feed_that_its_reader_ends_confirms_the_last_acknowledgement() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let bob = BOB.connect(&server).await;
    let _: Sent = alice.ask(&message(1, "im:bob@localhost", "m", "hi")).await;
    let (mut feed, _) = open(&bob, &inbox_of(BOB)).await;
    let event: MessageEvent = feed.next().await;
    let _: CaughtUp = feed.next().await;
    ack(&mut feed, &event.cursor).await;
    feed.send.finish().unwrap();
    let acked: FeedAcked = feed.next().await;
    assert_eq!(acked.cursor, event.cursor);
    let _: FeedEnd = feed.next().await;
    assert!(feed.frame().await.is_none());
}

#[tokio::test]
async fn a_ninth_feed_is_refused_and_an_ended_one_makes_room() {
    let store = Store::new();
    let server = store.serve().await;
    let bob = BOB.connect(&server).await;
    let mut feeds = Vec::new();
    for _ in 0..8 {
        feeds.push(open(&bob, &presence(&Bytes::new(), 0)).await.0);
    }
    let mut ninth = bob.open(StreamType::Feed).await;
    ninth.send(&presence(&Bytes::new(), 0)).await;
    let refused: Refused = ninth.next().await;
    assert_eq!(refused.code, RefusalCode::Busy.number());
    let mut ended = feeds.pop().unwrap();
    ended.send.finish().unwrap();
    while ended.frame().await.is_some() {}
    // The place is free once the server has seen that everything was taken.
    loop {
        let mut stream = bob.open(StreamType::Feed).await;
        stream.send(&presence(&Bytes::new(), 0)).await;
        let frame = stream.frame().await.unwrap();
        if crate::wire::decode::<FeedReady>(&frame).is_ok() {
            break;
        }
    }
}
