//! Records on their way to what is carried forward of a log that is cut.
//!
//! Must never hold: what is to be carried.

use crate::event::{EntityKey, Owners};
use crate::log::{CarriedEvent, CheckpointRecord, Cutter, LogFault, event_key, state_key};
use crate::model::{Ahead, Moment, Payload, Principal, Sequence};
use crate::view::{Carried, Record, Views};

/// Bytes of records staged at once, and records.
const STAGE_BYTES: usize = 64 * 1024;
const STAGE_RECORDS: usize = 256;

/// What is called between two steps of a cut, each of which takes some milliseconds at most. It says whether to go on.
pub type Pace<'a> = dyn FnMut() -> bool + 'a;

/// Stages records a few at a time.
pub struct Stage<'a> {
    pub(super) cutter: &'a mut dyn Cutter,
    pub(super) pace: &'a mut Pace<'a>,
    records: Vec<CheckpointRecord>,
    bytes: usize,
    /// Whether it is not to stop: then nothing of it will count.
    pub(super) goes_on: bool,
}

impl<'a> Stage<'a> {
    /// Stages with `cutter`, as long as `pace` says to go on.
    pub fn new(cutter: &'a mut dyn Cutter, pace: &'a mut Pace<'a>) -> Self {
        Self { cutter, pace, records: Vec::new(), bytes: 0, goes_on: true }
    }

    /// The state of one entity, sealed.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn state(&mut self, views: &mut Views, entity: &EntityKey) -> Result<(), LogFault> {
        self.state_but(views, entity, &|_| false)
    }

    /// As [`Stage::state`], without what those wrote who are `gone`.
    pub(super) fn state_but(
        &mut self,
        views: &mut Views,
        entity: &EntityKey,
        gone: &dyn Fn(&Principal) -> bool,
    ) -> Result<(), LogFault> {
        let vault = self.cutter.vault();
        let records = views.records_of::<Carried, _>(entity, |keeper, payloads| {
            if gone(keeper) {
                for payload in payloads {
                    *payload = Payload::Erased;
                }
                return Ok(());
            }
            let owners = || Owners { keeper: keeper.clone(), sender: None };
            vault.map_or(Ok(()), |vault| vault.seal(&owners(), payloads))
        })?;
        records.into_iter().try_for_each(|record| self.record(record))
    }

    fn record(&mut self, (key, value): Record) -> Result<(), LogFault> {
        self.push((state_key(&key), value))
    }

    /// An event at its position, as it is.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn event(&mut self, carried: &CarriedEvent) -> Result<(), LogFault> {
        self.push((event_key(carried.recorded.sequence), Some(carried.to_bytes())))
    }

    /// As [`Stage::event`], of one that is not sealed yet.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn opened_event(&mut self, mut carried: CarriedEvent) -> Result<(), LogFault> {
        let event = &mut carried.recorded.event;
        if let (Some(owners), Some(vault)) = (event.owners(), self.cutter.vault()) {
            vault.seal(&owners, event.payloads_mut())?;
        }
        self.event(&carried)
    }

    pub(super) fn push(&mut self, record: CheckpointRecord) -> Result<(), LogFault> {
        self.bytes += record.0.len() + record.1.as_ref().map_or(0, Vec::len);
        self.records.push(record);
        let is_full = self.bytes >= STAGE_BYTES || self.records.len() >= STAGE_RECORDS;
        if is_full { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), LogFault> {
        if self.goes_on {
            self.cutter.stage(&self.records)?;
            self.goes_on = (self.pace)();
        }
        self.records.clear();
        self.bytes = 0;
        Ok(())
    }

    /// All is staged: the state after the event at `last`, with its moment. Returns false if it was to stop.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn finish(&mut self, last: (Sequence, Moment, Ahead)) -> Result<bool, LogFault> {
        let (through, moment, ahead) = last;
        self.record(Views::meta_record::<Carried>(through, moment, ahead))?;
        self.flush()?;
        Ok(self.goes_on)
    }
}
