//! The group's own device: it grants the liar rights and takes them back, and writes to the group's inbox.
//!
//! Must never hold: a check; what the liar makes of its rights is the oracle's.

use adsum::model::OperationId;
use adsum::protocol::body;
use bytes::Bytes;

use super::hostile::{Wire, add, inbox, retry_at};
use super::plan::{LIAR, Who, choose, happens};
use super::requests::Intent;
use super::trace::note;
use super::world::Scene;

/// How often it wants something, out of a thousand moments.
const ACTIVITY: u32 = 120;

/// The group's device.
#[derive(Debug)]
pub(crate) struct Patron {
    who: Who,
    wire: Option<Wire>,
    retry_at: u64,
    asked: u64,
}

impl Patron {
    pub(crate) fn new(who: Who) -> Self {
        Self { who, wire: None, retry_at: 0, asked: 0 }
    }

    /// One moment of its life. It has left when everything is to come to rest.
    pub(crate) fn live(&mut self, scene: &mut Scene, server_listens: bool) {
        if scene.is_healing {
            self.wire.take().into_iter().for_each(|wire| wire.leave(scene));
            return;
        }
        let Some(wire) = &mut self.wire else {
            if server_listens && scene.now >= self.retry_at {
                let who = &self.who;
                let wire = Wire::dial(scene, &who.name, |exporter| who.hello(Some(exporter)));
                self.wire = Some(wire);
            }
            return;
        };
        wire.hear(scene);
        if wire.is_gone(scene) {
            self.wire = None;
            self.retry_at = retry_at(scene);
        } else if happens(&mut scene.rng, ACTIVITY) {
            self.asked += 1;
            let mut out = Vec::new();
            if scene.rng.u8(..3) == 0 {
                add(&mut out, &self.message());
            } else {
                add(&mut out, &self.grant(scene));
            }
            self.wire.iter().for_each(|wire| wire.say(scene, &out));
        }
    }

    fn message(&self) -> body::Send {
        body::Send {
            request: self.asked,
            inbox: inbox(&self.who),
            sender: String::new(),
            id: format!("{}-{}", self.who.name, self.asked),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(b"for members only"),
            lifetime_ms: None,
            receipts: None,
        }
    }

    fn grant(&self, scene: &mut Scene) -> body::Grant {
        let operation = scene.rng.unique();
        let intent = Intent { kind: "trust", operation: Some(OperationId(operation)) };
        scene.oracle.decrees.asks(&intent);
        let rights = *choose(&mut scene.rng, &[0, 0, 0, 1, 2, 4, 8, 31]);
        note!(scene.trace, "{} grants the liar {rights}", self.who.name);
        scene.trace.count(if rights == 0 { "trust taken back" } else { "trust given" });
        let (owner, grantee) = (String::new(), LIAR.to_owned());
        body::Grant { request: self.asked, operation, owner, grantee, rights }
    }
}
