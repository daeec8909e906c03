//! What an operator does on the server's machine while no server runs, and what is told of key files that are lost.
//!
//! Must never hold: a server that runs while its store is looked into.

use std::fs;
use std::path::Path;

use adsum::client::{InviteToken, KeyHash};

use crate::processes::{Ended, Site, run};

fn invite(site: &Site, more: &[&str]) -> Ended {
    let data = site.data();
    run(&[&["invite", "--json", "--data", &data, "--administrator"][..], more].concat())
}

#[test]
fn an_operator_whose_administrators_are_lost_makes_one_on_the_store() {
    let mut site = Site::start(&[]);
    let first = site.serving["invite"].as_str().unwrap().to_owned();
    let enroll = |site: &Site, who: &str, token: &str| {
        let principal = format!("{who}@localhost");
        site.run(who, &["enroll", &principal, "--server", &site.address, "--invite", token])
    };
    enroll(&site, "root", &first).line();
    fs::remove_dir_all(site.home("root")).unwrap();
    assert_eq!(invite(&site, &[]).error(1), "store-locked", "a server runs");

    assert_eq!(site.stop(), Some(0));
    let invited = invite(&site, &[]).line();
    assert_eq!((&invited["type"], &invited["role"]), (&"invited".into(), &"administrator".into()));
    assert!(invited["command"].as_str().unwrap().contains("NAME@localhost"));
    let token = invited["token"].as_str().unwrap().to_owned();
    let log = run(&["log", "cat", "--json", "--data", &site.data()]);
    let last = log.lines().pop().unwrap().to_string();
    assert!(last.contains("invite") && last.contains("administrator"), "{last}");

    site.start_again(&[]);
    assert_eq!(enroll(&site, "again", &token).line()["role"], "administrator");
    assert_eq!(enroll(&site, "third", &token).error(4), "bad-invite");
    site.run("again", &["invite", "bob@localhost"]).line();
}

#[test]
fn a_token_of_another_server_is_made_one_of_this_server() {
    let mut site = Site::start(&[]);
    let this = site.serving["server_key"].as_str().unwrap().parse().unwrap();
    let first = site.serving["invite"].as_str().unwrap().to_owned();
    site.run("root", &["enroll", "root@localhost", "--server", &site.address, "--invite", &first])
        .line();
    let foreign = |secret| InviteToken::from_bytes([secret; 32]).bound_to(KeyHash([7; 32]));
    let bound = |made: Ended| made.line()["token"].as_str().unwrap().parse().unwrap();
    let online: InviteToken =
        bound(site.run("root", &["invite", "--token", &foreign(1).to_string()]));
    assert_eq!((online.server_key(), online.as_bytes()), (Some(this), &[1; 32]));
    site.stop();
    let offline: InviteToken = bound(invite(&site, &["--token", &foreign(2).to_string()]));
    assert_eq!((offline.server_key(), offline.as_bytes()), (Some(this), &[2; 32]));
}

#[test]
fn what_cannot_be_invited_on_a_store_is_told() {
    let mut site = Site::start(&[]);
    site.stop();
    let data = site.data();
    assert_eq!(run(&["invite", "--data", &data]).exit, 2);
    assert_eq!(run(&["invite", "--administrator", "--domain", "localhost"]).exit, 2);
    let nowhere = site.file("nowhere");
    let told = run(&["invite", "--admin", "--data", nowhere.to_str().unwrap()]);
    assert!(told.stderr.contains("there is no store in"), "{}", told.stderr);
    assert!(!nowhere.exists(), "nothing is made");
    let other = invite(&site, &["--domain", "Other.example"]).line();
    assert!(other["command"].as_str().unwrap().contains("NAME@other.example"));
    let named = invite(&site, &["root@localhost"]).line();
    assert_eq!(named["principal"], "root@localhost");
}

#[test]
fn a_lost_or_replaced_key_file_is_told_at_the_start_and_by_the_doctor() {
    let mut site = Site::open();
    site.enroll("alice");
    site.stop();
    let keys = Path::new(&site.data()).join("keys");
    let doctor = || run(&["doctor", "--data", &site.data(), "--home", "/nowhere/adsum"]);
    assert!(doctor().stdout.contains("ok    keys: those that the store was used with"));
    fs::remove_file(keys.join("cursor.secret")).unwrap();
    fs::write(keys.join("store.secret"), [7; 32]).unwrap();
    let told = doctor();
    assert_eq!(told.exit, 1);
    for (name, what) in [("cursor.secret", "is gone"), ("store.secret", "was replaced")] {
        let found = told.stdout.lines().any(|line| {
            line.starts_with("FAIL  keys") && line.contains(name) && line.contains(what)
        });
        assert!(found, "{}", told.stdout);
    }
    let log = site.file("server.log");
    let mut command = crate::processes::program();
    command.args([
        "serve",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--no-http",
        "--data",
        &site.data(),
    ]);
    let mut server =
        crate::processes::Staying::start(command.stderr(fs::File::create(&log).unwrap()));
    server.object();
    assert_eq!(server.stop("TERM"), Some(0));
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("ERROR") && log.contains("cursor.secret is gone"), "{log}");
    assert!(log.contains("store.secret was replaced"), "{log}");
}
