//! What `adsum log cat` prints of every kind of event, for people and for programs, with what people wrote and without.
//!
//! `ADSUM_GOLDEN=write` writes the golden files that are missing. The names in JSON lines are an interface, so that one
//! that is there is written over only when a line is meant to change.
//! Must never hold: an expectation made by the code it checks.

use std::fs;
use std::path::Path;

use adsum::log::{EventLog, SledLog};
use adsum::model::Timestamp;
use serde_json::Value;

use crate::events::{message, samples, timed};
use crate::processes::{Ended, Site, Staying, program, run};

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

/// What of the events does not depend on whether a server runs: it goes on writing.
fn kinds(lines: &[Value]) -> Vec<(u64, String)> {
    let kind = |line: &Value| {
        (line["sequence"].as_u64().unwrap(), line["kind"].as_str().unwrap().to_owned())
    };
    lines.iter().map(kind).collect()
}

#[test]
#[cfg(unix)]
fn the_log_of_a_running_server_is_printed_as_the_one_of_a_store_at_rest() {
    let mut site = Site::with_alice_and_bob();
    site.run("alice", &["send", "im:bob@localhost", "read me"]).line();
    let data = site.data();
    let told = |flags: &[&str]| {
        run(&[&["log", "cat", "--json", "--data", &data][..], flags].concat()).lines()
    };
    let running = told(&["--bodies"]);
    assert!(running.iter().any(|line| line.to_string().contains("read me")), "keys are used");
    assert!(!told(&[]).iter().any(|line| line.to_string().contains("read me")));
    let chosen = ["--from", "3", "--to", "5"];
    let some = told(&chosen);
    assert_eq!(kinds(&some), kinds(&running[2..5]));
    assert_eq!(kinds(&told(&["--limit", "2"])), kinds(&running[..2]));
    assert_eq!(site.stop(), Some(0));
    assert_eq!(told(&chosen), some);
    let resting = told(&["--bodies"]);
    assert_eq!(resting[..running.len()], running);
}

#[test]
#[cfg(unix)]
fn whoever_follows_the_log_sees_each_event_once_over_a_kill_of_the_server() {
    let mut site = Site::with_alice_and_bob();
    let data = site.data();
    let flags = ["log", "cat", "--json", "--follow", "--data", &data];
    let mut following = Staying::start(program().args(flags));
    let mut seen = Vec::new();
    let mut until = |kind: &str, count: usize| {
        while seen.iter().filter(|line: &&Value| line["kind"] == kind).count() < count {
            seen.push(following.object());
        }
    };
    until("device-enrolled", 2);
    site.run("alice", &["send", "im:bob@localhost", "one"]).line();
    until("message-accepted", 1);
    site.kill();
    site.start_again(&["--open-enrollment"]);
    site.run("alice", &["send", "im:bob@localhost", "two"]).line();
    until("message-accepted", 2);
    // What comes at an orderly end is seen when the server does not come again.
    assert_eq!(site.stop(), Some(0));
    let all = cat(&data, &["--json"]).lines();
    while seen.len() < all.len() {
        seen.push(following.object());
    }
    assert_eq!(seen, all);
}

#[test]
fn whoever_follows_up_to_an_event_or_a_number_of_them_ends_there() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    let data = folder.path().to_str().unwrap();
    assert_eq!(cat(data, &["--json", "--follow", "--to", "2"]).lines().len(), 2);
    assert_eq!(cat(data, &["--json", "-f", "--from", "2", "--limit", "3"]).lines().len(), 3);
    let missing = run(&["log", "cat", "--json", "-f", "--data", "/nowhere/at/all"]);
    assert_eq!(missing.error(1), "no-store");
}
