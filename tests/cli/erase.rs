//! `adsum erase`: what a person wrote is nowhere afterwards, in no file of the data folder and not in the memory of the server
//! that is started on it; and the certificate says so.
//!
//! Must never hold: a wait for a time.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::processes::{Ended, Site, run};

/// What is written, each in another place.
const WRITTEN: [&str; 6] = [
    "zebra-quagga-note-77",
    "im:zebra-quagga-contact-77@example.org",
    "zebra-quagga-markup-77",
    "zebra-quagga-device-77",
    "zebra-quagga-sent-77",
    "zebra-quagga-got-77",
];
/// What stays, and so shows that something is looked for.
const STAYS: &str = "bob@localhost";

#[derive(Debug, Default, PartialEq)]
struct Found {
    written: Vec<(&'static str, String)>,
    stays: bool,
}

impl Found {
    fn look(&mut self, bytes: &[u8], place: &str) {
        let holds = |text: &str| memchr(bytes, text.as_bytes());
        let written = WRITTEN.iter().filter(|text| holds(text));
        self.written.extend(written.map(|text| (*text, place.to_owned())));
        self.stays |= holds(STAYS);
    }

    fn in_files(folder: &Path) -> Self {
        let mut found = Self::default();
        found.walk(folder);
        found
    }

    fn walk(&mut self, folder: &Path) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                self.walk(&path);
            } else if path.is_file() {
                self.look(&fs::read(&path).unwrap(), &path.display().to_string());
            }
        }
    }

    /// What the memory of a process holds: every mapping that it can write to.
    fn in_memory(pid: u32) -> Self {
        let mut found = Self::default();
        let mut memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let maps = File::open(format!("/proc/{pid}/maps")).unwrap();
        for line in BufReader::new(maps).lines().map(Result::unwrap) {
            let (range, rest) = line.split_once(' ').unwrap();
            if !rest.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|end| u64::from_str_radix(end, 16).unwrap());
            memory.seek(SeekFrom::Start(from)).unwrap();
            let mut bytes = Vec::new();
            // A mapping may have gone meanwhile.
            let _ = memory.by_ref().take(to - from).read_to_end(&mut bytes);
            found.look(&bytes, &line);
        }
        found
    }
}

