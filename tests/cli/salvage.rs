//! `adsum log salvage`: a damaged store becomes one that verifies, folds and serves, and what is lost is said.
//!
//! Must never hold: what is proven; `tests/log/salvage.rs` tests that.

use std::path::Path;

use serde_json::{Value, json};

use crate::processes::{Site, run};

/// Of how many parts of sled's file two are damaged at once: most of what is in it lies there more than once.
const PARTS: usize = 6;

/// A store with some of everything, which nobody uses.
fn stored() -> Site {
    let mut site = Site::with_alice_and_bob();
    for number in 0..12 {
        let text = format!("message {number}");
        site.run("alice", &["send", "im:bob@localhost", &text]).line();
        site.run("bob", &["publish", "open", "--note", &text]).line();
    }
    assert_eq!(site.stop(), Some(0));
    site
}

fn log(arguments: &[&str], data: &Path) -> crate::processes::Ended {
    run(&[&["log"], arguments, &["--json", "--data", data.to_str().unwrap()]].concat())
}

#[test]
fn a_damaged_store_becomes_one_that_verifies_and_folds_and_says_what_is_lost() {
    let site = stored();
    let data = site.data();
    let db = Path::new(&data).join("log/db");
    let whole = std::fs::read(&db).unwrap();
    let events = log(&["verify"], Path::new(&data)).line()["events"].as_u64().unwrap();
    let mut lost_somewhere = false;
    for hole in 0..PARTS - 1 {
        let mut damaged = whole.clone();
        damaged[whole.len() * hole / PARTS..whole.len() * (hole + 2) / PARTS].fill(0xff);
        std::fs::write(&db, &damaged).unwrap();
        let new = site.file(&format!("new-{hole}"));
        let told = log(&["salvage", "--to", new.to_str().unwrap()], Path::new(&data)).lines();
        let (salvaged, lost) = told.split_last().unwrap();
        assert_eq!(salvaged["type"], "salvaged");
        let count =
            |line: &Value| line["last"].as_u64().unwrap() - line["first"].as_u64().unwrap() + 1;
        assert_eq!(salvaged["lost"], json!(lost.iter().map(count).sum::<u64>()), "{told:?}");
        let found = log(&["verify"], &new).line()["events"].as_u64().unwrap();
        assert_eq!((found, std::fs::read(&db).unwrap() == damaged), (events, true), "hole {hole}");
        assert_eq!(log(&["replay"], &new).exit, 0, "hole {hole}: {lost:?}");
        check_epochs(&new, !lost.is_empty());
        lost_somewhere |= !lost.is_empty();
    }
    assert!(lost_somewhere, "a hole in what only lies there once is felt");
    let taken = log(&["salvage", "--to", &data], Path::new(&data));
    assert_eq!(taken.error(1), "not-empty");
}

#[test]
fn whoever_had_more_than_was_salvaged_is_told_and_gets_what_is_there() {
    let mut site = Site::with_alice_and_bob();
    let send = |site: &Site, range: std::ops::Range<u32>| {
        for number in range {
            let text = format!("message {number}");
            site.run("alice", &["send", "im:bob@localhost", &text]).line();
        }
    };
    send(&site, 0..12);
    assert_eq!(site.run("bob", &["inbox"]).lines().len(), 12);
    assert_eq!(site.stop(), Some(0));
    let data = site.data();
    let db = Path::new(&data).join("log/db");
    let whole = std::fs::read(&db).unwrap();
    let salvaged = (0..2 * PARTS - 1).find_map(|hole| {
        let (from, to) = (whole.len() * hole / (2 * PARTS), whole.len() * (hole + 2) / (2 * PARTS));
        let mut damaged = whole.clone();
        damaged[from..to].fill(0xff);
        std::fs::write(&db, &damaged).unwrap();
        let new = site.file(&format!("new-{hole}"));
        log(&["salvage", "--to", new.to_str().unwrap()], Path::new(&data)).lines();
        let events = log(&["cat"], &new).lines();
        let count = |kind: &str| events.iter().filter(|line| line["kind"] == kind).count();
        let left = count("message-accepted");
        (left < 12 && count("device-enrolled") == 2).then_some((new, left))
    });
    let (new, left) = salvaged.expect("a hole in what only messages have is felt");
    std::fs::rename(&data, site.file("broken")).unwrap();
    std::fs::rename(new, &data).unwrap();
    site.start_again(&["--open-enrollment"]);
    let told = site.run("bob", &["inbox"]);
    assert!(told.stderr.contains("restored"), "{}{}", told.stdout, told.stderr);
    // Whether it had taken them may be lost or not.
    assert!(told.lines().len() <= left);
    let all = site.run("bob", &["inbox", "--from-start"]).lines();
    assert_eq!(all.len(), left);
    send(&site, 12..13);
    let after = site.run("bob", &["inbox"]);
    assert_eq!((after.lines().len(), after.stderr.contains("restored")), (1, false));
}

/// Where something is lost, the whole log is of one epoch, which nobody has seen before.
fn check_epochs(store: &Path, is_another: bool) {
    let events = log(&["cat"], store).lines();
    let mut epochs: Vec<&Value> =
        events.iter().filter_map(|event| event["detail"].get("epoch")).collect();
    epochs.sort_by_key(ToString::to_string);
    epochs.dedup();
    assert!(!is_another || epochs.len() == 1, "{epochs:?}");
}
