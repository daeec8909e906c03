//! What the application on a device wants done, and what it makes of the answers.
//!
//! Messages are kept in an outbox until they are answered, and sent again under their ids after a crash. Publications
//! are not: what a crashed process wanted to tell of the present is out of date.
//! Must never hold: a request without an id by which a repeat is known.

use std::collections::BTreeMap;

use adsum::client::resume::{Resolved, Submission};
use adsum::client::{Answer, Command};
use adsum::model::{
    Basic, COMPOSING_TYPE, Document, Note, OperationId, Payload, Presentity, Principal,
    RefusalCode, Tuple, TupleId, composing_document,
};
use adsum::protocol::{Field as _, body};
use bytes::Bytes;

use super::device::{Device, Process};
use super::pasts::Asked;
use super::plan::{Plan, Who, choose};
use super::requests::valid;
use super::trace::note;
use super::world::Scene;
use super::{Checked, promised};

/// Operations on its publication that a device has under way at once.
const PUBLISHING_MAX: u32 = 3;

/// Why a request was made.
#[derive(Clone, Debug)]
enum Purpose {
    Send(body::Send),
    /// The id of another message, which the server must notice.
    Clash(String),
    Publish(OperationId),
    Subscribe(Presentity, OperationId),
    Unsubscribe(Presentity, Asked),
    Delete,
    Compose,
    Revoke,
}

/// Requests under way and why they were made.
#[derive(Debug, Default)]
pub(crate) struct Purposes {
    of: BTreeMap<Submission, Purpose>,
    publishing: u32,
    /// The last message that was answered, to be sent again now and then.
    answered: Option<body::Send>,
}

impl Device {
    /// The application wants something.
    pub(crate) fn wish(&mut self, scene: &mut Scene, plan: &Plan) {
        if self.process.as_ref().is_none_or(|process| !process.requests.has_room()) {
            return;
        }
        if plan.revokes && scene.rng.u8(..60) == 0 {
            self.revoke(scene, plan);
        }
        match scene.rng.u8(..20) {
            0..=7 => self.send(scene, plan),
            8 => self.send_again(scene),
            // When ids may be used anew, or be forgotten, one that is used twice is no mistake.
            9 if !plan.leap && !plan.goes_back() => self.clash(scene),
            10..=13 => self.publish(scene),
            14..=16 => self.subscribe(scene, plan),
            17 => self.unsubscribe(scene, plan),
            18 => self.delete(scene),
            19 => self.compose(scene, plan),
            _ => {}
        }
    }

    fn submit(&mut self, request: Command, purpose: Purpose) {
        let Some(process) = &mut self.process else { return };
        let submission = process.requests.submit(request);
        process.purposes.of.insert(submission, purpose);
    }

    /// After a crash: whatever is not answered is sent once more.
    pub(crate) fn resend(&mut self, scene: &mut Scene) {
        for send in self.stored.outbox.clone() {
            scene.trace.count("messages sent again after a crash");
            self.submit(Command::Send(valid(send.clone())), Purpose::Send(send));
        }
    }

    fn send(&mut self, scene: &mut Scene, plan: &Plan) {
        self.stored.written += 1;
        let to = choose(&mut scene.rng, &plan.principals).inbox().to_string();
        let id = format!("{}-{}", self.who.name, self.stored.written);
        let lifetime_ms = match scene.rng.u8(..6) {
            0 => Some(scene.rng.u64(1..3_000)),
            _ => None,
        };
        let length = if scene.rng.u8(..40) == 0 { 20_000 } else { scene.rng.usize(1..60) };
        note!(scene.trace, "{} sends {id} to {to}", self.who.name);
        let send = body::Send {
            request: 0,
            inbox: to,
            sender: String::new(),
            body: Bytes::from(format!("{:#<length$}", format!("<{id}>"))),
            id,
            content_type: "text/plain".to_owned(),
            lifetime_ms,
            receipts: None,
        };
        self.stored.outbox.push(send.clone());
        self.submit(Command::Send(valid(send.clone())), Purpose::Send(send));
    }

