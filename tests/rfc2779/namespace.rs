//! RFC 2779 sections 2.0 and 2.1: links that come and go, names, and administration of domains.
//!
//! Must never hold: a requirement of another section.

use std::time::Duration;

use adsum::protocol::body::{DomainState, ListDomains, Subscribe, Subscribed};

use crate::person::{Act, Person, operation, send_of};
use crate::support::peer::{Device, Manner};
use crate::support::proxy::{Faults, Proxy};
use crate::support::stream::frame;
use crate::tap::Tap;
use crate::world::{World, contains, invite, pres};

/// The opening demand of section 2: suited to slow, lossy, intermittent links and cheap for small payloads. On a link
/// that loses 5 % and delays, and is cut by a change of address, 100 notifications and 50 messages come once and in
/// order; a message of one word is less than 100 bytes of frame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_0_a_bad_link_loses_and_doubles_nothing_and_small_things_stay_small() {
    let world = World::open();
    let faults = Faults { loss: 0.05, double: 0.02, delay_max: Duration::from_millis(30) };
    let link = Proxy::start(world.server, faults, crate::support::seed(2_000)).await;
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    let mut alice = world.enter_by(link.address, "alice", Manner::default()).await;
    alice.subscribe_to_all("bob").await.unwrap();
    let (mut watch, mut inbox) = (alice.watch().await, alice.inbox().await);
    assert_eq!(watch.says().await, "bob: -");
    for number in 0..100 {
        bob.publish(&number.to_string()).await;
        if number % 2 == 0 {
            bob.send("alice", &format!("m{number}"), &number.to_string()).await.unwrap();
        }
        if number % 40 == 39 {
            link.rebind();
        }
    }
    for number in 0..100 {
        assert_eq!(watch.says().await, format!("bob: {number}"));
        watch.acknowledge().await;
    }
    for number in (0..100).step_by(2) {
        assert_eq!(inbox.says().await, format!("bob@d.example: {number}"));
    }
    let mut small = send_of(1, "bob", "id");
    small.body = bytes::Bytes::from_static(b"yes");
    assert!(frame(&small).len() < 100, "{} bytes for one word", frame(&small).len());
}

/// Presence works without messaging and messaging without presence: with one switched off on the server, the other
/// does all it can do and the one that is off says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_1_1_presence_and_messaging_work_without_each_other() {
    let world = World::start(&["--no-messaging"]);
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    bob.allow("alice").await;
    bob.publish("here").await;
    alice.subscribe("bob").await.unwrap();
    assert_eq!(alice.watch().await.says().await, "bob: here");
    assert_eq!(alice.send("bob", "m1", "hello").await.unwrap_err(), "service-off");
    drop(world);
    let world = World::start(&["--no-presence"]);
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    alice.send("bob", "m1", "hello").await.unwrap();
    assert_eq!(bob.read().await, ["hello"]);
    let publish = |publish: &mut adsum::protocol::body::Publish| {
        publish.document = Some(crate::support::peer::document("here"));
    };
    assert_eq!(bob.publish_as(publish).await.unwrap_err(), "service-off");
    assert_eq!(alice.subscribe("bob").await.unwrap_err(), "service-off");
    assert_eq!(alice.sees("bob").await, "service-off");
}

/// An inbox need not share its identifier with a presentity: `box` has an inbox only and `sensor` a presentity only,
/// and each is as good as any, while the other half is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_1_2_an_inbox_needs_no_presentity_and_a_presentity_no_inbox() {
    let world = World::open();
    let mut root = world.administrator().await;
    let (mut mailbox, mut sensor) = (world.enter("box").await, world.enter("sensor").await);
    mailbox.allow("authenticated").await;
    sensor.allow("authenticated").await;
    root.administer(Act::SwitchServices("box".into(), 1, 0)).await.unwrap();
    root.administer(Act::SwitchServices("sensor".into(), 0, 1)).await.unwrap();
    let mut alice = world.enter("alice").await;
    alice.send("box", "m1", "for the box").await.unwrap();
    assert_eq!(mailbox.read().await, ["for the box"]);
    assert_eq!(alice.sees("box").await, "refused", "there is no such presentity");
    sensor.publish("21 degrees").await;
    alice.subscribe("sensor").await.unwrap();
    assert_eq!(alice.watch().await.says().await, "sensor: 21 degrees");
    assert!(alice.send("sensor", "m2", "hello").await.is_err(), "there is no such inbox");
    assert_eq!(alice.sees("box").await, "refused", "and none was made by trying");
}

/// An inbox may have the same identifier as a presentity: both work under one name, and without its inbox the
/// presentity is still there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_1_3_an_inbox_and_a_presentity_may_share_an_identifier() {
    let world = World::open();
    let mut root = world.administrator().await;
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    bob.allow("alice").await;
    bob.publish("here").await;
    alice.send("bob", "m1", "hello").await.unwrap();
    alice.subscribe("bob").await.unwrap();
    assert_eq!(bob.read().await, ["hello"]);
    assert_eq!(alice.sees("bob").await, "bob: here");
    root.administer(Act::SwitchServices("bob".into(), 0, 1)).await.unwrap();
    assert_eq!(alice.sees("bob").await, "bob: here");
    assert!(alice.send("bob", "m2", "hello").await.is_err());
}

