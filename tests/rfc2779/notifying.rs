//! RFC 2779 sections 5.2 and 5.3: what is promised when B publishes for A, and to A when she is notified.
//!
//! Must never hold: what is promised about addresses (see `subscribed.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use adsum::protocol::body::{FeedReady, PresenceBody, PresenceEvent, Publish};
use bytes::Bytes;
use data_encoding::HEXLOWER;

use crate::person::{ALLOW, Answer, POLITE_BLOCK, Person, rule, word};
use crate::seal::{Signer, seal, unseal};
use crate::support::peer::{Manner, document};
use crate::support::proxy::{Faults, Proxy};
use crate::support::stream::{End, known};
use crate::tap::Tap;
use crate::world::{World, contains, pres};

/// It can be ensured that only A reads what is notified to her: nothing is readable on the line, her cursor resumes
/// nothing for C, and a document sealed for her stays sealed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_2_1_only_the_one_notified_can_read() {
    let world = World::open();
    let line = Tap::to(world.server).await;
    let mut bob = world.enter_by(line.address, "bob", Manner::default()).await;
    let mut alice = world.enter_by(line.address, "alice", Manner::default()).await;
    bob.allow("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: -");
    let mut sealed = document("a note in the clear");
    let ciphertext = HEXLOWER.encode(&seal([4; 32], "only for alice"));
    sealed.tuples[0].markup.push(Some(Bytes::from(ciphertext)));
    bob.publish_document(sealed).await;
    let shown = watch.presence().await.document;
    let markup = HEXLOWER.decode(shown.tuples[0].markup[0].as_ref().unwrap()).unwrap();
    assert_eq!(unseal([4; 32], &markup).as_deref(), Some("only for alice"));
    for text in ["a note in the clear", "only for alice"] {
        assert!(!contains(&line.heard(), text.as_bytes()));
    }
    let carol = world.enter("carol").await;
    let mut stolen = carol.watch_from(watch.cursor.clone()).await;
    assert_eq!(stolen.ready.outcome, 2);
    assert!(stolen.says_until_caught_up().await.is_empty());
}

/// A gets every notification meant for her: with a line that loses packets and changes its address, and a server that is
/// killed twice, each of her resumed feeds goes on where the last stopped, every change once and in order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_2_2_every_notification_arrives() {
    let mut world = World::open();
    let faults = Faults { loss: 0.1, double: 0.1, delay_max: Duration::from_millis(10) };
    let line = Proxy::start(world.server, faults, crate::support::seed(5_220)).await;
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    world.enter("alice").await.subscribe_to_all("bob").await.unwrap();
    let mut cursor = Bytes::new();
    let mut told = Vec::new();
    for round in 0..3 {
        let alice = world.enter_by(line.address, "alice", Manner::default()).await;
        let mut watch = alice.watch_from(cursor).await;
        assert_eq!(watch.ready.outcome, u8::from(round > 0));
        for step in 0..10 {
            bob.publish(&format!("{round}.{step}")).await;
            if step == 4 {
                line.rebind();
            }
        }
        // The end of each round is left for the next feed.
        let last = format!("bob: {round}.7");
        while told.last() != Some(&last) {
            told.push(watch.says().await);
        }
        assert!(watch.ready.complete, "no change is missing between");
        cursor = watch.cursor.clone();
        drop((watch, alice));
        world.kill_and_restart();
        bob = world.enter("bob").await;
    }
    let alice = world.enter("alice").await;
    told.extend(alice.watch_from(cursor).await.says_until_caught_up().await);
    told.retain(|said| said != "bob: -");
    let expected: Vec<_> =
        (0..3).flat_map(|round| (0..10).map(move |step| format!("bob: {round}.{step}"))).collect();
    assert_eq!(told, expected);
}

/// B can withhold from A what her rights would include, by muting her while she watches, and shows different
/// subscribers different documents of one change; both stand after a kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_2_3_notifications_are_withheld_and_differ() {
    let mut world = World::open();
    let mut bob = world.enter("bob").await;
    let mut without_notes = rule("carol", ALLOW);
    without_notes.shown.notes = false;
    bob.rules(vec![rule("@d.example", ALLOW), without_notes]).await.unwrap();
    let mut feeds = BTreeMap::new();
    let mut people = Vec::new();
    for name in ["alice", "carol"] {
        let mut person = world.enter(name).await;
        person.subscribe("bob").await.unwrap();
        let mut watch = person.watch().await;
        watch.presence().await;
        feeds.insert(name, watch);
        people.push(person);
    }
    bob.publish("for alice").await;
    let shown_to_alice = feeds.get_mut("alice").unwrap().presence().await;
    let shown_to_carol = feeds.get_mut("carol").unwrap().presence().await;
    assert_eq!(shown_to_alice.document.tuples[0].notes.len(), 1);
    assert!(shown_to_carol.document.tuples[0].notes.is_empty());
    assert_eq!(
        (shown_to_alice.document.tuples[0].basic, shown_to_carol.document.tuples[0].basic),
        (1, 1)
    );
    bob.rules(vec![rule("alice", POLITE_BLOCK)]).await.unwrap();
    bob.publish("muted").await;
    assert_eq!(people[0].sees("bob").await, "bob: -");
    world.kill_and_restart();
    let (alice, carol) = (world.enter("alice").await, world.enter("carol").await);
    assert_eq!(alice.sees("bob").await, "bob: -");
    let shown: PresenceBody = carol.fetch("bob").await.unwrap();
    assert!(shown.document.tuples[0].notes.is_empty());
    let mut again = alice.watch_from(feeds["alice"].cursor.clone()).await;
    assert_eq!(again.says_until_caught_up().await, ["bob: -"]);
}