    /// An application that is not sure sends again what was answered before.
    fn send_again(&mut self, scene: &mut Scene) {
        let answered = self.process.as_ref().and_then(|one| one.purposes.answered.clone());
        let Some(send) = answered else { return };
        note!(scene.trace, "{} sends {} again", self.who.name, send.id);
        scene.trace.count("messages sent again");
        self.submit(Command::Send(valid(send.clone())), Purpose::Send(send));
    }

    /// An application that uses an id twice.
    fn clash(&mut self, scene: &mut Scene) {
        let answered = self.process.as_ref().and_then(|one| one.purposes.answered.clone());
        let Some(mut send) = answered else { return };
        send.body = Bytes::from_static(b"another message");
        note!(scene.trace, "{} uses {} twice", self.who.name, send.id);
        let purpose = Purpose::Clash(send.id.clone());
        self.submit(Command::Send(valid(send)), purpose);
    }

    /// Somebody writes, and whoever reads may see it.
    fn compose(&mut self, scene: &mut Scene, plan: &Plan) {
        let inbox = choose(&mut scene.rng, &plan.principals).inbox();
        let id = format!("{}-writes", self.who.name);
        note!(scene.trace, "{} writes to {inbox}", self.who.name);
        scene.oracle.composes(&self.who.actor.principal, &inbox, &id);
        let send = body::Send {
            request: 0,
            inbox: inbox.to_string(),
            sender: String::new(),
            id,
            content_type: COMPOSING_TYPE.to_owned(),
            body: composing_document(scene.rng.bool(), None).into(),
            lifetime_ms: None,
            receipts: None,
        };
        self.submit(Command::Send(valid(send)), Purpose::Compose);
    }

    fn publish(&mut self, scene: &mut Scene) {
        let free = |one: &&mut Process| one.purposes.publishing < PUBLISHING_MAX;
        let Some(process) = self.process.as_mut().filter(free) else { return };
        process.purposes.publishing += 1;
        self.stored.written += 1;
        let operation = OperationId(scene.rng.unique());
        let (tag, what) = (self.stored.tag, scene.rng.u8(..10));
        let (refreshes, removes) = (tag.is_some() && what < 3, tag.is_some() && what == 9);
        let lifetime_ms =
            if removes { 0 } else { *choose(&mut scene.rng, &[1_000, 3_000, 60_000]) };
        let document = (!refreshes && !removes).then(|| self.document(scene));
        note!(
            scene.trace,
            "{} publishes {:?} for {lifetime_ms} ms",
            self.who.name,
            document.as_ref().map(|_| self.stored.written)
        );
        scene.oracle.asks_publish(operation, lifetime_ms);
        let request = Command::Publish(valid(body::Publish {
            request: 0,
            operation: operation.0,
            presentity: self.who.actor.principal.presentity().to_string(),
            name: String::new(),
            if_match: tag.map(|tag| tag.0),
            lifetime_ms: Some(lifetime_ms),
            document: document.to_wire(),
        }));
        self.submit(request, Purpose::Publish(operation));
    }

    fn document(&self, scene: &mut Scene) -> Document {
        let basic = if scene.rng.bool() { Basic::Open } else { Basic::Closed };
        let mut tuple = Tuple::plain(TupleId::new("main").expect("a good id"), basic);
        let text = format!("<{} {}>", self.who.name, self.stored.written);
        tuple.notes = vec![Note { language: String::new(), text: Payload::text(&text) }];
        Document::new(vec![tuple], Vec::new(), Vec::new()).expect("a small document")
    }

