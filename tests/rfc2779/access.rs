//! RFC 2779 section 2.3: who may see, subscribe, publish, send and read.
//!
//! Must never hold: a requirement of another section.

use adsum::protocol::body::{AccessRule, Shown};

use crate::feed::Item;
use crate::person::{ALLOW, BLOCK, REFUSE, delivery_rule, rule};
use crate::support::peer::document;
use crate::world::{World, pres};

/// B's controller decides which watchers observe B's presence: only the one allowed sees it, and swapping the rules
/// swaps who does, with the next request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_1_the_controller_decides_who_observes() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    let (alice, carol) = (world.enter("alice").await, world.enter("carol").await);
    bob.publish("at my desk").await;
    bob.rules(vec![rule("alice", ALLOW), rule("carol", BLOCK)]).await.unwrap();
    assert_eq!(alice.sees("bob").await, "bob: at my desk");
    assert_eq!(carol.sees("bob").await, "refused");
    bob.rules(vec![rule("alice", BLOCK), rule("carol", ALLOW)]).await.unwrap();
    assert_eq!(alice.sees("bob").await, "refused");
    assert_eq!(carol.sees("bob").await, "bob: at my desk");
}

/// B's controller decides who holds subscriptions, apart from who fetches, and taking the right back ends a live one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_2_the_controller_decides_who_subscribes() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    let (mut alice, mut carol) = (world.enter("alice").await, world.enter("carol").await);
    bob.publish("at my desk").await;
    let only_fetch = AccessRule { subscribe: BLOCK, ..rule("alice", ALLOW) };
    let only_subscribe = AccessRule { fetch: BLOCK, ..rule("carol", ALLOW) };
    bob.rules(vec![only_fetch, only_subscribe]).await.unwrap();
    assert_eq!(alice.sees("bob").await, "bob: at my desk");
    assert_eq!(alice.subscribe("bob").await.unwrap_err(), "refused");
    assert_eq!(carol.sees("bob").await, "refused");
    assert_eq!(carol.subscribe("bob").await.unwrap().state, 1);
    let mut watch = carol.watch().await;
    assert_eq!(watch.says().await, "bob: at my desk");
    bob.block("carol").await;
    assert_eq!(watch.says().await, "bob: rejected");
}

/// What a watcher sees is decided by B's controller and the same whether it is fetched or notified.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_3_a_watcher_is_shown_the_same_by_fetch_and_notification() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    let mut random = fastrand::Rng::with_seed(crate::support::seed(2_331));
    bob.publish_document(two_tuples("one")).await;
    let mut watchers = Vec::new();
    for name in ["alice", "carol", "dave"] {
        bob.allow(name).await;
        let mut watcher = world.enter(name).await;
        watcher.subscribe("bob").await.unwrap();
        let mut watch = watcher.watch().await;
        let last = watch.presence().await;
        watchers.push((name, watcher, watch, last));
    }
    for round in 0..12 {
        let chosen = watchers[random.usize(0..3)].0;
        bob.rules(vec![AccessRule { shown: random_view(&mut random), ..rule(chosen, ALLOW) }])
            .await
            .unwrap();
        bob.publish_document(two_tuples(&format!("note {round}"))).await;
        for (name, watcher, watch, last) in &mut watchers {
            let fetched = watcher.fetch("bob").await.unwrap();
            // A change may be told in one notification or two; equal views are told once.
            while *last != fetched {
                *last = watch.presence().await;
            }
            assert_eq!(last.document, fetched.document, "{name} in round {round}");
        }
    }
}

fn two_tuples(note: &str) -> adsum::protocol::body::Document {
    let mut both = document(note);
    let mut phone = both.tuples[0].clone();
    "phone".clone_into(&mut phone.id);
    phone.contact = Some(adsum::protocol::body::Contact {
        uri: Some(bytes::Bytes::from_static(b"tel:+441234")),
        priority: Some(500),
    });
    both.tuples.push(phone);
    both
}

fn random_view(random: &mut fastrand::Rng) -> Shown {
    let one = if random.bool() { "desk" } else { "phone" };
    let tuples = random.bool().then(|| vec![one.to_owned()]);
    Shown { tuples, notes: random.bool(), contact: random.bool(), markup: random.bool() }
}

