//! Backups of real servers, proven and made stores again, by the commands alone.
//!
//! Must never hold: a wait for a time.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use age::x25519::Identity;
use serde_json::Value;

use crate::processes::{Ended, Site, Staying, program, run};

const OPEN: &[&str] = &["--open-enrollment"];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn back_up(site: &Site, dir: &Path, more: &[&str]) -> Ended {
    run(&[&["backup", text(dir), "--json", "--data", &site.data()][..], more].concat())
}

fn proven(dir: &Path) -> Value {
    run(&["backup", "--verify", "--json", text(dir)]).line()
}

fn end_of(line: &Value) -> (u64, String) {
    (line["position"].as_u64().unwrap(), line["chain"].as_str().unwrap().to_owned())
}

fn send(site: &Site, text: &str) {
    site.run("alice", &["send", "im:bob@localhost", text]).line();
}

fn read(site: &Site) -> Vec<String> {
    let lines = site.run("bob", &["inbox"]).lines();
    let bodies = lines.iter().filter_map(|line| line["body"].as_str());
    bodies.map(str::to_owned).collect()
}

#[test]
fn a_running_server_is_backed_up_again_and_again_and_goes_on() {
    let mut site = Site::with_alice_and_bob();
    let dir = site.file("backup");
    let mut before = 0;
    for round in 0..3 {
        send(&site, &format!("m{round}"));
        let copied = back_up(&site, &dir, &[]).line();
        let (position, _) = end_of(&copied);
        assert_eq!(copied["events"], position - before, "only what is new");
        let head = run(&["log", "head", "--json", "--data", &site.data()]).line();
        assert!(head["position"].as_u64().unwrap() >= position);
        let whole = proven(&dir);
        assert_eq!(end_of(&whole), end_of(&copied));
        assert_eq!((&whole["principals"], &whole["messages"]), (&2.into(), &(round + 1).into()));
        assert_eq!(whole["keys"], false);
        before = position;
    }
    // In words it is the line of `log head`, which `log verify` takes, as the backup does.
    let words =
        Ended::of(program().args(["backup", text(&dir), "--data", &site.data()]).output().unwrap());
    let line = words.stdout.lines().next().unwrap().to_owned();
    let expect = ["backup", "--verify", text(&dir), "--json", "--expect", &line];
    assert_eq!(run(&expect).line()["expected"], *line);
    assert_eq!(site.stop(), Some(0));
    let expect = ["log", "verify", "--data", &site.data(), "--json", "--expect", &line];
    assert_eq!(run(&expect).line()["expected"], *line);
    // Without a server it goes on, too, with what came at its end.
    let last = back_up(&site, &dir, &[]).line();
    assert!(end_of(&last).0 >= before);
    assert_eq!(end_of(&proven(&dir)), end_of(&last));
    let later = format!("{}:{}", end_of(&last).0 + 1, end_of(&last).1);
    let expect =
        |noted: &str| run(&["backup", "--verify", text(&dir), "--json", "--expect", noted]);
    assert_eq!(expect(&later).error(1), "log-shorter");
    let zeros = format!("3:{}", "0".repeat(64));
    assert_eq!(expect(&zeros).error(1), "log-differs");
}

#[test]
fn backups_are_made_while_others_write() {
    let site = Site::with_alice_and_bob();
    site.enroll("carol");
    let dir = site.file("backup");
    let script =
        "for n in 1 2 3 4 5 6 7 8; do \"$0\" send im:bob@localhost $n >&2 || exit; done; echo done";
    let mut sending: Vec<Staying> = ["alice", "bob", "carol"]
        .map(|who| {
            let mut command = Command::new("sh");
            command.args(["-c", script, env!("CARGO_BIN_EXE_adsum")]);
            command.env("ADSUM_HOME", site.home(who)).stderr(Stdio::null());
            Staying::start(&mut command)
        })
        .into();
    let mut before = 0;
    for _ in 0..8 {
        let (position, _) = end_of(&back_up(&site, &dir, &[]).line());
        assert!(position >= before);
        assert_eq!(end_of(&proven(&dir)).0, position);
        before = position;
    }
    for sending in &mut sending {
        assert_eq!(sending.line(), "done");
    }
    back_up(&site, &dir, &[]).line();
    assert_eq!(proven(&dir)["messages"], 24);
}

