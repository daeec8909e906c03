//! The ids of messages that a checkpoint covers: not in memory but in sorted runs, of which a filter says what is surely new.
//!
//! A checkpoint writes the ids that came since the one before as a run for each day, and lists all runs in a record of its own,
//! which counts together with the record that vouches for the checkpoint. What is not listed is garbage.
//! Must never hold: for how long an id is remembered.

use std::collections::{BTreeMap, VecDeque};

use crate::event::MessageDigest;
use crate::log::runs::{Merge, RunValue, RunWriter, Runs};
use crate::log::{CheckpointRecord, EventLog, LogFault};
use crate::model::Timestamp;
use crate::model::limits::{DAY_MS, MESSAGE_FILTER_BYTES_DEFAULT};
use crate::view::{Checkpointed, KnownMessage, Layout, MessageKey, Views, first_remembered_day};

/// The key of the record that lists the runs, among those of a checkpoint.
const KEY: &[u8] = b"X";

/// The ids that lie on the disk.
#[derive(Debug, Default)]
pub(super) struct IdStore {
    runs: Runs,
    writing: Option<Writing>,
    merge: Option<Merge>,
}

/// Ids on their way to the disk, day by day.
#[derive(Debug)]
struct Writing {
    /// The days, and how many ids each has.
    left: VecDeque<(u64, u64)>,
    /// The run of the first of them.
    run: Option<RunWriter>,
    /// The last id of the first day that is in it.
    last: Option<MessageKey>,
}

/// What a checkpoint says of the ids that it covers.
#[derive(Debug, Default)]
pub(super) struct ListedIds(Option<Vec<u8>>);

impl ListedIds {
    /// Takes a record of a checkpoint, if it is the one that lists the runs.
    pub(super) fn take(&mut self, key: &[u8], value: &[u8]) -> bool {
        if key == KEY {
            self.0 = Some(value.to_vec());
        }
        key == KEY
    }

    /// The runs that are listed.
    pub(super) fn open(self, log: &dyn EventLog) -> Result<IdStore, LogFault> {
        let damaged = |reason: String| LogFault::Checkpoint { key: "X".into(), reason };
        let bytes = self.0.ok_or_else(|| damaged("it is missing".into()))?;
        let listed = Checkpointed::read(&bytes).map_err(|fault| damaged(fault.reason))?;
        IdStore::over(Runs::open(log, listed, MESSAGE_FILTER_BYTES_DEFAULT))
    }
}

impl IdStore {
    /// Nothing lies on the disk but what is to be removed.
    pub(super) fn empty(log: &dyn EventLog) -> Result<Self, LogFault> {
        Self::over(Runs::open(log, Vec::new(), MESSAGE_FILTER_BYTES_DEFAULT))
    }

    fn over(runs: Result<Runs, LogFault>) -> Result<Self, LogFault> {
        runs.map(|runs| Self { runs, ..Self::default() })
    }

    /// Lets the filter take no more than `bytes` of memory.
    pub(super) fn limit_filter(&mut self, bytes: u64) {
        self.runs.limit_filters(bytes);
    }

    /// How much memory the filter takes, in bytes.
    pub(super) fn filter_bytes(&self) -> u64 {
        self.runs.filter_bytes()
    }

    /// What lies here of the message of `key`.
    pub(super) fn find(
        &self,
        log: &dyn EventLog,
        key: MessageKey,
    ) -> Result<Option<KnownMessage>, LogFault> {
        let found = self.runs.find(log, &key.to_bytes())?;
        Ok(found.map(|(day, value)| decode(day, &value)))
    }

    /// All ids that are remembered at `now`.
    pub(super) fn all(
        &self,
        log: &dyn EventLog,
        now: Timestamp,
    ) -> Result<BTreeMap<MessageKey, KnownMessage>, LogFault> {
        let mut all = BTreeMap::new();
        self.runs.each(log, &mut |day, key, value| {
            let known = decode(day, value);
            if known.is_remembered(now) {
                all.insert(MessageKey::of_bytes(*key), known);
            }
        })?;
        Ok(all)
    }

    /// Begins to take the ids that `views` hold.
    pub(super) fn begin(&mut self, views: &mut Views) {
        let left = views.settle_ids().into();
        self.writing = Some(Writing { left, run: None, last: None });
    }

