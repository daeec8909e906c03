//! Bugs that can be planted, so that a test can show that the oracle finds them.
//!
//! Each is a mistake that a change to the real code could make; here it is made in what surrounds that code, so the
//! real code carries no switch. Must never hold: a bug that breaks a world at once and in every run.

use core::any::TypeId;
use std::sync::Arc;

use adsum::client::exchange::FeedEvent;
use adsum::event::{Event, Recorded};
use adsum::log::memory::MemoryLog;
use adsum::log::{Block, CheckpointRecord, Each, EventLog, LogFault, LogReader, Tip};
use adsum::model::{
    Ahead, EpochId, InboxItem, Mark, Moment, Now, OperationId, PublicKey, Sequence, Timestamp,
};
use adsum::protocol::body::{self, FeedOpen, MessageEvent};
use adsum::protocol::{Command, Delete, Displayed, Publish, Question, Subscribe};
use adsum::server::Timekeeper;
use adsum::service::{Actor, Asker, Input, Query, SessionId, Ticket};
use adsum::session::{Claim, Connection, Look};
use adsum::wire::{Decoder, Frame, StreamType, decode, encode};

use super::pipe::{Piece, Stream};
use super::plan::{first_device, group};

/// A planted bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Answers leave before the batch they were judged by is synced: the sync is done at the next append.
    AnswersBeforeSync,
    /// A device saves its position before the application has recorded the item.
    PositionBeforeTaken,
    /// The server gives out inbox cursors that stand one message too far.
    CursorOneAhead,
    /// Checkpoint records lose the ids of messages, so that a restart forgets what was sent before.
    MessageIdsForgotten,
    /// A restart grants what lives its full lifetime again.
    LeasesRestarted,
    /// Lifetimes run by the wall clock.
    LifetimesByWallClock,
    /// How elapsed time follows from the boot clock is not kept, so that a restart has to believe the wall clock.
    TimeNotNoted,
    /// A restart goes on where the log ended, so that the time down does not count.
    TimeDownLost,
    /// Elapsed time stays ahead by as much as the wall clock once was.
    BadSecondKept,
    /// A session writes an answer before an older one.
    AnswerOutOfOrder,
    /// A session gives a feed its window twice.
    WindowTwice,
    /// A session takes what it told for taken, so that a cut loses it.
    ToldIsTaken,
    /// A session drops the name of an operation, so that a repeat is another one.
    OperationDropped,
    /// A session opens feeds before the proof was checked.
    FeedBeforeProof,
    /// What waits for the writer is taken in the order in which it came, whoever asked.
    OneQueueForAll,
    /// Whoever is named in a request is taken for who asks.
    NamedIsBelieved,
    /// What is done in the name of a group is done, whoever asks.
    GroupRightNotAsked,
    /// A group's inbox is read, whoever opens it.
    GroupReaderNotAsked,
    /// What a group asks, it is told, whoever asks.
    GroupQuestionNotAsked,
    /// Whoever says so speaks for a group.
    GroupSenderNotAsked,
    /// Who comes without a name is taken for somebody.
    NamelessIsSomebody,
    /// A process draws no epoch, so that what it writes after a restoring looks as what was cut off.
    EpochNotDrawn,
    /// A feed that begins anew because the store was put back does not say so.
    RestoredNotSaid,
    /// A device drops messages of a restored store that bear numbers which it has seen.
    FloorKept,
    /// A feed that is opened again forgets for what something before its position was passed over.
    PassedForgotten,
}

impl Bug {
    pub(crate) const ALL: [Self; 25] = [
        Self::AnswersBeforeSync,
        Self::PositionBeforeTaken,
        Self::CursorOneAhead,
        Self::MessageIdsForgotten,
        Self::LeasesRestarted,
        Self::LifetimesByWallClock,
        Self::TimeNotNoted,
        Self::TimeDownLost,
        Self::BadSecondKept,
        Self::AnswerOutOfOrder,
        Self::WindowTwice,
        Self::ToldIsTaken,
        Self::OperationDropped,
        Self::FeedBeforeProof,
        Self::OneQueueForAll,
        Self::NamedIsBelieved,
        Self::GroupRightNotAsked,
        Self::GroupReaderNotAsked,
        Self::GroupQuestionNotAsked,
        Self::GroupSenderNotAsked,
        Self::NamelessIsSomebody,
        Self::EpochNotDrawn,
        Self::RestoredNotSaid,
        Self::FloorKept,
        Self::PassedForgotten,
    ];

