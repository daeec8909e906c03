//! `adsum log replay`: what a log comes to, also in the past, and a checkpoint that says something else.
//!
//! Must never hold: a rule of the fold that has a test of its own below the command line.

use adsum::log::{CheckpointRecord, EventLog, SledLog};
use serde_json::{Value, json};

use crate::processes::{Ended, Site, run};

/// A store that ended in order, so that its checkpoint is of its last event.
fn stopped() -> Site {
    let mut site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open", "--note", "secret", "--tuple", "desk"]).line();
    site.run("alice", &["send", "im:bob@localhost", "secret"]).line();
    site.run("alice", &["delivery", "refuse", "anonymous", "--reason", "secret"]).line();
    assert_eq!(site.stop(), Some(0));
    site
}

fn replay(site: &Site, flags: &[&str]) -> Ended {
    run(&[&["log", "replay", "--data", &site.data(), "--json"], flags].concat())
}

fn records(site: &Site) -> Vec<CheckpointRecord> {
    let log = SledLog::open_existing(site.data().as_ref()).unwrap();
    let mut records = Vec::new();
    log.load(&mut |key, value| {
        records.push((key.to_vec(), Some(value.to_vec())));
        Ok(())
    })
    .unwrap();
    records
}

fn plant(site: &Site, record: CheckpointRecord) {
    let mut log = SledLog::open_existing(site.data().as_ref()).unwrap();
    log.save(&[record]).unwrap();
    log.sync().unwrap();
}

fn kinds(line: &Value) -> Vec<(&str, u64)> {
    let kinds = line["kinds"].as_array().unwrap().iter();
    kinds.map(|kind| (kind["kind"].as_str().unwrap(), kind["entities"].as_u64().unwrap())).collect()
}

#[test]
fn a_replay_comes_to_what_the_checkpoint_says() {
    let site = stopped();
    let events = run(&["log", "cat", "--data", &site.data(), "--json"]).lines();
    let whole = replay(&site, &["--compare"]).line();
    assert_eq!(whole["position"], json!(events.len()));
    assert_eq!(whole["checkpoint"], whole["position"]);
    assert_eq!(whole["at"], events.last().unwrap()["at"]);
    let found = kinds(&whole);
    for expected in [("principal", 2), ("presentity", 1), ("inbox", 1), ("store", 1)] {
        assert!(found.contains(&expected), "{found:?}");
    }

    // Through an event in the past, by its place and by its time.
    let key = events.iter().find(|event| event["kind"] == "device-enrolled").unwrap();
    let early = replay(&site, &["--until", &key["sequence"].to_string()]).line();
    assert_eq!(early["position"], key["sequence"]);
    assert!(kinds(&early).contains(&("principal", 1)), "{early}");
    let by_time = replay(&site, &["--until", key["at"].as_str().unwrap()]).line();
    assert_eq!((&by_time["position"], &by_time["kinds"]), (&early["position"], &early["kinds"]));
    let none = replay(&site, &["--until", "1970-01-01T00:00:00Z"]).line();
    assert_eq!((&none["position"], &none["kinds"]), (&json!(0), &json!([])));
    assert_eq!(replay(&site, &["--until", "9999"]).error(1), "no-event");
}

#[test]
fn entities_are_shown_without_what_people_wrote_unless_that_is_asked_for() {
    let site = stopped();
    let shown = replay(&site, &["--show"]);
    assert!(!shown.stdout.contains("secret"), "{}", shown.stdout);
    let lines = shown.lines();
    let inbox = lines.iter().find(|line| line["kind"] == "inbox").unwrap();
    assert_eq!(
        (&inbox["entity"], &inbox["fields"]["head"]),
        (&json!("im:bob@localhost"), &json!(1))
    );
    let all = replay(&site, &["--show", "--bodies"]);
    // A message's body lies in the log alone.
    assert_eq!(all.stdout.matches("secret").count(), 2, "{}", all.stdout);
}

