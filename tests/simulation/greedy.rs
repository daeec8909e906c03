//! A device that takes all it can get: many requests at once, large ones, feeds opened and given up, and nothing of it read.
//!
//! What it does is allowed; the promises to its neighbours must hold beside it. Must never hold: a check of its own; what
//! its neighbours are promised is the oracle's, and whose turn it is the desk's.

use adsum::model::{Basic, Document, Note, OperationId, Payload, Tuple, TupleId};
use adsum::protocol::{FeedOpen, FeedSubject, Field as _, Framed as _, body};
use adsum::wire::StreamType;
use bytes::Bytes;

use super::hostile::{Wire, add, inbox, presentity, retry_at};
use super::pipe::Stream;
use super::plan::{Plan, Who, choose, happens};
use super::requests::Intent;
use super::trace::note;
use super::world::Scene;

/// How often it wants more, out of a thousand moments.
const BURSTS: u32 = 120;
/// Messages that it sends in a world, and large ones: each comes to all devices of its reader, and costs the world time.
const SENDS_MAX: u32 = 120;
const LARGE_MAX: u32 = 3;
const LARGE_BYTES: usize = 40_000;
/// Feeds and questions that it has open at most before it gives some up.
const OPEN_MAX: usize = 12;

/// The greedy device.
#[derive(Debug)]
pub(crate) struct Greedy {
    who: Who,
    wire: Option<Wire>,
    retry_at: u64,
    asked: u64,
    sends: u32,
    larges: u32,
    open: Vec<Stream>,
}

impl Greedy {
    pub(crate) fn new(who: Who) -> Self {
        let (wire, open) = (None, Vec::new());
        Self { who, wire, retry_at: 0, asked: 0, sends: 0, larges: 0, open }
    }

    /// One moment of its life. It has left when everything is to come to rest.
    pub(crate) fn live(&mut self, scene: &mut Scene, plan: &Plan, server_listens: bool) {
        if scene.is_healing {
            self.wire.take().into_iter().for_each(|wire| wire.leave(scene));
            return;
        }
        let Some(wire) = &mut self.wire else {
            if server_listens && scene.now >= self.retry_at {
                let who = &self.who;
                let wire = Wire::dial(scene, &who.name, |exporter| who.hello(Some(exporter)));
                self.wire = Some(wire);
                self.open.clear();
            }
            return;
        };
        // Most of the time it reads nothing, and then the server cannot write either.
        let is_deaf = happens(&mut scene.rng, 700);
        scene.network.deafen(wire.connection, is_deaf);
        if !is_deaf {
            wire.hear(scene);
        }
        if wire.is_gone(scene) {
            self.wire = None;
            self.retry_at = retry_at(scene);
        } else if happens(&mut scene.rng, BURSTS) {
            self.burst(scene, plan);
        }
    }

    fn burst(&mut self, scene: &mut Scene, plan: &Plan) {
        let Some(mut wire) = self.wire.take() else { return };
        let count = scene.rng.u32(10..50);
        note!(scene.trace, "{} asks for {count} things at once", self.who.name);
        scene.trace.count("greedy bursts");
        let mut out = Vec::new();
        for _ in 0..count {
            self.ask(scene, plan, &mut out);
        }
        wire.say(scene, &out);
        for _ in 0..scene.rng.u32(..4) {
            self.open_one(scene, plan, &mut wire);
        }
        while self.open.len() > OPEN_MAX || !self.open.is_empty() && happens(&mut scene.rng, 200) {
            let stream = self.open.swap_remove(scene.rng.usize(..self.open.len()));
            scene.finish(wire.connection, stream);
        }
        self.wire = Some(wire);
    }

    /// The name of one more operation, of which the oracle knows.
    fn operation(scene: &mut Scene) -> [u8; 16] {
        let operation = scene.rng.unique();
        let intent = Intent { kind: "greedy", operation: Some(OperationId(operation)) };
        scene.oracle.decrees.asks(&intent);
        operation
    }

