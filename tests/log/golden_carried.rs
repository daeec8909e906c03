//! What is carried forward of a log that was cut is read for ever: records that were written once load to the views that
//! were recorded beside them.
//!
//! `ADSUM_GOLDEN=write` makes files that are missing. The records are never written over; the views beside them are written
//! anew, by deleting them first, only when a view is meant to have other fields.
//! Must never hold: a layout of its own.

use core::ops::ControlFlow;
use std::fmt::Write as _;

use adsum::commit::replay::replay;
use adsum::commit::{carried, stage_cut};
use adsum::event::Chain;
use adsum::log::{Carried, CutMark, EventLog, Tip, memory::MemoryLog};
use adsum::model::Sequence;
use adsum::view::Views;
use data_encoding::HEXLOWER;

use super::golden_events::{BEGIN, parse, print, stored};
use crate::events::{history, samples, timed};

/// Rows by the names of their fields, and rows in few bytes.
const RECORDED: [&str; 2] = ["carried/version-1", "carried/version-1-packed"];

type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// A log with every kind of event.
fn every() -> MemoryLog {
    let mut log = MemoryLog::new();
    let events = history(samples().into_iter().map(|(_, event)| event).collect());
    log.append(&timed(BEGIN, events)).unwrap();
    log
}

/// What would be carried of `log` if all of it was cut away.
fn carried_of(log: &MemoryLog) -> Records {
    let (mut cutter, reader) = (log.cutter().unwrap(), log.reader());
    let (at, none) = (log.head(), |_: &_| false);
    stage_cut(reader.as_ref(), cutter.as_mut(), at, &none, &mut || true).unwrap().unwrap();
    let mut records = Vec::new();
    cutter
        .entries()
        .walk_carried(Carried::Staged, &[], &mut |key, value| {
            records.push((key.to_vec(), value.to_vec()));
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    records
}

fn loaded(records: Records) -> Views {
    let log = MemoryLog::new();
    let mut cutter = log.cutter().unwrap();
    let records: Vec<_> = records.into_iter().map(|(key, value)| (key, Some(value))).collect();
    cutter.stage(&records).unwrap();
    let base = Tip { head: Sequence::new(1), chain: Chain::START };
    cutter.cut(CutMark { base, number: 1, ..CutMark::NONE }).unwrap();
    carried(&log, Sequence::ZERO).unwrap().unwrap()
}

fn text_of(views: &Views) -> String {
    let mut text = String::new();
    for entity in views.entities() {
        let fields = views.fields_of(&entity, serde_json::value::Serializer).unwrap();
        writeln!(text, "{}", serde_json::json!([entity, fields])).unwrap();
    }
    text
}

#[test]
fn what_is_carried_today_loads_to_what_the_log_folds_to() {
    let log = every();
    let mut folded = replay(&log, log.head(), &mut |_, _| {}).unwrap();
    let mut loaded = loaded(carried_of(&log));
    assert_eq!(loaded.first_difference(&mut folded), None);
    assert_eq!(loaded.all_records(), folded.all_records());
    assert_eq!((loaded.head(), loaded.moment()), (folded.head(), folded.moment()));
}

#[test]
fn what_was_carried_once_loads_to_the_views_that_were_recorded() {
    for name in RECORDED {
        let today = carried_of(&every());
        let sections: Vec<_> =
            today.into_iter().map(|(key, value)| (HEXLOWER.encode(&key), value)).collect();
        let today = print("A record a section: its key, then its bytes.", &sections);
        let records = parse(&stored(&format!("{name}.hex"), &today)).into_iter();
        let records = records.map(|(key, value)| (HEXLOWER.decode(key.as_bytes()).unwrap(), value));
        let (views, name) = (text_of(&loaded(records.collect())), format!("{name}.views.jsonl"));
        let recorded = stored(&name, &views);
        for (found, expected) in views.lines().zip(recorded.lines()) {
            assert_eq!(found, expected);
        }
        assert_eq!(views, recorded);
    }
}
