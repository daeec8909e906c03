//! RFC 2779 section 5.1, from A's side: what she is promised when she subscribes to B.
//!
//! Must never hold: what B is promised about it (see `subscribed.rs`).

use adsum::client::{Client, ClientError, Enrollment, Home, Profile, ServerAddress, enroll};
use adsum::protocol::body::{Act as ActRow, ListActs};

use crate::feed::Item;
use crate::person::{ALLOW, Act, POLITE_BLOCK, Person, rule, word};
use crate::support::peer::{Device, Manner, Peer};
use crate::support::within;
use crate::tap::Tap;
use crate::world::World;

/// A can identify and authenticate who controls what she watches: her client knows its server by its key and refuses
/// another at the same address, and what it is given names the presentity asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_1_a_server_that_is_not_the_one_known_is_refused() {
    let (world, other) = (World::open(), World::open());
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let at = |world: &World| ServerAddress {
        host: world.server.ip().to_string(),
        port: world.server.port(),
    };
    let principal: adsum::model::Principal = "alice@d.example".parse().unwrap();
    let enrollment = Enrollment::new(principal.clone(), at(&world));
    within("she is enrolled", enroll(&home, enrollment)).await.unwrap();
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    bob.publish("here").await;
    let client = Client::open(Profile::once(home.identity(&principal).unwrap())).unwrap();
    let presentity: adsum::model::Presentity = "pres:bob@d.example".parse().unwrap();
    let fetched = within("an answer", client.fetch(&presentity)).await.unwrap();
    assert_eq!(fetched.presentity, presentity);
    client.close().await;
    home.set_server(&principal, &at(&other)).unwrap();
    let client = Client::open(Profile::once(home.identity(&principal).unwrap())).unwrap();
    let refused = within("an answer", client.fetch(&presentity)).await.unwrap_err();
    assert!(matches!(refused, ClientError::ServerKeyChanged { .. }), "{refused}");
}

/// The subscription is not made obvious to C: whether A watches B or not, every answer that C gets is the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_2_the_subscription_is_not_obvious_to_others() {
    let world = World::open();
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    let mut carol = world.enter("carol").await;
    bob.rules(vec![rule("alice", ALLOW), rule("carol", ALLOW)]).await.unwrap();
    bob.publish("here").await;
    carol.subscribe("bob").await.unwrap();
    let before = everything_of(&carol).await;
    alice.subscribe("bob").await.unwrap();
    alice.watch().await.says().await;
    assert_eq!(everything_of(&carol).await, before);
    assert_eq!(carol.watchers("alice").await.err(), carol.watchers("nobody").await.err());
}

/// Everything that one learns about bob.
async fn everything_of(person: &Person) -> Vec<String> {
    let mut watch = person.watch().await;
    let mut learnt = watch.says_until_caught_up().await;
    learnt.push(format!("{:?} {:?}", watch.ready, watch.bytes));
    learnt.push(format!("{:?}", person.fetch("bob").await));
    let rows = person.watchers("bob").await;
    let own = |row: &&adsum::protocol::body::WatcherBody| row.watcher == person.principal;
    match rows {
        Ok(rows) => {
            assert_eq!(rows.len(), rows.iter().filter(own).count(), "one's own row at most");
            learnt.push(format!("{} rows", rows.len()));
        }
        Err(code) => learnt.push(code.to_owned()),
    }
    learnt
}

/// B can allow unauthenticated subscriptions: with a rule for them an anonymous session subscribes and is shown what the
/// rule shows; without one it is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_3_anonymous_subscriptions_can_be_allowed() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.publish("here").await;
    let mut nobody = world.enter_anonymously("one").await;
    assert!(nobody.principal.starts_with("anonymous"), "{}", nobody.principal);
    assert_eq!(nobody.subscribe("bob").await.unwrap_err(), "refused", "off by default");
    assert_eq!(nobody.sees("bob").await, "refused");
    let mut admitted = rule("anonymous", ALLOW);
    admitted.shown.notes = false;
    bob.rules(vec![admitted]).await.unwrap();
    assert_eq!(nobody.subscribe("bob").await.unwrap().state, 1);
    let shown = nobody.watch().await.presence().await;
    assert_eq!((shown.state, shown.document.tuples[0].basic), (1, 1));
    assert!(shown.document.tuples[0].notes.is_empty(), "the anonymous view");
}

