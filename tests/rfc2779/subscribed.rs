//! RFC 2779 section 5.1, from B's side: what he is promised about those who subscribe to him.
//!
//! Must never hold: what A is promised about it (see `subscribing.rs`).

use std::net::{IpAddr, Ipv4Addr};

use adsum::wire::StreamType;
use bytes::Bytes;

use crate::feed::{Feed, watching};
use crate::person::{ALLOW, BLOCK, Person, feed_of_presence, rule};
use crate::support::peer::Manner;
use crate::support::stream::End;
use crate::world::{World, contains, pres};

/// B learns of A's subscription when it is made, while he was away, and afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_11_the_presentity_learns_who_subscribes() {
    let mut world = World::open();
    let mut bob = world.enter("bob").await;
    bob.rules(vec![rule("alice", ALLOW), rule("carol", ALLOW)]).await.unwrap();
    let mut watch = bob.watch_watchers(Bytes::new()).await;
    watch.until_caught_up().await;
    let mut alice = world.enter("alice").await;
    alice.subscribe("bob").await.unwrap();
    assert_eq!(watch.says().await, "alice@d.example active");
    watch.acknowledge().await;
    let cursor = watch.cursor.clone();
    bob.leave();
    let mut carol = world.enter("carol").await;
    carol.subscribe("bob").await.unwrap();
    carol.unsubscribe("bob").await.unwrap();
    assert_eq!(world.enter("dave").await.sees("bob").await, "bob: pending");
    world.kill_and_restart();
    let bob = world.enter("bob").await;
    let missed = bob.watch_watchers(cursor).await.says_until_caught_up().await;
    assert!(missed.iter().any(|said| said.starts_with("carol@d.example")), "{missed:?}");
    let rows = bob.watchers("bob").await.unwrap();
    let carol = rows.iter().find(|row| row.watcher == "carol@d.example").unwrap();
    assert_eq!((carol.state, carol.subscriptions), (2, 1), "who left is still listed");
    assert!(rows.iter().any(|row| watching(row) == "alice@d.example active"));
    assert!(rows.iter().any(|row| row.watcher == "dave@d.example"), "and who only fetched");
}

/// B can identify and authenticate who subscribes: what he is told is the principal that proved itself, however its
/// owner spells it or introduces its software.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_12_the_subscriber_is_the_one_that_proved_itself() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("everyone").await;
    let mut alice = world.enter("ALICE@D.Example").await;
    alice.subscribe("bob").await.unwrap();
    let mut nobody = world.enter_anonymously("one").await;
    nobody.subscribe("bob").await.unwrap();
    let mut rows: Vec<_> = bob.watchers("bob").await.unwrap();
    rows.sort_by(|one, other| one.watcher.cmp(&other.watcher));
    let names: Vec<_> = rows.iter().map(|row| row.watcher.to_lowercase()).collect();
    assert_eq!(names, ["alice@d.example".to_owned(), nobody.principal.to_lowercase()]);
}

/// B can stop any principal from subscribing: a blocked one is refused from every device and under every spelling.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_13_any_principal_can_be_stopped() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.rules(vec![rule("@d.example", ALLOW), rule("alice", BLOCK)]).await.unwrap();
    let mut alice = world.enter("alice").await;
    let mut phone = world.second_device(&mut alice).await;
    assert_eq!(alice.subscribe("bob").await.unwrap_err(), "refused");
    assert_eq!(alice.subscribe("BOB@D.EXAMPLE").await.unwrap_err(), "refused");
    assert_eq!(phone.subscribe_to_all("bob").await.unwrap_err(), "refused");
    assert_eq!(phone.sees("bob").await, "refused");
    assert_eq!(world.enter("carol").await.subscribe("bob").await.unwrap().state, 1);
}

/// B can stop anonymous principals: a rule for whoever proved its identity admits those and nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_14_anonymous_principals_can_be_stopped() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.allow("authenticated").await;
    bob.publish("here").await;
    let mut nobody = world.enter_anonymously("one").await;
    assert_eq!(nobody.subscribe("bob").await.unwrap_err(), "refused");
    assert_eq!(nobody.sees("bob").await, "refused");
    let mut alice = world.enter("alice").await;
    assert_eq!(alice.subscribe("bob").await.unwrap().state, 1);
    assert_eq!(alice.sees("bob").await, "bob: here");
}

