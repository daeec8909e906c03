//! RFC 2779 section 3.2: lookup and notification while anybody may be out of contact.
//!
//! Must never hold: a requirement of another section.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;

use crate::feed::Feed;
use crate::person::{ALLOW, BLOCK, POLITE_BLOCK, Person, rule};
use crate::support::peer::{Manner, document};
use crate::support::{http, until};
use crate::tap::Tap;
use crate::world::World;

/// Fetching works while B is out of contact: after B's line is cut the stored state is given until it runs out, then
/// that of a presentity that publishes nothing, never an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_2_1_fetching_works_while_the_presentity_is_out_of_contact() {
    let world = World::open();
    let line = Tap::to(world.server).await;
    let mut bob = world.enter_by(line.address, "bob", Manner::default()).await;
    bob.allow("alice").await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    watch.says().await;
    bob.publish("still here").await;
    line.cut();
    assert_eq!(alice.sees("bob").await, "bob: still here");
    assert_eq!(watch.says().await, "bob: still here");
    let mut bob = world.enter("bob").await;
    bob.publish_as(|publish| {
        (publish.document, publish.lifetime_ms) = (Some(document("briefly")), Some(1_000));
    })
    .await
    .unwrap();
    drop(bob);
    assert_eq!(watch.says().await, "bob: briefly");
    assert_eq!(watch.says().await, "bob: -");
    assert_eq!(alice.sees("bob").await, "bob: -");
}

/// Subscribing works while B is out of contact: B, who was never there since the server was killed, is asked for when
/// it comes back, and what its rules decide is decided at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_2_2_subscribing_works_while_the_presentity_is_out_of_contact() {
    let mut world = World::open();
    let mut bob = world.enter("bob").await;
    bob.rules(vec![rule("dave", ALLOW), rule("mallory", BLOCK)]).await.unwrap();
    bob.leave();
    world.kill_and_restart();
    let mut alice = world.enter("alice").await;
    assert_eq!(alice.subscribe("bob").await.unwrap().state, 3, "nobody decided yet");
    assert_eq!(world.enter("dave").await.subscribe("bob").await.unwrap().state, 1);
    assert_eq!(world.enter("mallory").await.subscribe("bob").await.unwrap_err(), "refused");
    let mut bob = world.enter("bob").await;
    let waiting: Vec<_> = bob.watchers("bob").await.unwrap();
    let waiting: Vec<_> = waiting.iter().filter(|row| row.state == 3).collect();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].watcher, alice.principal);
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: pending");
    bob.allow("alice").await;
    assert_eq!(watch.says().await, "bob: -");
}

/// What watchers hear, by their names.
type Heard = BTreeMap<&'static str, BTreeSet<String>>;

/// Every subscriber is notified of a change unless B's rules forbid it: of random publishes and rule changes, with
/// kills between, each hears every change made while it is permitted, and nothing of those made while it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_2_3_every_permitted_subscriber_is_notified_of_every_change() {
    const NAMES: [&str; 4] = ["alice", "carol", "dave", "erin"];
    let mut world = World::open();
    let mut random = fastrand::Rng::with_seed(crate::support::seed(3_230));
    let mut bob = world.enter("bob").await;
    let mut handling = BTreeMap::new();
    for name in NAMES {
        bob.allow(name).await;
        handling.insert(name, ALLOW);
        world.enter(name).await.subscribe_to_all("bob").await.unwrap();
    }
    let mut cursors: BTreeMap<&str, Bytes> = BTreeMap::new();
    let mut current = "bob: -".to_owned();
    for round in 0..4 {
        let mut watching: Vec<(&str, Person, Feed)> = Vec::new();
        for name in NAMES {
            let person = world.enter(name).await;
            let watch = person.watch_from(cursors.remove(name).unwrap_or_default()).await;
            watching.push((name, person, watch));
        }
        // What each must hear: changes while it is permitted. What it may hear besides: the state it is let in to.
        let (mut must, mut may) = (Heard::new(), Heard::new());
        for step in 0..8 {
            let name = NAMES[random.usize(0..4)];
            let chosen = if random.bool() { ALLOW } else { POLITE_BLOCK };
            bob.rules(vec![rule(name, chosen)]).await.unwrap();
            handling.insert(name, chosen);
            if chosen == ALLOW {
                may.entry(name).or_default().insert(current.clone());
            }
            current = format!("bob: round {round} step {step}");
            bob.publish(&current["bob: ".len()..]).await;
            for name in NAMES.into_iter().filter(|name| handling[name] == ALLOW) {
                must.entry(name).or_default().insert(current.clone());
            }
        }
        bob.rules(NAMES.map(|name| rule(name, ALLOW)).to_vec()).await.unwrap();
        handling = NAMES.map(|name| (name, ALLOW)).into();
        let let_in = std::mem::replace(&mut current, format!("bob: end of {round}"));
        bob.publish(&current["bob: ".len()..]).await;
        for (name, person, mut watch) in watching {
            let mut heard = BTreeSet::from([watch.says().await]);
            while !heard.contains(&current) {
                heard.insert(watch.says().await);
            }
            assert_eq!(person.sees("bob").await, current);
            let must = must.remove(name).unwrap_or_default();
            assert!(must.is_subset(&heard), "{name} missed some of {must:?}: {heard:?}");
            let mut may = may.remove(name).unwrap_or_default();
            may.extend(must);
            may.extend(["bob: -".to_owned(), let_in.clone(), current.clone()]);
            assert!(heard.is_subset(&may), "{name} may hear {may:?}, not {heard:?}");
            cursors.insert(name, watch.cursor.clone());
        }
        world.kill_and_restart();
        bob = world.enter("bob").await;
    }
}

