//! Cutting away the beginning of a log, and what is carried forward in its place.
//!
//! What is carried are records: of state, as a checkpoint has them, and of single events that keep their position. A cut
//! is made in three steps, each durable before the next: its records are staged beside those that count, one mark makes
//! them count and says where the log begins from then on, and what counts no more is swept away bit by bit. So a crash at
//! any moment leaves the log as it was before the cut or as it is after it.
//! Must never hold: what is carried, or who decides when to cut.

use core::ops::ControlFlow;

use super::carried::{Carried, CarriedEvent, event_key, state_key};
use super::scan::{self, CheckpointRecord, CutMark, Entries};
use super::tip::Tip;
use super::{LogFault, Sealing};
use crate::event::{Chain, CutStatement, Event, LogCut, Recorded};
use crate::model::Sequence;

/// Cuts a log, beside whoever appends to it. There is one at a time.
pub trait Cutter: Send {
    /// What is stored, and where the log begins.
    fn entries(&self) -> &dyn Entries;

    /// The keys that what people wrote is sealed with, see [`EventLog::vault`](super::EventLog::vault).
    fn vault(&self) -> Option<&dyn Sealing> {
        None
    }

    /// The record under `key` as the cut that is staged has it.
    ///
    /// # Errors
    /// [`LogFault`].
    fn carried(&self, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault>;

    /// Stages records: `Some` replaces, `None` removes. Nothing counts before [`Cutter::cut`].
    ///
    /// # Errors
    /// [`LogFault`]; afterwards the log must not be used any more.
    fn stage(&mut self, records: &[CheckpointRecord]) -> Result<(), LogFault>;

    /// Makes what is staged count and `mark` the beginning of the log; both are durable when it returns. Event
    /// `mark.statement`, which states it, must be durable before.
    ///
    /// # Errors
    /// As [`Cutter::stage`].
    fn cut(&mut self, mark: CutMark) -> Result<(), LogFault>;

    /// Removes about `steps` entries and records that count no more, among them those that were staged for a cut that was
    /// never made. Returns whether there are more. To be finished before anything is staged.
    ///
    /// # Errors
    /// As [`Cutter::stage`].
    fn sweep(&mut self, steps: usize) -> Result<bool, LogFault>;
}

/// What all records that are carried come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedSum {
    /// How many there are.
    pub records: u64,
    /// Their bytes, with their keys.
    pub bytes: u64,
    /// BLAKE3 over all of them in order, each key and value behind its length.
    pub digest: Chain,
}

/// Bytes of records that are summed up at once: a fraction of a millisecond.
const STEP_BYTES: u64 = 256 * 1024;

/// What all records come to.
///
/// # Errors
/// [`LogFault`].
pub fn carried_sum(source: &dyn Entries, of: Carried) -> Result<CarriedSum, LogFault> {
    let sum = carried_sum_while(source, of, &mut || true)?;
    Ok(sum.expect("nobody said to stop"))
}

/// As [`carried_sum`], where `pace` is called between steps and says whether to go on; `None` if not.
///
/// # Errors
/// As [`carried_sum`].
pub fn carried_sum_while(
    source: &dyn Entries,
    of: Carried,
    pace: &mut dyn FnMut() -> bool,
) -> Result<Option<CarriedSum>, LogFault> {
    let (mut summing, mut step, mut goes_on) = (Summing::default(), STEP_BYTES, true);
    source.walk_carried(of, &[], &mut |key, value| {
        summing.add(key, value);
        if summing.bytes >= step {
            step = summing.bytes + STEP_BYTES;
            goes_on = pace();
        }
        Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(goes_on.then(|| summing.finish()))
}

/// Adds up records in order of their keys.
#[derive(Default)]
pub struct Summing {
    hasher: blake3::Hasher,
    records: u64,
    bytes: u64,
}

impl Summing {
    /// The next record.
    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        for part in [key, value] {
            self.hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            self.bytes += part.len() as u64;
        }
        self.records += 1;
    }

    /// What all come to.
    pub fn finish(&self) -> CarriedSum {
        let digest = Chain(*self.hasher.finalize().as_bytes());
        CarriedSum { records: self.records, bytes: self.bytes, digest }
    }
}

/// Checks that what is carried, and where the log begins, are as its own statement has it. Returns that, if the log was
/// ever cut; who signed it is for the caller to judge.
///
/// # Errors
/// [`LogFault::CutDiffers`] if they are not.
pub fn check_cut(source: &dyn Entries) -> Result<Option<LogCut>, LogFault> {
    let mark = source.mark();
    if mark == CutMark::NONE {
        return Ok(None);
    }
    let stated = scan::read(source, mark.statement, 1)?;
    let stated = stated.first().and_then(|recorded| statement_in(mark, recorded));
    check_stated(mark, carried_sum(source, Carried::Counting)?, stated.as_ref())?;
    Ok(stated)
}

/// What is stated in `recorded`, if that is the event which is to state the cut that `mark` is of.
pub fn statement_in(mark: CutMark, recorded: &Recorded) -> Option<LogCut> {
    match &recorded.event {
        Event::LogCut(stated) if recorded.sequence == mark.statement => Some(stated.clone()),
        _ => None,
    }
}

/// Checks that where a log begins, and what is carried, are as was `stated`.
///
/// # Errors
/// [`LogFault::CutDiffers`] if they are not.
pub fn check_stated(
    mark: CutMark,
    found: CarriedSum,
    stated: Option<&LogCut>,
) -> Result<(), LogFault> {
    let differs = |reason| Err(LogFault::CutDiffers { through: mark.base.head, reason });
    let Some(LogCut { cut, .. }) = stated else { return differs("no event states it") };
    if (Tip { head: cut.through, chain: cut.after }) != mark.base {
        return differs("the event that states it speaks of another place");
    }
    let CutStatement { records, carried_bytes: bytes, carried: digest, .. } = *cut;
    if found != (CarriedSum { records, bytes, digest }) {
        return differs("what is carried forward is not what was stated");
    }
    Ok(())
}

/// Calls `each` with the events that are carried forward among `entries`, in order, opened by `vault`.
///
/// # Errors
/// [`LogFault`], also one that `each` returns.
pub fn each_carried_event(
    entries: &dyn Entries,
    vault: Option<&dyn Sealing>,
    each: &mut dyn FnMut(CarriedEvent) -> Result<(), LogFault>,
) -> Result<(), LogFault> {
    let (first, end) = (event_key(Sequence::ZERO), state_key(&[]));
    entries.walk_carried(Carried::Counting, &first, &mut |key, value| {
        if key >= &end[..] {
            return Ok(ControlFlow::Break(()));
        }
        let mut carried = CarriedEvent::from_bytes(key, value)?;
        let payloads = carried.recorded.event.payloads_mut();
        vault.map_or(Ok(()), |vault| vault.open(payloads))?;
        each(carried).map(ControlFlow::Continue)
    })
}