/// A can verify that what B disclosed arrived accurately: events are numbered without gaps, a bit changed on the line
/// never shows, and what is told is what a fetch shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_4_what_is_disclosed_arrives_accurately() {
    let world = World::open();
    let line = Tap::to(world.server).await;
    let mut bob = world.enter("bob").await;
    bob.allow("alice").await;
    let mut alice = world.enter_by(line.address, "alice", Manner::default()).await;
    alice.subscribe_to_all("bob").await.unwrap();
    let mut watch = alice.watch().await;
    watch.says().await;
    line.change_bits(6);
    for number in 0..30 {
        bob.publish(&format!("note {number}")).await;
        assert_eq!(watch.says().await, format!("bob: note {number}"));
        assert_eq!(watch.number, number + 2, "none is missing between");
    }
    assert!(line.changed() > 0);
    assert_eq!(alice.sees("bob").await, "bob: note 29");
}

/// A is told if B refuses: at once by a rule that stands, and as the end of her subscription when B decides later, also
/// when she was away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_5_a_refusal_is_told() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.block("carol").await;
    assert_eq!(world.enter("carol").await.subscribe("bob").await.unwrap_err(), "refused");
    let mut alice = world.enter("alice").await;
    assert_eq!(alice.subscribe("bob").await.unwrap().state, 3);
    let mut watch = alice.watch().await;
    assert_eq!(watch.says().await, "bob: pending");
    let cursor = watch.cursor.clone();
    alice.leave();
    bob.block("alice").await;
    let alice = world.enter("alice").await;
    assert_eq!(alice.watch_from(cursor).await.says_until_caught_up().await, ["bob: rejected"]);
    assert_eq!(alice.subscriptions().await, ["bob: rejected"]);
}

/// C cannot make A subscribe: a request names no watcher but its session, C's key does not open a session of A, what A
/// once said is refused on another connection, and B is told of no watcher.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_6_nobody_is_subscribed_by_others() {
    let world = World::open();
    let (mut bob, alice) = (world.enter("bob").await, world.enter("alice").await);
    bob.allow("everyone").await;
    let (alices, carols) =
        (Device::of_principal("alice@d.example"), Device::of_principal("carol@d.example"));
    let peer = Peer::connect(world.server).await;
    let mut forged = peer.hello(&carols);
    forged.principal = alice.principal.clone();
    assert_eq!(word(peer.say_hello(&forged).await.refused().await), "bad-proof");
    let peer = Peer::connect(world.server).await;
    let recorded = alice.peer.hello(&alices);
    assert_eq!(word(peer.say_hello(&recorded).await.refused().await), "bad-proof");
    let mut carol = world.enter("carol").await;
    carol.subscribe("bob").await.unwrap();
    let rows = bob.watchers("bob").await.unwrap();
    let watchers: Vec<_> = rows.iter().map(|row| row.watcher.as_str()).collect();
    assert_eq!(watchers, ["carol@d.example"]);
    assert!(alice.subscriptions().await.is_empty());
}

/// A can cancel at any time: after the answer nothing of B is told any more, also after a kill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_7_a_cancelled_subscription_tells_nothing_more() {
    let mut world = World::open();
    let (mut bob, mut dave) = (world.enter("bob").await, world.enter("dave").await);
    bob.allow("alice").await;
    dave.allow("alice").await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    alice.subscribe("dave").await.unwrap();
    let mut watch = alice.watch().await;
    watch.says_until_caught_up().await;
    alice.unsubscribe("bob").await.unwrap();
    bob.publish("not for her").await;
    dave.publish("for her").await;
    let mut said = String::new();
    while said != "dave: for her" {
        said = watch.says().await;
        assert!(!said.contains("not for her"));
    }
    let cursor = watch.cursor.clone();
    world.kill_and_restart();
    let (mut bob, mut dave) = (world.enter("bob").await, world.enter("dave").await);
    bob.publish("nor this").await;
    dave.publish("but this").await;
    let alice = world.enter("alice").await;
    assert_eq!(alice.watch_from(cursor).await.says_until_caught_up().await, ["dave: but this"]);
    assert!(!alice.subscriptions().await.contains(&"bob: active".to_owned()));
}

