//! `adsum log export` and `adsum log import`: every kind of event there and back, and lines that are wrong.
//!
//! Must never hold: an expectation that is made by the code it checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use adsum::log::{EventLog, SledLog};
use adsum::model::{Ahead, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::events::{history, message, samples, timed};
use crate::processes::{Ended, run};

/// A store with every kind of event, and with a body that is no text; some of it while the wall clock was ahead.
fn store(folder: &Path) {
    let mut events: Vec<_> = samples().into_iter().map(|(_, event)| event).collect();
    // Its body is no text.
    events.push(message(250, 20));
    let mut events = history(events);
    let later = events.split_off(events.len() / 2);
    let mut log = SledLog::open(folder).unwrap();
    log.append(&timed(Timestamp::from_ms(1_767_225_600_000), events)).unwrap();
    let later = timed(Timestamp::from_ms(1_767_225_700_000), later);
    log.append_at(Ahead::from_ms(-1_500), &later).unwrap();
}

/// Runs `adsum log`. A child that another test starts meanwhile holds the lock of the store until it is a program of its own.
fn log(arguments: &[&str]) -> Ended {
    let mut tries = (0..100).map(|_| run(&[&["log"], arguments, &["--json"]].concat()));
    tries
        .find(|ended| !ended.stderr.contains("in use"))
        .expect("a store is in use for a moment only")
}

struct Place(TempDir);

impl Place {
    fn with_an_export() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        store(&place.0.path().join("store"));
        let exported =
            log(&["export", "--data", &place.path("store"), &place.path("lines")]).line();
        assert_eq!(
            (&exported["type"], &exported["file"]),
            (&json!("exported"), &json!(place.path("lines")))
        );
        place
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(self.path("lines")).unwrap().lines().map(str::to_owned).collect()
    }

    /// What import says of these lines, which must be refused and leave nothing behind.
    fn refused(&self, lines: &[String]) -> String {
        fs::write(self.path("wrong"), lines.join("\n") + "\n").unwrap();
        let ended = log(&["import", "--data", &self.path("new"), &self.path("wrong")]);
        assert_eq!(ended.error(1), "bad-export");
        let left = fs::read_dir(self.0.path()).unwrap().map(|file| file.unwrap().file_name());
        let mut left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["lines", "store", "wrong"], "nothing is changed");
        ended.stderr
    }
}

#[test]
fn every_kind_of_event_comes_back_as_it_went() {
    let place = Place::with_an_export();
    let lines = place.lines();
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&values[0]["type"], &values[0]["version"]), (&json!("adsum-export"), &json!(1)));
    assert_eq!(values.last().unwrap(), &json!({ "type": "end", "events": lines.len() - 2 }));
    let names = values.iter().filter_map(|line| line["event"].as_object()?.keys().next());
    let kinds: BTreeSet<u8> =
        samples().iter().map(|(_, event)| postcard::to_stdvec(event).unwrap()[0]).collect();
    assert_eq!(names.collect::<BTreeSet<_>>().len(), kinds.len(), "a kind is not exported");
    // Who has the file has all that people wrote.
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(place.path("lines")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);

    let imported = log(&["import", "--data", &place.path("new"), &place.path("lines")]).line();
    assert_eq!(imported["events"], json!(lines.len() - 2));
    for command in [&["replay", "--show", "--bodies"][..], &["cat", "--bodies"]] {
        let told = |store: &str| log(&[command, &["--data", &place.path(store)]].concat()).stdout;
        assert_eq!(told("new"), told("store"));
    }
    let verified = |store: &str| log(&["verify", "--data", &place.path(store)]).line();
    assert_eq!(verified("new")["chain"], imported["chain"]);
    // Its commits are others, and so is its chain.
    assert_eq!(verified("new")["events"], verified("store")["events"]);

    let again = log(&["export", "--data", &place.path("new"), &place.path("again")]);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    assert_eq!(fs::read(place.path("again")).unwrap(), fs::read(place.path("lines")).unwrap());
}

/// What was exported once is taken for ever, and comes out again as it went in.
#[test]
fn an_export_that_was_written_once_is_imported_as_ever() {
    let place = Place::with_an_export();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/export/version-1.jsonl");
    if !golden.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::copy(place.path("lines"), &golden).unwrap();
    }
    let imported = log(&["import", "--data", &place.path("new"), golden.to_str().unwrap()]);
    assert_eq!(imported.exit, 0, "{}", imported.stderr);
    let again = log(&["export", "--data", &place.path("new"), &place.path("again")]);
    assert_eq!(again.exit, 0, "{}", again.stderr);
    let (before, after) = (fs::read(golden).unwrap(), fs::read(place.path("again")).unwrap());
    // The first line tells what wrote it.
    let events = |text: &[u8]| text.splitn(2, |byte| *byte == b'\n').nth(1).unwrap().to_vec();
    assert_eq!(events(&before), events(&after));
}