fn memchr(bytes: &[u8], text: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(place) = rest.iter().position(|byte| *byte == text[0]) {
        rest = &rest[place..];
        if rest.starts_with(text) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:x="urn:example:x" entity="pres:bob@localhost">
  <tuple id="main"><status><basic>open</basic></status><x:y>zebra-quagga-markup-77</x:y>
  <contact>im:zebra-quagga-contact-77@example.org</contact><note>zebra-quagga-note-77</note></tuple>
</presence>"#;

/// A store on which bob wrote everything, that was closed in order, killed, and closed again.
fn site() -> Site {
    let mut site = written();
    assert_eq!(site.stop(), Some(0));
    site
}

/// A server on which bob wrote everything, that was closed in order and killed meanwhile.
fn written() -> Site {
    let mut site = Site::open();
    site.enroll("alice");
    let enroll = ["enroll", "bob@localhost", "--server", &site.address, "--label", WRITTEN[3]];
    site.run("bob", &enroll).line();
    let write = |site: &Site, round: &str| {
        let document = site.file("bob.xml");
        // The same again would be a refresh.
        let said = DOCUMENT.replace("</note>", &format!(" {round}</note>"));
        fs::write(&document, said).unwrap();
        site.run("bob", &["publish", "--pidf", document.to_str().unwrap()]).line();
        site.run("bob", &["send", "im:alice@localhost", &format!("{} {round}", WRITTEN[4])]).line();
        site.run("alice", &["send", "im:bob@localhost", &format!("{} {round}", WRITTEN[5])]).line();
    };
    write(&site, "one");
    assert_eq!(site.run("alice", &["inbox"]).lines().len(), 1);
    site.run("alice", &["watch", "pres:bob@localhost", "--until-caught-up"]);
    assert_eq!(site.stop(), Some(0));
    site.start_again(&["--open-enrollment"]);
    write(&site, "two");
    site.kill_and_restart(&["--open-enrollment"]);
    write(&site, "three");
    site
}

fn erase(site: &Site, more: &[&str]) -> Ended {
    run(&[&["erase", "--json", "--data", &site.data()][..], more].concat())
}

/// The log is whole, and its checkpoint is what it comes to without what is erased.
fn check_log(data: &str) {
    assert_eq!(run(&["log", "verify", "--data", data]).exit, 0);
    let compared = run(&["log", "replay", "--compare", "--data", data]);
    assert_eq!(compared.exit, 0, "{}{}", compared.stdout, compared.stderr);
}

fn bodies(site: &Site) -> String {
    let cat = run(&["log", "cat", "--json", "--bodies", "--data", &site.data()]);
    assert_eq!(cat.exit, 0, "{}", cat.stderr);
    cat.stdout
}

#[test]
fn nothing_that_a_person_wrote_is_found_once_it_is_erased() {
    let mut site = site();
    let told = bodies(&site);
    // Of markup it tells only how much there is.
    let read = WRITTEN.iter().filter(|text| told.contains(**text)).count();
    assert_eq!(read, WRITTEN.len() - 1, "{told}");
    let certificate = erase(&site, &["bob@localhost", "--yes"]).line();
    assert_eq!(certificate["texts"]["readable"], 0, "{certificate}");
    let told = bodies(&site);
    assert!(!WRITTEN.iter().any(|text| told.contains(text)), "{told}");
    check_log(&site.data());
    let clean = Found { written: vec![], stays: true };
    assert_eq!(Found::in_files(Path::new(&site.data())), clean);

    site.start_again(&["--open-enrollment"]);
    assert_eq!(site.run("bob", &["fetch", "pres:alice@localhost"]).error(4), "erased");
    assert_ne!(site.run("alice", &["fetch", "pres:bob@localhost"]).exit, 0);
    let inbox = site.run("alice", &["inbox", "--from-start"]);
    assert!(!inbox.stdout.contains("zebra"), "{}", inbox.stdout);
    assert_eq!(Found::in_memory(site.pid()), clean);
    site.kill();
    assert_eq!(Found::in_files(Path::new(&site.data())), clean);
}

#[test]
fn a_person_erases_itself_and_nothing_that_it_wrote_is_left() {
    let mut site = written();
    assert_eq!(site.run("alice", &["erase", "bob@localhost", "--yes"]).error(1), "forbidden");
    assert_eq!(site.run("bob", &["erase", "bob@localhost"]).exit, 2, "it is asked twice");
    let erased = site.run("bob", &["erase", "bob@localhost", "--yes"]);
    let certificate = erased.line();
    assert_eq!(certificate["by"], STAYS);
    for untold in ["position", "head", "ended", "texts"] {
        assert_eq!(certificate[untold], Value::Null, "others' doings: {certificate}");
    }
    let again = site.run("bob", &["erase", "bob@localhost", "--yes"]);
    assert_eq!(again.error(4), "erased", "what a repeat is told");
    let inbox = site.run("alice", &["inbox", "--from-start"]);
    assert!(!inbox.stdout.contains("zebra"), "{}", inbox.stdout);
    site.kill_and_restart(&["--open-enrollment"]);
    let clean = Found { written: vec![], stays: true };
    assert_eq!(Found::in_memory(site.pid()), clean);
    assert_eq!(Found::in_files(Path::new(&site.data())), clean);
    assert_eq!(site.stop(), Some(0));
    let file = site.file("certificate.json");
    fs::write(&file, &erased.stdout).unwrap();
    let checked = erase(&site, &["--check", file.to_str().unwrap()]).line();
    assert!(checked["unreadable"].as_u64().unwrap() >= 13, "{checked}");
    let whole = erase(&site, &["bob@localhost", "--yes"]).line();
    assert_eq!((&whole["chain"], &whole["by"]), (&certificate["chain"], &certificate["by"]));
    let other = erased.stdout.replace("\"principal\":\"bob@", "\"principal\":\"alice@");
    fs::write(&file, other).unwrap();
    assert_eq!(erase(&site, &["--check", file.to_str().unwrap()]).error(1), "wrong-certificate");
}

#[test]
fn an_administrator_erases_somebody_and_gets_the_certificate_as_often_as_it_asks() {
    let mut site = Site::administered();
    site.run("bob", &["send", "im:admin@localhost", WRITTEN[4]]).line();
    site.run("admin", &["inbox"]).line();
    let ask = |site: &Site| site.run("admin", &["erase", "bob@localhost", "--yes"]);
    let printed = ask(&site);
    let certificate = printed.line();
    assert_eq!(certificate["by"], "admin@localhost");
    assert_eq!(certificate["texts"]["readable"], 0, "{certificate}");
    assert_eq!(certificate["ended"]["devices"], 1);
    site.run("admin", &["publish", "open"]).line();
    let again = ask(&site).line();
    for same in ["position", "head", "chain", "texts", "ended", "erased_at"] {
        assert_eq!(again[same], certificate[same], "{same}");
    }
    let acts = site.run("admin", &["domain", "acts", "bob@localhost"]).line();
    assert_eq!((&acts["act"], &acts["by"]), (&"erased".into(), &"admin@localhost".into()));
    assert_eq!(site.run("bob", &["publish", "open"]).error(4), "erased");
    site.kill();
    let file = site.file("certificate.json");
    fs::write(&file, printed.stdout).unwrap();
    let checked = erase(&site, &["--check", file.to_str().unwrap()]).line();
    assert_eq!(checked["unreadable"], certificate["texts"]["unreadable"]);
    check_log(&site.data());
}

#[test]
fn recipients_keep_what_was_sent_while_the_domain_let_them_and_the_certificate_says_so() {
    let mut site = Site::administered();
    let sent = |site: &Site, text: &str| {
        site.run("bob", &["send", "im:admin@localhost", text]).line();
    };
    sent(&site, "taken back");
    let choose = ["domain", "erasure", "localhost", "--recipients-keep", "on"];
    assert_eq!(site.run("bob", &choose).error(1), "forbidden");
    site.run("admin", &choose).line();
    assert_eq!(site.run("admin", &["domain", "list"]).line()["recipients_keep"], true);
    site.kill_and_restart(&[]);
    sent(&site, "kept and read");
    site.run("admin", &["inbox"]);
    sent(&site, "kept and waiting");
    site.run("bob", &["publish", "open", "--note", "taken back"]).line();
    let certificate = site.run("admin", &["erase", "bob@localhost", "--yes"]);
    let told = certificate.line();
    assert_eq!((&told["texts"]["kept"], &told["texts"]["readable"]), (&2.into(), &0.into()));
    assert_eq!(told["ended"]["sent"], 0);
    assert!(told["kept"][0].as_str().unwrap().contains("as its domain chose"), "{told}");
    assert!(!told["unreadable"].to_string().contains("at their recipients too"), "{told}");
    let inbox = site.run("admin", &["inbox", "--from-start"]).stdout;
    assert!(inbox.contains("kept and read") && inbox.contains("kept and waiting"), "{inbox}");
    site.kill_and_restart(&[]);
    let inbox = site.run("admin", &["inbox", "--from-start"]).stdout;
    assert!(inbox.contains("kept and read") && !inbox.contains("taken back"), "{inbox}");
    assert_eq!(site.stop(), Some(0));
    check_log(&site.data());
    assert!(!bodies(&site).contains("taken back"));
    let file = site.file("certificate.json");
    fs::write(&file, certificate.stdout).unwrap();
    erase(&site, &["--check", file.to_str().unwrap()]).line();
}

#[test]
fn a_certificate_is_checked_against_the_store_that_it_was_printed_for() {
    let site = site();
    let printed = erase(&site, &["bob@localhost", "--yes"]).stdout;
    assert_eq!(erase(&site, &["bob@localhost", "--yes"]).stdout.len() / 100, printed.len() / 100);
    let file = site.file("certificate.json");
    let check = |text: &str| {
        fs::write(&file, text).unwrap();
        erase(&site, &["--check", file.to_str().unwrap()])
    };
    let checked = check(&printed).line();
    assert_eq!(
        (&checked["type"], &checked["principal"]),
        (&"erasure-checked".into(), &STAYS.into())
    );
    assert!(checked["unreadable"].as_u64().unwrap() >= 13, "{checked}");
    for (from, to) in [("bob@localhost", "alice@localhost"), ("\"position\":", "\"position\":1")] {
        let changed = check(&printed.replace(from, to));
        assert_eq!(changed.error(1), "wrong-certificate", "{to}");
    }
    assert_eq!(check("{}").error(1), "wrong-certificate");
    fs::write(&file, &printed).unwrap();
    let mut elsewhere = Site::open();
    elsewhere.stop();
    let other = erase(&elsewhere, &["--check", file.to_str().unwrap()]);
    assert_eq!(other.error(1), "wrong-certificate", "another key signs there");
    let hash = "ab".repeat(32);
    let pinned = erase(&site, &["--check", file.to_str().unwrap(), "--server-key", &hash]);
    assert!(pinned.stderr.contains("another key"), "{}", pinned.stderr);
}

#[test]
fn nobody_is_erased_by_mistake() {
    let mut site = Site::with_alice_and_bob();
    assert_eq!(erase(&site, &["bob@localhost", "--yes"]).error(1), "store-locked");
    site.stop();
    assert_eq!(erase(&site, &["bob@localhost"]).exit, 2, "it is asked twice");
    assert_eq!(erase(&site, &["carol@localhost", "--yes"]).error(1), "unknown-principal");
    site.start_again(&[]);
    site.run("bob", &["publish", "open"]).line();
}

/// A backup of the store in `data`.
fn back_up(site: &Site, name: &str, more: &[&str]) -> PathBuf {
    let dir = site.file(name);
    let made = run(&[&["backup", dir.to_str().unwrap(), "--data", &site.data()], more].concat());
    assert_eq!(made.exit, 0, "{}", made.stderr);
    dir
}

/// What can be read in a store that is made of the backup in `dir`, with the keys of `site` if it brings none.
fn restored(site: &Site, dir: &Path, name: &str, more: &[&str]) -> String {
    let data = site.file(name);
    let of = |path: &Path| path.to_str().unwrap().to_owned();
    let made = run(&[&["restore", &of(dir), "--data", &of(&data)], more].concat());
    assert_eq!(made.exit, 0, "{}", made.stderr);
    if more.is_empty() {
        let keys = data.join("keys");
        fs::create_dir_all(&keys).unwrap();
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o700)).unwrap();
        let (from, file) = (Path::new(&site.data()).join("keys"), "principals.keys");
        fs::copy(from.join(file), keys.join(file)).unwrap();
    }
    let cat = run(&["log", "cat", "--json", "--bodies", "--data", &of(&data)]);
    assert_eq!(cat.exit, 0, "{}", cat.stderr);
    cat.stdout
}

