//! Bugs that can be planted, so that a test can show that the oracle finds them.
//!
//! Each is a mistake that a change to the real code could make; here it is made in what surrounds that code, so the
//! real code carries no switch. Must never hold: a bug that breaks a world at once and in every run.

use std::sync::Arc;

use adsum::event::{Event, Recorded};
use adsum::log::memory::MemoryLog;
use adsum::log::{CheckpointRecord, EventLog, LogFault, LogReader};
use adsum::model::{Moment, Sequence, Timestamp};

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
}

impl Bug {
    pub(crate) const ALL: [Self; 5] = [
        Self::AnswersBeforeSync,
        Self::PositionBeforeTaken,
        Self::CursorOneAhead,
        Self::MessageIdsForgotten,
        Self::LeasesRestarted,
    ];

    /// The promises of which it may break the first.
    pub(crate) fn breaks(self) -> &'static [u8] {
        match self {
            Self::AnswersBeforeSync => &[1, 2],
            Self::PositionBeforeTaken | Self::CursorOneAhead => &[3],
            Self::MessageIdsForgotten => &[4],
            Self::LeasesRestarted => &[9],
        }
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

    fn append(&mut self, events: &[(Moment, Event)]) -> Result<Sequence, LogFault> {
        if self.bug == Some(Bug::AnswersBeforeSync) {
            self.log.sync()?;
        }
        self.log.append(events)
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

    fn load(
        &self,
        each: &mut dyn FnMut(&[u8], &[u8]) -> Result<(), LogFault>,
    ) -> Result<(), LogFault> {
        let forgets = self.bug == Some(Bug::MessageIdsForgotten);
        self.log.load(&mut |key, value| match without_ids(key, value).filter(|_| forgets) {
            Some(changed) => each(key, &changed),
            None => each(key, value),
        })
    }
}

/// A row of an inbox as a checkpoint has it: place, kind, id, digest, time, end, whether it is kept.
type Row = (u64, u32, [u8; 16], [u8; 16], u64, Option<u64>, bool);

/// The rows of an inbox with other ids; `None` for a record of another kind.
fn without_ids(key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    if key.first() != Some(&b'N') || !key.contains(&0) {
        return None;
    }
    let (first, mut rows): (u64, Vec<Row>) = postcard::from_bytes(value).ok()?;
    for row in &mut rows {
        row.2[0] ^= 0x55;
    }
    // Nobody asks for receipts here.
    postcard::to_stdvec(&(first, rows, Vec::<u64>::new())).ok()
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
}
