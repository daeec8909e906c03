//! RFC 2779 section 2.2: scale, with the numbers that a test can reach in bounded time in the names of the tests.
//!
//! Must never hold: a bound on time, which would be a measurement of the machine; `adsum bench` measures.

use std::path::Path;

use crate::feed::Feed;
use crate::past::Past;
use crate::person::{Act, Person};
use crate::support::peer::Manner;
use crate::tap::Tap;
use crate::world::World;

/// A server whose store was filled while it was away.
fn filled(fill: impl FnOnce(&mut Past)) -> World {
    let mut world = World::open();
    assert_eq!(world.site.stop(), Some(0));
    let mut past = Past::open(Path::new(&world.site.data()));
    fill(&mut past);
    past.close();
    world.start_again();
    world
}

/// Works with many entities in one domain: with 20,000 presentities, principals that nobody counted out before fetch,
/// publish, subscribe and are notified, and again after a kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_2_2_a_domain_of_20_000_presentities_works() {
    const COUNT: usize = 20_000;
    let mut world = filled(|past| {
        for number in 0..COUNT {
            let name = format!("p{number}");
            past.enroll(&name);
            past.publish(&name, &name);
            past.allow_everyone(&name);
        }
    });
    for round in 0..2 {
        let mut alice = world.enter("alice").await;
        for number in (0..COUNT).step_by(COUNT / 50) {
            let note = if number == 0 && round == 1 { "changed" } else { &format!("p{number}") };
            assert_eq!(alice.sees(&format!("p{number}")).await, format!("p{number}: {note}"));
            alice.subscribe(&format!("p{number}")).await.unwrap();
        }
        let mut watch = alice.watch().await;
        assert_eq!(watch.says_until_caught_up().await.len(), 50);
        let mut first = world.enter("p0").await;
        first.publish("changed").await;
        if round == 0 {
            assert_eq!(watch.says().await, "p0: changed");
            world.kill_and_restart();
        }
    }
}

/// Works with many domains: 10,000 domains with a presentity each, of which one is reached like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_2_3_ten_thousand_domains_with_a_presentity_each_work() {
    const COUNT: usize = 10_000;
    let domain = |number: usize| format!("d{number}.example");
    let mut world = filled(|past| {
        past.enroll_administrator("root");
        past.create_domain("root", "empty.example");
        for number in 0..COUNT {
            past.create_domain("root", &domain(number));
            let name = format!("bob@{}", domain(number));
            past.enroll(&name);
            past.publish(&name, "here");
            past.allow_everyone(&name);
        }
    });
    let mut alice = world.enter("alice").await;
    for number in (0..COUNT).step_by(COUNT / 20) {
        let name = format!("bob@{}", domain(number));
        assert_eq!(alice.sees(&name).await, "bob: here");
        alice.subscribe(&name).await.unwrap();
    }
    let mut bob = world.enter(&format!("bob@{}", domain(0))).await;
    world.kill_and_restart();
    let alice = world.enter("alice").await;
    let mut watch = alice.watch().await;
    assert_eq!(watch.says_until_caught_up().await.len(), 20);
    bob = world.enter(&bob.principal).await;
    bob.publish("changed").await;
    assert_eq!(watch.says().await, "bob: changed");
    let mut root = world.enter("root").await;
    root.administer(Act::RemoveDomain("empty.example".into())).await.unwrap();
    assert_eq!(alice.sees(&format!("bob@{}", domain(2))).await, "bob: here");
}

/// Works when every subscriber watches hundreds: 20 subscribers watch 300 presentities each; the server is killed; all
/// resume where they were and are told every presentity's latest state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_2_4_subscribers_of_300_presentities_each_resume_and_converge() {
    const TARGETS: usize = 300;
    const SUBSCRIBERS: usize = 20;
    let mut world = filled(|past| {
        for number in 0..TARGETS {
            let name = format!("p{number}");
            past.enroll(&name);
            past.publish(&name, "before");
            past.allow_everyone(&name);
        }
        for subscriber in 0..SUBSCRIBERS {
            past.enroll(&format!("s{subscriber}"));
            for number in 0..TARGETS {
                past.subscribe(&format!("s{subscriber}"), &format!("p{number}"));
            }
        }
    });
    let mut cursors = Vec::new();
    for subscriber in 0..SUBSCRIBERS {
        let watcher = world.enter(&format!("s{subscriber}")).await;
        let mut watch = watcher.watch().await;
        read_acknowledging(&mut watch, TARGETS).await;
        cursors.push(watch.cursor.clone());
    }
    world.kill_and_restart();
    for number in (0..TARGETS).step_by(10) {
        let mut target = world.enter(&format!("p{number}")).await;
        target.publish("after").await;
        target.leave();
    }
    for (subscriber, cursor) in cursors.into_iter().enumerate() {
        let watcher = world.enter(&format!("s{subscriber}")).await;
        let mut watch = watcher.watch_from(cursor).await;
        let missed = watch.says_until_caught_up().await;
        let expected: Vec<_> = (0..TARGETS).step_by(10).map(|n| format!("p{n}: after")).collect();
        assert_eq!(missed, expected, "s{subscriber} is told what it missed and nothing else");
    }
}

/// Reads `count` items, saying what was taken, because a feed holds back what is not.
async fn read_acknowledging(watch: &mut Feed, count: usize) {
    for number in 1..=count {
        watch.presence().await;
        if number % 100 == 0 {
            watch.acknowledge().await;
        }
    }
}

/// Works when hundreds watch one presentity: 200 subscribers are told one publish once each, though one of them is cut
/// off and takes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_2_5_two_hundred_subscribers_are_told_one_change_once_each() {
    const COUNT: usize = 200;
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("everyone").await;
    let line = Tap::to(world.server).await;
    let mut stalled = world.enter_by(line.address, "stalled", Manner::default()).await;
    stalled.subscribe("bob").await.unwrap();
    let _held = stalled.watch().await;
    line.cut();
    let mut watchers: Vec<(Person, Feed)> = Vec::new();
    for number in 0..COUNT {
        let mut watcher = world.enter(&format!("s{number}")).await;
        watcher.subscribe_to_all("bob").await.unwrap();
        let mut watch = watcher.watch().await;
        assert_eq!(watch.says().await, "bob: -");
        watchers.push((watcher, watch));
    }
    bob.publish("one").await;
    bob.publish("two").await;
    for (_, watch) in &mut watchers {
        assert_eq!(watch.says().await, "bob: one");
        assert_eq!(watch.says().await, "bob: two", "one notification each");
    }
}
