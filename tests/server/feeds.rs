//! Feeds: from the start, live, resumed, too slow.
//!
//! Must never hold: what is due to whom in which order; `service::feed` is tested for that.

use bytes::Bytes;

use super::connections::inbox_of;
use super::store::Store;
use crate::support::peer::{Session, message, publish, subscribe};
use crate::support::stream::Stream;
use adsum::model::RefusalCode;
use adsum::protocol::body::{
    Body, CaughtUp, FeedAck, FeedAcked, FeedEnd, FeedOpen, FeedReady, MessageEvent, PresenceEvent,
    Published, Refused, Sent, Subscribed,
};
use adsum::wire::StreamType;

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

pub(super) async fn open(peer: &Session, wish: &FeedOpen) -> (Stream, FeedReady) {
    let mut stream = peer.peer.open(StreamType::Feed).await;
    stream.write(wish).await;
    let ready = stream.read().await;
    (stream, ready)
}

pub(super) fn note(event: &PresenceEvent) -> String {
    let note = &event.presence.document.tuples[0].notes[0];
    String::from_utf8(note.text.clone().unwrap().to_vec()).unwrap()
}

pub(super) async fn ack(stream: &mut Stream, cursor: &Bytes) {
    stream.write(&FeedAck { cursor: cursor.clone() }).await;
}

#[tokio::test]
async fn a_watcher_gets_the_state_then_each_change() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let _: Published = alice.request(&publish("alice", 1, "first")).await;
    let _: Subscribed = bob.request(&subscribe(1, "alice", 0)).await;
    let (mut feed, ready) = open(&bob, &presence(&Bytes::new(), 0)).await;
    assert_eq!((ready.outcome, ready.pending, ready.complete), (0, 1, true));
    let first: PresenceEvent = feed.read().await;
    assert_eq!((first.number, note(&first).as_str()), (1, "first"));
    let caught_up: CaughtUp = feed.read().await;
    assert_eq!(caught_up.cursor, ready.to);
    let _: Published = alice.request(&publish("alice", 2, "second")).await;
    let second: PresenceEvent = feed.read().await;
    assert_eq!((second.number, note(&second).as_str()), (2, "second"));
}

#[tokio::test]
async fn a_watcher_comes_back_where_it_stopped_also_after_a_restart() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let _: Published = alice.request(&publish("alice", 1, "first")).await;
    let _: Subscribed = bob.request(&subscribe(1, "alice", 1)).await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 0)).await;
    let first: PresenceEvent = feed.read().await;
    drop((feed, bob));
    for (request, text) in [(2, "second"), (3, "third")] {
        let _: Published = alice.request(&publish("alice", request, text)).await;
    }
    drop(alice);
    server.shutdown().await.unwrap();
    let server = store.serve().await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    let (mut feed, ready) = open(&bob, &presence(&first.cursor, 0)).await;
    assert_eq!((ready.outcome, ready.pending), (1, 2));
    assert_eq!(note(&feed.read().await), "second");
    assert_eq!(note(&feed.read().await), "third");
    let _: CaughtUp = feed.read().await;
}

#[tokio::test]
async fn a_cursor_of_no_use_is_answered_with_everything() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let _: Published = alice.request(&publish("alice", 1, "first")).await;
    let _: Subscribed = bob.request(&subscribe(1, "alice", 0)).await;
    let (_feed, ready) = open(&bob, &presence(&Bytes::from_static(b"forged"), 0)).await;
    assert_eq!((ready.outcome, ready.pending), (2, 1));
    let (_feed, ready) = open(&bob, &presence(&vec![1; 1_000].into(), 0)).await;
    assert_eq!((ready.outcome, ready.pending), (2, 1));
}

#[tokio::test]
async fn a_slow_watcher_misses_steps_and_not_the_end() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let _: Published = alice.request(&publish("alice", 1, "0")).await;
    let _: Subscribed = bob.request(&subscribe(1, "alice", 0)).await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 1)).await;
    let mut event: PresenceEvent = feed.read().await;
    for change in 1..=200_u64 {
        let _: Published = alice.request(&publish("alice", change + 1, &change.to_string())).await;
    }
    let mut seen = 1;
    ack(&mut feed, &event.cursor).await;
    let _: CaughtUp = feed.read().await;
    while note(&event) != "200" {
        event = feed.read().await;
        ack(&mut feed, &event.cursor).await;
        seen += 1;
    }
    assert!(seen < 10, "{seen} steps were told");
}

