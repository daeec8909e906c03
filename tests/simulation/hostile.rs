//! What the greedy and the lying device have in common: a name of their own, and a connection on which they write what they want.
//!
//! Must never hold: what they want, or a part of the client library that would keep them from writing it.

use adsum::client::exchange::Frames;
use adsum::protocol::body::{Body, Goaway, Hello, Refused, Welcome};
use adsum::wire::{Frame, StreamType, encode};

use super::network::{ConnectionId, End};
use super::pipe::{Piece, Stream};
use super::plan::Who;
use super::trace::note;
use super::world::Scene;

/// How long one stays away that was sent away.
const AWAY_MS: u64 = 400;

/// A connection of one of them.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) connection: ConnectionId,
    control: Frames,
    opened: u32,
    /// Whether it was let in.
    pub(crate) is_welcome: bool,
}

impl Wire {
    /// Connects and says `hello`, made of what the handshake gave.
    pub(crate) fn dial(scene: &mut Scene, name: &str, hello: impl Fn([u8; 32]) -> Hello) -> Self {
        let (connection, exporter) = scene.network.connect(&mut scene.rng);
        note!(scene.trace, "{name} connects as {}", connection.0);
        scene.open(connection, (Stream::Control, StreamType::Control), &hello(exporter));
        Self { connection, control: Frames::default(), opened: 0, is_welcome: false }
    }

    /// What came on CONTROL, but for what lets it in.
    pub(crate) fn hear(&mut self, scene: &mut Scene) -> Vec<Frame> {
        for piece in scene.network.read(scene.now, self.connection, Stream::Control) {
            if let Piece::Bytes(bytes) = piece {
                self.control.push(&bytes);
            }
        }
        let frames =
            core::iter::from_fn(|| self.control.next_frame().expect("servers write frames"));
        let mut frames: Vec<Frame> = frames.collect();
        self.is_welcome |= frames.iter().any(|frame| frame.kind == Welcome::KIND);
        frames.retain(|frame| ![Welcome::KIND, Goaway::KIND].contains(&frame.kind));
        frames
    }

    /// Writes on CONTROL.
    pub(crate) fn say(&self, scene: &mut Scene, bytes: &[u8]) {
        scene.send_bytes(self.connection, Stream::Control, bytes);
    }

    /// Opens one more stream.
    pub(crate) fn open<B: Body>(
        &mut self,
        scene: &mut Scene,
        kind: StreamType,
        body: &B,
    ) -> Stream {
        self.opened += 1;
        let stream = Stream::Query(self.opened);
        scene.open(self.connection, (stream, kind), body);
        stream
    }

    /// What came on `stream`, whole frames, and whether it is over.
    pub(crate) fn read(
        &self,
        scene: &mut Scene,
        stream: Stream,
        frames: &mut Frames,
    ) -> Vec<Frame> {
        for piece in scene.network.read(scene.now, self.connection, stream) {
            if let Piece::Bytes(bytes) = piece {
                frames.push(&bytes);
            }
        }
        core::iter::from_fn(|| frames.next_frame().expect("servers write frames")).collect()
    }

    /// Whether it is gone; then it is forgotten.
    pub(crate) fn is_gone(&self, scene: &mut Scene) -> bool {
        let is_over = scene.network.is_over(scene.now, self.connection, End::Device);
        if is_over {
            scene.network.forget(self.connection, End::Device);
        }
        is_over
    }

    /// Leaves without a word.
    pub(crate) fn leave(&self, scene: &mut Scene) {
        scene.network.cut(&mut scene.rng, scene.now, self.connection);
        scene.network.forget(self.connection, End::Device);
    }
}

/// When one connects again.
pub(crate) fn retry_at(scene: &mut Scene) -> u64 {
    scene.now + scene.rng.u64(..AWAY_MS)
}

/// Whether a frame is a refusal.
pub(crate) fn is_refusal(frame: &Frame) -> bool {
    frame.kind == Refused::KIND
}

/// Adds a request to what is written at once.
pub(crate) fn add<B: Body>(out: &mut Vec<u8>, body: &B) {
    encode(body, out);
}

/// The presentity of `who`.
pub(crate) fn presentity(who: &Who) -> String {
    who.actor.principal.presentity().to_string()
}

/// The inbox of `who`.
pub(crate) fn inbox(who: &Who) -> String {
    who.actor.principal.inbox().to_string()
}