    /// The promises of which it may break the first.
    pub(crate) fn breaks(self) -> &'static [u8] {
        match self {
            Self::AnswersBeforeSync => &[1, 2],
            Self::PositionBeforeTaken | Self::RestoredNotSaid | Self::PassedForgotten => &[3],
            // The tags of publications come from the epoch.
            Self::EpochNotDrawn => &[3, 4],
            // What it acknowledges by a cursor of the other past is never confirmed.
            Self::FloorKept => &[3, 10],
            // What nobody ever acknowledged is taken, too.
            Self::ToldIsTaken => &[3, 12],
            // What is acknowledged too far makes room for too much.
            Self::CursorOneAhead => &[3, 8],
            Self::MessageIdsForgotten | Self::AnswerOutOfOrder | Self::OperationDropped => &[4],
            Self::LeasesRestarted
            | Self::LifetimesByWallClock
            | Self::TimeNotNoted
            | Self::TimeDownLost
            | Self::BadSecondKept => &[9],
            Self::WindowTwice => &[8],
            Self::FeedBeforeProof
            | Self::OneQueueForAll
            | Self::NamedIsBelieved
            | Self::GroupRightNotAsked
            | Self::GroupReaderNotAsked
            | Self::GroupQuestionNotAsked
            | Self::GroupSenderNotAsked
            | Self::NamelessIsSomebody => &[12],
        }
    }

    /// The epoch that a process draws.
    pub(crate) fn change_epoch(bug: Option<Self>, drawn: EpochId) -> EpochId {
        if bug == Some(Self::EpochNotDrawn) { EpochId::NONE } else { drawn }
    }

    /// What a device's library hears of how its inbox begins.
    pub(crate) fn change_opened<T: 'static>(bug: Option<Self>, event: FeedEvent) -> FeedEvent {
        let is_inbox = TypeId::of::<T>() == TypeId::of::<InboxItem>();
        match event {
            FeedEvent::Ready(ready) if bug == Some(Self::FloorKept) && is_inbox => {
                let outcome = if ready.restored.is_some() { 1 } else { ready.outcome };
                FeedEvent::Ready(body::FeedReady { outcome, restored: None, ..ready })
            }
            event => event,
        }
    }

    /// What a restart finds noted of its time.
    pub(crate) fn change_note(bug: Option<Self>, noted: Option<String>) -> Option<String> {
        noted.filter(|_| bug != Some(Self::TimeNotNoted))
    }

    /// What a session asks the service, with the bugs that change it.
    pub(crate) fn change_question(bug: Option<Self>, input: &mut Input) {
        if bug == Some(Self::OperationDropped)
            && let Input::Command {
                command: Command::Subscribe(Subscribe { operation, .. }), ..
            } = input
        {
            *operation = OperationId::default();
        }
        if bug == Some(Self::PassedForgotten)
            && let Input::OpenPresence { passed, .. } | Input::OpenInbox { passed, .. } = input
        {
            *passed = Mark::default();
        }
        if bug == Some(Self::NamedIsBelieved)
            && let Input::Command { actor, command, .. } = input
        {
            let named = match command {
                Command::Delete(Delete { inbox, .. })
                | Command::Displayed(Displayed { inbox, .. }) => inbox.principal(),
                Command::Publish(Publish { presentity, .. }) => presentity.principal(),
                _ => return,
            };
            if named != actor.principal {
                *actor = first_device(&named);
            }
        }
    }

    /// Who asks, with the bugs that take it for another.
    pub(crate) fn change_actor(bug: Option<Self>, input: &mut Input) {
        let group = group().actor;
        let (actor, is_group) = match (bug, input) {
            (Some(Self::GroupRightNotAsked), Input::Command { actor, command, .. }) => {
                let owner = match command {
                    Command::Publish(Publish { presentity, .. }) => presentity.principal(),
                    Command::Delete(Delete { inbox, .. }) => inbox.principal(),
                    _ => return,
                };
                (actor, owner == group.principal)
            }
            (Some(Self::GroupSenderNotAsked), Input::Command { actor, command, .. }) => {
                let Command::Send(send) = command else { return };
                (actor, send.sender.as_ref() == Some(&group.principal))
            }
            (Some(Self::GroupReaderNotAsked), Input::OpenInbox { actor, inbox, .. }) => {
                let is_group = inbox.principal() == group.principal;
                (actor, is_group)
            }
            (Some(Self::GroupQuestionNotAsked), Input::Query { actor, query, .. }) => {
                let owner = match query {
                    Query::Ask(Question::ListWatchers(asked)) => asked.presentity.principal(),
                    Query::Ask(Question::InboxStatus(asked)) => asked.inbox.principal(),
                    _ => return,
                };
                (actor, owner == group.principal)
            }
            (
                Some(Self::NamelessIsSomebody),
                Input::Command { actor, .. } | Input::Query { actor, .. },
            ) => {
                let is_nameless = actor.principal.is_anonymous();
                (actor, is_nameless)
            }
            _ => return,
        };
        if is_group {
            *actor = group;
        }
    }

    /// As whom whoever asks waits for its turn.
    pub(crate) fn change_asker(bug: Option<Self>, asker: &Asker) -> Asker {
        if bug == Some(Self::OneQueueForAll) { Asker::Anonymous } else { asker.clone() }
    }

    /// What a session asks beyond, because it took what it told for taken.
    pub(crate) fn told_is_taken(
        bug: Option<Self>,
        connection: &Connection,
        look: &Look,
    ) -> Option<Input> {
        let Look::Item(inbox, row) = look else { return None };
        let actor = connection.identity().flatten().filter(|_| bug == Some(Self::ToldIsTaken))?;
        let (inbox, through) = (inbox.clone(), row.sequence);
        let ticket = Ticket { session: SessionId(u64::MAX), number: 0 };
        Some(Input::Acknowledge { ticket, actor: Actor::clone(&actor), inbox, through })
    }

    /// Takes a claim for proven that was not checked yet.
    pub(crate) fn enter_unproven(bug: Option<Self>, connection: &Connection, claim: &Claim) {
        if bug == Some(Self::FeedBeforeProof) {
            let Ok(principal) = claim.principal.parse() else { return };
            let device = PublicKey(claim.key).device();
            connection.enter(Arc::new(Actor { principal, device }));
        }
    }

    /// What a session reads first on a stream, with the bugs that change it.
    pub(crate) fn change_opening(bug: Option<Self>, kind: StreamType, bytes: Vec<u8>) -> Vec<u8> {
        if bug != Some(Self::WindowTwice) || kind != StreamType::Feed {
            return bytes;
        }
        let mut out = vec![kind.byte()];
        for frame in frames(&bytes[1..]) {
            let mut open: FeedOpen = decode(&frame).expect("devices open feeds");
            open.window = open.window.saturating_mul(2);
            encode(&open, &mut out);
        }
        out
    }

    /// What a session writes, with the bugs that change it.
    pub(crate) fn change_words(bug: Option<Self>, stream: Stream, piece: Piece) -> Piece {
        let Piece::Bytes(bytes) = piece else { return piece };
        Piece::Bytes(match (bug, stream) {
            (Some(Self::AnswerOutOfOrder), Stream::Control) => out_of_order(&bytes),
            (Some(Self::CursorOneAhead), Stream::Inbox) => one_ahead(&bytes),
            (Some(Self::RestoredNotSaid), Stream::Inbox | Stream::Presence) => unsaid(&bytes),
            _ => bytes,
        })
    }
}

