//! Saving the views beside the log, a few records at a time.
//!
//! A checkpoint takes the entities that changed since the one before. Each is saved as it is when its turn comes,
//! which may be later than when the checkpoint began; folding an event twice changes nothing, so that is no harm.
//! Before them go the ids of the messages that came since. When all are saved, a last record says through which event they stand. A checkpoint costs what changed.
//! Must never hold: a decision about when the log may be trimmed.

use std::collections::VecDeque;

use super::ids::IdStore;
use super::rows;
use crate::event::{EntityKey, Owners};
use crate::log::{CheckpointRecord, EventLog, LogFault};
use crate::model::{Ahead, Moment, Sequence};
use crate::view::{Checkpointed, Views};

/// Events between the beginnings of two checkpoints: folding this many at the next start takes well under a second.
const INTERVAL_EVENTS: u64 = 100_000;

/// A block is so many records to what a step may cost.
const RECORDS_OF_BLOCK: usize = 4;

/// The running checkpoint and where the last one stands.
#[derive(Debug)]
pub(super) struct Checkpointer {
    through: Sequence,
    pub(super) ids: IdStore,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    through: Sequence,
    moment: Moment,
    ahead: Ahead,
    left: VecDeque<EntityKey>,
}

impl Checkpointer {
    /// The last checkpoint stands through `through`, and the ids that it covers are `ids`.
    pub(super) fn new(through: Sequence, ids: IdStore) -> Self {
        Self { through, ids, running: None }
    }

    /// The last event that the last checkpoint stands for.
    pub(super) fn through(&self) -> Sequence {
        self.through
    }

    /// Begins a checkpoint of what changed since the last, unless one runs or nothing changed.
    pub(super) fn begin(&mut self, views: &mut Views) {
        if self.running.is_none() && views.head() > self.through {
            let left = views.take_changed().into_iter().collect();
            let (through, moment, ahead) = (views.head(), views.moment(), views.ahead());
            self.ids.begin(views);
            self.running = Some(Running { through, moment, ahead, left });
        }
    }

    /// Removes and merges what lies on the disk of ids, about as much as `records_max` records cost, unless a checkpoint runs.
    /// Returns whether there is more to do.
    pub(super) fn tidy(
        &mut self,
        views: &Views,
        log: &mut dyn EventLog,
        records_max: usize,
    ) -> Result<bool, LogFault> {
        let blocks_max = (records_max / RECORDS_OF_BLOCK).max(1);
        if self.running.is_some() { Ok(true) } else { self.ids.tidy(views.time(), log, blocks_max) }
    }

    /// Saves about `records_max` records of the running checkpoint; begins one if enough happened since the last.
    /// Returns whether there is more to save.
    pub(super) fn step(
        &mut self,
        views: &mut Views,
        log: &mut dyn EventLog,
        records_max: usize,
    ) -> Result<bool, LogFault> {
        if views.head().get() - self.through.get() >= INTERVAL_EVENTS {
            self.begin(views);
        }
        let blocks_max = (records_max / RECORDS_OF_BLOCK).max(1);
        let Some(running) = &mut self.running else { return Ok(false) };
        if self.ids.write(views, log, blocks_max)? {
            return Ok(true);
        }
        let (mut records, mut blocks): (Vec<CheckpointRecord>, Vec<_>) = Default::default();
        while records.len() + RECORDS_OF_BLOCK * blocks.len() < records_max {
            let Some(entity) = running.left.pop_front() else { break };
            if let EntityKey::Inbox(inbox) = &entity {
                let settled = rows::settle(views, log, inbox, blocks_max, &mut blocks)?;
                if settled == blocks_max {
                    running.left.push_front(entity);
                    break;
                }
            }
            records.extend(views.records_of::<Checkpointed, _>(&entity, |keeper, payloads| {
                let owners = || Owners { keeper: keeper.clone(), sender: None };
                log.vault().map_or(Ok(()), |vault| vault.seal(&owners(), payloads))
            })?);
        }
        // First what the records say lies there.
        if !blocks.is_empty() {
            log.save_blocks(&blocks)?;
        }
        log.save(&records)?;
        if !running.left.is_empty() {
            return Ok(true);
        }
        // The records and blocks must be durable before those that vouch for them.
        log.sync()?;
        let Running { through, moment, ahead, .. } = *running;
        let vouching = Views::meta_record::<Checkpointed>(through, moment, ahead);
        log.save(&[self.ids.record(views.time()), vouching])?;
        log.sync()?;
        views.ids_settled();
        self.through = through;
        self.running = None;
        Ok(false)
    }
}