    /// Writes about `blocks_max` blocks of what [`IdStore::begin`] began. Returns whether there is more.
    pub(super) fn write(
        &mut self,
        views: &Views,
        log: &mut dyn EventLog,
        blocks_max: usize,
    ) -> Result<bool, LogFault> {
        let Some(writing) = &mut self.writing else { return Ok(false) };
        let mut blocks: Vec<CheckpointRecord> = Vec::new();
        while blocks.len() < blocks_max {
            let Some((day, count)) = writing.left.front().copied() else {
                self.writing = None;
                break;
            };
            let mut run = writing.run.take().unwrap_or_else(|| self.runs.writer(day, 0, count));
            let has_more = writing.fill((day, &mut run), views, blocks_max, &mut blocks);
            if has_more {
                writing.run = Some(run);
            } else {
                self.runs.add(run, &[]);
                writing.left.pop_front();
                writing.last = None;
            }
        }
        log.save_blocks(&blocks)?;
        Ok(self.writing.is_some())
    }

    /// All is written: what is over at `now` is dropped. Returns the record that lists the rest, to be saved when that is
    /// durable.
    pub(super) fn record(&mut self, now: Timestamp) -> CheckpointRecord {
        // Those that are being merged go when that is done.
        if self.merge.is_none() {
            self.runs.drop_before(first_remembered_day(now));
        }
        (KEY.to_vec(), Some(Checkpointed::write(&self.runs.listed())))
    }

    /// Removes what is of no use and merges runs, about `blocks_max` blocks of it. Returns whether there is more to do.
    pub(super) fn tidy(
        &mut self,
        now: Timestamp,
        log: &mut dyn EventLog,
        blocks_max: usize,
    ) -> Result<bool, LogFault> {
        if self.runs.sweep(log, blocks_max)? {
            return Ok(true);
        }
        if let Some(merge) = &mut self.merge {
            if merge.step(log, blocks_max)? {
                return Ok(true);
            }
            // The blocks must be durable before they are listed.
            log.sync()?;
            if let Some(merge) = self.merge.take() {
                merge.finish(&mut self.runs);
            }
            log.save(&[self.record(now)])?;
            log.sync()?;
            return Ok(true);
        }
        let today = now.as_ms() / DAY_MS;
        let Some(from) = self.runs.to_merge(today) else { return Ok(false) };
        self.merge = Merge::begin(&mut self.runs, log, from)?;
        Ok(true)
    }
}

impl Writing {
    /// Adds ids of `day` to its run until there are `blocks_max` blocks. Returns whether there is more.
    fn fill(
        &mut self,
        (day, run): (u64, &mut RunWriter),
        views: &Views,
        blocks_max: usize,
        blocks: &mut Vec<CheckpointRecord>,
    ) -> bool {
        let last = self.last;
        for (key, known) in views.settling_ids(day, last.as_ref()) {
            if blocks.len() >= blocks_max {
                return true;
            }
            run.push(key.to_bytes(), encode(known), blocks);
            self.last = Some(*key);
        }
        run.finish(blocks_max.saturating_sub(blocks.len()), blocks)
    }
}

/// What a message says, and the millisecond of its day at which it was accepted.
fn encode(known: &KnownMessage) -> RunValue {
    let mut value = [0; 20];
    let at = u32::try_from(known.accepted_at.as_ms() % DAY_MS).expect("a day has fewer");
    value[..16].copy_from_slice(&known.digest.0);
    value[16..].copy_from_slice(&at.to_le_bytes());
    value
}

fn decode(day: u64, value: &RunValue) -> KnownMessage {
    let (mut digest, mut at) = ([0; 16], [0; 4]);
    digest.copy_from_slice(&value[..16]);
    at.copy_from_slice(&value[16..]);
    let ms = day.saturating_mul(DAY_MS).saturating_add(u32::from_le_bytes(at).into());
    KnownMessage { digest: MessageDigest(digest), accepted_at: Timestamp::from_ms(ms) }
}

/// An id as a record, to be compared.
pub(super) fn as_record((key, known): (&MessageKey, &KnownMessage)) -> CheckpointRecord {
    let key = [KEY, &key.to_bytes()].concat();
    let day = known.day().to_be_bytes();
    (key, Some([&encode(known)[..], &day].concat()))
}