#[test]
fn a_backup_without_keys_says_nothing_once_the_key_is_gone_and_one_with_keys_does() {
    let site = site();
    let secret = site.file("secret");
    fs::write(&secret, "a passphrase of some length").unwrap();
    let secret = secret.to_str().unwrap();
    let plain = back_up(&site, "plain", &[]);
    let keyed = back_up(&site, "keyed", &["--with-keys", "--passphrase-file", secret]);
    let says = |told: &str| WRITTEN.iter().any(|text| told.contains(text));
    assert!(says(&restored(&site, &plain, "before", &[])));
    let certificate = erase(&site, &["bob@localhost", "--yes"]).line();
    for dir in [&plain, &keyed] {
        assert_eq!(Found::in_files(dir).written, vec![]);
    }
    assert!(!says(&restored(&site, &plain, "after", &[])));
    assert_eq!(Found::in_files(&site.file("after")), Found { written: vec![], stays: true });
    assert!(says(&restored(&site, &keyed, "with-keys", &["--passphrase-file", secret])));
    let not_covered = certificate["not_covered"][0].as_str().unwrap();
    assert!(not_covered.contains("a backup that was made with the keys"), "{certificate}");
}

#[test]
fn a_person_gets_all_that_is_kept_about_it_as_files() {
    let mut site = site();
    site.start_again(&["--open-enrollment"]);
    site.enroll("carol");
    site.run("carol", &["send", "im:alice@localhost", "not about him: bob@localhost"]).line();
    site.stop();
    let to = site.file("export");
    let export = |to: &Path| {
        run(&[
            "export",
            "bob@localhost",
            "--json",
            "--data",
            &site.data(),
            "--to",
            to.to_str().unwrap(),
        ])
    };
    let told = export(&to).line();
    let counts = ["documents", "received", "sent"].map(|name| told[name].as_u64().unwrap());
    assert_eq!(counts, [3, 3, 3], "{told}");
    let mut all = String::new();
    let mut files = 0;
    for folder in ["presence", "messages/got", "messages/sent", "."] {
        for path in fs::read_dir(to.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_file() {
                all.push_str(&fs::read_to_string(&path).unwrap());
                files += 1;
            }
        }
    }
    assert!(files >= 9 + 5, "{files} files");
    assert!(WRITTEN.iter().all(|text| all.contains(text)), "{all}");
    assert!(!all.contains("not about him"), "what others say of him among themselves is theirs");
    assert_eq!(export(&to).error(1), "not-empty");
}

#[test]
fn a_store_that_was_written_anew_serves() {
    let mut site = site();
    let new = site.file("new");
    let rewrite = |to: &Path| {
        run(&["log", "rewrite", "--json", "--data", &site.data(), "--to", to.to_str().unwrap()])
    };
    let told = rewrite(&new).line();
    assert_eq!(rewrite(&new).error(1), "not-empty");
    assert_eq!(Found::in_files(&new), Found { written: vec![], stays: true });
    let cat = |data: &str| run(&["log", "cat", "--bodies", "--data", data]).stdout;
    assert_eq!(cat(&site.data()), cat(new.to_str().unwrap()));
    assert_eq!(told["events"], cat(&site.data()).lines().count());
    fs::rename(site.data(), site.file("old")).unwrap();
    fs::rename(&new, site.data()).unwrap();
    site.start_again(&["--open-enrollment"]);
    assert!(site.run("alice", &["fetch", "pres:bob@localhost"]).stdout.contains(WRITTEN[0]));
}