#[test]
fn a_checkpoint_that_says_something_else_is_told_with_the_entity_and_the_field() {
    let mut site = stopped();
    let before = records(&site);
    let told = |site: &Site| {
        let ended = replay(site, &["--compare"]);
        assert_eq!(ended.error(1), "views-differ");
        ended.stderr
    };

    // One byte of what the checkpoint has of alice's presence.
    let of_alice = |record: &&CheckpointRecord| record.0.starts_with(b"Ealice@localhost");
    let (key, good) = before.iter().find(of_alice).unwrap().clone();
    let mut bad = good.clone().unwrap();
    let place = bad.windows(4).position(|bytes| bytes == b"desk").unwrap();
    bad[place + 1] = b'u';
    plant(&site, (key.clone(), Some(bad)));
    let wrong = told(&site);
    assert!(wrong.contains("presentity pres:alice@localhost"), "{wrong}");
    assert!(wrong.contains("tuples.0.id is \\\"desk\\\" by the log and \\\"dusk\\\""), "{wrong}");
    assert!(wrong.contains("--rebuild-views"), "{wrong}");
    // An event by itself says nothing of that.
    assert_eq!(run(&["log", "verify", "--data", &site.data()]).exit, 0);
    plant(&site, (key, good));
    assert_eq!(replay(&site, &["--compare"]).exit, 0);

    // A record that was not saved anew.
    site.start_again(&[]);
    site.run("alice", &["delivery", "remove", "anonymous"]).line();
    assert_eq!(site.stop(), Some(0));
    let old = before.iter().find(|record| record.0.starts_with(b"Ralice@localhost")).unwrap();
    plant(&site, old.clone());
    let wrong = told(&site);
    assert!(wrong.contains("rules alice@localhost, as_of is "), "{wrong}");

    // What helps is what is said: the log is right.
    site.start_again(&["--rebuild-views"]);
    assert_eq!(site.stop(), Some(0));
    assert_eq!(replay(&site, &["--compare"]).exit, 0);
}

#[test]
#[cfg(unix)]
fn a_running_server_is_compared_with_what_its_log_comes_to() {
    let mut site = stopped();
    let before = records(&site);
    site.start_again(&[]);
    let whole = replay(&site, &["--compare"]).line();
    assert_eq!(whole["server"], whole["position"]);
    assert!(kinds(&whole).contains(&("principal", 2)), "{whole}");
    let early = replay(&site, &["--until", "2"]).line();
    assert_eq!((&early["position"], &early["server"]), (&json!(2), &Value::Null));
    let by_time = replay(&site, &["--until", early["at"].as_str().unwrap()]).line();
    assert!(by_time["position"].as_u64() >= early["position"].as_u64(), "{by_time}");
    assert_eq!(replay(&site, &["--until", "9999"]).error(1), "no-event");
    let shown = replay(&site, &["--show", "--bodies"]);
    assert_eq!(shown.stdout.matches("secret").count(), 2, "{}", shown.stdout);
    // After an erasure, too.
    site.run("bob", &["erase", "bob@localhost", "--yes"]).line();
    assert_eq!(replay(&site, &["--compare"]).exit, 0);
    assert_eq!(site.stop(), Some(0));

    // A server that started from a checkpoint that says something else has another state than its log.
    let (key, good) = before.iter().find(|record| record.0.starts_with(b"Ealice@local")).unwrap();
    let mut bad = good.clone().unwrap();
    let place = bad.windows(4).position(|bytes| bytes == b"desk").unwrap();
    bad[place + 1] = b'u';
    plant(&site, (key.clone(), Some(bad)));
    site.start_again(&[]);
    let ended = replay(&site, &["--compare"]);
    assert_eq!(ended.error(1), "views-differ");
    let wrong = ended.stderr;
    assert!(wrong.contains("pres:alice@localhost, publications"), "{wrong}");
    assert!(wrong.contains("is \\\"desk\\\" by the log and \\\"dusk\\\" by the server"), "{wrong}");
    assert_eq!(site.stop(), Some(0));
    site.start_again(&["--rebuild-views"]);
    assert_eq!(replay(&site, &["--compare"]).exit, 0);
}
