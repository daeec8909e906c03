//! A device that proves who it is and then says what is false: what is others', what it never got, what it said otherwise
//! before, and what is no frame at all.
//!
//! It may end its own connection, and gets refusals. Whatever it has no right to must be refused, of what is another's it
//! must be told nothing, and nothing that it acknowledges counts. Must never hold: a key but its own.

use std::collections::{BTreeMap, BTreeSet};

use adsum::client::exchange::Frames;
use adsum::model::OperationId;
use adsum::protocol::body::{self, Body};
use adsum::wire::{EXPORTER_CONTEXT, Frame, StreamType, VERSION, decode};
use bytes::Bytes;

use super::device::Device;
use super::hostile::{Wire, add, inbox, is_refusal, presentity, retry_at};
use super::pipe::Stream;
use super::plan::{ADMINISTRATOR, Who, choose, happens, signature};
use super::requests::Intent;
use super::trace::note;
use super::world::Scene;
use super::{Checked, promised};

/// How often it lies, out of a thousand moments.
const LIES: u32 = 250;
/// How often it says of itself that it is another.
const FALSE_NAMES: u32 = 200;

/// The lying device.
#[derive(Debug)]
pub(crate) struct Liar {
    who: Who,
    wire: Option<Wire>,
    /// Whether it said of itself what is false: then it must not be let in.
    is_nobody: bool,
    retry_at: u64,
    asked: u64,
    /// Requests that must be refused.
    wrong: BTreeSet<u64>,
    reading: BTreeMap<Stream, Reading>,
}

/// What it opened, and whether it has a right to it.
#[derive(Debug)]
struct Reading {
    frames: Frames,
    is_own: bool,
}

/// What it got hold of that is others'.
#[derive(Debug)]
struct Loot {
    who: Who,
    cursors: [Bytes; 2],
    tag: [u8; 16],
    message: u64,
}

impl Liar {
    pub(crate) fn new(who: Who) -> Self {
        let (wrong, reading) = (BTreeSet::new(), BTreeMap::new());
        Self { who, wire: None, is_nobody: false, retry_at: 0, asked: 0, wrong, reading }
    }

    /// One moment of its life. It has left when everything is to come to rest.
    pub(crate) fn live(&mut self, scene: &mut Scene, devices: &[Device], listens: bool) -> Checked {
        if scene.is_healing {
            self.wire.take().into_iter().for_each(|wire| wire.leave(scene));
            return Ok(());
        }
        let loot = loot(scene, devices);
        if self.wire.is_none() {
            if listens && scene.now >= self.retry_at {
                self.dial(scene, &loot);
            }
            return Ok(());
        }
        self.hear(scene)?;
        let Some(mut wire) = self.wire.take() else { return Ok(()) };
        if wire.is_gone(scene) {
            self.retry_at = retry_at(scene);
            return Ok(());
        }
        if wire.is_welcome && happens(&mut scene.rng, LIES) {
            scene.trace.count("lies");
            self.lie(scene, &mut wire, &loot);
        }
        self.wire = Some(wire);
        Ok(())
    }

    /// Says who it is, or with its own key that it is another.
    fn dial(&mut self, scene: &mut Scene, loot: &Loot) {
        self.is_nobody = happens(&mut scene.rng, FALSE_NAMES);
        let (own, key) = (&self.who, self.who.key.0);
        let principal = if self.is_nobody { &loot.who } else { own }.actor.principal.to_string();
        let wire = Wire::dial(scene, &own.name, |exporter| body::Hello {
            version: VERSION,
            features: u64::MAX,
            signature: signature(EXPORTER_CONTEXT, &exporter, &key, &principal),
            principal: principal.clone(),
            key,
            proof: 1,
            enroll: None,
            client: "honest".to_owned(),
        });
        self.wire = Some(wire);
        self.wrong.clear();
        self.reading.clear();
    }

