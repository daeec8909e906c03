//! Many at once, and more than fits in memory: nothing is lost, nothing comes twice.
//!
//! Must never hold: a measurement; the benches measure.

use bytes::Bytes;

use super::connections::inbox_of;
use super::feeds::{ack, note, open, presence};
use super::peer::{ALICE, BOB, Device, Peer};
use super::requests::{message, publish, subscribe};
use super::{Store, soon};
use crate::protocol::body::{
    Body, CaughtUp, MessageEvent, PresenceEvent, Published, Sent, Subscribed,
};
use crate::wire::{decode, encode};

const RING: [Device; 6] = [
    Device { principal: "r0@localhost", seed: 10 },
    Device { principal: "r1@localhost", seed: 11 },
    Device { principal: "r2@localhost", seed: 12 },
    Device { principal: "r3@localhost", seed: 13 },
    Device { principal: "r4@localhost", seed: 14 },
    Device { principal: "r5@localhost", seed: 15 },
];
const MESSAGES: u64 = 300;

/// Sends all messages to `inbox` without waiting, then reads all answers.
async fn send_all(mut peer: Peer, inbox: String) -> Peer {
    let mut bytes = Vec::new();
    for number in 1..=MESSAGES {
        let id = format!("{inbox}-{number}");
        encode(&message(number, &inbox, &id, &number.to_string()), &mut bytes);
    }
    for (frame, number) in peer.control.pipeline(bytes, MESSAGES).await.iter().zip(1..) {
        let sent: Sent = decode(frame).unwrap();
        assert_eq!((sent.request, sent.duplicate), (number, false));
    }
    peer
}

/// Reads and acknowledges all messages of the device's inbox, each once and in order.
async fn read_all(peer: &Peer, device: Device) {
    let (mut feed, _) = open(peer, &inbox_of(device)).await;
    let mut expected = 1;
    while expected <= MESSAGES {
        let frame = feed.frame().await.unwrap();
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
    for device in RING {
        readers.push(device.connect(&server).await);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for (place, reader) in readers.into_iter().enumerate() {
        let device = RING[place];
        tasks.spawn(async move { read_all(&reader, device).await });
        let peer = device.connect(&server).await;
        let inbox = format!("im:{}", RING[(place + 1) % RING.len()].principal);
        tasks.spawn(async move { drop(send_all(peer, inbox).await) });
    }
    soon(tasks.join_all()).await;
    server.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_of_every_change_gets_each_one_however_far_behind_it_is() {
    const CHANGES: u64 = 2_500;
    let store = Store::new();
    let server = store.serve().await;
    let mut alice = ALICE.connect(&server).await;
    let mut bob = BOB.connect(&server).await;
    let _: Subscribed = bob.ask(&subscribe(1, "pres:alice@localhost", 1)).await;
    let (mut feed, _) = open(&bob, &presence(&Bytes::new(), 8)).await;
    let mut bytes = Vec::new();
    for change in 1..=CHANGES {
        encode(&publish(change, "pres:alice@localhost", &change.to_string()), &mut bytes);
    }
    for request in alice.control.pipeline(bytes, CHANGES).await {
        decode::<Published>(&request).unwrap();
    }
    // Bob has read nothing so far.
    let mut expected = 1;
    let mut number = 0;
    while expected <= CHANGES {
        let frame = feed.frame().await.unwrap();
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