    fn subscribe(&mut self, scene: &mut Scene, plan: &Plan) {
        let watcher = self.who.actor.principal.clone();
        let presentity = choose(&mut scene.rng, &plan.principals).presentity();
        let mode = Plan::mode(&watcher, &presentity);
        let lifetime_ms = *choose(&mut scene.rng, &[1_500, 10_000, 600_000]);
        note!(scene.trace, "{} watches {presentity} for {lifetime_ms} ms", self.who.name);
        let operation = OperationId(scene.rng.unique());
        scene.oracle.asks_subscribe((watcher, presentity.clone()), lifetime_ms);
        let request = Command::Subscribe(valid(body::Subscribe {
            request: 0,
            presentity: presentity.to_string(),
            mode: mode.to_wire(),
            lifetime_ms: Some(lifetime_ms),
            operation: operation.to_wire(),
        }));
        self.submit(request, Purpose::Subscribe(presentity, operation));
    }

    fn unsubscribe(&mut self, scene: &mut Scene, plan: &Plan) {
        let presentity = choose(&mut scene.rng, &plan.principals).presentity();
        note!(scene.trace, "{} watches {presentity} no more", self.who.name);
        scene.oracle.asks_unsubscribe((self.who.actor.principal.clone(), presentity.clone()));
        let body = body::Unsubscribe {
            operation: Some(name(scene)),
            request: 0,
            presentity: presentity.to_string(),
        };
        let since = scene.oracle.asks();
        self.submit(Command::Unsubscribe(valid(body)), Purpose::Unsubscribe(presentity, since));
    }

    fn delete(&mut self, scene: &mut Scene) {
        let messages = &self.stored.application.messages;
        if messages.is_empty() {
            return;
        }
        let sequence = choose(&mut scene.rng, messages).message.sequence.get();
        note!(scene.trace, "{} deletes message {sequence}", self.who.name);
        scene.oracle.asks_delete(&self.who.actor.principal.inbox(), sequence);
        let inbox = self.who.actor.principal.inbox().to_string();
        let body = body::Delete {
            sender: None,
            operation: Some(name(scene)),
            request: 0,
            inbox,
            sequences: vec![sequence],
        };
        self.submit(Command::Delete(valid(body)), Purpose::Delete);
    }

    /// The key of the device that came in later is revoked, by whichever of its principal.
    fn revoke(&mut self, scene: &mut Scene, plan: &Plan) {
        let own = |who: &&Who| who.actor.principal == self.who.actor.principal;
        let Some(other) = plan.devices.iter().filter(own).find(|who| who.token.is_some()) else {
            return;
        };
        note!(scene.trace, "{} revokes the key of {}", self.who.name, other.name);
        let device = other.actor.device;
        scene.oracle.asks_revoke(device);
        let body = body::RevokeKey {
            operation: Some(name(scene)),
            request: 0,
            principal: String::new(),
            device: device.0,
        };
        self.submit(Command::RevokeKey(valid(body)), Purpose::Revoke);
    }

