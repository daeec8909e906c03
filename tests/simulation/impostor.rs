//! Somebody who claims to be one of the devices and does not hold its key.
//!
//! Must never hold: a key, or anything that it was told.

use adsum::client::ClientError;
use adsum::client::exchange::{Admission, Frames};
use adsum::model::RefusalCode;
use adsum::protocol::body::Hello;
use adsum::protocol::{FeedOpen, FeedSubject, Framed};
use adsum::wire::{StreamType, VERSION};
use bytes::Bytes;

use super::network::{ConnectionId, End};
use super::pipe::{Piece, Stream};
use super::plan::{Plan, choose, happens};
use super::trace::note;
use super::world::Scene;
use super::{Checked, promised};

/// How often it tries, out of a thousand moments.
const TRIES: u32 = 15;

/// The impostor.
#[derive(Debug, Default)]
pub(crate) struct Impostor {
    link: Option<(ConnectionId, Frames)>,
}

impl Impostor {
    /// One moment of its life.
    pub(crate) fn live(&mut self, scene: &mut Scene, plan: &Plan, server_listens: bool) -> Checked {
        let Some((connection, control)) = &mut self.link else {
            if server_listens && !scene.is_healing && happens(&mut scene.rng, TRIES) {
                self.claim(scene, plan);
            }
            return Ok(());
        };
        let connection = *connection;
        for piece in scene.network.read(scene.now, connection, Stream::Control) {
            if let Piece::Bytes(bytes) = piece {
                control.push(&bytes);
            }
        }
        loop {
            let answer = Admission::next(control);
            let is_away = match &answer {
                Ok(None) => break,
                Err(ClientError::Refused(refused)) => {
                    refused.is(RefusalCode::BadProof) || refused.is(RefusalCode::GoingAway)
                }
                Ok(Some(_)) | Err(_) => false,
            };
            promised!(12, is_away, "an impostor was answered {answer:?}");
        }
        for stream in [Stream::Presence, Stream::Inbox] {
            let told = scene.network.read(scene.now, connection, stream);
            let nothing = !told.iter().any(|piece| matches!(piece, Piece::Bytes(_)));
            promised!(12, nothing, "an impostor was told something on {stream:?}");
            // The first byte says what a stream is for.
            let read = scene.network.read_by_server(connection, stream);
            promised!(12, read <= 1, "{read} bytes of an impostor were read on {stream:?}");
        }
        if scene.network.is_over(scene.now, connection, End::Device) {
            scene.network.forget(connection, End::Device);
            self.link = None;
        }
        Ok(())
    }

    /// Everything at once, as a device does it, with a signature that is none.
    fn claim(&mut self, scene: &mut Scene, plan: &Plan) {
        let (connection, _) = scene.network.connect(&mut scene.rng);
        let who = choose(&mut scene.rng, &plan.devices).clone();
        note!(scene.trace, "an impostor claims to be {} as {}", who.name, connection.0);
        scene.trace.count("impostors");
        let hello = Hello {
            version: VERSION,
            features: 0,
            principal: who.actor.principal.to_string(),
            key: who.key.0,
            proof: 1,
            signature: Bytes::from_static(&[7; 32]),
            enroll: None,
            client: "impostor".to_owned(),
        };
        scene.open(connection, (Stream::Control, StreamType::Control), &hello);
        let presence = FeedSubject::Presence { presentities: Vec::new(), with_watchers: false };
        let inbox = FeedSubject::Inbox { inbox: who.actor.principal.inbox(), from_start: false };
        for (stream, subject) in [(Stream::Presence, presence), (Stream::Inbox, inbox)] {
            let open = FeedOpen { cursor: Bytes::new(), window: 0, subject };
            scene.open(connection, (stream, StreamType::Feed), &open.to_body());
        }
        self.link = Some((connection, Frames::default()));
    }
}
