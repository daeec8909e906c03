//! Logs with every kind of event fold for ever to the views that were recorded beside them.
//!
//! A file holds the kinds that no file held when it was written, so a new kind asks for a new one: `ADSUM_GOLDEN=write` makes
//! it. The views beside it are written anew, by deleting them first, only when a view is meant to have other fields.
//! Must never hold: a view that is made by the code that is checked and compared with itself alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use adsum::commit::replay::replay;
use adsum::event::{Chain, Event, pack};
use adsum::log::{EventLog, memory::MemoryLog};
use adsum::model::{Ahead, Sequence};
use data_encoding::HEXLOWER;

use super::golden_events::{BEGIN, assembled, golden, print, stored};
use crate::events::{history, samples, timed};

const FOLDER: &str = "every";

fn number(event: &Event) -> u8 {
    postcard::to_stdvec(event).unwrap()[0]
}

/// The names of the golden logs that are there, without their ends.
fn files() -> Vec<String> {
    let files = fs::read_dir(golden(FOLDER)).into_iter().flatten();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut logs: Vec<String> =
        names.filter_map(|name| name.strip_suffix(".hex").map(str::to_owned)).collect();
    logs.sort();
    logs
}

fn events_of(file: &str) -> Vec<adsum::event::Recorded> {
    assembled(&fs::read_to_string(golden(&format!("{FOLDER}/{file}.hex"))).unwrap())
}

/// A log of the samples of the kinds that are in no file, under the name of its format and kinds.
fn new_log(known: &BTreeSet<u8>) -> Option<(String, String)> {
    let events = samples().into_iter().map(|(_, event)| event);
    let new = history(events.filter(|event| !known.contains(&number(event))).collect());
    let numbers: BTreeSet<u8> = new.iter().map(number).collect();
    let name = format!("format-1-kinds-{:02}-{:02}", numbers.first()?, numbers.last()?);
    let mut chain = Chain::START;
    let entries = pack(&mut chain, Sequence::new(1), Ahead::from_ms(1_500), &timed(BEGIN, new));
    let sections: Vec<_> = entries
        .into_iter()
        .map(|entry| (HEXLOWER.encode(&entry.key.to_bytes()), entry.value))
        .collect();
    Some((name, print("One entry a section: its key, then its value.", &sections)))
}

/// The kinds that the golden logs hold. If that is asked for, a log is written first of those that none holds.
fn kinds() -> BTreeSet<u8> {
    let recorded = files().into_iter().flat_map(|file| events_of(&file));
    let known: BTreeSet<u8> = recorded.map(|recorded| number(&recorded.event)).collect();
    let Some((name, text)) = new_log(&known) else { return known };
    stored(&format!("{FOLDER}/{name}.hex"), &text);
    kinds()
}

#[test]
fn the_golden_logs_hold_every_kind_of_event() {
    assert_eq!(kinds(), samples().iter().map(|(_, event)| number(event)).collect());
}

#[test]
fn each_golden_log_folds_to_the_views_that_were_recorded() {
    assert!(!kinds().is_empty());
    for file in files() {
        let mut log = MemoryLog::new();
        let events = events_of(&file);
        let (ahead, head) = (events[0].ahead, Sequence::new(events.len() as u64));
        let commit: Vec<_> =
            events.into_iter().map(|recorded| (recorded.at, recorded.event)).collect();
        log.append_at(ahead, &commit).unwrap();
        let views = replay(&log, head, &mut |_, _| {}).unwrap();

        let mut text = String::new();
        for entity in views.entities() {
            let fields = views.fields_of(&entity, serde_json::value::Serializer).unwrap();
            writeln!(text, "{}", serde_json::json!([entity, fields])).unwrap();
        }
        let expected = stored(&format!("{FOLDER}/{file}.views.jsonl"), &text);
        for (found, expected) in text.lines().zip(expected.lines()) {
            assert_eq!(found, expected, "{file}");
        }
        assert_eq!(text, expected, "{file}");
    }
}
