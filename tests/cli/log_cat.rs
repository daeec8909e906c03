//! What `adsum log cat` prints of every kind of event, for people and for programs, with what people wrote and without.
//!
//! `ADSUM_GOLDEN=write` writes the golden files that are missing. The names in JSON lines are an interface, so that one
//! that is there is written over only when a line is meant to change.
//! Must never hold: an expectation made by the code it checks.

use std::fs;
use std::path::Path;

use adsum::log::{EventLog, SledLog};
use adsum::model::Timestamp;

use crate::events::{message, samples, timed};
use crate::processes::{Ended, run};

/// A store with every kind of event, and with a body that is no text.
fn store(folder: &Path) {
    let mut events: Vec<_> = samples().into_iter().map(|(_, event)| event).collect();
    events.push(message(250, 20));
    let mut log = SledLog::open(folder).unwrap();
    log.append(&timed(Timestamp::from_ms(1_767_225_600_000), events)).unwrap();
}

/// What the command said. A child that another test starts meanwhile holds the lock of the store until it is a program of
/// its own, so that the store may be in use for a moment.
fn cat(data: &str, flags: &[&str]) -> Ended {
    let run = || run(&[&["log", "cat", "--data", data], flags].concat());
    let mut tries = (0..100).map(|_| run());
    tries
        .find(|ended| !ended.stderr.contains("in use"))
        .expect("a store is in use for a moment only")
}

#[track_caller]
fn check(name: &str, flags: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let ended = cat(folder.path().to_str().unwrap(), flags);
    assert_eq!(ended.exit, 0, "{}", ended.stderr);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log_cat").join(name);
    if !path.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &ended.stdout).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (found, expected) in ended.stdout.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(ended.stdout, expected);
}

#[test]
fn people_read_what_happened_but_not_what_was_written() {
    check("text.txt", &[]);
}

#[test]
fn people_read_what_was_written_when_they_ask_for_it() {
    check("text-bodies.txt", &["--bodies"]);
}

#[test]
fn programs_read_what_happened_but_not_what_was_written() {
    check("lines.jsonl", &["--json"]);
}

#[test]
fn programs_read_what_was_written_when_they_ask_for_it() {
    check("lines-bodies.jsonl", &["--json", "--bodies"]);
}
