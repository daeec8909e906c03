//! `adsum log cut` and what is told afterwards: what waits, what is published and what holds is there, the rest is older
//! than kept.
//!
//! Must never hold: what a cut carries; that is tested on the service and on the log.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::processes::{Ended, Site, run};

#[test]
fn what_lives_survives_a_cut_and_what_is_older_is_told_to_be() {
    let mut site = Site::with_alice_and_bob();
    let data = site.data();
    let log =
        |arguments: &[&str]| run(&[&["log"], arguments, &["--data", &data, "--json"]].concat());
    site.run("alice", &["publish", "open", "--note", "first"]).line();
    site.run("alice", &["publish", "open", "--note", "second"]).line();
    let send = |site: &Site, id: &str| {
        site.run("alice", &["send", "im:bob@localhost", "hello", "--id", id]).line()
    };
    send(&site, "read");
    assert_eq!(site.run("bob", &["inbox"]).lines().len(), 1);
    let noted = run(&["log", "head", "--data", &data]).stdout.trim().to_owned();
    send(&site, "waits");
    assert_eq!(site.stop(), Some(0));

    let before = log(&["stat"]).line();
    let would = log(&["cut", "--keep", "1s", "--dry-run"]).line();
    assert_eq!(log(&["stat"]).line()["events"], before["events"], "a rehearsal changes nothing");
    let cut = log(&["cut", "--keep", "1ms"]).line();
    assert_eq!((&cut["type"], &cut["from"]), (&json!("log-cut"), &json!(1)));
    assert!(cut["events"].as_u64() >= would["events"].as_u64(), "{would} {cut}");
    let through = cut["through"].as_u64().unwrap();
    let verified = log(&["verify"]).line();
    assert_eq!(verified["cut_through"], through);
    assert_eq!(
        (&verified["first"], &verified["cut_stated_by"]),
        (&json!(through + 1), &cut["stated_by"])
    );
    let older = log(&["verify", "--expect", &noted]);
    assert_eq!(older.error(1), "older-than-kept");
    let kinds = |line: &Value| line["kind"].as_str().unwrap().to_owned();
    let kept: Vec<String> = log(&["cat"]).lines().iter().map(kinds).collect();
    assert_eq!(kept.iter().filter(|kind| *kind == "message-accepted").count(), 1, "{kept:?}");
    assert_eq!(kept.iter().filter(|kind| *kind == "log-cut").count(), 1, "{kept:?}");

    site.start_again(&[]);
    let shown = site.run("alice", &["fetch", "pres:alice@localhost"]).stdout;
    assert!(shown.contains("second"), "{shown}");
    let waiting = site.run("bob", &["inbox"]).lines();
    assert_eq!((waiting.len(), &waiting[0]["id"]), (1, &json!("waits")));
    for id in ["read", "waits"] {
        assert_eq!(send(&site, id)["duplicate"], json!(true), "{id} is one message for ever");
    }
    let changes = site.run("alice", &["history"]).lines();
    assert_eq!(changes.len(), 1, "the last change is kept, and none before it");
    for past in
        [vec!["history", "--since", "2h"], vec!["fetch", "--at", "2h", "pres:alice@localhost"]]
    {
        let refused = site.run("alice", &past);
        assert_eq!(refused.error(1), "older-than-kept", "{past:?}");
        assert!(refused.stderr.contains("ask for a later moment"), "{}", refused.stderr);
    }
    assert_eq!(site.stop(), Some(0));
    log(&["verify"]).line();
}

/// A store with something of everything, whose log was cut away to its end, and went on.
fn cut_site() -> Site {
    let mut site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open", "--note", "zebra-note"]).line();
    site.run("bob", &["rules", "allow", "alice@localhost", "--name", "alice"]);
    site.run("bob", &["publish", "open", "--note", "quagga-note"]).line();
    site.run("alice", &["send", "im:bob@localhost", "zebra-waits", "--id", "waits"]).line();
    site.run("bob", &["send", "im:alice@localhost", "quagga-waits"]).line();
    assert_eq!(site.stop(), Some(0));
    let cut = log(&site.data(), &["cut", "--keep", "1ms"]).line();
    assert!(cut["events"].as_u64().unwrap() > 5, "{cut}");
    site.start_again(&[]);
    site.run("alice", &["publish", "open", "--note", "okapi-note"]).line();
    site.run("alice", &["send", "im:bob@localhost", "okapi-waits"]).line();
    assert_eq!(site.stop(), Some(0));
    site
}

fn log(data: &str, arguments: &[&str]) -> Ended {
    run(&[&["log"], arguments, &["--data", data, "--json"]].concat())
}

/// All views of a store, with what people wrote, without what says of the log itself where its statements are.
fn shown(data: &str) -> Vec<Value> {
    let mut lines = log(data, &["replay", "--show", "--bodies"]).lines();
    assert_eq!(lines.pop().unwrap()["type"], "replayed");
    lines.retain(|line| line["kind"] != "store");
    lines
}

/// What bob finds in the store at `data` is what was sent to him.
fn serves(mut site: Site, data: &Path) {
    fs::rename(site.data(), site.file("before")).unwrap();
    fs::rename(data, site.data()).unwrap();
    site.start_again(&[]);
    let waiting = site.run("bob", &["inbox"]).lines();
    let bodies: Vec<&Value> = waiting.iter().map(|line| &line["body"]).collect();
    assert_eq!(bodies, ["zebra-waits", "okapi-waits"]);
    let again = ["send", "im:bob@localhost", "zebra-waits", "--id", "waits"];
    assert_eq!(site.run("alice", &again).line()["duplicate"], true);
    assert_eq!(site.stop(), Some(0));
    log(&site.data(), &["verify"]).line();
    log(&site.data(), &["replay", "--compare"]).line();
}

