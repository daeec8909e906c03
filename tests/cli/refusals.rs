//! What people are told when something is not done: the thing, the cause, and a cure that works.
//!
//! Must never hold: a rule of the service.

use std::fs;
use std::path::Path;

use crate::processes::{Ended, Site, program};

/// Runs the program without a server, with `home` for its identities.
fn told(home: &Path, arguments: &[&str]) -> Ended {
    Ended::of(program().args(arguments).env("ADSUM_HOME", home).output().unwrap())
}

#[test]
fn where_nobody_is_enrolled_a_command_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["inbox"][..], &["publish", "open"], &["watch", "pres:a@localhost"]] {
        let mut command = program();
        let command = command.args(arguments).env_clear().env("HOME", folder.path());
        let ended = Ended::of(command.output().unwrap());
        let place = folder.path().join(".local/share/adsum");
        let expected = format!(
            "adsum: nobody is enrolled here ({}); run `adsum enroll NAME@DOMAIN`\n",
            place.display()
        );
        assert_eq!((ended.exit, ended.stderr), (4, expected), "{arguments:?}");
    }
    let ended = Ended::of(program().arg("inbox").env_clear().output().unwrap());
    let expected =
        "adsum: there is no folder for identities; name one with --home, or set ADSUM_HOME\n";
    assert_eq!((ended.exit, &*ended.stderr), (1, expected));
}

#[test]
fn what_the_file_system_refuses_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let name = file.to_str().unwrap();
    let inside = file.join("below");
    let inside = inside.to_str().unwrap();
    let gone = folder.path().join("gone");
    let gone = gone.to_str().unwrap();
    let here = folder.path().to_str().unwrap();
    for (arguments, thing, cure) in [
        (&["inbox"][..], name, "name a folder, a file is in the way"),
        (&["serve", "--data", name], name, "name a folder, a file is in the way"),
        (&["serve", "--data", inside], name, "name a folder, a file is in the way"),
        (&["serve", "--config", gone], gone, "check the path"),
        (&["serve", "--config", here], here, "name a file, this is a folder"),
        (&["log", "cat", "--data", gone], gone, "name the folder that `adsum serve --data` uses"),
        (
            &["log", "verify", "--data", name],
            name,
            "name the folder that `adsum serve --data` uses",
        ),
    ] {
        let ended = told(&file, arguments);
        assert!(ended.exit == 1 || ended.exit == 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(thing), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.trim_end().ends_with(cure), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn an_ns_header_is_told_what_it_lacks() {
    let site = Site::with_alice_and_bob();
    for (header, cure) in [
        (
            "NS: imdn<urn:ietf:params:imdn>",
            "put one space before <, as in NS: imdn <urn:ietf:params:imdn>",
        ),
        ("NS: imdn urn:ietf:params:imdn", "NS: imdn <urn:ietf:params:imdn>"),
        ("NS: imdn", "NS: imdn <urn:ietf:params:imdn>"),
        ("NS: a b <urn:x>", "NS: imdn <urn:ietf:params:imdn>"),
    ] {
        let path = site.file("message.cpim");
        let ends = "Content-Type: text/plain\r\n\r\nhi";
        let text = format!(
            "From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\n{header}\r\n\r\n{ends}"
        );
        fs::write(&path, text).unwrap();
        let ended = site.plain("alice", &["send", "--cpim", path.to_str().unwrap()]);
        assert_ne!(ended.exit, 0);
        assert!(ended.stderr.contains("NS") && ended.stderr.contains(cure), "{}", ended.stderr);
    }
}

#[test]
fn too_many_notes_are_counted_in_a_sentence() {
    let site = Site::with_alice_and_bob();
    let notes = "<note>n</note>".repeat(17);
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         entity=\"pres:alice@localhost\"><tuple id=\"a\"><status><basic>open</basic></status>{notes}</tuple></presence>"
    );
    let path = site.file("many.xml");
    fs::write(&path, text).unwrap();
    let ended = site.plain("alice", &["publish", "--pidf", path.to_str().unwrap()]);
    assert!(ended.stderr.contains("more than 16 notes in one place; "), "{}", ended.stderr);
}

#[test]
fn a_moment_back_is_read_as_people_write_it_or_told_how() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open"]).line();
    for since in ["1h", "1 hour ago", "2 days ago", "1h30m ago", "90s"] {
        let ended = site.run("alice", &["history", "--since", since]);
        assert_eq!(ended.exit, 0, "{since}: {}", ended.stderr);
    }
    for (since, cure) in [
        ("-1h", "write 1h, a span goes back from now"),
        ("ago", "such as 90s, 30m, 1h or 2d"),
        ("yesterday", "or write a moment, such as 2026-11-22T17:00:00Z"),
        ("60", "write 60s, 60m, 60h or 60d"),
    ] {
        let ended = site.plain("alice", &["history", &format!("--since={since}")]);
        assert_eq!(ended.exit, 2);
        assert!(ended.stderr.contains(cure), "{since}: {}", ended.stderr);
    }
}

