//! What the liar says: each a request, a question or bytes that it has no right to, or none any more.
//!
//! Must never hold: what is made of the answers.

use adsum::model::{OperationId, Rights};
use adsum::protocol::body;
use adsum::wire::StreamType;
use bytes::Bytes;

use super::hostile::{Wire, add, inbox, presentity};
use super::liar::{Liar, Loot, May};
use super::plan::{ADMINISTRATOR, Who, group};
use super::requests::Intent;
use super::world::Scene;

impl Liar {
    /// Asks for what only another may.
    pub(crate) fn claims_rights(&mut self, scene: &mut Scene, wire: &Wire, loot: &Loot) {
        let request = self.number();
        self.wrong.insert(request);
        let operation: [u8; 16] = scene.rng.unique();
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
            7 if scene.rng.bool() => add(&mut out, &body::Erase { request, principal: other }),
            7 => {
                let principal = other;
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
                        recipients_keep: None,
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
        let operation = scene.rng.unique();
        let intent = Intent { kind: "lie", operation: Some(OperationId(operation)) };
        scene.oracle.decrees.asks(&intent);
        operation
    }

    /// Names another thing by a name that it used: a publication, and a message to itself.
    pub(crate) fn says_twice(&mut self, scene: &mut Scene, wire: &Wire) {
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
        self.twice.insert(self.asked - 1);
        wire.say(scene, &out);
    }

    /// Publishes for itself, and says that what it replaces is another's.
    pub(crate) fn publishes_over(&mut self, scene: &mut Scene, wire: &Wire, loot: &Loot) {
        let (request, operation) = (self.number(), Self::operation(scene));
        self.wrong.insert(request);
        let publish = self.publication(request, operation);
        let mut out = Vec::new();
        add(&mut out, &body::Publish { if_match: Some(loot.tag), ..publish });
        wire.say(scene, &out);
    }

    /// Numbers that were used, or that are none.
    pub(crate) fn has_wrong_numbers(&mut self, scene: &mut Scene, wire: &Wire) {
        let used = scene.rng.u64(..=self.asked);
        let mut out = Vec::new();
        for request in [0, used, u64::MAX] {
            let operation = Self::operation(scene);
            add(&mut out, &self.publication(request, operation));
            // What was asked under that number before is not what is answered now.
            self.wrong.remove(&request);
            self.claimed.remove(&request);
        }
        wire.say(scene, &out);
    }

    /// Opens what is another's: an inbox, and questions.
    pub(crate) fn opens(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
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
        self.read(stream, May::Nothing);
    }

    /// Opens its own feeds behind others' cursors, with a window that overflows, and acknowledges what it never got.
    pub(crate) fn takes(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
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
        self.read(stream, if kind == 1 { May::Silence } else { May::Own });
    }

    /// Does what it may do in the name of the group, or might once.
    pub(crate) fn acts_for_group(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
        let group = group();
        if scene.rng.bool() {
            return self.looks_at_group(scene, wire, &group);
        }
        let (request, operation) = (self.number(), Self::operation(scene));
        let name = Some(Bytes::copy_from_slice(&operation));
        let (team, presentity) = (group.actor.principal.to_string(), presentity(&group));
        let (message, theirs) = (scene.rng.u64(1..8), inbox(&group));
        let mut out = Vec::new();
        let right = match scene.rng.u8(..7) {
            0 | 1 => {
                add(
                    &mut out,
                    &body::Publish { presentity, ..self.publication(request, operation) },
                );
                Rights::PUBLISH
            }
            2 => {
                let (sequences, sender) = (vec![message], None);
                let inbox = theirs;
                add(&mut out, &body::Delete { request, inbox, sequences, operation: name, sender });
                Rights::DELETE
            }
            3 => {
                let (inbox, sequence) = (theirs, message);
                add(&mut out, &body::Displayed { request, inbox, sequence, operation: name });
                Rights::READ
            }
            4 => {
                let inbox = inbox(&loot.who);
                add(&mut out, &body::Send { sender: team, inbox, ..self.message(request) });
                Rights::MEMBER
            }
            5 => {
                add(&mut out, &all_may(request, operation, presentity));
                Rights::MEMBER
            }
            _ => {
                let (owner, grantee) = (team, self.who.actor.principal.to_string());
                add(&mut out, &body::Grant { request, operation, owner, grantee, rights: 31 });
                Rights::MEMBER
            }
        };
        self.claimed.insert(request, Self::claim(scene, right));
        wire.say(scene, &out);
    }

    /// Opens what is the group's.
    fn looks_at_group(&mut self, scene: &mut Scene, wire: &mut Wire, group: &Who) {
        let (owner, theirs) = (presentity(group), inbox(group));
        let query = StreamType::Query;
        let (stream, right) = match scene.rng.u8(..6) {
            0..=2 => {
                let open = feed(2, Bytes::new(), theirs);
                (wire.open(scene, StreamType::Feed, &open), Rights::READ)
            }
            3 => {
                let list = body::ListWatchers { presentity: owner };
                (wire.open(scene, query, &list), Rights::WATCHERS)
            }
            4 => (wire.open(scene, query, &body::InboxStatus { inbox: theirs }), Rights::READ),
            _ => (wire.open(scene, query, &body::ListRules { owner }), Rights::MEMBER),
        };
        let claim = Self::claim(scene, right);
        self.read(stream, May::Group(claim));
    }

    /// Asks for what whoever has a name may see.
    pub(crate) fn watches(&mut self, scene: &mut Scene, wire: &mut Wire, loot: &Loot) {
        let stream =
            wire.open(scene, StreamType::Query, &body::Fetch { presentity: presentity(&loot.who) });
        self.read(stream, May::Own);
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
pub(crate) fn says_nonsense(scene: &mut Scene, wire: &Wire) {
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
