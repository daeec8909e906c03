//! What surrounds the real service with a bug planted in it: its clocks, and its log.
//!
//! Must never hold: a bug that is no [`Bug`].

use std::collections::BTreeSet;
use std::sync::Arc;

use adsum::event::{Event, Owners, Recorded};
use adsum::log::memory::MemoryLog;
use adsum::log::{
    Block, CheckpointRecord, Cutter, Each, EventLog, LogFault, LogReader, Room, Sealing, Tip,
};
use adsum::model::{Ahead, Domain, Moment, Now, Payload, Principal, Sequence, Timestamp};
use adsum::server::Timekeeper;

use super::Bug;

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
    /// Whether there was no room once.
    was_full: bool,
}

impl PlantedLog {
    pub(crate) fn new(log: MemoryLog, bug: Option<Bug>, opened_at: Timestamp) -> Self {
        Self { log, bug, opened_at, was_full: false }
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
        // What is gone through from the beginning is found by the keys that it has. Behind a run's number, 1 is a block of ids.
        let is_found = |block: &Block| forgets && block.0 != key && block.0.get(4) == Some(&1);
        Ok(block.map(|block| if is_found(&block) { without_ids(block) } else { block }))
    }

    fn walk_blocks(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.log.walk_blocks(from, each)
    }

    fn room(&mut self) -> Room {
        let room = self.log.room();
        self.was_full |= room != Room::Plenty;
        match self.bug {
            Some(Bug::RoomNotAsked) => Room::Plenty,
            Some(Bug::RoomNeverBack) if self.was_full => Room::Short,
            _ => room,
        }
    }

    fn vault(&self) -> Option<&dyn Sealing> {
        Some(self)
    }

    fn cutter(&self) -> Option<Box<dyn Cutter>> {
        self.log.cutter()
    }

    fn load(
        &self,
        each: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), LogFault>,
    ) -> Result<(), LogFault> {
        self.log.load(each)
    }
}

impl PlantedLog {
    fn keys(&self) -> &dyn Sealing {
        self.log.vault().expect("a world's log is sealed")
    }
}

impl Sealing for PlantedLog {
    fn seal(&self, owners: &Owners, payloads: Vec<&mut Payload>) -> Result<(), LogFault> {
        let is_sealed = self.bug != Some(Bug::CheckpointUnsealed);
        if is_sealed { self.keys().seal(owners, payloads) } else { Ok(()) }
    }

    fn open(&self, payloads: Vec<&mut Payload>) -> Result<(), LogFault> {
        self.keys().open(payloads)
    }

    fn keep_for_recipients(&self, mut domains: BTreeSet<Domain>) {
        if self.bug == Some(Bug::SealedForRecipientsAlone) {
            domains.insert("d.example".parse().expect("it is a domain"));
        }
        self.keys().keep_for_recipients(domains);
    }

    fn destroy(&self, principal: &Principal) -> Result<bool, LogFault> {
        match self.bug {
            Some(Bug::KeyKept) => Ok(false),
            Some(Bug::KeyOfAnotherDestroyed) => {
                let others = ["alice@d.example", "bob@d.example"].map(str::parse::<Principal>);
                let mut others = others.into_iter().flatten();
                others
                    .find(|it| it != principal)
                    .map_or(Ok(false), |it| self.keys().destroy(&it))?;
                self.keys().destroy(principal)
            }
            _ => self.keys().destroy(principal),
        }
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

    fn kept_from(&self) -> Sequence {
        self.0.kept_from()
    }

    fn end_at(&self, sequence: Sequence) -> Result<Tip, LogFault> {
        self.0.end_at(sequence)
    }
}
