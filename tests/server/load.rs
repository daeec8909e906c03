//! Many at once, and more than fits in memory: nothing is lost, nothing comes twice.
//!
//! Must never hold: a measurement; the benches measure.

use bytes::Bytes;

use super::connections::inbox_of;
use super::feeds::{ack, note, open, presence};
use super::store::Store;
use crate::support::peer::{Session, message, publish, subscribe};
use crate::support::within;
use adsum::protocol::body::{
    Body, CaughtUp, MessageEvent, PresenceEvent, Published, Sent, Subscribed,
};
use adsum::wire::{decode, encode};

const RING: [&str; 6] = ["r0", "r1", "r2", "r3", "r4", "r5"];
const MESSAGES: u64 = 300;

/// Sends all messages to the inbox of `to` without waiting, then reads all answers.
async fn send_all(mut session: Session, to: &str) -> Session {
    let mut bytes = Vec::new();
    for number in 1..=MESSAGES {
        let id = format!("{to}-{number}");
        encode(&message(number, to, &id, number.to_string().as_bytes()), &mut bytes);
    }
    for (frame, number) in session.control.pipeline(&bytes, MESSAGES).await.iter().zip(1..) {
        let sent: Sent = decode(frame).unwrap();
        assert_eq!((sent.request, sent.duplicate), (number, false));
    }
    session
}

/// Reads and acknowledges all messages of the inbox of `name`, each once and in order.
async fn read_all(session: &Session, name: &str) {
    let (mut feed, _) = open(session, &inbox_of(name)).await;
    let mut expected = 1;
    while expected <= MESSAGES {
        let frame = feed.next().await.unwrap();
        if frame.kind != MessageEvent::KIND {
            continue;
        }
        let event: MessageEvent = decode(&frame).unwrap();
        assert_eq!(event.message.sequence, expected);
        assert_eq!(event.message.body, Some(Bytes::from(expected.to_string())));
        if expected % 16 == 0 {
            ack(&mut feed, &event.cursor).await;
        }
        expected += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ring_of_senders_loses_and_doubles_nothing() {
    let store = Store::new();
    let server = store.serve().await;
    let mut readers = Vec::new();
    for name in RING {
        readers.push(Session::enter(server.local_addr(), name).await);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (place, reader) in readers.into_iter().enumerate() {
        let (name, to) = (RING[place], RING[(place + 1) % RING.len()]);
        tasks.spawn(async move { read_all(&reader, name).await });
        let sender = Session::enter(server.local_addr(), name).await;
        tasks.spawn(async move { drop(send_all(sender, to).await) });
    }
    within("it ends", tasks.join_all()).await;
    server.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_of_every_change_gets_each_one_however_far_behind_it_is() {
    const CHANGES: u64 = 2_500;
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = Session::enter(server.local_addr(), "alice").await;
    let mut bob = Session::enter(server.local_addr(), "bob").await;
    let _: Subscribed = bob.request(&subscribe(1, "alice", 1)).await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 8)).await;
    let mut bytes = Vec::new();
    for change in 1..=CHANGES {
        encode(&publish("alice", change, &change.to_string()), &mut bytes);
    }
    for request in alice.control.pipeline(&bytes, CHANGES).await {
        decode::<Published>(&request).unwrap();
    }
    // Bob has read nothing so far.
    let mut expected = 1;
    let mut number = 0;
    while expected <= CHANGES {
        let frame = feed.next().await.unwrap();
        if frame.kind == CaughtUp::KIND {
            continue;
        }
        let event: PresenceEvent = decode(&frame).unwrap();
        number += 1;
        assert_eq!(event.number, number);
        ack(&mut feed, &event.cursor).await;
        // The state the subscription began with shows nobody.
        if event.presence.document.tuples[0].notes.is_empty() {
            continue;
        }
        assert_eq!(note(&event), expected.to_string());
        expected += 1;
    }
}