    /// What it must not be told.
    fn hear(&mut self, scene: &mut Scene) -> Checked {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        for frame in wire.hear(scene) {
            let number = postcard::take_from_bytes::<u64>(&frame.body).map(|(number, _)| number);
            let is_wrong = number.is_ok_and(|number| self.wrong.contains(&number));
            let refused = is_refusal(&frame);
            promised!(12, refused || !is_wrong, "a liar was answered {frame:?}");
            scene.trace.count(if refused { "lies refused" } else { "lies answered" });
        }
        promised!(12, !(self.is_nobody && wire.is_welcome), "a liar was let in as another");
        for (stream, reading) in &mut self.reading {
            for frame in wire.read(scene, *stream, &mut reading.frames) {
                // A server that stops says so on every feed.
                let tells_nothing = is_refusal(&frame) || frame.kind == body::FeedEnd::KIND;
                let right = tells_nothing || reading.is_own && is_own(&self.who, &frame);
                scene.trace.count("lies read");
                promised!(12, right, "a liar was told what is another's: {frame:?}");
            }
        }
        Ok(())
    }

    fn lie(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
        let lie = scene.rng.u8(..24);
        note!(scene.trace, "{} lies ({lie}) about {}", self.who.name, loot.who.name);
        match lie {
            0..=12 => self.claims_rights(scene, wire, loot),
            13 => self.says_twice(scene, wire),
            14..=16 => self.opens(scene, wire, loot),
            17..=19 => self.takes(scene, wire, loot),
            20 => self.publishes_over(scene, wire, loot),
            21 => self.has_wrong_numbers(scene, wire),
            _ => says_nonsense(scene, wire),
        }
    }

    fn number(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }

    /// Asks for what only another may.
    fn claims_rights(&mut self, scene: &mut Scene, wire: &Wire, loot: &Loot) {
        let request = self.number();
        self.wrong.insert(request);
        let operation: [u8; 16] = core::array::from_fn(|_| scene.rng.u8(..));
        let name = Some(Bytes::copy_from_slice(&operation));
        let (other, device) = (loot.who.actor.principal.to_string(), loot.who.actor.device.0);
        let (presentity, inbox) = (presentity(&loot.who), inbox(&loot.who));
        let mut out = Vec::new();
        match scene.rng.u8(..13) {
            0 => {
                let publish = self.publication(request, operation);
                add(&mut out, &body::Publish { presentity, if_match: Some(loot.tag), ..publish });
            }
            1 => {
                let sequences = vec![loot.message];
                let delete =
                    body::Delete { request, inbox, sequences, operation: name, sender: None };
                add(&mut out, &delete);
            }
            2 => {
                let sender = Some(other.into_bytes().into());
                let sequences = Vec::new();
                add(&mut out, &body::Delete { request, inbox, sequences, operation: name, sender });
            }
            3 => {
                let sequence = loot.message;
                add(&mut out, &body::Displayed { request, inbox, sequence, operation: name });
            }
            4 => add(&mut out, &all_may(request, operation, presentity)),
            5 => {
                let (put, remove) = (Vec::new(), Vec::new());
                let (when_closed, receipts) = (2, 2);
                let if_version = None;
                add(
                    &mut out,
                    &body::ChangeDelivery {
                        request,
                        operation,
                        inbox,
                        if_version,
                        put,
                        remove,
                        when_closed,
                        receipts,
                    },
                );
            }
            6 => {
                let (owner, grantee) = (other, self.who.actor.principal.to_string());
                add(&mut out, &body::Grant { request, operation, owner, grantee, rights: 31 });
            }
            7 => {
                let principal = other;
                if scene.rng.bool() {
                    add(&mut out, &body::Erase { request, principal: principal.clone() });
                }
                add(&mut out, &body::RevokeKey { request, principal, device, operation: name });
            }
            8 => {
                let watcher = other;
                let end = body::EndSubscription { request, watcher, presentity, operation: name };
                add(&mut out, &end);
            }
            9 => {
                let (act, subject, presence, messaging) = (5, other, 0, 0);
                add(
                    &mut out,
                    &body::Administer {
                        request,
                        operation,
                        act,
                        subject,
                        presence,
                        messaging,
                        recovery_delay: None,
                        recovery_shows: None,
                        quota: None,
                        quota_max: None,
                    },
                );
            }
            10 => {
                // In the form of another, and of somebody who is more.
                let sender = if scene.rng.bool() { other } else { ADMINISTRATOR.to_owned() };
                add(&mut out, &body::Send { sender, inbox, ..self.message(request) });
            }
            11 => {
                let name = String::new();
                let remove =
                    body::RemovePublication { request, operation, presentity, device, name };
                add(&mut out, &remove);
            }
            _ => {
                let invite = [scene.rng.u8(..); 32];
                let (principal, role, lifetime_ms) = (Some(other), 1, None);
                // As an invite, or as a recovery, for which only another's administrator may ask.
                let recovers = scene.rng.bool().then(|| Bytes::from_static(&[1]));
                let invite =
                    body::Invite { request, invite, principal, role, lifetime_ms, recovers };
                add(&mut out, &invite);
            }
        }
        wire.say(scene, &out);
    }

