//! Feeds: what they begin with, and one that is told of a change.
//!
//! Must never hold: a request whose answer is counted.

use adsum::model::Principal;
use adsum::protocol::body::{CaughtUp, MessageEvent, PresenceEvent};
use adsum::protocol::{self, FeedSubject, write};
use adsum::wire::{StreamType, decode};
use bytes::Bytes;

use super::Benchmark;
use super::callgrind::count;
use super::material::{message, people, publish, subscribe};
use super::peer::{Link, Peer};
use super::world::{World, command};

/// Presentities of a feed.
const PRESENTITIES: usize = 300;
/// Changes that a feed is told of, one by one.
const CHANGES: usize = 16;
/// Messages that wait.
const MESSAGES: usize = 64;

pub(crate) const ALL: &[Benchmark] = &[
    Benchmark { name: "feed.open_presence_of_300", times: 1, run: open_presence },
    Benchmark { name: "feed.tell_one_watcher", times: CHANGES as u64, run: tell },
    Benchmark { name: "feed.open_inbox_of_64", times: 1, run: open_inbox },
];

/// A presence feed of `who` that is open, and has told what there was.
pub(crate) fn presence(world: &mut World, who: &Principal) -> (Peer, Link) {
    let subject = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
    open(world, who, &first(subject))
}

/// As [`presence`], of the inbox of `who`.
pub(crate) fn inbox(world: &mut World, who: &Principal) -> (Peer, Link) {
    open(world, who, &first(FeedSubject::Inbox { inbox: who.inbox(), from_start: false }))
}

fn open(world: &mut World, who: &Principal, first: &[u8]) -> (Peer, Link) {
    let (mut peer, _control) = Peer::enter(world, who);
    let mut feed = peer.open(world, StreamType::Feed);
    feed.push(first);
    feed.run(world);
    (peer, feed)
}

/// The first frame of a feed.
fn first(subject: FeedSubject) -> Vec<u8> {
    let mut out = Vec::new();
    write(&protocol::FeedOpen { cursor: Bytes::new(), window: 0, subject }, &mut out);
    out
}

/// Opens a feed, takes what it tells until it has caught up, all of it counted, and returns how many events `cursor` knows.
fn drain(
    world: &mut World,
    who: &Principal,
    first: &[u8],
    cursor: impl Fn(&adsum::wire::Frame) -> Option<Bytes>,
) -> usize {
    let (mut peer, _control) = Peer::enter(world, who);
    let mut feed = count(|| {
        let mut feed = peer.open(world, StreamType::Feed);
        feed.push(first);
        feed.run(world);
        feed
    });
    let mut told = 0;
    loop {
        let frames = feed.frames();
        let cursors: Vec<Bytes> = frames.iter().filter_map(&cursor).collect();
        told += cursors.len();
        if frames.iter().any(|frame| decode::<CaughtUp>(frame).is_ok()) {
            return told;
        }
        let last = cursors.last().expect("a feed that has more to tell tells some");
        count(|| {
            feed.acknowledge(last);
            feed.run(world);
        });
    }
}

fn open_presence() {
    let (alice, owners) = (people("alice", 1), people("owner", PRESENTITIES));
    let mut world = World::of(alice.iter().chain(&owners));
    world.prepare(owners.iter().map(|who| command(who, publish(who.presentity(), 1, None))));
    let each = (0..).zip(&owners);
    world.prepare(each.map(|(at, who)| command(&alice[0], subscribe(who.presentity(), at))));
    let subject = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
    let told = drain(&mut world, &alice[0], &first(subject), |frame| {
        decode::<PresenceEvent>(frame).ok().map(|event| event.cursor)
    });
    assert_eq!(told, PRESENTITIES, "each presentity is told");
}

fn tell() {
    let (alice, bob) = (people("alice", 1), people("bob", CHANGES));
    let mut world = World::of(alice.iter().chain(&bob));
    let each = (0..).zip(&bob);
    world.prepare(each.map(|(at, who)| command(&alice[0], subscribe(who.presentity(), at))));
    let (_peer, mut feed) = presence(&mut world, &alice[0]);
    feed.frames();
    for who in &bob {
        world.prepare([command(who, publish(who.presentity(), 1, None))]);
        count(|| feed.run(&mut world));
        let frames = feed.frames();
        let told = frames.iter().filter(|frame| decode::<PresenceEvent>(frame).is_ok());
        assert_eq!(told.count(), 1, "the change is told");
    }
}

fn open_inbox() {
    let (alice, bob) = (people("alice", 1), people("bob", 1));
    let mut world = World::of(alice.iter().chain(&bob));
    let each = 0..MESSAGES;
    world.prepare(each.map(|number| command(&alice[0], message(bob[0].inbox(), number))));
    let subject = FeedSubject::Inbox { inbox: bob[0].inbox(), from_start: false };
    let told = drain(&mut world, &bob[0], &first(subject), |frame| {
        decode::<MessageEvent>(frame).ok().map(|event| event.cursor)
    });
    assert_eq!(told, MESSAGES, "each message is told");
}
