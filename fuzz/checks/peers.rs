//! Peers that write anything, to the real sessions, service and log, on a disk that forgets.
//!
//! What holds whatever they do: the server writes nothing but frames of its protocol, what has left it is durable, and views
//! folded anew from the log are those that live.
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use adsum::commit::Commit;
use adsum::commit::history::Past;
use adsum::event::{Event, KeyEnrolled};
use adsum::log::Entries;
use adsum::log::memory::MemoryDisk;
use adsum::model::{DeviceId, DeviceLabel, Handling, PublicKey, Role, Timestamp};
use adsum::protocol::body::{Hello, KindVisitor, visit_kind};
use adsum::protocol::{Sample, samples};
use adsum::service::{Input, ServiceConfig, SessionId};
use adsum::session::{
    Connection, Fresh, Heard, Lane, LaneId, Letter, NotFound, Post, Settings, Step, Stream, post,
};
use adsum::wire::{Body, Decoder, Frame, StreamType, VERSION, decode, encode};
use arbitrary::{Arbitrary, Unstructured};

use super::looks;

/// Who is enrolled: those of the protocol's samples. The first administers.
const PEOPLE: [&str; 3] = ["carol@example.com", "bob@example.com", "alice@example.com"];
/// Keys what is told of those who publish nothing, and cursors.
const SECRET: [u8; 32] = [7; 32];
/// When the world begins: that of the samples.
const BEGIN_MS: u64 = 1_795_339_800_000;
/// Things done in one world, and times that a stream is asked what is next: more would show no more.
const ACTS_MAX: usize = 64;
const STEPS_MAX: usize = 100_000;

/// A frame of every kind.
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(samples);

/// Something that happens. Numbers that are too large begin anew.
#[derive(Arbitrary, Debug)]
enum Act {
    /// Somebody connects and proves who it is.
    Connect { who: u8 },
    /// Somebody connects and says nothing.
    Call,
    /// A stream begins with this byte.
    Open { at: u8, first: u8 },
    /// A frame of the protocol comes whole, but with some bytes changed.
    Frame { at: u8, stream: u8, sample: u8, changes: Vec<(u16, u8)> },
    /// Bytes come.
    Bytes { at: u8, stream: u8, bytes: Vec<u8> },
    /// Nothing follows on a stream.
    Finish { at: u8, stream: u8 },
    /// A stream is lost.
    Lose { at: u8, stream: u8 },
    /// Time passes.
    Wait { ms: u32 },
    /// The process ends and comes back; the disk keeps some of what it was not asked to sync.
    Crash { kept: u8 },
    /// A part of a checkpoint is written.
    Checkpoint { records: u8 },
}

/// Lets a world go as `data` says.
pub(crate) fn check(data: &[u8]) {
    let mut house = House::new();
    let mut chance = Unstructured::new(data);
    for _ in 0..ACTS_MAX {
        if chance.is_empty() {
            break;
        }
        let Ok(act) = Act::arbitrary(&mut chance) else { break };
        house.act(act);
    }
    house.look_inside();
}

struct House {
    disk: MemoryDisk,
    commit: Commit,
    settings: Arc<Settings>,
    now: Timestamp,
    seats: Vec<Seat>,
    begun: u64,
    letters: Letters,
    inputs: Vec<Input>,
}

/// A connection.
struct Seat {
    session: SessionId,
    connection: Arc<Connection>,
    streams: Vec<Half>,
}

/// A stream at the server, and what was read of what it wrote.
struct Half {
    stream: Stream,
    lane: LaneId,
    written: Decoder,
    past: Option<Past>,
    is_over: bool,
}

#[derive(Default)]
struct Letters(BTreeMap<LaneId, Vec<Letter>>);

impl Post for Letters {
    fn letter(&mut self, lane: LaneId, letter: Letter) {
        self.0.entry(lane).or_default().push(letter);
    }

    fn revoked(&mut self, _: DeviceId) {}
}

fn config() -> ServiceConfig {
    let domain = "example.com".parse().expect("it is a domain");
    let whole = ServiceConfig::new(vec![domain], SECRET);
    ServiceConfig { default_access: Handling::Allow, ..whole }
}

fn key_of(who: &str) -> [u8; 32] {
    *blake3::hash(who.as_bytes()).as_bytes()
}

