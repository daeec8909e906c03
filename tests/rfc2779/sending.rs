//! RFC 2779 section 5.4: what is promised when A sends a message to B.
//!
//! Must never hold: what is promised about addresses (see `subscribed.rs`).

use std::time::Duration;

use adsum::protocol::body::Sent;
use bytes::Bytes;

use crate::person::{REFUSE, delivery_rule, send_of};
use crate::seal::{seal, signed_message, smime_verifies, unseal};
use crate::support::peer::Manner;
use crate::support::proxy::{Faults, Proxy};
use crate::support::stream::frame;
use crate::tap::Tap;
use crate::world::{World, contains, full};

/// A gets confirmation of non-delivery: at once when a message is refused, and by a receipt in her own inbox when one
/// that was stored ran out or was removed before anybody took it, also after a kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_1_non_delivery_is_confirmed() {
    let mut world = World::open();
    let (mut alice, mut bob) = (world.enter("alice").await, world.enter("bob").await);
    bob.delivery(|change| change.receipts = 2).await.unwrap();
    assert!(alice.send("nobody", "m0", "x").await.is_err());
    let failures = || Some(Bytes::from_static(&[8 | 16]));
    alice
        .send_as("bob", "m1", |send| (send.receipts, send.lifetime_ms) = (failures(), Some(1_000)))
        .await
        .unwrap();
    alice.send_as("bob", "m2", |send| send.receipts = failures()).await.unwrap();
    bob.delete("bob", vec![2]).await.unwrap();
    world.kill_and_restart();
    let alice = world.enter("alice").await;
    let mut inbox = alice.inbox().await;
    let mut told = [inbox.says().await, inbox.says().await];
    told.sort_unstable();
    assert_eq!(told, ["m1 expired", "m2 failed"]);
}

/// If M is delivered, B receives it once: repeated from two devices, over a line that doubles packets and is cut between
/// request and answer, and over kills, there is one entry of each id, and each is told once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_2_a_message_arrives_once() {
    let mut world = World::open();
    let faults = Faults { loss: 0.02, double: 0.5, delay_max: Duration::from_millis(3) };
    let line = Proxy::start(world.server, faults, crate::support::seed(5_420)).await;
    let bob = world.enter("bob").await;
    let mut alice = world.enter("alice").await;
    drop(world.second_device(&mut alice).await);
    let ids: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    for round in 0..3 {
        let mut cut = world.enter_by(line.address, "alice", Manner::default()).await;
        for id in &ids {
            let number = cut.number();
            cut.control.bytes(&frame(&send_of(number, "bob", id))).await;
        }
        // One answer shows that the requests are under way; nobody hears the others.
        cut.answer::<Sent>().await.unwrap();
        if round == 1 {
            line.rebind();
        }
        drop(cut);
        world.kill_and_restart();
        let mut alice = world.enter("alice").await;
        let mut phone = world.enter_second("alice").await;
        for (number, id) in ids.iter().enumerate() {
            let person = if number % 2 == 0 { &mut alice } else { &mut phone };
            let sent = person.send("bob", id, "x").await.unwrap();
            assert!(sent.duplicate || round == 0, "{id} in round {round}");
        }
    }
    drop(bob);
    let bob = world.enter("bob").await;
    let mut inbox = bob.inbox().await;
    let mut found = Vec::new();
    for _ in &ids {
        found.push(inbox.message().await.id);
    }
    assert!(inbox.until_caught_up().await.is_empty(), "nothing comes twice");
    found.sort_unstable();
    let mut expected = ids;
    expected.sort_unstable();
    assert_eq!(found, expected);
    inbox.acknowledged().await;
    world.kill_and_restart();
    let bob = world.enter("bob").await;
    let mut open = crate::person::feed_of_inbox("bob");
    open.from_start = false;
    assert!(bob.feed(&open).await.unwrap().until_caught_up().await.is_empty());
}

/// B can verify that A sent it: the server tells beside the message who proved to have sent it, and refuses another From.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_3_the_sender_is_verified() {
    let world = World::open();
    let (bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    let mut carol = world.enter("carol").await;
    let forged = carol.send_as("bob", "m1", |send| send.sender = full("alice")).await;
    assert_eq!(forged.unwrap_err(), "not-your-sender");
    let (content_type, body) = signed_message();
    for person in [&mut carol, &mut alice] {
        person
            .send_as("bob", "m1", |send| {
                (send.content_type, send.body) = (content_type.clone(), body.clone());
            })
            .await
            .unwrap();
    }
    let mut inbox = bob.inbox().await;
    assert_eq!(inbox.message().await.sender, "carol@d.example", "whatever the content says");
    let message = inbox.message().await;
    assert_eq!(message.sender, "alice@d.example");
    assert!(smime_verifies(&message.content_type, &message.body.unwrap()));
}