/// C cannot cancel A's subscription: what she asks is answered as if there were none, and A is still told; an
/// administrator can, and A can list that it was done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_8_nobody_else_cancels_a_subscription() {
    let world = World::open();
    let mut root = world.administrator().await;
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    let mut carol = world.enter("carol").await;
    bob.rules(vec![rule("alice", ALLOW), rule("carol", ALLOW)]).await.unwrap();
    alice.subscribe("bob").await.unwrap();
    let mut watch = alice.watch().await;
    watch.says().await;
    let nothing = carol.unsubscribe("dave").await.unwrap_err();
    assert_eq!(carol.unsubscribe("bob").await.unwrap_err(), nothing);
    let refused = carol.end_subscription("alice", "bob").await.unwrap_err();
    assert_eq!(carol.end_subscription("dave", "bob").await.unwrap_err(), refused);
    bob.publish("still told").await;
    assert_eq!(watch.says().await, "bob: still told");
    root.end_subscription("alice", "bob").await.unwrap();
    assert_eq!(state_of(&watch.next().await), 2);
    let acts = ListActs { principal: String::new() };
    let acts: Vec<ActRow> = alice.rows(&acts).await.unwrap();
    assert_eq!((acts.len(), acts[0].act, acts[0].by.as_str()), (1, 2, "root@d.example"));
}

fn state_of(item: &Item) -> u8 {
    match item {
        Item::Presence(presence) => presence.state,
        other => panic!("{other:?}"),
    }
}

/// A is told when her subscription is ended, and why: by B, by B's rules, by time, or because B's presentity is gone;
/// told later if she was away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_9_the_end_of_a_subscription_is_told() {
    let mut world = World::open();
    let mut root = world.administrator().await;
    let mut alice = world.enter("alice").await;
    for name in ["ending", "ruling", "timing", "leaving"] {
        let mut bob = world.enter(name).await;
        bob.allow("alice").await;
        let lifetime = if name == "timing" { 1_000 } else { 3_600_000 };
        alice.subscribe_as(name, |subscribe| subscribe.lifetime_ms = Some(lifetime)).await.unwrap();
    }
    let mut watch = alice.watch().await;
    watch.says_until_caught_up().await;
    let cursor = watch.cursor.clone();
    alice.leave();
    world.enter("ending").await.end_subscription("alice", "ending").await.unwrap();
    world.enter("ruling").await.block("alice").await;
    root.administer(Act::SwitchServices("leaving".into(), 1, 0)).await.unwrap();
    while watch_is_open(&mut watch).await {}
    world.kill_and_restart();
    let alice = world.enter("alice").await;
    crate::support::until("the time is over", async || {
        alice.subscriptions().await.contains(&"timing: timeout".to_owned()).then_some(())
    })
    .await;
    let mut told = alice.watch_from(cursor).await.says_until_caught_up().await;
    told.sort_unstable();
    let names: Vec<_> = told.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(names, ["ending", "leaving", "ruling", "timing"]);
    assert!(told.contains(&"ruling: rejected".to_owned()), "{told:?}");
    assert!(told.contains(&"timing: timeout".to_owned()), "{told:?}");
    let ends = ["deactivated", "rejected", "noresource", "timeout"];
    assert!(told.iter().all(|line| ends.iter().any(|end| line.ends_with(end))), "{told:?}");
}

/// Reads until the stream of a connection that was closed ends.
async fn watch_is_open(watch: &mut crate::feed::Feed) -> bool {
    watch.try_next().await.is_ok()
}

/// A can find out where her subscription stands at any time, before and after a kill; a politely blocked one is shown
/// as active.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_10_the_state_of_a_subscription_can_be_asked_for() {
    let mut world = World::open();
    let mut alice = world.enter("alice").await;
    for (name, handling) in [("allowing", ALLOW), ("polite", POLITE_BLOCK)] {
        let mut bob = world.enter(name).await;
        bob.rules(vec![rule("alice", handling)]).await.unwrap();
        alice.subscribe(name).await.unwrap();
    }
    world.enter("undecided").await;
    alice.subscribe("undecided").await.unwrap();
    let mut blocking = world.enter("blocking").await;
    blocking.allow("alice").await;
    alice.subscribe("blocking").await.unwrap();
    blocking.block("alice").await;
    let expected =
        ["allowing: active", "blocking: rejected", "polite: active", "undecided: pending"];
    assert_eq!(alice.subscriptions().await, expected);
    world.kill_and_restart();
    assert_eq!(world.enter("alice").await.subscriptions().await, expected);
}
