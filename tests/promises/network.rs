//! Over a network that loses, doubles, delays, reorders, breaks off and changes addresses, everything arrives once.
//!
//! Must never hold: a part of the server, or a number that depends on how fast the machine is.

use std::time::Duration;

use crate::support;
use crate::support::app::{client, inbox_of, noted, publish, watch_of};
use crate::support::http::count;
use crate::support::proxy::{Faults, Proxy};
use crate::support::server::Running;
use crate::support::within;
use adsum::client::{Client, Home, InboxOptions, Outgoing};
use adsum::model::limits::BODY_BYTES_MAX;
use adsum::model::{ContentType, MessageId, Mode};
use bytes::Bytes;
use tokio::sync::watch;

const CHANGES: u64 = 120;
const MESSAGES: u64 = 120;
/// Every so many messages one of the largest size.
const LARGE_EVERY: u64 = 15;

fn body(number: u64) -> Bytes {
    let size = if number.is_multiple_of(LARGE_EVERY) { BODY_BYTES_MAX } else { 40 };
    let seed = fastrand::Rng::with_seed(number).u8(..);
    (0..size).map(|place| seed.wrapping_add(u8::try_from(place % 251).unwrap())).collect()
}

async fn send_all(alice: Client, progress: watch::Sender<u64>) {
    for number in 0..MESSAGES {
        let content_type = ContentType::new("application/octet-stream").unwrap();
        let id = Some(MessageId::new(&format!("m{number}")).unwrap());
        let outgoing =
            Outgoing { id, ..Outgoing::new(inbox_of("bob"), content_type, body(number)) };
        within("it is sent", alice.send(outgoing)).await.unwrap();
        progress.send_modify(|count| *count += 1);
    }
}

async fn publish_all(alice: Client) {
    for number in 1..=CHANGES {
        publish(&alice, &number.to_string()).await;
    }
}

/// What bob is shown, until the last change.
async fn watch_all(bob: Client) -> Vec<Option<String>> {
    let mut watch =
        within("the watch begins", bob.watch(watch_of("alice", Mode::Every))).await.unwrap();
    let mut seen = Vec::new();
    while seen.last() != Some(&Some(CHANGES.to_string())) {
        let update = within("an update", watch.next()).await.unwrap().unwrap();
        assert!(!update.anew, "the cursor stays good");
        seen.push(noted(&update));
        update.taken().await.unwrap();
    }
    seen
}

async fn read_all(bob: Client) {
    let options = InboxOptions { follow: true, ..InboxOptions::default() };
    let mut inbox = bob.inbox(options).await.unwrap();
    for number in 0..MESSAGES {
        let received = within("a message", inbox.next()).await.unwrap().unwrap();
        assert_eq!(received.item.sequence().get(), number + 1);
        assert_eq!(received.message().unwrap().id.as_str(), format!("m{number}"));
        assert!(
            received.message().unwrap().body.bytes() == Some(&body(number)),
            "the body is as it was sent"
        );
        received.taken().await.unwrap();
    }
    within("all is acknowledged", inbox.settled()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_bad_network_everything_arrives_once_and_in_order() {
    let seed = support::seed(7);
    let running = Running::start().await;
    let faults = Faults { loss: 0.07, double: 0.04, delay_max: Duration::from_millis(12) };
    let proxy = Proxy::start(running.address(), faults, seed).await;
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let (alice, bob) =
        (client(&home, "alice", proxy.address).await, client(&home, "bob", proxy.address).await);
    within("alice is in", alice.connected()).await.unwrap();
    within("bob is in", bob.connected()).await.unwrap();
    let (progress, mut progressed) = watch::channel(0);
    let watching = tokio::spawn(watch_all(bob.clone()));
    let reading = tokio::spawn(read_all(bob.clone()));
    let publishing = tokio::spawn(publish_all(alice.clone()));
    let sending = tokio::spawn(send_all(alice.clone(), progress));
    let mut running = running;
    for cut in 1..=10 {
        let reached = progressed.wait_for(|count| *count >= cut * MESSAGES / 12);
        within("messages pass", reached).await.unwrap();
        match cut {
            3 | 7 => {
                proxy.cut(true);
                // Long enough to lose a flight and its first repeats.
                tokio::time::sleep(Duration::from_millis(300)).await;
                proxy.cut(false);
            }
            5 => running = running.restart().await,
            _ => proxy.rebind(),
        }
    }
    sending.await.unwrap();
    publishing.await.unwrap();
    reading.await.unwrap();
    let shown = watching.await.unwrap();
    // The state at the time of the subscription comes first: nothing yet, or one of the changes.
    let first = shown[0].as_deref().map_or(0, |note| note.parse().unwrap());
    let expected: Vec<u64> = (first..=CHANGES).collect();
    let numbers = shown.iter().map(|note| note.as_deref().map_or(0, |note| note.parse().unwrap()));
    assert_eq!(numbers.collect::<Vec<u64>>(), expected);
    let (lost, doubled) = proxy.faults();
    println!("{lost} packets lost, {doubled} doubled");
    assert!(lost > 20 && doubled > 10, "the network was bad");
    let status = bob.inbox_status(None).await.unwrap();
    assert_eq!((status.head.get(), status.waiting), (MESSAGES, 0));
    alice.close().await;
    bob.close().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lives_through_a_change_of_address() {
    let running = Running::start().await;
    let faults = Faults { loss: 0.0, double: 0.0, delay_max: Duration::ZERO };
    let proxy = Proxy::start(running.address(), faults, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let alice = client(&Home::at(folder.path()), "alice", proxy.address).await;
    within("alice is in", alice.connected()).await.unwrap();
    let handshakes = "adsum_handshakes_total{outcome=\"completed\"}";
    let before = count(running.http(), handshakes).await;
    for number in 0..5 {
        proxy.rebind();
        publish(&alice, &number.to_string()).await;
    }
    assert_eq!(count(running.http(), handshakes).await, before, "it is the same connection");
    alice.close().await;
    running.stop().await;
}