    /// A request was answered.
    pub(crate) fn resolved(&mut self, resolved: Resolved, scene: &mut Scene) -> Checked {
        let Some(process) = &mut self.process else { return Ok(()) };
        let Resolved { submission, result } = resolved;
        let purpose = process.purposes.of.remove(&submission).expect("what is answered was asked");
        let sender = self.who.actor.principal.clone();
        let pair =
            |presentity: Presentity| -> (Principal, Presentity) { (sender.clone(), presentity) };
        let code = result.as_ref().err().and_then(|refused| refused.code);
        if matches!(code, Some(RefusalCode::KeyRevoked | RefusalCode::Erased)) {
            let is_revoked = scene.oracle.is_revoked(&self.who.actor);
            promised!(12, is_revoked, "a device whose key counts was told that it is revoked");
            if let Purpose::Send(send) = purpose {
                // If the store goes back to when the key counted, it goes out.
                self.submit(Command::Send(valid(send.clone())), Purpose::Send(send));
            }
            return Ok(());
        }
        if code == Some(RefusalCode::StorageFull) {
            promised!(
                2,
                scene.oracle.was_full,
                "there is room, and it was told that there is none"
            );
            scene.trace.count("refused for want of room");
            match purpose {
                // It goes out when there is room.
                Purpose::Send(send) => {
                    self.submit(Command::Send(valid(send.clone())), Purpose::Send(send));
                }
                Purpose::Publish(_) => process.purposes.publishing -= 1,
                _ => {}
            }
            return Ok(());
        }
        match (purpose, result) {
            (Purpose::Subscribe(presentity, _) | Purpose::Unsubscribe(presentity, _), Err(_))
                if scene.oracle.is_or_was_erased(&presentity.to_string()) =>
            {
                scene.trace.count("refused for want of who was erased");
            }
            // Whoever it was for may be erased.
            (Purpose::Clash(_) | Purpose::Compose, Err(_))
                if code == Some(RefusalCode::UnknownInbox) && scene.oracle.was_anybody_erased() => {
            }
            (Purpose::Send(send), Ok(answer)) => {
                note!(scene.trace, "{} knows that {} is stored", self.who.name, send.id);
                scene.oracle.sent(&sender, &send.id, (&send.inbox, &send.body), &answer)?;
                self.stored.outbox.retain(|other| other.id != send.id);
                process.purposes.answered = Some(send);
            }
            (Purpose::Send(send), Err(refused)) => {
                let named = (&sender, send.id.as_str());
                scene.oracle.not_sent(named, &send.inbox, &refused.message)?;
                self.stored.outbox.retain(|other| other.id != send.id);
            }
            (Purpose::Clash(id), result) => {
                let noticed = code == Some(RefusalCode::DuplicateId);
                promised!(4, noticed, "another message under the id {id} was answered {result:?}");
            }
            (Purpose::Publish(operation), result) => {
                process.purposes.publishing -= 1;
                self.stored.tag = match result {
                    Ok(answer) => {
                        scene.oracle.published(operation, &answer)?;
                        tag_of(&answer)
                    }
                    Err(refused) => {
                        let stale = code == Some(RefusalCode::StaleTag);
                        promised!(2, stale, "a publish was refused: {}", refused.message);
                        None
                    }
                };
            }
            (Purpose::Subscribe(presentity, operation), result) => {
                promised!(2, result.is_ok(), "a subscription was refused: {result:?}");
                scene.oracle.subscribed(pair(presentity), operation)?;
            }
            (Purpose::Unsubscribe(presentity, since), Ok(_)) => {
                scene.oracle.unsubscribed(&pair(presentity), since)?;
            }
            (Purpose::Unsubscribe(presentity, since), Err(refused)) => {
                // There must not have been one when it was asked: an end is repeated safely.
                let since = scene.oracle.since(since);
                let episodes = scene.oracle.chronicle.subscriptions.get(&pair(presentity));
                let began = episodes.and_then(|all| all.first()).map(|first| first.begin);
                let none = began.is_none_or(|began| began > since);
                let right = none && code == Some(RefusalCode::NoSubscription);
                promised!(2, right, "the end of a subscription was refused: {}", refused.message);
            }
            (Purpose::Compose, result) => {
                let passed = matches!(result, Ok(Answer::Sent { duplicate: false }));
                promised!(4, passed, "an indication was answered {result:?}");
            }
            (Purpose::Revoke, result) => {
                // It may not have come in yet, or not any more.
                let right = result.is_ok() || code == Some(RefusalCode::NoDevice);
                promised!(2, right, "the end of a key was refused: {result:?}");
            }
            (Purpose::Delete, result) => {
                promised!(2, result.is_ok(), "a delete was refused: {result:?}");
            }
        }
        Ok(())
    }
}

/// A name for an operation.
fn name(scene: &mut Scene) -> Bytes {
    Bytes::copy_from_slice(&scene.rng.unique::<16>())
}

/// The tag to remember; none after a removal.
fn tag_of(answer: &Answer) -> Option<adsum::model::Tag> {
    match answer {
        Answer::Published { tag, granted } if granted.as_ms() > 0 => Some(*tag),
        _ => None,
    }
}