/// Puts the store aside and makes one of the backup in its place.
fn restore(site: &Site, dir: &Path, more: &[&str]) -> Ended {
    fs::rename(site.data(), site.file("broken")).unwrap();
    run(&[&["restore", text(dir), "--json", "--data", &site.data()][..], more].concat())
}

#[test]
fn a_lost_server_comes_back_from_its_backup_with_its_keys_and_everybody_is_told() {
    let mut site = Site::with_alice_and_bob();
    let (dir, secret) = (site.file("backup"), site.file("secret"));
    fs::write(&secret, "correct horse\n").unwrap();
    let sealing = ["--with-keys", "--passphrase-file", text(&secret)];
    send(&site, "m1");
    assert_eq!(back_up(&site, &dir, &sealing).line()["keys"], true);
    assert_eq!(back_up(&site, &dir, &[]).error(1), "backup-keys");
    send(&site, "m2");
    assert_eq!(read(&site), ["m1", "m2"]);
    site.kill();
    let wrong = site.file("wrong");
    fs::write(&wrong, "battery staple\n").unwrap();
    let ended = restore(&site, &dir, &["--passphrase-file", text(&wrong)]);
    assert_eq!(ended.error(1), "keys-sealed");
    assert!(!Path::new(&site.data()).exists(), "nothing is there");
    fs::rename(site.file("broken"), site.data()).unwrap();
    let restored = restore(&site, &dir, &["--passphrase-file", text(&secret)]);
    assert_eq!(
        (&restored.line()["type"], &restored.line()["keys"]),
        (&"restored".into(), &true.into())
    );
    site.start_again(OPEN);
    // As many messages as were lost, so that the numbers of what bob has seen are given again.
    send(&site, "m3");
    send(&site, "m4");
    let told = site.run("bob", &["inbox"]);
    let bodies: Vec<Value> = told.lines();
    let bodies: Vec<&str> = bodies.iter().filter_map(|line| line["body"].as_str()).collect();
    assert_eq!(bodies, ["m1", "m3", "m4"], "what was acknowledged since comes once more");
    assert!(told.stderr.contains("restored"), "{}", told.stderr);
    assert_eq!(site.stop(), Some(0));
    let checks = site.run("bob", &["doctor", "--data", &site.data()]).stdout;
    assert!(checks.contains("those that the store was used with"), "{checks}");
    // The backup before is of a past that this store no longer goes on from.
    fs::remove_dir_all(site.data()).unwrap();
    fs::rename(site.file("broken"), site.data()).unwrap();
    assert_eq!(
        back_up(&site, &dir, &sealing).line()["keys"],
        true,
        "the old store goes on from it"
    );
}

#[test]
fn a_store_that_was_put_back_needs_another_backup() {
    let mut site = Site::with_alice_and_bob();
    let (dir, older) = (site.file("backup"), site.file("older"));
    back_up(&site, &older, &[]).line();
    send(&site, "m1");
    back_up(&site, &dir, &[]).line();
    site.stop();
    assert_eq!(restore(&site, &older, &[]).line()["keys"], false);
    let (keys, data) = (site.file("broken").join("keys"), site.data());
    let copied = Command::new("cp").arg("-a").arg(keys).arg(data).status();
    assert!(copied.unwrap().success());
    let before = proven(&dir);
    assert_eq!(back_up(&site, &dir, &[]).error(1), "log-differs");
    site.start_again(OPEN);
    for _ in 0..3 {
        send(&site, "m");
    }
    assert_eq!(back_up(&site, &dir, &[]).error(1), "log-differs", "also from a running server");
    assert_eq!(proven(&dir), before);
}

