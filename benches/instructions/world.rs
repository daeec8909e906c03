//! A server in one thread without sockets: the real service on the real log format, on a disk in memory on which what people
//! write is sealed.
//!
//! What a server has beside that (QUIC, TLS, tasks, sled, the desk) is not here, and so not counted.
//! Must never hold: a clock, or anything random.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adsum::commit::{Commit, history};
use adsum::log::LogReader;
use adsum::log::memory::MemoryDisk;
use adsum::model::{
    DeviceId, DeviceLabel, Domain, Handling, InboxItem, Principal, Quotas, Sequence, Timestamp,
};
use adsum::protocol::Command;
use adsum::service::{
    Actor, Enroll, Hello, InboxRow, Input, Output, ServiceConfig, SessionId, Ticket,
};
use adsum::session::{Found, LaneId, Letter, Look, Post, Settings, post};

use super::material::key;

/// The time at which everything happens.
const NOW: Timestamp = Timestamp::from_ms(1_790_000_000_000);
/// The session of whoever acts without a stream, and gets no letters.
const NOBODY: Ticket = Ticket { session: SessionId(0), number: 0 };
/// Inputs of a round in which something is prepared.
const ROUND: usize = 512;
/// Messages that are read at once.
const STRETCH: usize = 64;

/// The server.
pub(crate) struct World {
    pub(crate) commit: Commit,
    pub(crate) settings: Arc<Settings>,
    pub(crate) reader: Arc<dyn LogReader>,
    boxes: Boxes,
    sessions: u64,
    /// Messages that were read and not told yet.
    ahead: BTreeMap<Sequence, Arc<InboxItem>>,
}

/// The letter boxes of all streams.
#[derive(Default)]
struct Boxes(BTreeMap<LaneId, Vec<Letter>>);

impl Post for Boxes {
    fn letter(&mut self, lane: LaneId, letter: Letter) {
        if let Some(letters) = self.0.get_mut(&lane) {
            letters.push(letter);
        }
    }

    fn revoked(&mut self, _: DeviceId) {}
}

impl World {
    /// A server on a new disk, with `people` enrolled.
    pub(crate) fn of<'a>(people: impl IntoIterator<Item = &'a Principal>) -> Self {
        let log = MemoryDisk::sealed().open().expect("an empty disk opens");
        let domains = vec!["localhost".parse::<Domain>().expect("it is a domain")];
        let config = ServiceConfig {
            open_enrollment: true,
            default_access: Handling::Allow,
            quotas: Quotas::UNBOUNDED,
            ..ServiceConfig::new(domains, [7; 32])
        };
        let commit =
            Commit::open(config, Box::new(log), &mut |_, _| {}).expect("an empty log folds");
        let silence_max = Duration::from_secs(1);
        let settings = Settings { silence_max, store_secret: [7; 32], cursor_secret: [8; 32] };
        let (settings, reader) = (Arc::new(settings), commit.reader());
        let (boxes, ahead) = (Boxes::default(), BTreeMap::new());
        let mut world = Self { commit, settings, reader, boxes, sessions: 0, ahead };
        world.prepare(people.into_iter().map(enter));
        world
    }

    /// A session that was not there before.
    pub(crate) fn session(&mut self) -> SessionId {
        self.sessions += 1;
        SessionId(self.sessions)
    }

    /// From now on what is written to `lane` is kept.
    pub(crate) fn open_box(&mut self, lane: LaneId) {
        self.boxes.0.insert(lane, Vec::new());
    }

    /// What was written to `lane` since this was last asked.
    pub(crate) fn letters(&mut self, lane: LaneId) -> Vec<Letter> {
        self.boxes.0.get_mut(&lane).map(core::mem::take).unwrap_or_default()
    }

    /// One round, as the server's writer does it.
    pub(crate) fn round(&mut self, inputs: Vec<Input>) {
        self.commit.handle(NOW, inputs);
        self.commit.persist().expect("a disk in memory takes a commit");
        for output in self.commit.release() {
            post(output, &mut self.boxes);
        }
    }

    /// As many rounds as it takes, in which everything is answered with yes.
    pub(crate) fn prepare(&mut self, inputs: impl IntoIterator<Item = Input>) {
        let mut inputs = inputs.into_iter().peekable();
        while inputs.peek().is_some() {
            self.commit.handle(NOW, inputs.by_ref().take(ROUND).collect::<Vec<_>>());
            self.commit.persist().expect("a disk in memory takes a commit");
            for output in self.commit.release() {
                if let Output::Reply { result: Err(refusal), .. } = &output {
                    panic!("what is prepared is refused: {refusal:?}");
                }
                post(output, &mut self.boxes);
            }
        }
    }

    /// The time of day.
    #[expect(clippy::unused_self, reason = "whoever asks asks the server")]
    pub(crate) fn now(&self) -> Timestamp {
        NOW
    }

    /// Reads the log as the server does: of messages those that follow as well.
    pub(crate) fn look(&mut self, look: Look) -> Found {
        match look {
            Look::Item(_, row) => Found::Item(self.item(row)),
            Look::Walks(histories) => {
                let walk = |one| history::walk(self.reader.as_ref(), one).expect("the log reads");
                Found::Walks(histories.iter().map(walk).collect())
            }
            Look::State(presentity, at) => {
                let state = history::state_at(self.reader.as_ref(), &presentity, at);
                Found::State(state.expect("the log reads"))
            }
            look => panic!("{look:?} is on no path that is counted"),
        }
    }

    fn item(&mut self, row: InboxRow) -> Arc<InboxItem> {
        if let Some(item) = self.ahead.remove(&row.at) {
            return item;
        }
        let read = self.reader.read(row.at, STRETCH).expect("the log reads");
        let items = read.into_iter().filter_map(|recorded| {
            let at = recorded.sequence;
            history::item_of(recorded).map(|item| (at, Arc::new(item)))
        });
        self.ahead = items.collect();
        self.ahead.remove(&row.at).expect("it lies there")
    }
}

/// What `who` does without a stream.
pub(crate) fn command(who: &Principal, command: Command) -> Input {
    Input::Command { ticket: NOBODY, actor: actor(who), command }
}

/// `who` at its one device.
pub(crate) fn actor(who: &Principal) -> Actor {
    Actor { principal: who.clone(), device: key(who).device() }
}

fn enter(who: &Principal) -> Input {
    let label = DeviceLabel::new("bench").expect("it is short");
    let enroll = Some(Enroll { invite: None, label });
    Input::Enter { ticket: NOBODY, hello: Hello { principal: who.clone(), key: key(who), enroll } }
}
