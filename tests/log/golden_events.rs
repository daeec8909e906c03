//! Bytes that were written once must be read for ever: one golden file for each kind of event, and a golden log.
//!
//! `ADSUM_GOLDEN=write cargo test --test log` writes the files that are missing. One that is there is never
//! written over: to change a stored byte is to change the format, which is a new version beside the old one.
//! Must never hold: anything computed from the files it checks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::events::{first_samples, message, samples, stored_samples, timed};
use adsum::event::{Assembler, Chain, Event, Recorded, pack};
use adsum::model::{Ahead, Moment, Sequence, Timestamp};
use data_encoding::HEXLOWER;

pub(super) fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Sections of bytes as text: a name in brackets, then 32 bytes a line in hexadecimal.
pub(super) fn print(about: &str, sections: &[(String, Vec<u8>)]) -> String {
    let mut text = format!("# {about}\n");
    for (name, bytes) in sections {
        writeln!(text, "\n[{name}]").unwrap();
        for line in bytes.chunks(32) {
            writeln!(text, "{}", HEXLOWER.encode(line)).unwrap();
        }
    }
    text
}

pub(super) fn parse(text: &str) -> Vec<(String, Vec<u8>)> {
    let mut sections: Vec<(String, Vec<u8>)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            sections.push((name.to_owned(), Vec::new()));
        } else {
            let bytes = HEXLOWER.decode(line.as_bytes()).unwrap();
            sections.last_mut().expect("bytes stand under a name").1.extend(bytes);
        }
    }
    sections
}

/// The file's text; writes `text` first if it is missing and the writer asked for that.
pub(super) fn stored(name: &str, text: &str) -> String {
    let path = golden(name);
    if !path.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; ADSUM_GOLDEN=write makes it", path.display()))
}

type Kinds = BTreeMap<String, Vec<(&'static str, Event)>>;

/// The samples by kind, under the name of the golden file.
fn kinds() -> Kinds {
    let mut kinds = Kinds::new();
    for (name, event) in samples().into_iter().chain(stored_samples()) {
        let number = postcard::to_stdvec(&event).unwrap()[0];
        let file = format!("event/{number:02}-{}.hex", event.kind());
        kinds.entry(file).or_default().push((name, event));
    }
    kinds
}

#[test]
fn every_kind_of_event_has_the_bytes_it_always_had() {
    for (file, events) in kinds() {
        let bytes = |event: &Event| postcard::to_stdvec(event).unwrap();
        let sections: Vec<_> =
            events.iter().map(|(name, event)| ((*name).to_owned(), bytes(event))).collect();
        let text = print("One event a section: postcard, as docs/LOG_FORMAT.md has it.", &sections);
        assert_eq!(stored(&file, &text), text, "{file}");
    }
}

#[test]
fn every_golden_event_still_decodes() {
    let mut files = 0;
    for entry in fs::read_dir(golden("event")).unwrap() {
        let path = entry.unwrap().path();
        for (name, bytes) in parse(&fs::read_to_string(&path).unwrap()) {
            let (event, rest) = postcard::take_from_bytes::<Event>(&bytes).unwrap();
            assert!(rest.is_empty(), "{} {name}", path.display());
            assert!(path.to_string_lossy().contains(event.kind()), "{} {name}", path.display());
        }
        files += 1;
    }
    assert_eq!(files, kinds().len(), "one file for each kind, and none without samples");
}

#[test]
fn no_kind_of_event_is_without_a_golden_file() {
    let numbers: Vec<u8> = kinds().keys().map(|file| file[6..8].parse().unwrap()).collect();
    let next = u8::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (0..next).collect::<Vec<_>>(), "a kind in between has no sample");
    // The number after the last known variant decodes to nothing, whatever follows: a new variant needs a sample.
    let error = postcard::from_bytes::<Event>(&[next; 1]).unwrap_err();
    assert_eq!(error, postcard::Error::SerdeDeCustom, "variant {next} is known but has no sample");
}

pub(super) const BEGIN: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// Three commits, a millisecond apart: several events in one entry, one event in parts, one more.
fn commits() -> [Vec<(Moment, Event)>; 3] {
    let commits = [
        first_samples().into_iter().map(|(_, event)| event).collect(),
        vec![message(30, 10), message(31, 15_000), message(32, 10)],
        vec![message(33, 1)],
    ];
    let mut ms = BEGIN.as_ms()..;
    commits.map(|events| timed(Timestamp::from_ms(ms.next().unwrap()), events))
}

/// A golden log whose wall clock was `ahead`.
fn golden_log(ahead: Ahead) -> (Vec<(String, Vec<u8>)>, Vec<Recorded>) {
    let (mut chain, mut sections, mut expected) = (Chain::START, Vec::new(), Vec::new());
    for commit in commits() {
        for entry in pack(&mut chain, Sequence::new(expected.len() as u64 + 1), ahead, &commit) {
            sections.push((HEXLOWER.encode(&entry.key.to_bytes()), entry.value));
        }
        for (at, event) in commit {
            let sequence = Sequence::new(expected.len() as u64 + 1);
            expected.push(Recorded { sequence, at, ahead, event });
        }
    }
    (sections, expected)
}

/// The events in a stored log, its chain followed from the first entry to the last.
pub(super) fn assembled(stored: &str) -> Vec<Recorded> {
    let mut assembler = Assembler::verifying(Chain::START, Sequence::new(1));
    let mut found = Vec::new();
    for (key, value) in parse(stored) {
        assembler.push(&HEXLOWER.decode(key.as_bytes()).unwrap(), &value, &mut found).unwrap();
    }
    assembler.finish().unwrap();
    found
}

#[test]
fn the_golden_log_is_packed_and_read_as_ever() {
    let ahead = Ahead::from_ms(-86_400_001);
    for (name, ahead) in [("moments", Ahead::ZERO), ("ahead", ahead)] {
        let (sections, expected) = golden_log(ahead);
        let text = print("One entry a section: its key, then its value.", &sections);
        let stored = stored(&format!("log/format-1-{name}.hex"), &text);
        assert_eq!(assembled(&stored), expected);
        assert_eq!(stored, text);
    }
}

/// Before events had moments of their own, all of a commit had its millisecond. They are told apart by their place in
/// the entry.
#[test]
fn the_golden_log_from_before_there_were_moments_is_read_as_ever() {
    let found = assembled(&fs::read_to_string(golden("log/format-1.hex")).unwrap());
    let [first, second, third] = commits();
    // One entry; then one, the parts of the long event, one; then one.
    let us = |ms: u64| Moment::of(Timestamp::from_ms(BEGIN.as_ms() + ms)).as_us();
    let begins = first.iter().zip(us(0)..).map(|(_, us)| us);
    let moments = begins.chain([us(1), us(1), us(1), us(2)]).map(Moment::from_us);
    let events = first.iter().chain(&second).chain(&third).map(|(_, event)| event.clone());
    let expected: Vec<_> = (1..)
        .map(Sequence::new)
        .zip(moments)
        .zip(events)
        .map(|((sequence, at), event)| Recorded { sequence, at, ahead: Ahead::ZERO, event })
        .collect();
    assert_eq!(found, expected);
}
