//! RFC 2779 sections 4.2 to 4.4: what becomes of a message, how soon, and what presence says about it.
//!
//! Must never hold: a requirement of another section.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use adsum::format::pidf;
use adsum::protocol::body::{Contact, Document, Sent};
use bytes::Bytes;

use crate::person::{Person, REFUSE, delivery_rule, send_of};
use crate::support::peer::{Manner, document};
use crate::support::stream::frame;
use crate::tap::Tap;
use crate::world::{World, im};

/// The sender learns that a message was delivered or why not: every cause has a code of its own, a message that ran out
/// unread is told by a receipt, and one whose answer was lost in a kill is answered when it is repeated.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_2_1_the_sender_learns_what_became_of_a_message() {
    let mut world = World::open();
    let (mut alice, mut bob) = (world.enter("alice").await, world.enter("bob").await);
    let mut codes = BTreeSet::new();
    alice.send("bob", "m1", "hello").await.unwrap();
    let too_large = Bytes::from(vec![b'x'; 64 * 1024 + 1]);
    codes.insert(alice.send_as("bob", "m2", |send| send.body = too_large).await.unwrap_err());
    codes.insert(alice.send_as("bob", "m3", |send| send.lifetime_ms = Some(0)).await.unwrap_err());
    codes.insert(alice.send("bob@elsewhere.example", "m4", "x").await.unwrap_err());
    codes.insert(alice.send("nobody", "m5", "x").await.unwrap_err());
    codes.insert(alice.send("bob", "m1", "another").await.unwrap_err());
    bob.publish_document(with_contact(2, "im:bob@d.example")).await;
    codes.insert(alice.send("bob", "m6", "x").await.unwrap_err());
    bob.remove().await;
    for number in 0..10 {
        let mut sender = world.enter(&format!("sender{number}")).await;
        fill(&mut sender, "bob").await;
    }
    codes.insert(alice.send("bob", "m7", "x").await.unwrap_err());
    bob.deliver(delivery_rule("alice", REFUSE)).await;
    codes.insert(alice.send("bob", "m8", "x").await.unwrap_err());
    assert_eq!(codes.len(), 8, "{codes:?}");
    for code in ["too-large", "foreign-domain", "inbox-closed", "inbox-full", "delivery-refused"] {
        assert!(codes.contains(code), "{code} in {codes:?}");
    }
    let expiring = alice.send_as("carol", "m9", |send| {
        (send.lifetime_ms, send.receipts) = (Some(1_000), Some(receipts(16)));
    });
    assert!(expiring.await.is_err(), "carol is not there yet");
    let mut carol = world.enter("carol").await;
    carol.delivery(|change| change.receipts = 2).await.unwrap();
    drop(carol);
    alice
        .send_as("carol", "m9", |send| {
            (send.lifetime_ms, send.receipts) = (Some(1_000), Some(receipts(16)));
        })
        .await
        .unwrap();
    let receipt = alice.inbox().await.receipt().await;
    assert_eq!((receipt.id.as_str(), receipt.kind), ("m9", 5));

    let line = Tap::to(world.server).await;
    let mut far = world.enter_by(line.address, "dave", Manner::default()).await;
    far.control.write(&send_of(1, "carol", "lost")).await;
    line.cut();
    world.kill_and_restart();
    let mut dave = world.enter("dave").await;
    dave.send("carol", "lost", "x").await.unwrap();
    assert!(dave.send("carol", "lost", "x").await.unwrap().duplicate);
    assert_eq!(world.enter("carol").await.read().await, ["x"]);
}

/// The extension of a message that asks for receipts of these kinds.
fn receipts(kinds: u8) -> Bytes {
    Bytes::copy_from_slice(&[kinds])
}

/// Sends until the inbox takes no more of this sender, or of anybody.
async fn fill(sender: &mut Person, to: &str) {
    let mut count = 0;
    loop {
        let mut frames = Vec::new();
        for _ in 0..500 {
            let number = sender.number();
            frames.extend(frame(&send_of(number, to, &format!("fill-{number}"))));
        }
        sender.control.bytes(&frames).await;
        let mut is_full = false;
        for _ in 0..500 {
            match sender.answer::<Sent>().await {
                Ok(_) => count += 1,
                Err(code) => is_full = code == "inbox-full" || code == "sender-full",
            }
        }
        if is_full {
            assert!(count <= adsum::model::limits::MESSAGES_WAITING_OF_SENDER_MAX);
            return;
        }
    }
}

/// One tuple of this status with a contact.
fn with_contact(basic: u8, uri: &'static str) -> Document {
    let mut document = document("");
    let tuple = &mut document.tuples[0];
    (tuple.basic, tuple.id) = (basic, uri.split(':').next().unwrap().to_owned());
    tuple.notes.clear();
    tuple.contact = Some(Contact { uri: Some(Bytes::from_static(uri.as_bytes())), priority: None });
    document
}

