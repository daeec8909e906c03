//! One request in a round of its own: the bytes of its frame, the decision, its events in the state, sealed, packed and stored,
//! and the bytes of the answer.
//!
//! Must never hold: a feed that is read.

use adsum::model::{Presentity, Principal, Tag};
use adsum::protocol::Command;
use adsum::protocol::body::{
    Body, FeedAcked, Fetch, MessageEvent, Presence, Published, Sent, Subscribed,
};
use adsum::wire::{StreamType, decode};

use super::Benchmark;
use super::callgrind::count;
use super::feeds;
use super::material::{message, people, publish, subscribe};
use super::peer::{Link, Peer, frame, request};
use super::world::{World, command};

/// Requests that are counted.
const TIMES: usize = 16;
/// The same where each is long.
const FEW_TIMES: usize = 4;
/// Who watches a presentity that is watched.
const WATCHERS: usize = 200;

pub(crate) const ALL: &[Benchmark] = &[
    Benchmark { name: "request.send", times: TIMES as u64, run: send },
    Benchmark { name: "request.publish", times: TIMES as u64, run: publish_alone },
    Benchmark { name: "request.publish_to_200", times: FEW_TIMES as u64, run: publish_watched },
    Benchmark { name: "request.acknowledge", times: TIMES as u64, run: acknowledge },
    Benchmark { name: "request.subscribe", times: TIMES as u64, run: subscribe_first },
    Benchmark { name: "request.refresh", times: TIMES as u64, run: subscribe_again },
    Benchmark { name: "request.fetch", times: TIMES as u64, run: fetch },
];

/// Each of `commands` in turn on `control`, counted.
fn ask<B: Body>(world: &mut World, control: &mut Link, commands: &[Command]) -> Vec<B> {
    let requests: Vec<_> = (1..).zip(commands).map(|(at, command)| request(at, command)).collect();
    count(|| {
        for request in &requests {
            control.push(request);
            control.run(world);
        }
    });
    let answers = control.told_all();
    assert_eq!(answers.len(), commands.len(), "each request is answered");
    answers
}

fn send() {
    let (alice, owners) = (people("alice", 1), people("owner", TIMES));
    let mut world = World::of(alice.iter().chain(&owners));
    // Keys are made with the first one.
    let first = (TIMES + 1..).zip(&owners);
    world.prepare(first.map(|(at, owner)| command(&alice[0], message(owner.inbox(), at))));
    let (_peer, mut control) = Peer::enter(&mut world, &alice[0]);
    let commands: Vec<_> =
        (1..).zip(&owners).map(|(number, owner)| message(owner.inbox(), number)).collect();
    let answers = ask::<Sent>(&mut world, &mut control, &commands);
    assert!(answers.iter().all(|sent| !sent.duplicate), "each message is new");
}

/// Has `who` publish something, and returns the tag of it.
fn publish_first(world: &mut World, who: &Principal) -> Tag {
    let (_peer, mut control) = Peer::enter(world, who);
    control.push(&request(1, &publish(who.presentity(), 1, None)));
    control.run(world);
    Tag(control.told::<Published>().tag)
}

/// Each of `owners` says something else over a connection of its own, counted.
fn publish_anew(world: &mut World, owners: &[Principal]) {
    for owner in owners {
        let tag = publish_first(world, owner);
        let (_peer, mut control) = Peer::enter(world, owner);
        ask::<Published>(world, &mut control, &[publish(owner.presentity(), 2, Some(tag))]);
    }
}

fn publish_alone() {
    let owners = people("owner", TIMES);
    publish_anew(&mut World::of(&owners), &owners);
}

fn publish_watched() {
    let (owners, watchers) = (people("owner", FEW_TIMES), people("watcher", WATCHERS));
    let mut world = World::of(owners.iter().chain(&watchers));
    for watcher in &watchers {
        let each = (0..).zip(&owners);
        world.prepare(each.map(|(at, who)| command(watcher, subscribe(who.presentity(), at))));
    }
    let mut feeds: Vec<_> =
        watchers.iter().map(|watcher| feeds::presence(&mut world, watcher)).collect();
    publish_anew(&mut world, &owners);
    for (_, feed) in &mut feeds {
        feed.run(&mut world);
        assert!(feed.frames().len() >= FEW_TIMES, "each watcher is told of each presentity");
    }
}

fn acknowledge() {
    let (alice, bob) = (people("alice", 1), people("bob", 1));
    let mut world = World::of(alice.iter().chain(&bob));
    world.prepare((0..TIMES).map(|number| command(&alice[0], message(bob[0].inbox(), number))));
    let (_peer, mut feed) = feeds::inbox(&mut world, &bob[0]);
    let cursors: Vec<_> = feed
        .frames()
        .iter()
        .filter_map(|frame| decode::<MessageEvent>(frame).ok())
        .map(|event| event.cursor)
        .collect();
    assert_eq!(cursors.len(), TIMES, "each message is told");
    count(|| {
        for cursor in &cursors {
            feed.acknowledge(cursor);
            feed.run(&mut world);
        }
    });
    assert_eq!(feed.told_all::<FeedAcked>().len(), TIMES, "each is taken");
}

/// Somebody who subscribes to others, and they.
fn subscriber() -> (World, Link, Vec<Presentity>) {
    let (alice, owners) = (people("alice", 1), people("owner", TIMES));
    let mut world = World::of(alice.iter().chain(&owners));
    let presentities: Vec<_> = owners.iter().map(Principal::presentity).collect();
    world.prepare(owners.iter().map(|who| command(who, publish(who.presentity(), 1, None))));
    let (_peer, control) = Peer::enter(&mut world, &alice[0]);
    (world, control, presentities)
}

fn subscribe_first() {
    let (mut world, mut control, presentities) = subscriber();
    let commands: Vec<_> = (0..).zip(presentities).map(|(at, one)| subscribe(one, at)).collect();
    ask::<Subscribed>(&mut world, &mut control, &commands);
}

fn subscribe_again() {
    let (mut world, mut control, presentities) = subscriber();
    let alice = people("alice", 1);
    let first = (0..).zip(&presentities).map(|(at, one)| subscribe(one.clone(), at));
    world.prepare(first.map(|first| command(&alice[0], first)));
    let commands: Vec<_> =
        (TIMES..).zip(presentities).map(|(at, one)| subscribe(one, at)).collect();
    ask::<Subscribed>(&mut world, &mut control, &commands);
}

fn fetch() {
    let (alice, owners) = (people("alice", 1), people("owner", TIMES));
    let mut world = World::of(alice.iter().chain(&owners));
    world.prepare(owners.iter().map(|who| command(who, publish(who.presentity(), 1, None))));
    let (mut peer, _control) = Peer::enter(&mut world, &alice[0]);
    for owner in &owners {
        let question = frame(&Fetch { presentity: owner.presentity().to_string() });
        let mut answer = count(|| {
            let mut query = peer.open(&mut world, StreamType::Query);
            query.push(&question);
            query.run(&mut world);
            query
        });
        let document = answer.told::<Presence>().presence.document;
        assert_eq!(document.tuples.len(), 2, "it is shown as it was published");
    }
}