    fn ask(&mut self, scene: &mut Scene, plan: &Plan, out: &mut Vec<u8>) {
        self.asked += 1;
        let request = self.asked;
        let operation = Self::operation(scene);
        let other = choose(&mut scene.rng, &plan.devices).clone();
        match scene.rng.u8(..10) {
            0..=2 if self.sends < SENDS_MAX => {
                self.sends += 1;
                add(out, &self.message(scene, request, inbox(&other)));
            }
            3..=4 => add(out, &self.rules(scene, request, operation)),
            5 => add(out, &Self::subscribe(scene, (request, operation), presentity(&other))),
            6 => {
                let (operation, presentity) = (operation.to_vec(), presentity(&other));
                let operation = Some(Bytes::from(operation));
                add(out, &body::Unsubscribe { request, presentity, operation });
            }
            _ => add(out, &self.publish(scene, request, operation)),
        }
    }

    fn message(&mut self, scene: &mut Scene, request: u64, inbox: String) -> body::Send {
        let is_large = self.larges < LARGE_MAX && scene.rng.u8(..20) == 0;
        self.larges += u32::from(is_large);
        let bytes = if is_large { LARGE_BYTES } else { 1 };
        body::Send {
            request,
            inbox,
            sender: String::new(),
            id: format!("greedy-{request}"),
            content_type: "text/plain".to_owned(),
            body: Bytes::from(vec![b'x'; bytes]),
            lifetime_ms: scene.rng.bool().then(|| scene.rng.u64(1..5_000)),
            receipts: None,
        }
    }

    fn publish(&self, scene: &mut Scene, request: u64, operation: [u8; 16]) -> body::Publish {
        let text = Payload::text(&"greed ".repeat(scene.rng.usize(1..200)));
        let notes = vec![Note { language: String::new(), text }];
        let tuple = Tuple::plain(TupleId::new("main").expect("a good id"), Basic::Open);
        let document = Document::new(vec![Tuple { notes, ..tuple }], Vec::new(), Vec::new());
        body::Publish {
            request,
            operation,
            presentity: presentity(&self.who),
            name: format!("n{}", request % 20),
            if_match: None,
            lifetime_ms: Some(*choose(&mut scene.rng, &[1_000, 2_000, 60_000])),
            document: document.ok().to_wire(),
        }
    }

    fn rules(&self, scene: &mut Scene, request: u64, operation: [u8; 16]) -> body::ChangeRules {
        let who = format!("nobody{}@d.example", scene.rng.u8(..30));
        let rule = body::AccessRule {
            name: who.clone(),
            who,
            fetch: 1,
            subscribe: 1,
            shown: body::Shown { tuples: None, notes: true, contact: true, markup: true },
            from_ms: None,
            until_ms: None,
        };
        let (owner, put) = (presentity(&self.who), vec![rule]);
        body::ChangeRules { request, operation, owner, if_version: None, put, remove: Vec::new() }
    }

    fn subscribe(
        scene: &mut Scene,
        (request, operation): (u64, [u8; 16]),
        presentity: String,
    ) -> body::Subscribe {
        body::Subscribe {
            request,
            presentity,
            mode: scene.rng.u8(..2),
            lifetime_ms: Some(*choose(&mut scene.rng, &[1_500, 60_000])),
            operation: Some(Bytes::copy_from_slice(&operation)),
        }
    }

    /// One more feed or question, of which nothing is ever acknowledged.
    fn open_one(&mut self, scene: &mut Scene, plan: &Plan, wire: &mut Wire) {
        let other = choose(&mut scene.rng, &plan.devices).clone();
        let feed = |subject| FeedOpen { cursor: Bytes::new(), window: 0, subject }.to_body();
        let presence = FeedSubject::Presence { presentities: Vec::new(), with_watchers: true };
        let own = self.who.actor.principal.inbox();
        let inbox = FeedSubject::Inbox { inbox: own, from_start: true };
        let presentity = presentity(&other);
        let stream = match scene.rng.u8(..5) {
            0 => wire.open(scene, StreamType::Feed, &feed(presence)),
            1 => wire.open(scene, StreamType::Feed, &feed(inbox)),
            2 => wire.open(scene, StreamType::Query, &body::Fetch { presentity }),
            3 => wire.open(
                scene,
                StreamType::Query,
                &body::ListRules { owner: self::presentity(&self.who) },
            ),
            _ => wire.open(scene, StreamType::Query, &body::ListSubscriptions {}),
        };
        self.open.push(stream);
    }
}