/// B's controller decides who else updates B's presence: C may after a grant and no longer when it is taken back, not
/// even to refresh what it published.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_4_the_controller_decides_who_else_publishes() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    let mut carol = world.enter("carol").await;
    let publish_for_bob = |publish: &mut adsum::protocol::body::Publish| {
        (publish.presentity, publish.document) = (pres("bob"), Some(document("by carol")));
    };
    assert_eq!(carol.publish_as(publish_for_bob).await.unwrap_err(), "forbidden");
    bob.grant("carol", 1).await.unwrap();
    let tag = carol.publish_as(publish_for_bob).await.unwrap().tag;
    assert_eq!(bob.sees("bob").await, "bob: by carol");
    bob.grant("carol", 0).await.unwrap();
    assert_eq!(carol.publish_as(publish_for_bob).await.unwrap_err(), "forbidden");
    let refresh = carol.publish_as(|publish| {
        (publish.presentity, publish.if_match) = (pres("bob"), Some(tag));
    });
    assert_eq!(refresh.await.unwrap_err(), "forbidden");
}

/// The inbox's controller decides who sends to it: C is refused and nothing is stored, A is not affected.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_5_the_controller_decides_who_sends() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    let (mut alice, mut carol) = (world.enter("alice").await, world.enter("carol").await);
    let mut refuse = delivery_rule("carol", REFUSE);
    refuse.reason = "not now".to_owned();
    bob.deliver(refuse).await;
    assert_eq!(carol.send("bob", "c1", "hello").await.unwrap_err(), "delivery-refused");
    alice.send("bob", "a1", "hello").await.unwrap();
    let items = bob.inbox().await.until_caught_up().await;
    let [Item::Message(message)] = &items[..] else { panic!("{items:?}") };
    assert_eq!((message.sequence, message.sender.as_str()), (1, alice.principal.as_str()));
}

/// The inbox's controller decides who else reads it: C may after a grant to read, may not delete, and its open stream
/// ends when the grant is taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_6_the_controller_decides_who_else_reads() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    let (mut alice, mut carol) = (world.enter("alice").await, world.enter("carol").await);
    alice.send("bob", "a1", "for bob").await.unwrap();
    assert_eq!(carol.inbox_of("bob").await.err(), Some("forbidden"));
    bob.grant("carol", 2).await.unwrap();
    let mut inbox = carol.inbox_of("bob").await.unwrap();
    assert_eq!(inbox.texts_until_caught_up().await, ["for bob"]);
    assert_eq!(carol.delete("bob", vec![1]).await.unwrap_err(), "forbidden");
    bob.grant("carol", 0).await.unwrap();
    assert_eq!(inbox.says().await, "forbidden");
    assert_eq!(carol.inbox_of("bob").await.err(), Some("forbidden"));
    assert_eq!(bob.read().await, ["for bob"]);
}

/// Decisions are made while B is out of contact: after B left, B's presence ran out and the server was killed, A is
/// still let in and C still refused, without asking B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_3_7_rules_decide_while_the_presentity_is_out_of_contact() {
    let mut world = World::open();
    let mut bob = world.enter("bob").await;
    bob.rules(vec![rule("alice", ALLOW), rule("carol", BLOCK)]).await.unwrap();
    let mut alice = world.enter("alice").await;
    alice.subscribe_to_all("bob").await.unwrap();
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: -");
    bob.publish_as(|publish| {
        (publish.document, publish.lifetime_ms) = (Some(document("briefly")), Some(1_000));
    })
    .await
    .unwrap();
    bob.leave();
    assert_eq!(watch.says().await, "bob: briefly");
    assert_eq!(watch.says().await, "bob: -", "it ran out");
    world.kill_and_restart();
    let (mut alice, mut carol) = (world.enter("alice").await, world.enter("carol").await);
    assert_eq!(alice.sees("bob").await, "bob: -");
    assert_eq!(alice.subscribe("bob").await.unwrap().state, 1);
    assert_eq!(carol.sees("bob").await, "refused");
    assert_eq!(carol.subscribe("bob").await.unwrap_err(), "refused");
}