/// B can have A denied while it looks granted: everything that a politely blocked watcher is told, before and after a
/// kill, is what the same watcher is told of a presentity that never published, and B's changes cause nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_15_a_polite_block_looks_like_a_presentity_that_never_publishes() {
    let mut world = World::open();
    let (mut bob, mut idle) = (world.enter("bob").await, world.enter("idle").await);
    bob.block_politely("mallory").await;
    idle.allow("mallory").await;
    bob.publish("secret one").await;
    let mut mallory = world.enter("mallory").await;
    let mut told = [Vec::new(), Vec::new()];
    for (name, told) in ["bob", "idle"].into_iter().zip(&mut told) {
        told.extend(attempts(&mut mallory, name).await);
    }
    let mut watches = [watch_of(&mallory, "bob").await, watch_of(&mallory, "idle").await];
    for (watch, told) in watches.iter_mut().zip(&mut told) {
        told.extend(transcript(watch).await);
    }
    bob.publish("secret two").await;
    bob.remove().await;
    world.kill_and_restart();
    let mut bob = world.enter("bob").await;
    bob.publish("secret three").await;
    let mut mallory = world.enter("mallory").await;
    for ((name, watch), told) in ["bob", "idle"].into_iter().zip(watches).zip(&mut told) {
        let mut open = feed_of_presence(watch.cursor);
        open.presentities = vec![pres(name)];
        let mut again = mallory.feed(&open).await.unwrap();
        told.extend(transcript(&mut again).await);
        told.extend(attempts(&mut mallory, name).await);
        assert!(!contains(&again.bytes, b"secret"));
    }
    let [of_bob, of_idle] = told.map(|told| told.join("\n").replace("idle", "bob"));
    assert_eq!(of_bob, of_idle);
    let rows = bob.watchers("bob").await.unwrap();
    assert_eq!((rows[0].state, rows[0].handling), (1, 3), "bob is shown what he decided");
}

async fn watch_of(person: &Person, name: &str) -> Feed {
    let mut open = feed_of_presence(Bytes::new());
    open.presentities = vec![pres(name)];
    person.feed(&open).await.unwrap()
}

/// Every request that a watcher can make about a presentity, and its answer without what is random by design.
async fn attempts(person: &mut Person, name: &str) -> Vec<String> {
    let mut told = Vec::new();
    let subscribed = person.subscribe(name).await.unwrap();
    told.push(format!("{} {}", subscribed.state, subscribed.granted_ms));
    let refreshed = person.subscribe_to_all(name).await.unwrap();
    told.push(format!("{} {}", refreshed.state, refreshed.granted_ms));
    told.push(format!("{:?}", person.fetch(name).await.map(without_id)));
    let standing: Vec<_> =
        person.subscriptions().await.into_iter().filter(|row| row.starts_with(name)).collect();
    told.push(format!("{standing:?}"));
    let rows =
        person.watchers(name).await.map(|rows| rows.iter().map(watching).collect::<Vec<_>>());
    told.push(format!("{rows:?}"));
    told.push(format!("{:?}", person.end_subscription("carol", name).await.err()));
    told.push(format!("{:?}", person.delete(name, vec![1]).await.err()));
    told
}

/// What a feed brings until it is caught up, with its numbers and the lengths of its cursors.
async fn transcript(watch: &mut Feed) -> Vec<String> {
    let ready = &watch.ready;
    let lengths = (ready.from.len(), ready.to.len());
    let mut told =
        vec![format!("{} {} {} {lengths:?}", ready.outcome, ready.pending, ready.complete)];
    for item in watch.until_caught_up().await {
        let crate::feed::Item::Presence(presence) = item else { panic!("{item:?}") };
        told.push(format!("{:?} {}", without_id(presence), watch.cursor.len()));
    }
    told.push(format!("caught up {} {}", watch.number, watch.cursor.len()));
    told
}

/// The id of an offline tuple is a hash of presentity and watcher, of one length.
fn without_id(mut presence: adsum::protocol::body::PresenceBody) -> String {
    for tuple in &mut presence.document.tuples {
        tuple.id = format!("{} letters", tuple.id.len());
    }
    format!("{presence:?}")
}

/// B can end A's subscription whenever he likes: she is told that it is over, or sees nothing of it if he blocks her
/// politely; nothing of him comes to her any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_16_the_presentity_ends_subscriptions() {
    let world = World::open();
    let mut bob = world.enter("bob").await;
    bob.rules(vec![rule("alice", ALLOW), rule("carol", ALLOW)]).await.unwrap();
    let (mut alice, mut carol) = (world.enter("alice").await, world.enter("carol").await);
    alice.subscribe("bob").await.unwrap();
    carol.subscribe("bob").await.unwrap();
    let (mut of_alice, mut of_carol) = (alice.watch().await, carol.watch().await);
    assert_eq!(of_alice.says().await, "bob: -");
    assert_eq!(of_carol.says().await, "bob: -");
    bob.end_subscription("alice", "bob").await.unwrap();
    bob.block_politely("carol").await;
    bob.publish("not for them").await;
    let end = of_alice.says().await;
    assert!(["bob: rejected", "bob: deactivated"].contains(&end.as_str()), "{end}");
    assert_eq!(carol.subscriptions().await, ["bob: active"], "it looks as before");
    assert_eq!(carol.sees("bob").await, "bob: -");
    for (person, watch) in [(alice, of_alice), (carol, of_carol)] {
        let mut again = person.watch_from(watch.cursor).await;
        let told = again.says_until_caught_up().await;
        assert!(told.iter().all(|said| !said.contains("not for them")), "{told:?}");
    }
}

