//! Stores that releases made, opened by this program: what was acknowledged there is still there, and devices go on.
//!
//! `tests/golden/stores/make` says what is in them. What ends by itself after some time is not looked at: nobody knows when
//! this runs. Must never hold: a store that this program made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::processes::{Site, run};

/// The store of each release, with the homes of alice, bob and root.
fn archives() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stores");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|end| end == "gz")).collect()
}

fn unpacked(archive: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = Command::new("tar");
    tar.args(["--no-same-owner", "-xzpf"]).arg(archive).arg("-C").arg(folder.path());
    assert!(tar.status().unwrap().success());
    folder
}

/// Tells the devices where the server is now, as an operator who moved it does.
fn moved(site: &Site) {
    for who in ["alice", "bob", "root"] {
        let file = site.home(who).join(format!("{who}@localhost/identity.toml"));
        let text = fs::read_to_string(&file).unwrap();
        let server = |line: &str| match line.strip_prefix("server = ") {
            Some(_) => format!("server = \"{}\"\n", site.address),
            None => format!("{line}\n"),
        };
        fs::write(file, text.lines().map(server).collect::<String>()).unwrap();
    }
}

/// What `names` are called in the lines of a command.
fn told<'a>(lines: &'a [Value], names: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line[names].as_str()).collect()
}

#[test]
fn a_store_of_a_release_is_whole_and_serves_its_devices() {
    let archives = archives();
    assert!(!archives.is_empty());
    for archive in archives {
        assert!(fs::metadata(&archive).unwrap().len() < 200 * 1024, "{}", archive.display());
        let folder = unpacked(&archive);
        let data = folder.path().join("store").display().to_string();
        let log = |flags: &[&str]| run(&[&["log"], flags, &["--data", &data]].concat());
        let noted = log(&["head"]).stdout;
        assert_eq!(log(&["verify", "--expect", noted.trim()]).exit, 0);

        let mut site = Site::on(folder, &[]);
        moved(&site);
        still_there(&site);
        goes_on(&site);
        assert_eq!(site.stop(), Some(0));
        let verified = log(&["verify", "--expect", noted.trim()]);
        assert_eq!(verified.exit, 0, "{}", verified.stderr);
    }
}

fn still_there(site: &Site) {
    let inbox = site.run("bob", &["inbox", "--keep"]).lines();
    let ids = told(&inbox, "id");
    let waiting = ids.iter().copied().filter(|id| ["m1", "m2", "m3", "m6"].contains(id));
    // The first was acknowledged, and is not told again; what has no end waits for as long as it takes.
    assert_eq!(waiting.collect::<Vec<_>>(), ["m2", "m3", "m6"]);
    let long = inbox.iter().find(|line| line["id"] == "m3").unwrap();
    assert_eq!(long["body_base64"].as_str().or(long["body"].as_str()).map(str::len), Some(26_668));
    assert_eq!(site.run("bob", &["inbox", "--quarantine"]).lines(), [] as [Value; 0]);

    let rules = site.run("alice", &["rules", "list"]).lines();
    let names = told(&rules, "name");
    for kept in ["bob@localhost", "everyone"] {
        assert!(names.contains(&kept), "{rules:?}");
    }
    assert!(!names.contains(&"carol@localhost") || told(&rules, "fetch").contains(&"allow"));
    let grants = site.run("bob", &["grant", "list"]).lines();
    assert_eq!(told(&grants, "grantee"), ["carol@localhost"]);
    let keys = site.run("alice", &["keys", "list"]).lines();
    let mut labels = told(&keys, "label");
    labels.sort_unstable();
    assert_eq!(labels, ["alice's phone", "tablet"]);
    let domains = site.run("root", &["domain", "list"]).lines();
    assert_eq!(told(&domains, "domain"), ["localhost"]);
    let acts = site.run("root", &["domain", "acts", "carol@localhost"]).lines();
    assert!(told(&acts, "act").contains(&"suspended"), "{acts:?}");
}

/// The devices go on: what they acknowledge, send and publish is taken.
fn goes_on(site: &Site) {
    site.run("alice", &["publish", "open", "--note", "still here", "--tuple", "desk"]).line();
    let seen = site.run("bob", &["fetch", "pres:alice@localhost"]).line();
    assert!(seen.to_string().contains("open"), "{seen}");
    site.run("alice", &["send", "im:bob@localhost", "seventh", "--id", "m7"]).line();
    let ids = site.run("bob", &["inbox"]).lines();
    assert_eq!(told(&ids, "id").last(), Some(&"m7"));
    assert_eq!(site.run("bob", &["inbox"]).lines(), [] as [Value; 0]);
    // A repeat of what was sent before the release is known.
    let again = site.run("alice", &["send", "im:bob@localhost", "second, waits", "--id", "m2"]);
    assert!(again.exit == 0 || again.error(1) == "duplicate-id", "{}", again.stderr);
}