#[test]
fn a_log_that_was_cut_folds_to_what_its_checkpoint_says_and_not_into_what_is_gone() {
    let site = cut_site();
    let compared = log(&site.data(), &["replay", "--compare"]).line();
    assert_eq!(compared["checkpoint"], compared["position"], "{compared}");
    for past in ["1", "1970-01-02T00:00:00Z"] {
        let older = log(&site.data(), &["replay", "--until", past]);
        assert_eq!(older.error(1), "older-than-kept", "{past}");
    }
}

#[test]
fn a_log_that_was_cut_is_exported_and_imported_as_it_is() {
    let site = cut_site();
    let (file, new) = (site.file("lines"), site.file("new"));
    let (file, new_data) = (file.to_str().unwrap(), new.to_str().unwrap());
    log(&site.data(), &["export", file]).line();
    log(new_data, &["import", file]).line();
    assert_eq!(shown(new_data), shown(&site.data()));
    let (before, after) =
        (log(&site.data(), &["verify"]).line(), log(new_data, &["verify"]).line());
    assert_eq!(after["cut_through"], before["cut_through"]);
    assert_eq!(after["cut_stated_by"], after["head"], "what is carried is stated anew");
    let again = site.file("again");
    log(new_data, &["export", again.to_str().unwrap()]).line();
    let carried = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let is_carried =
            |line: &&String| !line.contains(r#""type":"e"#) && !line.contains("adsum-");
        lines.iter().filter(is_carried).cloned().collect::<Vec<_>>()
    };
    assert_eq!(carried(&again), carried(file.as_ref()));
    let wrong = fs::read_to_string(file).unwrap().replace(r#""type":"state""#, r#""type":"stat""#);
    fs::write(file, wrong).unwrap();
    let other = site.file("other");
    let refused = log(other.to_str().unwrap(), &["import", file]);
    assert_eq!((refused.error(1), other.exists()), ("bad-export".to_owned(), false));
}

#[test]
fn a_log_that_was_cut_is_written_anew_and_serves() {
    let site = cut_site();
    let new = site.file("new");
    let to = new.to_str().unwrap();
    log(&site.data(), &["rewrite", "--to", to]).line();
    assert_eq!(shown(to), shown(&site.data()));
    assert_eq!(
        log(to, &["verify"]).line()["cut_through"],
        log(&site.data(), &["verify"]).line()["cut_through"]
    );
    serves(site, &new);
}

#[test]
fn a_log_that_was_cut_is_backed_up_and_restored() {
    let mut site = cut_site();
    let (dir, new) = (site.file("backup"), site.file("new"));
    let (dir, to) = (dir.to_str().unwrap(), new.to_str().unwrap());
    let back_up = |data: &str| run(&["backup", dir, "--json", "--data", data]);
    let restore = |to: &str| run(&["restore", dir, "--json", "--data", to]);
    let prove = || run(&["backup", "--verify", "--json", dir]).line();
    back_up(&site.data()).line();
    assert_eq!(prove()["position"], log(&site.data(), &["verify"]).line()["head"]);
    // It goes on, is cut once more, and the backup goes on with it.
    site.start_again(&[]);
    site.run("alice", &["publish", "open", "--note", "kudu-note"]).line();
    assert_eq!(site.stop(), Some(0));
    back_up(&site.data()).line();
    log(&site.data(), &["cut", "--keep", "1ms"]).line();
    back_up(&site.data()).line();
    restore(to).line();
    assert_eq!(log(to, &["verify"]).stdout, log(&site.data(), &["verify"]).stdout);
    // Another one that ends before the cut has no place to go on from.
    fs::remove_dir_all(dir).unwrap();
    back_up(to).line();
    site.start_again(&[]);
    site.run("alice", &["publish", "open", "--note", "gnu-note"]).line();
    assert_eq!(site.stop(), Some(0));
    log(&site.data(), &["cut", "--keep", "1ms"]).line();
    assert_eq!(back_up(&site.data()).error(1), "older-than-kept");
    for name in ["keys", "CLOCK"] {
        let (from, to) = (Path::new(&site.data()).join(name), new.join(name));
        if from.is_dir() {
            for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
                fs::create_dir_all(&to).unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        } else {
            fs::copy(from, to).unwrap();
        }
    }
    serves(site, &new);
}

#[test]
fn who_is_erased_is_gone_from_what_is_carried_too() {
    let mut site = cut_site();
    let exported = |site: &Site, name: &str| {
        let file = site.file(name);
        log(&site.data(), &["export", file.to_str().unwrap()]).line();
        fs::read_to_string(file).unwrap()
    };
    assert!(exported(&site, "before").contains("quagga-note"));
    let erased = run(&["erase", "bob@localhost", "--json", "--data", &site.data(), "--yes"]);
    let certificate = site.file("certificate");
    fs::write(&certificate, &erased.stdout).unwrap();
    let check = |site: &Site| {
        let file = certificate.to_str().unwrap();
        run(&["erase", "--check", file, "--json", "--data", &site.data()])
    };
    let is_gone = |text: &str| !text.contains("quagga") && text.contains("okapi-note");
    assert!(is_gone(&exported(&site, "after")));
    assert_eq!(check(&site).exit, 0);
    site.start_again(&[]);
    site.run("alice", &["publish", "open", "--note", "okapi-note"]).line();
    assert_eq!(site.stop(), Some(0));
    log(&site.data(), &["cut", "--keep", "1ms"]).line();
    log(&site.data(), &["verify"]).line();
    let after = exported(&site, "cut");
    assert!(is_gone(&after), "{after}");
    assert!(after.contains("PrincipalErased"), "that somebody was erased is carried for ever");
    assert_eq!(check(&site).error(1), "older-than-kept");
}