/// The address that A comes from.
const OF_ALICE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 66, 77, 88));
/// The address that B comes from.
const OF_BOB: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 99, 88, 77));

/// Fails if an address stands in `bytes`, as text or as it is on the wire.
fn holds_no_address(bytes: &[u8], address: IpAddr) {
    let IpAddr::V4(four) = address else { panic!("{address} is not of version 4") };
    assert!(!contains(bytes, address.to_string().as_bytes()));
    assert!(!contains(bytes, &four.octets()));
}

/// A server, and alice and bob who come from addresses of their own and have done with each other all there is to do.
async fn conversation() -> (World, Person, Person) {
    let world = World::open();
    let from = |from| Manner { from, ..Manner::default() };
    let mut bob = world.enter_by(world.server, "bob", from(OF_BOB)).await;
    let mut alice = world.enter_by(world.server, "alice", from(OF_ALICE)).await;
    for person in [&mut alice, &mut bob] {
        person.allow("authenticated").await;
        person.delivery(|change| change.receipts = 2).await.unwrap();
        person.publish("here").await;
    }
    alice.subscribe("bob").await.unwrap();
    bob.subscribe("alice").await.unwrap();
    for (person, to) in [(&mut alice, "bob"), (&mut bob, "alice")] {
        let receipts = Some(Bytes::from_static(&[31]));
        person.send_as(to, "m1", |send| send.receipts = receipts).await.unwrap();
    }
    (world, alice, bob)
}

/// Everything that one can be told of the other: feeds, receipts, watcher information, lists and refusals.
async fn everything_told(person: &mut Person, of: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut presence = person.watch_watchers(Bytes::new()).await;
    presence.until_caught_up().await;
    let mut inbox = person.inbox().await;
    inbox.until_caught_up().await;
    inbox.acknowledge().await;
    bytes.extend(presence.bytes);
    bytes.extend(inbox.bytes);
    bytes.extend(format!("{:?}", person.watchers(&person.principal).await).into_bytes());
    bytes.extend(format!("{:?}", person.fetch(of).await).into_bytes());
    bytes.extend(format!("{:?}", person.delete(of, vec![1]).await).into_bytes());
    bytes.extend(format!("{:?}", person.welcome).into_bytes());
    let mut wrong = person.peer.open(StreamType::Query).await;
    wrong.bytes(&[0, 0, 0, 2, 0, 0]).await;
    if let End::Closed(code) | End::Reset(code) = wrong.end().await {
        bytes.extend(code.to_string().into_bytes());
    }
    bytes
}

/// A need not reveal an IP address to B to subscribe: nothing that B is told holds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_17_the_subscriber_reveals_no_address() {
    let (_world, alice, mut bob) = conversation().await;
    holds_no_address(&everything_told(&mut bob, "alice").await, OF_ALICE);
    assert_eq!(alice.sees("bob").await, "bob: here");
}

/// B need not reveal an IP address to A to be watched: nothing that A is told holds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_1_18_the_presentity_reveals_no_address() {
    let (_world, mut alice, _bob) = conversation().await;
    holds_no_address(&everything_told(&mut alice, "bob").await, OF_BOB);
}

/// A need not reveal an IP address to B to be notified: her acknowledgements and receipts do not tell it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_2_5_who_is_notified_reveals_no_address() {
    let (_world, mut alice, mut bob) = conversation().await;
    let mut watch = alice.watch().await;
    watch.says().await;
    watch.acknowledge().await;
    everything_told(&mut alice, "bob").await;
    bob.publish("again").await;
    assert_eq!(watch.says().await, "bob: again");
    holds_no_address(&everything_told(&mut bob, "alice").await, OF_ALICE);
}

/// B need not reveal an IP address to A to notify her: neither cursor, tag, tuple id nor document tells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_2_6_who_notifies_reveals_no_address() {
    let (_world, mut alice, mut bob) = conversation().await;
    let mut watch = alice.watch().await;
    watch.says().await;
    for note in ["one", "two", "three"] {
        bob.publish(note).await;
        assert_eq!(watch.says().await, format!("bob: {note}"));
    }
    holds_no_address(&watch.bytes, OF_BOB);
    holds_no_address(&everything_told(&mut alice, "bob").await, OF_BOB);
}

/// A is not required to reveal an IP address to send: neither the message, its envelope nor receipts tell it to B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r5_4_5_the_sender_reveals_no_address() {
    let (_world, mut alice, mut bob) = conversation().await;
    alice.send("bob", "m2", "from nowhere").await.unwrap();
    bob.displayed("bob", 1).await.unwrap();
    let mut inbox = bob.inbox().await;
    assert_eq!(inbox.message().await.id, "m1");
    holds_no_address(&inbox.bytes, OF_ALICE);
    holds_no_address(&everything_told(&mut bob, "alice").await, OF_ALICE);
}