#[test]
fn who_says_displayed_while_receipts_are_off_is_told_once() {
    let site = Site::with_alice_and_bob();
    let send = |id: &str| {
        let wanted = "stored,delivered,displayed";
        let send = ["send", "im:bob@localhost", "hi", "--receipt", wanted, "--id", id];
        site.run("alice", &send).line();
    };
    send("one");
    send("two");
    let read = site.plain("bob", &["inbox", "--displayed"]);
    assert_eq!(read.exit, 0);
    let word = "receipts are off in this inbox";
    assert_eq!(read.stderr.matches(word).count(), 1, "{}", read.stderr);
    assert!(read.stderr.contains("`adsum delivery receipts on`"), "{}", read.stderr);
    site.run("bob", &["delivery", "receipts", "on"]).line();
    send("three");
    let read = site.plain("bob", &["inbox", "--displayed"]);
    assert!(read.exit == 0 && !read.stderr.contains(word), "{}", read.stderr);
}

#[test]
fn what_is_taken_away_twice_is_told_the_second_time_as_it_is() {
    let site = Site::start(&["--open-enrollment"]);
    let first = site.serving["invite"].as_str().unwrap().to_owned();
    site.run("root", &["enroll", "root@localhost", "--server", &site.address, "--invite", &first])
        .line();
    site.enroll("bob");
    let made = |command: &[&str]| site.run("root", command).lines();
    made(&["publish", "open"]);
    let own = made(&["keys", "list"])[0]["device"].as_str().unwrap().to_owned();
    made(&["invite", "carol@localhost"]);
    let invite = made(&["invites"])[0]["invite"].as_str().unwrap().to_owned();
    made(&["rules", "allow", "bob@localhost", "--name", "r"]);
    made(&["grant", "give", "bob@localhost", "read"]);
    site.run("bob", &["watch", "pres:root@localhost", "--until-caught-up"]).lines();
    let remove = ["publications", "remove", &own];
    let short = ["invites", "withdraw", &invite[..16]];
    let repeat = [&short[..], &["--operation", "00112233445566778899aabbccddeeff"]].concat();
    let end = ["watchers", "end", "bob@localhost"];
    let take = ["grant", "take", "bob@localhost"];
    for (command, words) in [
        (&remove[..], "is removed"),
        (&remove, "has no such publication there; list them with `adsum publications`"),
        (&["publish", "--remove", "--name", "never"], "see what stands with `adsum publications`"),
        (&short, "is withdrawn"),
        (&short, "there is no open invite"),
        (&["invites", "withdraw", &invite], "there is no open invite"),
        (&repeat, "is open: it was withdrawn, was used, ran out, or never was"),
        (&["rules", "remove", "r"], "are changed (version 2)"),
        (&["rules", "remove", "r"], "there is no rule \"r\"; list them"),
        (&take, "nothing is granted to bob@localhost"),
        (&take, "nothing is granted to bob@localhost"),
        (&end, "bob@localhost watches pres:root@localhost no more"),
        (&end, "no subscription of bob@localhost to pres:root@localhost; check both names"),
        (&["unwatch", "pres:bob@localhost"], "of root@localhost to pres:bob@localhost; check both"),
    ] {
        let Ended { stdout, stderr, .. } = site.plain("root", command);
        assert!(format!("{stdout}{stderr}").contains(words), "{command:?}: {stdout}{stderr}");
    }
}
