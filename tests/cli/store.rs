//! A store and its server on the command line: the log, settings, who may use a folder or a port, and the doctor.
//!
//! Must never hold: a rule of the log or the server that has a test of its own below the command line.

use std::path::Path;

use serde_json::{Value, json};

use super::commands::names;
use crate::processes::{Site, Staying, program, run};

#[test]
fn the_log_is_told_only_while_nobody_uses_it() {
    let mut site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open", "--note", "secret"]).line();
    site.run("alice", &["send", "im:bob@localhost", "secret"]).line();
    let data = site.data();
    let log =
        |arguments: &[&str]| run(&[&["log"], arguments, &["--data", &data, "--json"]].concat());
    assert_eq!(log(&["verify"]).error(1), "store-locked");
    assert_eq!(site.stop(), Some(0));

    let verified = log(&["verify"]).line();
    let stat = log(&["stat"]).line();
    assert_eq!(names(&verified), ["bytes", "chain", "entries", "events", "first", "head", "type"]);
    assert_eq!((&stat["type"], &stat["events"]), (&json!("log-stat"), &verified["events"]));
    let events = log(&["cat"]).lines();
    assert_eq!(json!(events.len()), verified["events"]);
    assert!(events.iter().enumerate().all(|(place, event)| event["sequence"] == json!(place + 1)));
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"published") && kinds.contains(&"message-accepted"), "{kinds:?}");
    assert!(!log(&["cat"]).stdout.contains("secret"));
    assert_eq!(log(&["cat", "--bodies"]).stdout.matches("secret").count(), 2);
    let two = log(&["cat", "--from", "2", "--limit", "2"]).lines();
    assert_eq!(two.iter().map(|event| event["sequence"].clone()).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(log(&["cat", "--from", "2", "--until", "2"]).lines().len(), 1);
}

/// Copies the folder `from` as a backup does.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).unwrap();
        }
    }
}

#[test]
fn an_older_state_that_was_put_back_is_noticed_by_what_was_noted_elsewhere() {
    let mut site = Site::with_alice_and_bob();
    let data = site.data();
    let log = |arguments: &[&str]| run(&[&["log"], arguments, &["--data", &data]].concat());
    let send = |site: &Site| site.run("alice", &["send", "im:bob@localhost", "hello"]).line();
    let head = || log(&["head"]).stdout.trim().to_owned();
    send(&site);
    let early = head();
    assert_eq!(site.stop(), Some(0));
    let backup = site.file("backup");
    copy(Path::new(&data), &backup);
    site.start_again(&[]);
    send(&site);
    let late = head();
    assert_ne!(early, late, "the head is told while a server runs");
    let told = log(&["head", "--json"]).line();
    assert_eq!(names(&told), ["chain", "position", "type"]);
    let (position, chain) = (&told["position"], told["chain"].as_str().unwrap());
    assert_eq!(format!("{position}:{chain}"), late);
    assert_eq!(site.stop(), Some(0));

    for noted in [&early, &late] {
        let verified = log(&["verify", "--json", "--expect", noted]).line();
        assert_eq!(verified["expected"].as_str(), Some(noted.as_str()));
    }
    std::fs::remove_dir_all(&data).unwrap();
    copy(&backup, Path::new(&data));
    log(&["verify", "--json"]).line();
    log(&["verify", "--json", "--expect", &early]).line();
    let shorter = log(&["verify", "--json", "--expect", &late]);
    assert_eq!((shorter.error(1), shorter.stdout.as_str()), ("log-shorter".to_owned(), ""));
    assert!(shorter.stderr.contains(&late), "{}", shorter.stderr);

    site.start_again(&[]);
    (0..3).for_each(|_| drop(send(&site)));
    assert_eq!(site.stop(), Some(0));
    log(&["verify", "--json", "--expect", &early]).line();
    let other = log(&["verify", "--expect", &late]);
    assert_eq!((other.exit, other.stdout.as_str()), (1, ""));
    for part in [late.as_str(), "an older state that was put back", "; "] {
        assert!(other.stderr.contains(part), "{}", other.stderr);
    }
    assert_eq!(log(&["verify", "--json", "--expect", &late]).error(1), "log-differs");
}

#[test]
fn what_cannot_have_been_noted_is_wrong_usage_and_a_head_needs_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("none");
    let data = data.to_str().unwrap();
    for wrong in ["7", "7:ab", "head"] {
        let told = run(&["log", "verify", "--data", data, "--expect", wrong]);
        assert_eq!(told.exit, 2);
        assert!(told.stderr.contains("`adsum log head`"), "{}", told.stderr);
    }
    assert_eq!(run(&["log", "head", "--json", "--data", data]).error(1), "no-store");
    assert!(!Path::new(data).exists());
}

