//! A peer of the server, and the streams that it has: bytes go in, and what the server writes is kept.
//!
//! Must never hold: a task or a socket.

use std::sync::Arc;

use adsum::model::Principal;
use adsum::protocol::Command;
use adsum::protocol::body::{Body, FeedAck, Hello, Welcome};
use adsum::protocol::identity::PROOF_EXPORTER;
use adsum::service::SessionId;
use adsum::session::{Connection, Fresh, Heard, Lane, LaneId, Step, Stream};
use adsum::wire::{Decoder, Frame, StreamType, VERSION, decode, encode};
use bytes::Bytes;

use super::material::key;
use super::world::World;

/// A connection of somebody.
pub(crate) struct Peer {
    who: Principal,
    connection: Arc<Connection>,
    session: SessionId,
    lanes: u32,
}

/// One stream of it.
pub(crate) struct Link {
    id: LaneId,
    stream: Stream,
    written: Vec<Bytes>,
}

impl Peer {
    /// `who` connects, and is let in on the stream that is returned too.
    pub(crate) fn enter(world: &mut World, who: &Principal) -> (Self, Link) {
        let fresh = Fresh { nonce: [1; 32], pseudonym: [2; 8], origin: None };
        let connection = Arc::new(Connection::new(Arc::clone(&world.settings), fresh));
        let mut peer = Self { who: who.clone(), connection, session: world.session(), lanes: 0 };
        let mut control = peer.open(world, StreamType::Control);
        control.push(&frame(&peer.hello()));
        control.run(world);
        control.told::<Welcome>();
        (peer, control)
    }

    /// Opens a stream.
    pub(crate) fn open(&mut self, world: &mut World, kind: StreamType) -> Link {
        let id = LaneId { session: self.session, number: self.lanes };
        self.lanes += 1;
        world.open_box(id);
        let stream = Stream::new(&self.connection, Lane::new(id), Some(kind.byte()));
        Link { id, stream, written: Vec::new() }
    }

    fn hello(&self) -> Hello {
        Hello {
            version: VERSION,
            features: 0,
            principal: self.who.to_string(),
            key: key(&self.who).0,
            proof: PROOF_EXPORTER,
            signature: Bytes::from_static(&[0; 64]),
            enroll: None,
            client: "bench".into(),
        }
    }
}

impl Link {
    /// The peer writes `bytes`.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.stream.decoder().push(bytes);
        self.stream.handle_bytes(true);
    }

    /// The peer has taken everything up to `cursor`.
    pub(crate) fn acknowledge(&mut self, cursor: &Bytes) {
        self.push(&frame(&FeedAck { cursor: cursor.clone() }));
    }

    /// Does what the stream says until it waits or ends.
    pub(crate) fn run(&mut self, world: &mut World) {
        loop {
            let step = self.stream.poll_step();
            while self.stream.poll_note().is_some() {}
            match step {
                Step::Write(bytes) => self.write(bytes),
                Step::Ask(inputs) => world.round(inputs),
                Step::Look(look) => self.stream.handle_found(Ok(world.look(look))),
                Step::Prove(_) => self.stream.handle_proof(true),
                Step::Priority(_) | Step::Entered(_) => {}
                Step::Wait => {
                    let letters = world.letters(self.id);
                    if letters.is_empty() {
                        return;
                    }
                    self.stream.handle(Heard::Letters(letters), world.now());
                }
                Step::End(_) => return,
            }
        }
    }

    /// What the stream wants done, for who does it by hand.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The stream writes `bytes`.
    pub(crate) fn write(&mut self, bytes: Bytes) {
        self.written.push(bytes);
        self.stream.handle_written();
    }

    /// The frames that were written since this was last asked.
    pub(crate) fn frames(&mut self) -> Vec<Frame> {
        let mut decoder = Decoder::default();
        self.written.drain(..).for_each(|bytes| decoder.push(&bytes));
        core::iter::from_fn(|| decoder.next_frame().expect("the server writes frames")).collect()
    }

    /// The same, if all of them are of one kind.
    pub(crate) fn told_all<B: Body>(&mut self) -> Vec<B> {
        let frames = self.frames();
        frames.iter().map(|frame| decode(frame).expect("it is of the kind that is due")).collect()
    }

    /// The same, if it is only one.
    pub(crate) fn told<B: Body>(&mut self) -> B {
        let mut all = self.told_all();
        assert_eq!(all.len(), 1, "one {} is due", B::NAME);
        all.remove(0)
    }
}

/// The bytes of a frame.
pub(crate) fn frame<B: Body>(body: &B) -> Vec<u8> {
    let mut out = Vec::new();
    encode(body, &mut out);
    out
}

/// The bytes of a request.
pub(crate) fn request(number: u64, command: &Command) -> Vec<u8> {
    let mut out = Vec::new();
    command.encode(number, &mut out);
    out
}