fn enrolled(who: &str) -> Event {
    let role = if who == PEOPLE[0] { Role::Administrator } else { Role::User };
    Event::KeyEnrolled(KeyEnrolled {
        principal: who.parse().expect("it is an address"),
        key: PublicKey(key_of(who)),
        label: DeviceLabel::new("fuzzed").expect("it is a label"),
        role,
        invite: None,
    })
}

fn opened(disk: &MemoryDisk) -> Commit {
    let log = disk.open().expect("a disk that forgets in order opens");
    Commit::open(config(), Box::new(log), &mut |_, _| {}).expect("what was written is read")
}

impl House {
    fn new() -> Self {
        let disk = MemoryDisk::new();
        let (mut commit, now) = (opened(&disk), Timestamp::from_ms(BEGIN_MS));
        commit.record(now, PEOPLE.map(enrolled).to_vec()).expect("the disk works");
        let settings = Settings {
            silence_max: Duration::from_secs(10),
            store_secret: SECRET,
            cursor_secret: SECRET,
        };
        let (settings, letters) = (Arc::new(settings), Letters::default());
        Self { disk, commit, settings, now, seats: vec![], begun: 0, letters, inputs: vec![] }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Connect { who } => self.enter(PEOPLE[usize::from(who) % PEOPLE.len()]),
            Act::Call => self.connect(),
            Act::Open { at, first } => self.open(at, first),
            Act::Frame { at, stream, sample, changes } => {
                let bytes = changed_sample(sample, &changes);
                self.at(at, stream, |half| half.push(&bytes));
            }
            Act::Bytes { at, stream, bytes } => self.at(at, stream, |half| half.push(&bytes)),
            Act::Finish { at, stream } => self.at(at, stream, Half::finish),
            Act::Lose { at, stream } => self.at(at, stream, |half| half.stream.handle_gone()),
            Act::Wait { ms } => {
                self.now = Timestamp::from_ms(self.now.as_ms() + u64::from(ms));
                self.inputs.push(Input::Tick);
            }
            Act::Crash { kept } => self.crash(kept),
            Act::Checkpoint { records } => {
                self.commit.begin_checkpoint();
                self.commit.checkpoint(records.into()).expect("the disk works");
            }
        }
        self.settle();
    }

    fn connect(&mut self) {
        self.begun += 1;
        let fresh = Fresh { nonce: [1; 32], pseudonym: self.begun.to_be_bytes(), origin: None };
        let connection = Arc::new(Connection::new(Arc::clone(&self.settings), fresh));
        self.seats.push(Seat { session: SessionId(self.begun), connection, streams: vec![] });
    }

    /// Connects as `who`, whose proof holds.
    fn enter(&mut self, who: &str) {
        self.connect();
        let at = u8::try_from(self.seats.len() - 1).unwrap_or(u8::MAX);
        self.open(at, StreamType::Control.byte());
        let hello = Hello {
            version: VERSION,
            features: 0,
            principal: who.to_owned(),
            key: key_of(who),
            proof: 1,
            signature: b"good".as_slice().into(),
            enroll: None,
            client: "fuzzed".to_owned(),
        };
        let mut bytes = Vec::new();
        encode(&hello, &mut bytes);
        self.at(at, 0, |half| half.push(&bytes));
    }

    fn open(&mut self, at: u8, first: u8) {
        let count = self.seats.len();
        let Some(seat) = self.seats.get_mut(usize::from(at) % count.max(1)) else { return };
        if seat.connection.handle_stream().is_some() {
            return;
        }
        let number = u32::try_from(seat.streams.len()).expect("acts are few");
        let lane = LaneId { session: seat.session, number };
        let stream = Stream::new(&seat.connection, Lane::new(lane), Some(first));
        let written = Decoder::default();
        seat.streams.push(Half { stream, lane, written, past: None, is_over: false });
    }

    fn at(&mut self, at: u8, stream: u8, act: impl FnOnce(&mut Half)) {
        let count = self.seats.len();
        let Some(seat) = self.seats.get_mut(usize::from(at) % count.max(1)) else { return };
        let count = seat.streams.len();
        let half = seat.streams.get_mut(usize::from(stream) % count.max(1));
        if let Some(half) = half.filter(|half| !half.is_over) {
            act(half);
        }
    }

    /// Lets everybody do what is to be done, until nothing is.
    fn settle(&mut self) {
        loop {
            for seat in &mut self.seats {
                for half in &mut seat.streams {
                    half.run((&mut self.letters, &mut self.inputs), &self.commit, self.now);
                }
            }
            if self.inputs.is_empty() {
                return;
            }
            self.round();
        }
    }

    fn round(&mut self) {
        let inputs = core::mem::take(&mut self.inputs);
        self.commit.handle(self.now, inputs);
        self.commit.persist().expect("the disk works");
        let outputs = self.commit.release();
        // Parts of a checkpoint may be durable later.
        let durable = Entries::durable(&self.disk).head;
        assert_eq!(durable, self.commit.head(), "something left before it was durable");
        for output in outputs {
            post(output, &mut self.letters);
        }
    }

    fn crash(&mut self, kept: u8) {
        let durable = self.commit.head();
        self.disk.crash(usize::from(kept).min(self.disk.unsynced_count()));
        (self.seats, self.letters) = (vec![], Letters::default());
        self.inputs.clear();
        self.commit = opened(&self.disk);
        assert!(self.commit.head() >= durable, "the log ends before what was durable");
        self.commit.review(self.now).expect("the disk works");
    }

    /// Views folded anew, and of checkpoint and tail, are those that live.
    fn look_inside(&mut self) {
        let live = self.commit.fingerprint();
        let copy = || Box::new(self.disk.copy().open().expect("a copy of a good disk opens"));
        let mut anew = Commit::rebuild(config(), copy(), &mut |_, _| {}).expect("the log is good");
        assert!(anew.fingerprint() == live, "views folded anew differ");
        let mut loaded = Commit::open(config(), copy(), &mut |_, _| {}).expect("the log is good");
        assert!(loaded.fingerprint() == live, "views of checkpoint and tail differ");
    }
}