#[test]
fn a_wrong_line_is_told_by_its_number_and_changes_nothing() {
    let place = Place::with_an_export();
    let lines = place.lines();
    let with = |number: usize, line: &str| {
        let mut lines = lines.clone();
        line.clone_into(&mut lines[number - 1]);
        lines
    };
    let without = |number: usize| {
        let mut lines = lines.clone();
        lines.remove(number - 1);
        lines
    };
    let end = lines.len();
    let renamed = |number: usize, from: &str, to: &str| {
        assert!(lines[number - 1].contains(from), "{}", lines[number - 1]);
        with(number, &lines[number - 1].replacen(from, to, 1))
    };
    for (wrong, number, cause) in [
        (with(1, "{}"), 1, "missing field `type`"),
        (with(1, &lines[1]), 1, "not the first line"),
        (renamed(1, "\"version\":1", "\"version\":2"), 1, "version 2"),
        (with(7, "not JSON"), 7, "expected"),
        (with(7, "{\"type\":\"other\"}"), 7, "unknown variant `other`"),
        (with(7, &lines[0]), 7, "another export"),
        (without(7), 7, "event 7, and 6 must come"),
        (renamed(7, "\"ahead_ms\":0", "\"ahead_ms\":0,\"more\":1"), 7, "unknown field `more`"),
        (renamed(7, "\"at_us\":1", "\"at_us\":"), 7, "happened before"),
        (renamed(7, "\"event\":{\"", "\"event\":{\"X"), 7, "unknown variant `X"),
        (without(end), end, "the end is missing"),
        (without(end - 1), end - 1, "it tells of"),
        ([lines.clone(), vec![lines[1].clone()]].concat(), end + 1, "behind the end"),
    ] {
        let told = place.refused(&wrong);
        assert!(
            told.contains(&format!("line {number}: ")) && told.contains(cause),
            "{cause}: {told}"
        );
        assert!(told.contains("export the log anew"), "{told}");
    }
    // What cannot be folded: a place in an inbox for which there are not events enough.
    let number = 1 + lines.iter().position(|line| line.contains("MessageAccepted")).unwrap();
    let told = place.refused(&renamed(
        number,
        "\"sequence\":1,\"sender\"",
        "\"sequence\":9999,\"sender\"",
    ));
    assert!(told.contains(&format!("line {number}: it takes place 9999 of im:bob")), "{told}");
    // An address that is none, and an id that is too short: what an event is made of is checked.
    for (from, to) in [("alice@example.com", "nobody"), ("0707", "07")] {
        let number = 1 + lines.iter().position(|line| line.contains(from)).unwrap();
        let told = place.refused(&renamed(number, from, to));
        assert!(told.contains(&format!("line {number}: ")), "{told}");
    }
}

#[test]
fn nothing_is_written_over() {
    let place = Place::with_an_export();
    let lines = place.path("lines");
    let taken = log(&["import", "--data", &place.path("store"), &lines]);
    assert_eq!(taken.error(1), "not-empty");
    assert_eq!(log(&["export", "--data", &place.path("store"), &lines]).error(1), "io");
    fs::create_dir(place.path("empty")).unwrap();
    assert_eq!(log(&["import", "--data", &place.path("empty"), &lines]).exit, 0);
}

/// As above, of a log that was cut: what is carried forward of every kind.
#[test]
fn an_export_of_a_log_that_was_cut_is_imported_as_ever() {
    let place = Place::with_an_export();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/export/version-2.jsonl");
    if !golden.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        log(&["cut", "--keep", "1ms", "--data", &place.path("store")]).line();
        log(&["export", "--data", &place.path("store"), golden.to_str().unwrap()]).line();
    }
    log(&["import", "--data", &place.path("new"), golden.to_str().unwrap()]).line();
    log(&["export", "--data", &place.path("new"), &place.path("again")]).line();
    let lines = |path: &Path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (before, mut after) = (lines(&golden), lines(place.path("again").as_ref()));
    assert_eq!((&before[0]["version"], &before[0]["cut"]), (&json!(2), &after[0]["cut"]));
    // The statement of what it carries is the only one that came.
    let stated = after.remove(after.len() - 2);
    assert!(stated["event"]["LogCut"].is_object(), "{stated}");
    after.iter_mut().zip(&before).for_each(|(after, before)| leave_what_was(before, after));
    assert_eq!(after[1..after.len() - 1], before[1..before.len() - 1]);
    assert_eq!(log(&["verify", "--data", &place.path("new")]).exit, 0);
}

/// Removes the fields of `after` that `before` lacks: state gets fields, and none is taken away.
fn leave_what_was(before: &Value, after: &mut Value) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            after.retain(|name, _| before.contains_key(name));
            for (name, value) in after {
                leave_what_was(&before[name], value);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            after.iter_mut().zip(before).for_each(|(after, before)| leave_what_was(before, after));
        }
        _ => {}
    }
}