/// Loss of contact is found out: B's presence runs out and its watchers are told, the server drops the line of a
/// subscriber that is gone, and that subscriber's subscription runs out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_2_4_loss_of_contact_is_found_out() {
    let world = World::start_with_http();
    let health = world.http();
    let line = Tap::to(world.server).await;
    let briefly = Manner { idle: Duration::from_secs(2), ..Manner::default() };
    let mut bob = world.enter_by(line.address, "bob", briefly.clone()).await;
    bob.allow("alice").await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    watch.says().await;
    let mut carol = world.enter_by(line.address, "carol", briefly).await;
    bob.allow("carol").await;
    carol.subscribe_as("bob", |subscribe| subscribe.lifetime_ms = Some(1_000)).await.unwrap();
    bob.publish_as(|publish| {
        (publish.document, publish.lifetime_ms) = (Some(document("briefly")), Some(1_000));
    })
    .await
    .unwrap();
    until("three lines are counted", async || {
        (http::measure(health, "adsum_connections").await > 2.5).then_some(())
    })
    .await;
    line.cut();
    assert_eq!(watch.says().await, "bob: briefly");
    assert_eq!(watch.says().await, "bob: -", "the publication ran out");
    until("both lines are given up", async || {
        (http::measure(health, "adsum_connections").await < 1.5).then_some(())
    })
    .await;
    until("the subscription ran out", async || {
        let carol = world.enter("carol").await;
        (carol.subscriptions().await == ["bob: timeout"]).then_some(())
    })
    .await;
}

/// Nothing relies on a polite goodbye: whether B closes, is cut off or its process is killed, the same is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_2_5_the_same_is_left_behind_with_and_without_a_goodbye() {
    let world = World::open();
    let line = Tap::to(world.server).await;
    let mut alice = world.enter("alice").await;
    let mut left = Vec::new();
    for name in ["closing", "cut", "killed"] {
        if name == "killed" {
            world.enroll(name);
            world.run(name, &["rules", "allow", "alice@d.example"]).line();
            world.run(name, &["publish", "open", "--note", "here", "--lifetime", "2s"]).line();
            world.stay(name, &["inbox", "--follow"]).kill();
        } else {
            let mut bob = world.enter_by(line.address, name, Manner::default()).await;
            bob.allow("alice").await;
            bob.publish_as(|publish| {
                (publish.document, publish.lifetime_ms) = (Some(document("here")), Some(2_000));
            })
            .await
            .unwrap();
            if name == "closing" { bob.leave() } else { line.cut() }
        }
        alice.subscribe(name).await.unwrap();
        let mut watch = alice.watch().await;
        let offline = format!("{name}: -");
        while watch.says().await != offline {}
        left.push((alice.subscriptions().await.len(), alice.sees(name).await.replace(name, "bob")));
    }
    assert_eq!(left, [1, 2, 3].map(|count| (count, "bob: -".to_owned())));
}