    fn publication(&self, request: u64, operation: [u8; 16]) -> body::Publish {
        body::Publish {
            request,
            operation,
            presentity: presentity(&self.who),
            name: String::new(),
            if_match: None,
            lifetime_ms: Some(60_000),
            document: Some(body::Document {
                tuples: Vec::new(),
                notes: vec![body::Note { language: String::new(), text: Some("false".into()) }],
                markup: Vec::new(),
            }),
        }
    }

    fn message(&self, request: u64) -> body::Send {
        body::Send {
            request,
            inbox: inbox(&self.who),
            sender: String::new(),
            id: format!("{}-{request}", self.who.name),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(b"believe me"),
            lifetime_ms: None,
            receipts: None,
        }
    }

    /// An operation of its own of which the oracle knows.
    fn operation(scene: &mut Scene) -> [u8; 16] {
        let operation = core::array::from_fn(|_| scene.rng.u8(..));
        let intent = Intent { kind: "lie", operation: Some(OperationId(operation)) };
        scene.oracle.decrees.asks(&intent);
        operation
    }

    /// Names another thing by a name that it used: a publication, and a message to itself.
    fn says_twice(&mut self, scene: &mut Scene, wire: &Wire) {
        let operation = Self::operation(scene);
        let mut out = Vec::new();
        let first = self.publication(self.asked + 1, operation);
        add(&mut out, &first);
        add(&mut out, &body::Publish { request: first.request + 1, document: None, ..first });
        let message = self.message(self.asked + 3);
        add(&mut out, &message);
        let request = message.request + 1;
        let body = Bytes::from_static(b"what I never said");
        add(&mut out, &body::Send { request, body, ..message });
        self.asked += 4;
        self.wrong.insert(self.asked);
        wire.say(scene, &out);
    }

    /// Publishes for itself, and says that what it replaces is another's.
    fn publishes_over(&mut self, scene: &mut Scene, wire: &Wire, loot: &Loot) {
        let (request, operation) = (self.number(), Self::operation(scene));
        self.wrong.insert(request);
        let publish = self.publication(request, operation);
        let mut out = Vec::new();
        add(&mut out, &body::Publish { if_match: Some(loot.tag), ..publish });
        wire.say(scene, &out);
    }

    /// Numbers that were used, or that are none.
    fn has_wrong_numbers(&mut self, scene: &mut Scene, wire: &Wire) {
        let used = scene.rng.u64(..=self.asked);
        let mut out = Vec::new();
        for request in [0, used, u64::MAX] {
            let operation = Self::operation(scene);
            add(&mut out, &self.publication(request, operation));
            // What was asked under that number before is not what is answered now.
            self.wrong.remove(&request);
        }
        wire.say(scene, &out);
    }

    /// Opens what is another's: an inbox, and questions.
    fn opens(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
        let (other, inbox) = (loot.who.actor.principal.to_string(), inbox(&loot.who));
        let stream = match scene.rng.u8(..6) {
            0 | 1 => {
                let cursor = loot.cursors[1].clone();
                wire.open(scene, StreamType::Feed, &feed(2, cursor, inbox))
            }
            2 => wire.open(
                scene,
                StreamType::Query,
                &body::ListRules { owner: presentity(&loot.who) },
            ),
            3 => wire.open(scene, StreamType::Query, &body::ListKeys { principal: other }),
            4 => wire.open(scene, StreamType::Query, &body::ListDelivery { inbox }),
            _ => wire.open(scene, StreamType::Query, &body::ListQuarantine { inbox }),
        };
        self.read(stream, false);
    }

    fn read(&mut self, stream: Stream, is_own: bool) {
        self.reading.insert(stream, Reading { frames: Frames::default(), is_own });
    }