/// The frames of a write; a session writes whole ones.
fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut decoder = Decoder::default();
    decoder.push(bytes);
    core::iter::from_fn(|| decoder.next_frame().expect("sessions write frames")).collect()
}

fn put(frame: &Frame, out: &mut Vec<u8>) {
    let length = u32::try_from(frame.body.len() + 2).expect("frames are short");
    out.extend(length.to_be_bytes());
    out.extend(frame.kind.to_be_bytes());
    out.extend(&frame.body);
}

/// The last two answers of a write the other way round.
fn out_of_order(bytes: &[u8]) -> Vec<u8> {
    let mut frames = frames(bytes);
    let count = frames.len();
    if count >= 2 {
        frames.swap(count - 1, count - 2);
    }
    let mut out = Vec::new();
    for frame in &frames {
        put(frame, &mut out);
    }
    out
}

/// How feeds begin, without what is added if the store was put back.
fn unsaid(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames(bytes) {
        match decode::<body::FeedReady>(&frame) {
            Ok(ready) => encode(&body::FeedReady { restored: None, ..ready }, &mut out),
            Err(_) => put(&frame, &mut out),
        }
    }
    out
}

/// Messages with the cursors of their successors, as far as a successor is in the same write.
fn one_ahead(bytes: &[u8]) -> Vec<u8> {
    let frames = frames(bytes);
    let mut out = Vec::new();
    for (place, frame) in frames.iter().enumerate() {
        let event = decode::<MessageEvent>(frame);
        let next = frames.get(place + 1).and_then(|next| decode::<MessageEvent>(next).ok());
        match (event, next) {
            (Ok(event), Some(next)) => {
                encode(&MessageEvent { cursor: next.cursor, ..event }, &mut out);
            }
            _ => put(frame, &mut out),
        }
    }
    out
}