/// B is protected from notifications that C makes up: a client that sends one is thrown out, C's publish for B is
/// refused, and A is told nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_2_4_nobody_else_notifies_about_a_presentity() {
    let world = World::open();
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    bob.allow("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: -");
    let mut carol = world.enter("carol").await;
    let forged = |publish: &mut Publish| {
        (publish.presentity, publish.document) = (pres("bob"), Some(document("forged")));
    };
    assert_eq!(carol.publish_as(forged).await.unwrap_err(), "forbidden");
    let presence = alice.fetch("bob").await.unwrap();
    let cursor = watch.cursor.clone();
    let event = PresenceEvent { number: 2, cursor, presence, left_out: None };
    carol.control.write(&event).await;
    assert_eq!(turned_away(&mut carol).await, Err("unknown-kind"));
    bob.publish("by bob").await;
    assert_eq!(watch.says().await, "bob: by bob");
}

/// What a client gets for a frame that only a server sends: a refusal, or the end of its connection.
async fn turned_away(person: &mut Person) -> Answer<()> {
    match person.control.next().await {
        Ok(frame) => Err(word(known::<adsum::protocol::body::Refused>(&frame).code)),
        Err(End::Closed(_) | End::Reset(_)) => Err("unknown-kind"),
        // The end of the stream may arrive ahead of that of its connection.
        Err(End::Finished) => match person.peer.end().await {
            End::Closed(_) => Err("unknown-kind"),
            other => panic!("{other:?}"),
        },
        Err(other) => panic!("{other:?}"),
    }
}

/// A can verify that what she is told is accurate as B sent it: his signature verifies over the whole way, store and
/// kill included, and where the service withholds a part on B's behalf, the document no longer bears it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_3_1_accuracy_can_be_verified() {
    let mut world = World::open();
    let (mut bob, signer) = (world.enter("bob").await, Signer::new(1));
    let mut partly = rule("carol", ALLOW);
    partly.shown.notes = false;
    bob.rules(vec![rule("alice", ALLOW), partly]).await.unwrap();
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    watch.presence().await;
    bob.publish_document(signer.sign(document("as bob says"))).await;
    assert!(signer.signed(&watch.presence().await.document));
    world.kill_and_restart();
    let (alice, carol) = (world.enter("alice").await, world.enter("carol").await);
    assert!(signer.signed(&alice.fetch("bob").await.unwrap().document));
    assert!(!signer.signed(&carol.fetch("bob").await.unwrap().document), "filtered by the domain");
}

/// Nothing is notified to A but what she subscribed to: in the log there is a live subscription of hers before every
/// notification that any of the watchers was told, of presentities that all publish at random.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_3_2_only_what_was_subscribed_to_is_notified() {
    const NAMES: [&str; 4] = ["bob", "carol", "dave", "erin"];
    let mut world = World::open();
    let mut random = fastrand::Rng::with_seed(crate::support::seed(5_320));
    let mut targets = Vec::new();
    for name in NAMES {
        let mut target = world.enter(name).await;
        target.allow("authenticated").await;
        targets.push(target);
    }
    let mut told: Vec<(String, String)> = Vec::new();
    for watcher in ["alice", "frank"] {
        let mut person = world.enter(watcher).await;
        let chosen: Vec<_> = NAMES.into_iter().filter(|_| random.bool()).collect();
        for name in &chosen {
            person.subscribe_to_all(name).await.unwrap();
        }
        for _ in 0..20 {
            let target = random.usize(0..4);
            targets[target].publish(&random.u32(..).to_string()).await;
        }
        let mut watch = person.watch().await;
        let FeedReady { outcome, .. } = watch.ready;
        assert_eq!(outcome, 0);
        for said in watch.says_until_caught_up().await {
            let name = said.split(':').next().unwrap().to_owned();
            assert!(chosen.contains(&name.as_str()), "{watcher} did not ask for {name}");
            told.push((person.principal.clone(), pres(&name)));
        }
    }
    world.site.stop();
    let log = world.log();
    let is_made = |watcher: &str, presentity: &str| {
        log.iter().any(|event| {
            let text = event.to_string();
            text.to_lowercase().contains("subscri")
                && text.contains(watcher)
                && text.contains(presentity)
        })
    };
    for (watcher, presentity) in &told {
        assert!(is_made(watcher, presentity), "{watcher} never subscribed to {presentity}");
    }
    assert!(!is_made("alice@d.example", "pres:frank@d.example"));
}

/// A can verify that B sent it: only B's key makes the signature she checks, so that a document of C, or one whose
/// signature was taken away, does not pass for B's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_3_3_the_origin_can_be_verified() {
    let world = World::open();
    let (mut bob, mut carol) = (world.enter("bob").await, world.enter("carol").await);
    let (of_bob, of_carol) = (Signer::new(1), Signer::new(2));
    bob.allow("alice").await;
    bob.grant("carol", 1).await.unwrap();
    let alice = world.enter("alice").await;
    bob.publish_document(of_bob.sign(document("by bob"))).await;
    assert!(of_bob.signed(&alice.fetch("bob").await.unwrap().document));
    bob.remove().await;
    let forged = of_carol.sign(document("by carol"));
    carol
        .publish_as(|publish| {
            (publish.presentity, publish.document) = (pres("bob"), Some(forged));
        })
        .await
        .unwrap();
    let shown = alice.fetch("bob").await.unwrap().document;
    assert!(of_carol.signed(&shown) && !of_bob.signed(&shown));
    bob.publish_document(document("unsigned")).await;
    assert!(!of_bob.signed(&alice.fetch("bob").await.unwrap().document));
}