#[test]
fn a_damaged_log_is_told_and_a_folder_without_one_too() {
    let mut site = Site::with_alice_and_bob();
    for number in 0..20 {
        let id = format!("findme-findme-findme-{number}");
        site.run("alice", &["send", "im:bob@localhost", "x", "--id", &id]).line();
    }
    assert_eq!(site.stop(), Some(0));
    let path = Path::new(&site.data()).join("log/db");
    let mut bytes = std::fs::read(&path).unwrap();
    let needle = b"findme-findme-findme";
    let places: Vec<usize> =
        (0..bytes.len() - needle.len()).filter(|&at| bytes[at..].starts_with(needle)).collect();
    assert!(!places.is_empty(), "ids lie in the log as they are");
    for place in places {
        bytes[place] ^= 1;
    }
    std::fs::write(&path, bytes).unwrap();
    let verified = run(&["log", "verify", "--data", &site.data(), "--json"]);
    assert_eq!(verified.exit, 1, "{}", verified.stdout);
    assert_eq!(verified.stdout, "");
    let nowhere = site.file("nowhere");
    let missing = run(&["log", "stat", "--json", "--data", nowhere.to_str().unwrap()]);
    assert_eq!(missing.error(1), "no-store");
    assert!(!nowhere.exists());
}

#[test]
fn two_servers_do_not_share_a_folder() {
    let site = Site::open();
    let second =
        run(&["serve", "--json", "--no-http", "--listen", "127.0.0.1:0", "--data", &site.data()]);
    assert_eq!(second.error(1), "store-locked");
}

#[test]
fn a_second_server_on_a_port_is_told_the_port_and_the_flag() {
    let site = Site::open();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let second = run(&["serve", "--no-http", "--listen", &site.address, "--data", data]);
    assert_eq!(second.exit, 1);
    for part in [site.address.as_str(), "or choose another with --listen"] {
        assert!(second.stderr.contains(part), "{}", second.stderr);
    }
}

#[test]
fn settings_come_from_file_environment_and_flags_in_that_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adsum.toml");
    std::fs::write(&path, "[server]\nlisten = \"127.0.0.1:1\"\ndata = \"file\"\n").unwrap();
    let config = path.to_str().unwrap();
    let print = ["serve", "--print-config", "--config", config, "--domain", "a.example"];
    let mut command = program();
    let printed = command.args(print).env("ADSUM_SERVER_LISTEN", "127.0.0.1:2").output().unwrap();
    let printed: toml::Table = String::from_utf8(printed.stdout).unwrap().parse().unwrap();
    assert_eq!(printed["server"]["data"].as_str(), Some("file"));
    assert_eq!(printed["server"]["listen"].as_str(), Some("127.0.0.1:2"));
    assert_eq!(printed["server"]["domains"].as_array().unwrap().len(), 1);

    std::fs::write(&path, "[server]\nlissen = \"127.0.0.1:1\"\n").unwrap();
    let wrong = run(&["serve", "--config", config]);
    assert_eq!(wrong.exit, 2);
    assert!(wrong.stderr.contains("did you mean server.listen?"), "{}", wrong.stderr);
    let wrong = program().arg("serve").env("ADSUM_SERVER_LISSEN", "x").output().unwrap();
    let told = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(told.contains("did you mean ADSUM_SERVER_LISTEN?"), "{told}");
}

#[test]
fn a_server_tells_people_how_to_begin_and_ends_on_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-http", "--log", "warn", "--data"]);
    let mut server = Staying::start(command.arg(folder.path().join("store")));
    let mut block = vec![server.line()];
    while !block.last().unwrap().contains("adsum enroll ") {
        block.push(server.line());
    }
    let text = block.join("\n");
    for part in ["adsum serves localhost", "address", "server key", "--invite"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(server.stop("INT"), Some(0));
}

#[test]
fn the_doctor_finds_nothing_wrong_where_nothing_is_and_tells_what_is() {
    let mut site = Site::with_alice_and_bob();
    let data = site.data();
    let names = |checks: &[Value]| -> Vec<String> {
        checks.iter().map(|check| check["name"].as_str().unwrap().to_owned()).collect()
    };
    let checks = site.run("alice", &["doctor", "--data", &data]).lines();
    let found = names(&checks);
    for name in [
        "identities",
        "alice@localhost server",
        "alice@localhost clock",
        "alice@localhost inbox",
        "alice@localhost server says",
        "store",
        "disk sync",
    ] {
        assert!(found.iter().any(|found| found == name), "{name} in {found:?}");
    }
    let says = checks.iter().find(|check| check["name"] == "alice@localhost server says").unwrap();
    let says = says["detail"].as_str().unwrap();
    for part in ["adsum/", "protocol 1", "localhost", "message-body-bytes 65536"] {
        assert!(says.contains(part), "{part} in {says}");
    }
    site.kill();
    let sick = site.run("alice", &["doctor"]);
    assert_eq!(sick.error(1), "checks-failed");
    assert!(
        sick.stdout
            .lines()
            .any(|line| line.contains(r#""result":"fail""#) && line.contains("cure"))
    );
}