#[test]
fn keys_are_opened_by_the_identity_they_were_sealed_to_and_by_no_other() {
    let mut site = Site::open();
    let dir = site.file("backup");
    let (own, other) = (Identity::generate(), Identity::generate());
    let file = |name: &str, identity: &Identity| {
        use age::secrecy::ExposeSecret;
        let path = site.file(name);
        let text = format!("# created by hand\n{}\n", identity.to_string().expose_secret());
        fs::write(&path, text).unwrap();
        path
    };
    let (own_file, other_file) = (file("own", &own), file("other", &other));
    let recipient = own.to_public().to_string();
    back_up(&site, &dir, &["--with-keys", "--recipient", &recipient]).line();
    // What pages pin for some days is made anew, and is in no backup.
    let paths = fs::read_dir(Path::new(&site.data()).join("keys")).unwrap();
    let paths =
        paths.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("pages.pem"));
    let keys: Vec<Vec<u8>> = paths.map(|path| fs::read(path).unwrap()).collect();
    let files = fs::read_dir(&dir).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let all: Vec<u8> = files.flatten().collect();
    for key in &keys {
        assert!(
            !all.windows(key.len()).any(|window| window == key),
            "a key lies there in the clear"
        );
    }
    site.stop();
    let opened = |more: &[&str]| restore(&site, &dir, more);
    assert_eq!(opened(&["--identity", text(&other_file)]).error(1), "keys-sealed");
    fs::rename(site.file("broken"), site.data()).unwrap();
    assert_eq!(opened(&["--identity", text(&own_file)]).line()["keys"], true);
    let new = fs::read_dir(Path::new(&site.data()).join("keys")).unwrap();
    let mut new: Vec<Vec<u8>> = new.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
    let mut old = keys;
    old.sort();
    new.sort();
    assert_eq!(new, old);
    assert_eq!(run(&["backup", "--verify", "--json", text(&dir)]).line()["keys"], true);
}

#[test]
fn what_cannot_be_backed_up_or_restored_is_refused_and_changes_nothing() {
    let mut site = Site::open();
    let (dir, data) = (site.file("backup"), site.data());
    assert_eq!(run(&["backup", "--json", text(&dir)]).error(2), "usage");
    assert_eq!(run(&["backup", "--verify", "--json", text(&dir)]).error(1), "no-backup");
    let none = site.file("none");
    assert_eq!(run(&["backup", "--json", text(&dir), "--data", text(&none)]).error(1), "no-store");
    assert!(!dir.exists());
    back_up(&site, &dir, &[]).line();
    let taken = run(&["restore", "--json", text(&dir), "--data", &data]);
    assert_eq!(taken.error(1), "not-empty");
    assert_eq!(back_up(&site, &site.home(""), &[]).error(1), "not-empty");
    // Who was killed has left the socket, and nobody answers there.
    site.kill();
    let socket = Path::new(&data).join("backup.sock");
    assert!(socket.exists());
    let lock = fs::File::open(Path::new(&data).join("LOCK")).unwrap();
    lock.try_lock().unwrap();
    assert_eq!(back_up(&site, &dir, &[]).error(1), "store-locked");
    drop(lock);
    back_up(&site, &dir, &[]).line();
    let fresh = site.file("fresh");
    fs::create_dir(&fresh).unwrap();
    fs::write(fresh.join("RESTORING"), "").unwrap();
    let half =
        run(&["serve", "--json", "--no-http", "--listen", "127.0.0.1:0", "--data", text(&fresh)]);
    assert_eq!(half.error(1), "half-restored");
    assert_eq!(
        run(&["restore", "--json", text(&dir), "--data", text(&fresh)]).error(1),
        "not-empty"
    );
    site.start_again(OPEN);
    assert_eq!(site.stop(), Some(0));
    assert!(!socket.exists(), "an orderly end takes it away");
}
