//! A device's files that others of the machine own, can read, or can put others in the place of; and what the doctor says.
//!
//! Must never hold: the server's files (see `folder`).

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::processes::{Ended, Site};

/// Somebody else: `nobody` on most systems.
const STRANGER: u32 = 65_534;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A site with alice, who has a publication and an inbox that was read; and what is kept of her.
fn site() -> (Site, Vec<PathBuf>) {
    let site = Site::open();
    site.enroll("alice");
    site.run("alice", &["publish", "open"]).line();
    assert_eq!(site.run("alice", &["inbox"]).exit, 0);
    let (home, own) = (site.home("alice"), site.home("alice").join("alice@localhost"));
    let below = ["device.key", "identity.toml", "cursors", "tags"].map(|name| own.join(name));
    let kept = [home.clone(), own].into_iter().chain(below).collect();
    (site, kept)
}

fn fetch(site: &Site) -> Ended {
    site.run("alice", &["fetch", "pres:alice@localhost"])
}

#[test]
fn what_of_a_device_is_open_to_others_is_closed_and_said_once() {
    let (site, kept) = site();
    for path in &kept {
        let closed = mode(path);
        let opened = closed | 0o044;
        set_mode(path, opened);
        let told = fetch(&site);
        told.line();
        let note: Value = serde_json::from_str(told.stderr.trim()).unwrap();
        assert_eq!((&note["type"], &note["code"]), (&"note".into(), &"files-closed".into()));
        let text =
            format!("{} is open to others of this machine (mode {opened:o})", path.display());
        assert!(note["message"].as_str().unwrap().starts_with(&text), "{note}");
        assert_eq!(mode(path), closed, "{}", path.display());
        assert_eq!(fetch(&site).stderr, "");
    }
}

#[test]
fn a_device_acts_with_no_key_that_somebody_else_can_change() {
    let (site, kept) = site();
    let aside = site.file("aside");
    for path in &kept {
        let text = path.display().to_string();
        if fs::metadata(path).unwrap().uid() == 0 {
            chown(path, Some(STRANGER), None).unwrap();
            let told = fetch(&site);
            assert_eq!(told.error(1), "unsafe-files");
            assert!(
                told.stderr.contains(&format!("{text} belongs to user {STRANGER}")),
                "{}",
                told.stderr
            );
            chown(path, Some(0), None).unwrap();
        }
        if path != &kept[0] {
            fs::rename(path, &aside).unwrap();
            symlink(&aside, path).unwrap();
            let told = fetch(&site);
            assert_eq!(told.error(1), "unsafe-files");
            assert!(
                told.stderr.contains(&format!("{text} is a symbolic link to")),
                "{}",
                told.stderr
            );
            fs::remove_file(path).unwrap();
            fs::rename(&aside, path).unwrap();
        }
    }
    let above = site.file("above");
    fs::create_dir(&above).unwrap();
    fs::rename(&kept[0], above.join("alice")).unwrap();
    set_mode(&above, 0o777);
    let mut command =
        site.command("alice", &["enroll", "alicia@localhost", "--server", &site.address]);
    let told = Ended::of(command.env("ADSUM_HOME", above.join("alice")).output().unwrap());
    assert_eq!(told.error(1), "unsafe-files");
    assert!(told.stderr.contains("can be replaced by anybody"), "{}", told.stderr);
}

/// The checks of files that the doctor made: how they came out, what they say, and the cure.
fn files(site: &Site, arguments: &[&str]) -> Vec<(String, String, String)> {
    let told = site.run("alice", arguments);
    let lines = told.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let files = lines.filter(|line| line["name"] == "files");
    files.map(|line| (text(&line, "result"), text(&line, "detail"), text(&line, "cure"))).collect()
}

#[test]
fn the_doctor_says_who_can_get_at_what_and_changes_nothing() {
    let (site, kept) = site();
    let (data, key) = (site.data(), &kept[2]);
    let doctor = ["doctor", "--data", &data];
    let secret = Path::new(&data).join("keys/store.secret");
    let good = files(&site, &doctor);
    assert!(good.len() == 2 && good.iter().all(|(result, ..)| result == "ok"), "{good:?}");
    for path in [key, &secret, &Path::new(&data).join("log/db")] {
        let closed = mode(path);
        set_mode(path, 0o644);
        for _ in 0..2 {
            let told = files(&site, &doctor);
            let text = format!("{} is open to others of this machine (mode 644)", path.display());
            let cure = format!("run `chmod 600 {}`", path.display());
            assert!(told.contains(&("warn".into(), text, cure)), "{told:?}");
            assert_eq!(mode(path), 0o644);
        }
        set_mode(path, closed);
    }
    for path in [key, &secret] {
        let aside = site.file("aside");
        fs::rename(path, &aside).unwrap();
        symlink(&aside, path).unwrap();
        let told = files(&site, &doctor);
        assert!(
            told.iter()
                .any(|(result, detail, _)| result == "fail" && detail.contains("symbolic link")),
            "{told:?}"
        );
        fs::remove_file(path).unwrap();
        fs::rename(&aside, path).unwrap();
    }
}