/// B can reply with another message, which reaches A though she is away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_4_a_message_can_be_replied_to() {
    let mut world = World::open();
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    alice.send("bob", "m1", "lunch?").await.unwrap();
    alice.leave();
    let message = bob.inbox().await.message().await;
    bob.send(&message.sender, "r1", "at noon").await.unwrap();
    world.kill_and_restart();
    assert_eq!(world.enter("alice").await.read().await, ["at noon"]);
}

/// A can make sure that no C sees what M holds: sealed for B it is opaque on the line and in the store, and C may not
/// read B's inbox.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_6_nobody_else_sees_what_a_message_holds() {
    let mut world = World::open();
    let line = Tap::to(world.server).await;
    let (bob, secret) = (world.enter("bob").await, "meet me at the old mill");
    let mut alice = world.enter_by(line.address, "alice", Manner::default()).await;
    let sealed = seal([5; 32], secret);
    alice.send_as("bob", "m1", |send| send.body = sealed.clone()).await.unwrap();
    let carol = world.enter("carol").await;
    assert_eq!(carol.inbox_of("bob").await.err(), Some("forbidden"));
    let received = bob.inbox().await.message().await.body.unwrap();
    assert_eq!(unseal([5; 32], &received).as_deref(), Some(secret));
    world.site.stop();
    for place in [line.heard(), world.stored()] {
        assert!(!contains(&place, secret.as_bytes()));
    }
}

/// A can make sure that C does not alter M and B can verify it: a signature over the whole CPIM message verifies after
/// store, kill and offline reading, and after any one bit is changed it does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_7_alteration_of_a_message_is_noticed() {
    let mut world = World::open();
    let mut alice = world.enter("alice").await;
    world.enter("bob").await.leave();
    let (content_type, body) = signed_message();
    alice
        .send_as("bob", "m1", |send| {
            (send.content_type, send.body) = (content_type.clone(), body.clone());
        })
        .await
        .unwrap();
    world.kill_and_restart();
    let message = world.enter("bob").await.inbox().await.message().await;
    let received = message.body.unwrap();
    assert_eq!(received, body);
    assert!(smime_verifies(&message.content_type, &received));
    let begin = received.windows(5).position(|part| part == b"From:").unwrap();
    let end = received.windows(6).position(|part| part == b"Dinner").unwrap();
    for place in begin..end {
        let mut altered = received.to_vec();
        altered[place] ^= 4;
        assert!(!smime_verifies(&message.content_type, &altered), "at {place}");
    }
}

/// B can read M: later, on another device, after a kill, and out of a log of the first format.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_8_a_message_stays_readable() {
    let mut world = World::open();
    let (mut alice, mut bob) = (world.enter("alice").await, world.enter("bob").await);
    drop(world.second_device(&mut bob).await);
    bob.leave();
    alice.send("bob", "m1", "read me later").await.unwrap();
    world.kill_and_restart();
    assert_eq!(world.enter_second("bob").await.read().await, ["read me later"]);
    assert_eq!(world.enter("bob").await.read().await, ["read me later"]);
    // A message of 15,000 bytes, which the first format of the log holds in parts, among others.
    let old = crate::old_log::messages();
    assert!(old.iter().any(|body| body.len() == 15_000), "old logs are still read");
}

/// A may sign with an existing standard: a message signed by OpenSSL with S/MIME verifies at B byte for byte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_9_existing_signature_standards_can_be_used() {
    let world = World::open();
    let (bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    let (content_type, body) = signed_message();
    assert!(
        content_type.starts_with("multipart/signed; protocol=\"application/x-pkcs7-signature\"")
    );
    alice
        .send_as("bob", "m1", |send| {
            (send.content_type, send.body) = (content_type.clone(), body.clone());
        })
        .await
        .unwrap();
    let message = bob.inbox().await.message().await;
    assert_eq!(
        (message.content_type.as_str(), message.body.as_ref()),
        (content_type.as_str(), Some(&body))
    );
    assert!(smime_verifies(&message.content_type, &body));
}

/// B can prevent A from sending him messages: what she sends from then on is refused from any device and under any
/// address of his, what he has stays, and others are not affected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_10_a_sender_can_be_stopped() {
    let world = World::open();
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    let (mut carol, mut phone) =
        (world.enter("carol").await, world.second_device(&mut alice).await);
    alice.send("bob", "m1", "before").await.unwrap();
    bob.deliver(delivery_rule("alice", REFUSE)).await;
    assert_eq!(alice.send("bob", "m2", "x").await.unwrap_err(), "delivery-refused");
    assert_eq!(alice.send("BOB@D.EXAMPLE", "m3", "x").await.unwrap_err(), "delivery-refused");
    assert_eq!(phone.send("bob", "m4", "x").await.unwrap_err(), "delivery-refused");
    carol.send("bob", "m1", "from carol").await.unwrap();
    assert_eq!(bob.read().await, ["before", "from carol"]);
}
