//! RFC 2779 sections 3.3 and 3.4: copies of presence, and how soon a change is told.
//!
//! A cursor is what a cache holds beside its copy: it says which state the copy is, and opening a feed at it brings
//! what changed since.
//! Must never hold: a requirement of another section.

use std::time::{Duration, Instant};

use adsum::protocol::body::{ListSubscriptions, Subscription};
use bytes::Bytes;

use crate::person::{ALLOW, rule};
use crate::seal::Signer;
use crate::support::peer::document;
use crate::world::World;

/// Presence can be cached: what is told carries a cursor that stands for it, opening a feed there brings no body as
/// long as nothing changed, and the subscription says how long it stays good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_3_1_a_copy_is_kept_by_its_cursor() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    bob.publish("one").await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says_until_caught_up().await, ["bob: one"]);
    let mut again = alice.watch_from(watch.cursor.clone()).await;
    assert_eq!((again.ready.outcome, again.ready.pending), (1, 0));
    assert!(again.says_until_caught_up().await.is_empty());
    let rows = alice.rows::<_, Subscription>(&ListSubscriptions {}).await.unwrap();
    assert!(rows[0].remaining_ms > 0);
}

/// Copies are updated when the master changes: a cache that is there is told at once, one that was away is told what it
/// missed, and one whose cursor is of no use any more is told all anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_3_2_copies_follow_the_master() {
    let mut world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    bob.publish("one").await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: one");
    bob.publish("two").await;
    assert_eq!(watch.says().await, "bob: two");
    let cursor = watch.cursor.clone();
    drop(watch);
    bob.publish("three").await;
    bob.publish("four").await;
    world.kill_and_restart();
    let alice = world.enter("alice").await;
    let mut watch = alice.watch_from(cursor).await;
    assert_eq!(watch.ready.outcome, 1);
    assert_eq!(watch.says_until_caught_up().await, ["bob: four"]);
    let mut useless = alice.watch_from(Bytes::from_static(&[7; 40])).await;
    assert_eq!(useless.ready.outcome, 2, "it is told that its copy is of no use");
    assert_eq!(useless.says_until_caught_up().await, ["bob: four"]);
}

/// Caching does not get round the rules: a cursor is of use to nobody else, one from before the rules were tightened
/// brings nothing that is withheld now, and what was signed comes out of a cache as it went in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_3_3_copies_do_not_get_round_the_rules() {
    let world = World::open();
    let (mut bob, signer) = (world.enter("bob").await, Signer::new(1));
    bob.rules(vec![rule("alice", ALLOW), rule("carol", ALLOW)]).await.unwrap();
    bob.publish_document(signer.sign(document("signed"))).await;
    let (mut alice, mut carol) = (world.enter("alice").await, world.enter("carol").await);
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert!(signer.signed(&watch.presence().await.document));
    assert!(signer.signed(&alice.fetch("bob").await.unwrap().document));
    let cursor = watch.cursor.clone();
    drop(watch);
    carol.subscribe("bob").await.unwrap();
    bob.block("carol").await;
    let mut stolen = carol.watch_from(cursor.clone()).await;
    assert_eq!(stolen.ready.outcome, 2, "a cursor opens for whom it was made");
    assert_eq!(stolen.says_until_caught_up().await, ["bob: rejected"]);
    bob.block("alice").await;
    bob.publish("hidden").await;
    let mut watch = alice.watch_from(cursor).await;
    assert_eq!(watch.says_until_caught_up().await, ["bob: rejected"]);
    assert_eq!(alice.sees("bob").await, "refused");
}

const ROUNDS: usize = 60;

/// A change is told about as soon as a message is delivered: of many changes and messages sent one after the other, the
/// median change comes no later than the median message by more than a fraction of any limit on the rate of changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_4_1_a_change_is_told_as_soon_as_a_message_arrives() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    let (mut watch, mut inbox) = (alice.watch().await, alice.inbox().await);
    assert_eq!(watch.says().await, "bob: -");
    let (mut changes, mut messages) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let text = round.to_string();
        let begun = Instant::now();
        bob.publish(&text).await;
        assert_eq!(watch.says().await, format!("bob: {text}"));
        changes.push(begun.elapsed());
        let begun = Instant::now();
        bob.send("alice", &text, &text).await.unwrap();
        assert_eq!(inbox.says().await, format!("bob@d.example: {text}"));
        messages.push(begun.elapsed());
        inbox.acknowledge().await;
        watch.acknowledge().await;
    }
    let (change, message) = (median(&mut changes), median(&mut messages));
    // SIP's limit is one notification in five seconds (RFC 3856 §6.10); a server that kept it would be found here.
    assert!(change < message + Duration::from_secs(1), "{change:?} to {message:?}");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
