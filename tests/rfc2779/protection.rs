//! RFC 2779 section 2.5: alteration, replay and reading by others.
//!
//! Must never hold: a requirement of another section.

use std::time::Duration;

use bytes::Bytes;

use crate::seal::{Signer, seal, signed_message, smime_verifies, unseal};
use crate::support::peer::{Device, Manner, Peer, document};
use crate::support::proxy::{Faults, Proxy};
use crate::support::stream::End;
use crate::tap::Tap;
use crate::world::{World, contains};

/// One can be confident that a message or notification was not altered: a signed message and a signed document arrive
/// byte for byte and verify, a changed one does not, bits changed on the line never arrive, and bits changed in the
/// store are told by `log verify`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_5_1_alteration_is_noticed() {
    let mut world = World::open();
    let line = Tap::to(world.server).await;
    let (mut bob, signer) = (world.enter("bob").await, Signer::new(1));
    let mut alice = world.enter_by(line.address, "alice", Manner::default()).await;
    bob.allow("alice").await;
    alice.subscribe_to_all("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: -");
    line.change_bits(7);
    for number in 0..20 {
        bob.publish_document(signer.sign(document(&format!("note {number}")))).await;
        let mut shown = watch.presence().await.document;
        assert!(signer.signed(&shown), "what arrives is what bob signed");
        shown.tuples[0].notes[0].text = Some(Bytes::from_static(b"another"));
        assert!(!signer.signed(&shown));
    }
    assert!(line.changed() > 0, "bits were changed on the line");
    let (content_type, body) = signed_message();
    alice
        .send_as("bob", "a-message-to-find", |send| {
            (send.content_type, send.body) = (content_type.clone(), body.clone());
        })
        .await
        .unwrap();
    let message = bob.inbox().await.message().await;
    assert_eq!(message.body.as_ref(), Some(&body));
    assert!(smime_verifies(&message.content_type, &body));
    let mut altered = body.to_vec();
    altered[300] ^= 1;
    assert!(!smime_verifies(&message.content_type, &altered));
    world.site.stop();
    assert_eq!(verify(&world), 0);
    change_a_bit_of(&world, b"a-message-to-find");
    assert_ne!(verify(&world), 0, "a bit changed in the store is noticed");
}

fn verify(world: &World) -> i32 {
    crate::processes::run(&["log", "verify", "--data", &world.site.data(), "--json"]).exit
}

/// Changes a bit of the one file of the log where `part` stands in it.
fn change_a_bit_of(world: &World, part: &[u8]) {
    let path = std::path::Path::new(&world.site.data()).join("log/db");
    let mut bytes = std::fs::read(&path).unwrap();
    let place = bytes.windows(part.len()).position(|window| window == part).unwrap();
    bytes[place] ^= 1;
    std::fs::write(&path, bytes).unwrap();
}

/// One can be confident that nothing was recorded and replayed: what a connection said is worth nothing on another,
/// every packet sent twice does everything once, a message repeated under its id is not stored again, and no request
/// travels in early data.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_5_2_a_recording_is_worth_nothing() {
    let world = World::open();
    let twice = Faults { loss: 0.0, double: 1.0, delay_max: Duration::from_millis(2) };
    let line = Proxy::start(world.server, twice, crate::support::seed(2_520)).await;
    let bob = world.enter("bob").await;
    let mut alice = world.enter_by(line.address, "alice", Manner::default()).await;
    for number in 0..10 {
        alice.send("bob", &format!("m{number}"), &number.to_string()).await.unwrap();
    }
    assert!(line.faults().1 > 10, "packets came twice");
    assert!(alice.send("bob", "m3", "3").await.unwrap().duplicate);
    let expected: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    assert_eq!(bob.read().await, expected);

    let device = Device::of_principal("alice@d.example");
    let recorded = alice.peer.hello(&device);
    let other = Peer::connect(world.server).await;
    let mut control = other.say_hello(&recorded).await;
    assert_eq!(crate::person::word(control.refused().await), "bad-proof");
    assert!(matches!(other.end().await, End::Closed(_)));
    assert!(!crate::early::is_accepted(world.server).await, "no request travels in early data");
}

/// One can make a message readable only by those one allows: a sealed body is found opaque in the store, and on the
/// line not even a body sent in the clear is readable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_5_3_only_those_allowed_can_read() {
    let mut world = World::open();
    let line = Tap::to(world.server).await;
    let bob = world.enter_by(line.address, "bob", Manner::default()).await;
    let mut alice = world.enter_by(line.address, "alice", Manner::default()).await;
    let (secret, key) = ("the key lies under the third stone", [9; 32]);
    let sealed = seal(key, secret);
    alice
        .send_as("bob", "m1", |send| {
            send.content_type = "application/octet-stream".to_owned();
            send.body = sealed.clone();
        })
        .await
        .unwrap();
    alice.send("bob", "m2", "said in the clear").await.unwrap();
    let mut inbox = bob.inbox().await;
    let received = inbox.message().await.body.unwrap();
    assert_eq!(unseal(key, &received).as_deref(), Some(secret));
    inbox.message().await;
    let heard = line.heard();
    assert!(heard.len() > 1_000);
    for text in [secret, "said in the clear"] {
        assert!(!contains(&heard, text.as_bytes()), "{text:?} is readable on the line");
    }
    world.site.stop();
    let stored = world.stored();
    assert!(contains(&stored, b"application/octet-stream"), "what it is stands there");
    for text in [secret, "said in the clear"] {
        assert!(!contains(&stored, text.as_bytes()), "{text:?} is readable in the store");
    }
}

/// Any client may use those means and none must: a plain client and one that signs talk to each other, and nothing is
/// refused for lack of a signature or seal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_5_4_protection_may_be_used_and_need_not() {
    let world = World::open();
    let (mut alice, mut bob) = (world.enter("alice").await, world.enter("bob").await);
    let (content_type, body) = signed_message();
    alice
        .send_as("bob", "m1", |send| {
            (send.content_type, send.body) = (content_type.clone(), body.clone());
        })
        .await
        .unwrap();
    bob.send("alice", "m1", "plain words").await.unwrap();
    assert_eq!(bob.inbox().await.message().await.body, Some(body));
    assert_eq!(alice.read().await, ["plain words"]);
    let signer = Signer::new(1);
    for person in [&mut alice, &mut bob] {
        person.allow("authenticated").await;
    }
    alice.publish_document(signer.sign(document("signed"))).await;
    bob.publish("unsigned").await;
    assert!(signer.signed(&bob.fetch("alice").await.unwrap().document));
    assert_eq!(alice.sees("bob").await, "bob: unsigned");
}