    /// Opens its own feeds behind others' cursors, with a window that overflows, and acknowledges what it never got.
    fn takes(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
        let mut out = Vec::new();
        add(&mut out, &self.message(self.asked + 1));
        self.asked += 1;
        wire.say(scene, &out);
        let kind = scene.rng.u8(1..=2);
        let own = if kind == 2 { inbox(&self.who) } else { String::new() };
        let open = feed(kind, stolen(scene, loot), own);
        let stream = wire.open(scene, StreamType::Feed, &open);
        let mut out = Vec::new();
        for _ in 0..scene.rng.u8(1..6) {
            add(&mut out, &body::FeedAck { cursor: stolen(scene, loot) });
        }
        scene.send_bytes(wire.connection, stream, &out);
        self.read(stream, true);
    }
}

/// Opens a feed with a window that no number is larger than.
fn feed(kind: u8, cursor: Bytes, inbox: String) -> body::FeedOpen {
    let (window, presentities, from_start) = (u32::MAX, Vec::new(), false);
    body::FeedOpen { kind, cursor, window, presentities, inbox, from_start, watchers: None }
}

/// Everybody may see everything of `owner`, from now on.
fn all_may(request: u64, operation: [u8; 16], owner: String) -> body::ChangeRules {
    let rule = body::AccessRule {
        name: "everyone".to_owned(),
        who: "everyone".to_owned(),
        fetch: 4,
        subscribe: 4,
        shown: body::Shown { tuples: None, notes: false, contact: false, markup: false },
        from_ms: None,
        until_ms: None,
    };
    let (put, remove) = (vec![rule], Vec::new());
    body::ChangeRules { request, operation, owner, if_version: None, put, remove }
}

/// A cursor that is another's, or made up.
fn stolen(scene: &mut Scene, loot: &Loot) -> Bytes {
    match scene.rng.u8(..4) {
        0 => (0..scene.rng.usize(1..200)).map(|_| scene.rng.u8(..)).collect(),
        1 => {
            let mut forged = loot.cursors[1].to_vec();
            let place = scene.rng.usize(..forged.len().max(1));
            forged.get_mut(place).into_iter().for_each(|byte| *byte ^= 1);
            // Nothing at all would be a cursor of the beginning.
            if forged.is_empty() { Bytes::from_static(&[3]) } else { forged.into() }
        }
        which => {
            let cursor = loot.cursors[usize::from(which) - 2].clone();
            if cursor.is_empty() { Bytes::from_static(&[9; 33]) } else { cursor }
        }
    }
}

/// What is no request: answers, a second greeting, lengths beyond all limits, plain bytes.
fn says_nonsense(scene: &mut Scene, wire: &Wire) {
    let mut out = Vec::new();
    match scene.rng.u8(..6) {
        0 => add(&mut out, &body::Sent { request: 1, duplicate: false }),
        1 => add(&mut out, &body::FeedAck { cursor: Bytes::from_static(&[3; 33]) }),
        2 => add(&mut out, &body::ChallengeAnswer { signature: Bytes::from_static(&[1; 32]) }),
        3 => out.extend([0xff; 8]),
        4 => out.extend([0, 0, 0, 3, 0, 0x13, 0xff]),
        _ => out.extend((0..scene.rng.usize(1..300)).map(|_| scene.rng.u8(..))),
    }
    wire.say(scene, &out);
}

/// Whether a frame of one's own feed says nothing of what is others'.
fn is_own(who: &Who, frame: &Frame) -> bool {
    match frame.kind {
        body::MessageEvent::KIND => {
            let event = decode::<body::MessageEvent>(frame).expect("servers write valid events");
            event.message.inbox == inbox(who)
        }
        // It never subscribed to anybody.
        body::PresenceEvent::KIND => false,
        _ => true,
    }
}

/// What one of the others has: the liar may have seen it, on a wire that it should not have tapped.
fn loot(scene: &mut Scene, devices: &[Device]) -> Loot {
    let one = choose(&mut scene.rng, devices);
    let stored = &one.stored;
    let message = stored.application.messages.last();
    Loot {
        who: one.who.clone(),
        cursors: [stored.presence.cursor.clone(), stored.inbox.cursor.clone()],
        tag: stored.tag.map_or([5; 16], |tag| tag.0),
        message: message.map_or(1, |message| message.sequence.get()),
    }
}