/// Each domain is named and administered by itself: the same local part lives in two, an administrator of one may do
/// nothing in the other, and removing one leaves the others as they were; one in which somebody lives is not removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_1_4_domains_are_named_and_administered_independently() {
    let mut world = World::open();
    let mut root = world.administrator().await;
    for domain in ["one.example", "two.example", "three.example"] {
        root.administer(Act::CreateDomain(domain.into())).await.unwrap();
    }
    let token = invite(&mut root, Some("boss@one.example".into()), 1).await;
    let mut boss = world.enrolled(&Device::of_principal("boss@one.example"), &token).await;
    let (mut one, mut two) =
        (world.enter("bob@one.example").await, world.enter("bob@two.example").await);
    one.publish("in one").await;
    two.publish("in two").await;
    assert_eq!(
        boss.administer(Act::Suspend(two.principal.clone())).await.unwrap_err(),
        "forbidden"
    );
    let switch = Act::SwitchDomain("two.example".into(), 1, 1);
    assert_eq!(boss.administer(switch).await.unwrap_err(), "forbidden");
    let before = two.fetch("bob@two.example").await.unwrap();
    boss.administer(Act::SwitchDomain("one.example".into(), 1, 0)).await.unwrap();
    assert_eq!(one.sees("bob@one.example").await, "service-off");
    assert_eq!(two.fetch("bob@two.example").await.unwrap(), before);
    let lived_in = root.administer(Act::RemoveDomain("one.example".into())).await;
    assert_eq!(lived_in.unwrap_err(), "domain-inhabited");
    root.administer(Act::RemoveDomain("three.example".into())).await.unwrap();
    world.kill_and_restart();
    let two = world.enter("bob@two.example").await;
    assert_eq!(two.fetch("bob@two.example").await.unwrap(), before);
}

const DOMAINS: usize = 10_000;

/// There may be any number of domains: ten thousand are created while the server runs, each is there after a kill, and
/// a name that begins like another's is another domain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_1_5_ten_thousand_domains_are_created_at_run_time() {
    let mut world = World::open();
    let mut root = world.administrator().await;
    let name = |number: usize| format!("d{number}.example");
    for first in (0..DOMAINS).step_by(500) {
        create(&mut root, (first..first + 500).map(name)).await;
    }
    for alike in ["a.example", "a.example.example", "a.example.example.example"] {
        root.administer(Act::CreateDomain(alike.into())).await.unwrap();
    }
    world.kill_and_restart();
    let root = world.enter("root").await;
    let rows: Vec<DomainState> = root.rows(&ListDomains {}).await.unwrap();
    assert_eq!(rows.len(), DOMAINS + 4);
    let mut last = world.enter(&format!("bob@{}", name(DOMAINS - 1))).await;
    last.publish("in the last").await;
    assert_eq!(last.sees(&last.principal).await, "bob: in the last");
    let mut outer = world.enter("bob@a.example.example").await;
    outer.publish("outer").await;
    let mut inner = world.enter("bob@a.example").await;
    inner.publish("inner").await;
    assert_eq!(outer.sees("bob@a.example.example").await, "bob: outer");
    let mut root = world.enter("root").await;
    root.administer(Act::RemoveDomain("a.example.example.example".into())).await.unwrap();
    assert_eq!(outer.sees("bob@a.example.example").await, "bob: outer");
    assert_eq!(inner.sees("bob@a.example").await, "bob: inner");
}

async fn create(root: &mut Person, domains: impl Iterator<Item = String>) {
    let (mut frames, mut count) = (Vec::new(), 0);
    for domain in domains {
        let (number, operation) = (root.number(), operation());
        frames.extend(frame(&Act::CreateDomain(domain).body(number, operation)));
        count += 1;
    }
    root.control.bytes(&frames).await;
    for _ in 0..count {
        root.answer::<adsum::protocol::body::Changed>().await.unwrap();
    }
}

/// A resumed feed costs one round trip of the application and brings only what was missed: part of the demand for weak
/// links, seen on the line.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_0_resuming_takes_one_round_trip_and_brings_what_was_missed() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    bob.publish("one").await;
    let tap = Tap::to(world.server).await;
    let mut alice = world.enter_by(tap.address, "alice", Manner::default()).await;
    let subscribe = |request| Subscribe {
        request,
        presentity: pres("bob"),
        mode: 0,
        lifetime_ms: None,
        operation: None,
    };
    alice.ask::<_, Subscribed>(subscribe).await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: one");
    let cursor = watch.cursor.clone();
    tap.cut();
    bob.publish("two").await;
    let alice = world.enter("alice").await;
    let mut watch = alice.watch_from(cursor).await;
    assert_eq!((watch.ready.outcome, watch.ready.pending), (1, 1));
    assert_eq!(watch.says_until_caught_up().await, ["bob: two"]);
    assert!(!contains(&tap.heard(), b"one"), "and nothing is readable on the line");
}