#[tokio::test]
async fn messages_wait_and_are_taken_once_acknowledged() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    drop(Session::enter(server.local_addr(), "bob").await);
    for number in 1..=300 {
        let id = format!("m{number}");
        let _: Sent = alice.request(&message(number, "bob", &id, id.as_bytes())).await;
    }
    let bob = Session::enter(server.local_addr(), "bob").await;
    let (mut feed, ready) = open(&bob, &inbox_of("bob")).await;
    assert_eq!((ready.outcome, ready.pending), (0, 300));
    let mut last = Bytes::new();
    for number in 1..=100 {
        let event: MessageEvent = feed.read().await;
        assert_eq!((event.number, event.message.sequence), (number, number));
        assert_eq!(event.message.body, Some(Bytes::from(format!("m{number}"))));
        last = event.cursor;
    }
    ack(&mut feed, &last).await;
    assert_eq!(confirmed(&mut feed, 100).await, last);
    let (_feed, ready) = open(&bob, &inbox_of("bob")).await;
    assert_eq!((ready.from, ready.pending), (last.clone(), 200));
    let (_feed, ready) = open(&bob, &FeedOpen { from_start: true, ..inbox_of("bob") }).await;
    assert_eq!((ready.outcome, ready.pending), (0, 300));
    let (_feed, ready) = open(&bob, &FeedOpen { cursor: last, ..inbox_of("bob") }).await;
    assert_eq!((ready.outcome, ready.pending), (1, 200));
}

/// The cursor that is confirmed next, past the events that leave before it.
async fn confirmed(feed: &mut Stream, mut number: u64) -> Bytes {
    loop {
        let frame = feed.next().await.unwrap();
        if frame.kind == FeedAcked::KIND {
            return adsum::wire::decode::<FeedAcked>(&frame).unwrap().cursor;
        }
        let event: MessageEvent = adsum::wire::decode(&frame).unwrap();
        number += 1;
        assert_eq!(event.number, number);
    }
}

#[tokio::test]
async fn a_message_reaches_a_live_feed() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    let (mut feed, _) = open(&bob, &inbox_of("bob")).await;
    let _: CaughtUp = feed.read().await;
    let large = "x".repeat(64 * 1024);
    for (number, text) in [(1, "hi"), (2, large.as_str())] {
        let id = format!("m{number}");
        let _: Sent = alice.request(&message(number, "bob", &id, text.as_bytes())).await;
        let event: MessageEvent = feed.read().await;
        assert_eq!(event.message.sender, "alice@d.example");
        assert_eq!(event.message.body.as_deref(), Some(text.as_bytes()));
    }
}

#[tokio::test]
async fn a_feed_that_its_reader_ends_confirms_the_last_acknowledgement() {
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    let _: Sent = alice.request(&message(1, "bob", "m", b"hi")).await;
    let (mut feed, _) = open(&bob, &inbox_of("bob")).await;
    let event: MessageEvent = feed.read().await;
    let _: CaughtUp = feed.read().await;
    ack(&mut feed, &event.cursor).await;
    feed.finish();
    let acked: FeedAcked = feed.read().await;
    assert_eq!(acked.cursor, event.cursor);
    let _: FeedEnd = feed.read().await;
    assert!(feed.next().await.is_err());
}

#[tokio::test]
async fn a_ninth_feed_is_refused_and_an_ended_one_makes_room() {
    let store = Store::new();
    let server = store.serve().await;
    let bob = Session::enter(server.local_addr(), "bob").await;
    let mut feeds = Vec::new();
    for _ in 0..8 {
        feeds.push(open(&bob, &presence(&Bytes::new(), 0)).await.0);
    }
    let mut ninth = bob.peer.open(StreamType::Feed).await;
    ninth.write(&presence(&Bytes::new(), 0)).await;
    let refused: Refused = ninth.read().await;
    assert_eq!(refused.code, RefusalCode::Busy.number());
    let mut ended = feeds.pop().unwrap();
    ended.finish();
    while ended.next().await.is_ok() {}
    // The place is free once the server has seen that everything was taken.
    loop {
        let mut stream = bob.peer.open(StreamType::Feed).await;
        stream.write(&presence(&Bytes::new(), 0)).await;
        let frame = stream.next().await.unwrap();
        if adsum::wire::decode::<FeedReady>(&frame).is_ok() {
            break;
        }
    }
}