impl Half {
    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over && self.stream.wants_bytes() {
            let decoder = self.stream.decoder();
            let (now, later) = rest.split_at(rest.len().min(decoder.room().max(1)));
            decoder.push(now);
            rest = later;
            self.stream.handle_bytes(true);
        }
    }

    fn finish(&mut self) {
        if self.stream.wants_bytes() {
            self.stream.handle_bytes(false);
        }
    }

    /// Does what the stream wants done, until it waits.
    fn run(
        &mut self,
        (letters, inputs): (&mut Letters, &mut Vec<Input>),
        commit: &Commit,
        now: Timestamp,
    ) {
        if let Some(letters) = letters.0.remove(&self.lane).filter(|_| !self.is_over) {
            self.stream.handle(Heard::Letters(letters), now);
        }
        for _ in 0..STEPS_MAX {
            if self.is_over {
                return;
            }
            while self.stream.poll_note().is_some() {}
            match self.stream.poll_step() {
                Step::Wait => return,
                Step::Write(bytes) => {
                    self.written.push(&bytes);
                    self.stream.handle_written();
                }
                Step::Ask(asked) => inputs.extend(asked),
                Step::Look(look) => {
                    let found = looks::read(commit.reader().as_ref(), &mut self.past, look);
                    let found = found.map_err(|fault| {
                        fault.refusal(|at| at.as_ms().to_string()).expect("the log reads")
                    });
                    self.stream.handle_found(found.map_err(NotFound::Refused));
                }
                Step::Prove(claim) => {
                    let holds = claim.key == key_of(&claim.principal);
                    self.stream.handle_proof(holds && claim.signature == "good");
                }
                Step::Entered(_) | Step::Priority(_) => {}
                Step::End(_) => self.is_over = true,
            }
            self.read_written();
        }
        panic!("a stream never waits");
    }

    /// What the server writes is whole frames of the protocol.
    fn read_written(&mut self) {
        while let Some(frame) = self.written.next_frame().expect("the server writes frames") {
            let known = visit_kind(frame.kind, Reads(&frame));
            assert_eq!(known, Some(true), "the server wrote {frame:?}");
        }
        self.written.finish().expect("the server writes whole frames");
    }
}

struct Reads<'a>(&'a Frame);

impl KindVisitor for Reads<'_> {
    type Output = bool;

    fn visit<B: Body>(self) -> bool {
        decode::<B>(self.0).is_ok()
    }
}

/// The bytes of a frame of the protocol, some changed: each by what is added to the byte at its place.
fn changed_sample(sample: u8, changes: &[(u16, u8)]) -> Vec<u8> {
    let mut frame = SAMPLES[usize::from(sample) % SAMPLES.len()].frame.clone();
    for (at, change) in changes {
        // Not the length: it would only be another piece of bytes.
        let at = 4 + usize::from(*at) % (frame.len() - 4);
        frame[at] = frame[at].wrapping_add(*change);
    }
    frame
}
