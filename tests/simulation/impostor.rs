//! Somebody who claims to be one of the devices and does not hold its key.
//!
//! Must never hold: a key, or anything that it was told.

use adsum::model::RefusalCode;
use adsum::protocol::body::{self, Body, Hello};
use adsum::wire::{Decoder, StreamType, VERSION, decode};
use bytes::Bytes;

use super::network::{ConnectionId, End};
use super::pipe::{Piece, Stream};
use super::plan::{Plan, choose, happens};
use super::trace::note;
use super::world::{Scene, feed_open};
use super::{Checked, promised};

/// How often it tries, out of a thousand moments.
const TRIES: u32 = 15;

/// The impostor.
#[derive(Debug, Default)]
pub(crate) struct Impostor {
    link: Option<(ConnectionId, Decoder)>,
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
        while let Some(frame) = control.next_frame().expect("the server writes frames") {
            let refused = decode::<body::Refused>(&frame);
            let code = refused.as_ref().ok().and_then(|it| RefusalCode::from_number(it.code));
            let away = code == Some(RefusalCode::BadProof) || frame.kind == body::Goaway::KIND;
            promised!(12, away, "an impostor was answered kind {:#06x}: {refused:?}", frame.kind);
        }
        for stream in [Stream::Presence, Stream::Inbox] {
            let told = scene.network.read(scene.now, connection, stream);
            let nothing = !told.iter().any(|piece| matches!(piece, Piece::Bytes(_)));
            promised!(12, nothing, "an impostor was told something on {stream:?}");
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
        let presence = feed_open(1, Bytes::new(), 0, String::new());
        scene.open(connection, (Stream::Presence, StreamType::Feed), &presence);
        let inbox = feed_open(2, Bytes::new(), 0, who.actor.principal.inbox().to_string());
        scene.open(connection, (Stream::Inbox, StreamType::Feed), &inbox);
        self.link = Some((connection, Decoder::default()));
    }
}