/// Two tuples in one document.
fn both(mut one: Document, other: Document) -> Document {
    one.tuples.extend(other.tuples);
    one
}

/// Messages are fast enough to converse: 20 pairs exchange 20 messages to and fro, every message durable before it is
/// answered, and the median message arrives well within a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_3_1_twenty_pairs_converse() {
    let world = World::open();
    let mut pairs = tokio::task::JoinSet::new();
    for pair in 0..20 {
        let names = [format!("a{pair}"), format!("b{pair}")];
        let people = [world.enter(&names[0]).await, world.enter(&names[1]).await];
        pairs.spawn(converse(people, names));
    }
    let mut times: Vec<Duration> = pairs.join_all().await.into_iter().flatten().collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    assert!(median < Duration::from_secs(1), "a message takes {median:?}");
}

async fn converse([mut one, mut other]: [Person; 2], names: [String; 2]) -> Vec<Duration> {
    let (mut to_one, mut to_other) = (one.inbox().await, other.inbox().await);
    let mut times = Vec::new();
    for round in 0..20 {
        let (id, begun) = (round.to_string(), Instant::now());
        one.send(&names[1], &id, &id).await.unwrap();
        assert_eq!(to_other.message().await.id, id);
        other.send(&names[0], &id, &id).await.unwrap();
        assert_eq!(to_one.message().await.id, id);
        times.push(begun.elapsed() / 2);
    }
    times
}

/// The presence format has a least schema for messaging: a tuple with a status and an `im:` contact is all it takes to
/// say whether and where messages are taken, and it comes out of the service as valid PIDF.
#[test]
fn r4_4_1_a_status_and_a_contact_are_enough() {
    let world = World::open();
    world.enroll("bob");
    world.run("bob", &["publish", "open", "--contact", "im:bob@d.example"]).line();
    let printed = world.plain("bob", &["fetch", "pres:bob@d.example", "--pidf"]).stdout;
    let found = pidf::parse(printed.as_bytes()).unwrap();
    let tuples = found.document.tuples();
    let tuple = tuples.iter().find(|tuple| tuple.contact.is_some()).unwrap();
    assert_eq!(tuple.basic, Some(adsum::model::Basic::Open));
    assert_eq!(tuple.contact.as_ref().unwrap().uri.as_text(), Some("im:bob@d.example"));
    assert!(tuple.notes.is_empty() && tuple.markup.is_empty());
}

/// The format says OPEN and CLOSED: a watcher is told each, and the inbox takes messages accordingly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_4_2_open_and_closed_are_told_and_kept() {
    let world = World::open();
    let (mut alice, mut bob) = (world.enter("alice").await, world.enter("bob").await);
    bob.allow("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    watch.presence().await;
    for (basic, round) in [(1, "m1"), (2, "m2"), (1, "m3")] {
        bob.publish_document(with_contact(basic, "im:bob@d.example")).await;
        let shown = watch.presence().await.document;
        let tuple = shown.tuples.iter().find(|tuple| tuple.contact.is_some()).unwrap();
        assert_eq!(tuple.basic, basic);
        let sent = alice.send("bob", round, "x").await;
        assert_eq!(sent.is_ok(), basic == 1, "{sent:?}");
        assert!(basic == 1 || sent.unwrap_err() == "inbox-closed");
    }
    assert_eq!(bob.read().await.len(), 2);
}

/// OPEN and CLOSED may be said of other means: a telephone's status stands beside the inbox's and does not decide about
/// messages, whichever of the two is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_4_3_the_status_of_other_means_does_not_decide_about_messages() {
    let world = World::open();
    let (mut alice, mut bob) = (world.enter("alice").await, world.enter("bob").await);
    bob.allow("alice").await;
    let inbox = im("bob");
    assert_eq!(inbox, "im:bob@d.example");
    for (phone, basic, id) in [(1, 2, "m1"), (2, 1, "m2")] {
        let phone = with_contact(phone, "tel:+441234567890");
        bob.publish_document(both(phone.clone(), with_contact(basic, "im:bob@d.example"))).await;
        let shown = alice.fetch("bob").await.unwrap().document;
        let found = shown.tuples.iter().find(|tuple| {
            let contact = tuple.contact.as_ref().and_then(|contact| contact.uri.as_deref());
            contact.is_some_and(|uri| uri.starts_with(b"tel:"))
        });
        assert_eq!(found.unwrap().basic, phone.tuples[0].basic);
        assert_eq!(alice.send("bob", id, "x").await.is_ok(), basic == 1);
    }
}