/// A process's clocks, with the bugs that sit between them and the service.
pub(crate) struct Reading {
    time: Timekeeper,
    bug: Option<Bug>,
    /// From the start back to the end of the log.
    down: Ahead,
    /// How far ahead the wall clock ever was.
    ahead: Ahead,
}

impl Reading {
    /// Those of a process whose log ended at `end`.
    pub(crate) fn new(time: Timekeeper, bug: Option<Bug>, end: Timestamp) -> Self {
        let down = Ahead::between(time.now().elapsed, end);
        Self { time, bug, down, ahead: Ahead::ZERO }
    }

    /// What both clocks say.
    pub(crate) fn now(&mut self) -> Now {
        let now = self.time.now();
        self.ahead = self.ahead.max(now.ahead());
        let elapsed = match self.bug {
            Some(Bug::LifetimesByWallClock) => now.wall,
            Some(Bug::TimeDownLost) => self.down.shown(now.elapsed),
            Some(Bug::BadSecondKept) => self.ahead.shown(now.elapsed),
            _ => now.elapsed,
        };
        Now { elapsed, ..now }
    }
}

/// The log in memory, with the bugs that sit between service and disk.
pub(crate) struct PlantedLog {
    log: MemoryLog,
    bug: Option<Bug>,
    opened_at: Timestamp,
}

impl PlantedLog {
    pub(crate) fn new(log: MemoryLog, bug: Option<Bug>, opened_at: Timestamp) -> Self {
        Self { log, bug, opened_at }
    }
}

impl EventLog for PlantedLog {
    fn head(&self) -> Sequence {
        self.log.head()
    }

    fn append_at(
        &mut self,
        ahead: Ahead,
        events: &[(Moment, Event)],
    ) -> Result<Sequence, LogFault> {
        if self.bug == Some(Bug::AnswersBeforeSync) {
            self.log.sync()?;
        }
        self.log.append_at(ahead, events)
    }

    fn sync(&mut self) -> Result<(), LogFault> {
        if self.bug == Some(Bug::AnswersBeforeSync) { Ok(()) } else { self.log.sync() }
    }

    fn reader(&self) -> Arc<dyn LogReader> {
        let reader = self.log.reader();
        match self.bug {
            Some(Bug::LeasesRestarted) => Arc::new(Restarting(reader, self.opened_at)),
            _ => reader,
        }
    }

    fn save(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.log.save(records)
    }

    fn save_blocks(&mut self, blocks: &[CheckpointRecord]) -> Result<(), LogFault> {
        self.log.save_blocks(blocks)
    }

    fn block_at(&self, key: &[u8]) -> Result<Option<Block>, LogFault> {
        let forgets = self.bug == Some(Bug::MessageIdsForgotten);
        let block = self.log.block_at(key)?;
        // What is gone through from the beginning is found by the keys that it has.
        Ok(block.map(|block| if forgets && block.0 != key { without_ids(block) } else { block }))
    }

    fn walk_blocks(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.log.walk_blocks(from, each)
    }

    fn load(
        &self,
        each: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), LogFault>,
    ) -> Result<(), LogFault> {
        self.log.load(each)
    }
}

/// A block of message ids with other ids: each is a key of 16 bytes and 20 more, behind 16 bytes.
fn without_ids((key, mut bytes): Block) -> Block {
    bytes[16..].chunks_mut(36).for_each(|id| id[15] ^= 0x55);
    (key, bytes)
}

/// Reads events as if every lease had begun when the process did.
struct Restarting(Arc<dyn LogReader>, Timestamp);

impl LogReader for Restarting {
    fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
        let mut events = self.0.read(from, events_max)?;
        for recorded in &mut events {
            let at = recorded.at.timestamp();
            let now = self.1.max(at);
            let again = |deadline: &mut Timestamp| *deadline = now.after(at.until(*deadline));
            match &mut recorded.event {
                Event::Published(event) => again(&mut event.deadline),
                Event::PublicationRefreshed(event) => again(&mut event.deadline),
                Event::SubscriptionCreated(event) => again(&mut event.expires_at),
                Event::SubscriptionRefreshed(event) => again(&mut event.expires_at),
                Event::Subscribed(event) => again(&mut event.expires_at),
                _ => {}
            }
        }
        Ok(events)
    }

    fn end_at(&self, sequence: Sequence) -> Result<Tip, LogFault> {
        self.0.end_at(sequence)
    }
}
