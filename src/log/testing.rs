//! A cut of a log by hand, for tests of whoever reads meanwhile.
//!
//! Must never hold: what is carried forward of a real store; that is the service's.

use super::memory::MemoryLog;
use super::{
    Carried, CarriedEvent, CheckpointRecord, CutMark, EventLog as _, carried_sum, event_key,
    stored_event, tip_until,
};
use crate::event::{CutStatement, Event, LogCut};
use crate::model::{Moment, Sequence, Timestamp};

/// Cuts `log` through the last whole entry until `at`. The last event of that is carried, those at `places`, and `records`.
/// Removes `swept` entries and records.
pub(crate) fn cut(
    log: &mut MemoryLog,
    at: Sequence,
    (places, records): (&[Sequence], &[CheckpointRecord]),
    swept: usize,
) {
    let mut cutter = log.cutter().unwrap();
    while cutter.sweep(1_000).unwrap() {}
    let (before, head) = (cutter.entries().mark(), log.head());
    let through = tip_until(cutter.entries(), at).unwrap();
    for place in places.iter().copied().chain([through.head]) {
        let recorded = stored_event(cutter.entries(), place).unwrap();
        let carried = CarriedEvent { lives: true, recorded }.to_bytes();
        cutter.stage(&[(event_key(place), Some(carried))]).unwrap();
    }
    cutter.stage(records).unwrap();
    let sum = carried_sum(cutter.entries(), Carried::Staged).unwrap();
    let cut = CutStatement {
        from: before.base.head.next(),
        through: through.head,
        until: Timestamp::from_ms(1),
        before: before.base.chain,
        after: through.chain,
        bytes: 0,
        records: sum.records,
        carried_bytes: sum.bytes,
        carried: sum.digest,
    };
    let stated = LogCut { cut, key: vec![1; 91].into(), signature: vec![0; 64].into() };
    let moment = Moment::from_us(head.get() + 1);
    let statement = log.append(&[(moment, Event::LogCut(stated))]).unwrap();
    log.sync().unwrap();
    let (until, number, carried_bytes) = (cut.until, before.number + 1, sum.bytes);
    cutter.cut(CutMark { base: through, until, statement, number, carried_bytes }).unwrap();
    cutter.sweep(swept).unwrap();
}
