//! What the program tells: commands that are wrong, and commands that a server refuses.
//!
//! Must never hold: a text that needs no process.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Told;
use crate::processes::{Ended, Site, program};

/// One command and what its text must name.
type Row<'a> = (&'a str, &'a [&'a str], &'a str);

/// Tells of each.
pub(crate) fn tell(told: &mut Told) {
    let site = Site::with_alice_and_bob();
    usage(told, &site);
    messages(told, &site);
    others(told, &site);
    right_taken_back(told, &site);
    surroundings(told, &site);
    backups(told, &site);
    administrators(told);
    other_name(told);
}

fn run(told: &mut Told, site: &Site, rows: &[Row<'_>]) {
    for (who, arguments, thing) in rows {
        let ended = site.plain(who, arguments);
        let lines: Vec<&str> = ended.stderr.lines().filter(|line| line.contains(": ")).collect();
        match lines.first().filter(|_| ended.exit != 0) {
            Some(line) => told.that(thing, line),
            None => told.wrong.push(format!("{arguments:?} was done: {}", ended.stdout)),
        }
    }
}

fn ends(told: &mut Told, thing: &str, command: &mut Command) {
    let ended = Ended::of(command.output().unwrap());
    told.that(thing, &ended.stderr.trim_end());
}

fn usage(told: &mut Told, site: &Site) {
    let bob = "im:bob@localhost";
    run(
        told,
        site,
        &[
            ("alice", &["watch", "--anonymous", "--server", &site.address], "nobody"),
            ("alice", &["send", bob, "x", "--anonymous", "--as", "alice@localhost"], "--anonymous"),
            ("alice", &["send", bob, "x", "--ttl", "60"], "60"),
            ("alice", &["send", bob, "x", "--ttl", "a while"], "a while"),
            ("alice", &["send", bob, "x", "--ttl", "1 month"], "1 month"),
            ("alice", &["send", bob, "x", "--ttl=-1h"], "-1h"),
            ("alice", &["send", bob, "x", "--ttl", "1us"], "1us"),
            ("alice", &["history", "--since", "1960-01-01T00:00:00Z"], "1960"),
            ("alice", &["history", "--since=-1h"], "-1h"),
            ("alice", &["history", "--since", "yesterday"], "yesterday"),
            (
                "alice",
                &["publish", "open", "--note", "a", "--note", "b", "--note-lang", "en"],
                "--note",
            ),
            ("alice", &["keys", "revoke", "xyz"], "xyz"),
            ("alice", &["invites", "withdraw", "xyz"], "xyz"),
            ("alice", &["recovery", "refuse", "xyz"], "xyz"),
            ("alice", &["rules", "allow", "everyone", "--view", "odd"], "odd"),
            ("alice", &["rules", "allow", "everyone", "--view", "tuples=a,tuples=b"], "tuples="),
            ("alice", &["inbox", "--keep-alive", "1h"], "1h"),
        ],
    );
    let mut soon = site.plain_command("alice", &["inbox"]);
    ends(told, "soon", soon.env("ADSUM_ANSWER_WITHIN", "soon"));
}

fn messages(told: &mut Told, site: &Site) {
    let cpim = |name: &str, headers: &str| {
        let path = site.file(name);
        let content = "\r\nContent-Type: text/plain\r\n\r\nhi";
        fs::write(&path, format!("{headers}\r\n{content}")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let from = "From: <im:alice@localhost>";
    let to = "To: <im:bob@localhost>";
    for (name, headers, thing) in [
        ("a", &format!("From: <im:carol@localhost>\r\n{to}")[..], "carol"),
        ("b", &format!("{from}\r\n{to}\r\nTo: <im:carol@localhost>"), "carol"),
        ("c", &format!("{from}\r\nTo: <im:anonymous@anonymous.invalid>"), "To header"),
        ("d", &format!("{from}\r\nTo: <sip:localhost>"), "sip:localhost"),
        ("e", &format!("{from}\r\nTo: <tel:+49123>"), "tel:"),
        ("f", &format!("{from}\r\nTo: <im:bob>"), "To header"),
        (
            "g",
            &format!("{from}\r\n{to}\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: a b"),
            "Message-ID",
        ),
        ("h", &format!("{from}\r\n{to}\r\nSubject:x"), "header"),
    ] {
        let path = cpim(name, headers);
        run(told, site, &[("alice", &["send", "--cpim", &path], thing)]);
    }
    let path = cpim("copies", &format!("{from}\r\n{to}\r\ncc: <im:carol@localhost>"));
    told.that("carol", &site.plain("alice", &["send", "--cpim", &path]).stderr);
    let path = cpim("i", &format!("{from}\r\n{to}"));
    run(
        told,
        site,
        &[(
            "alice",
            &["send", "--cpim", &path, "--anonymous", "--server", &site.address],
            "message/cpim",
        )],
    );
    let large = site.file("large");
    fs::write(&large, "x".repeat(70_000)).unwrap();
    let large = large.to_str().unwrap();
    run(told, site, &[("alice", &["send", "im:bob@localhost", "--file", large], large)]);
    for (entity, strict) in
        [("pres:carol@localhost", true), ("tel:+49123", true), ("sip:carol@localhost", false)]
    {
        let path = site.file("entity.xml");
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\">\
             <tuple id=\"a\"><status><basic>open</basic></status></tuple></presence>"
        );
        fs::write(&path, text).unwrap();
        let arguments = ["publish", "--pidf", path.to_str().unwrap(), "--entity-as-is"];
        run(told, site, &[("alice", &arguments[..3 + usize::from(strict)], entity)]);
    }
}

fn others(told: &mut Told, site: &Site) {
    let bobs = "im:bob@localhost";
    run(
        told,
        site,
        &[
            ("alice", &["publish", "--remove", "--name", "never"], "never"),
            ("bob", &["inbox", "--of", "im:alice@localhost"], "im:alice@localhost"),
            ("bob", &["rules", "list", "--of", "alice@localhost"], "alice@localhost"),
            ("bob", &["history", "pres:alice@localhost"], "alice@localhost"),
            ("bob", &["grant", "list", "--of", "alice@localhost"], "alice@localhost"),
            ("bob", &["grant", "give", "bob@localhost", "read"], "grantee"),
            ("bob", &["keys", "list", "alice@localhost"], "alice@localhost"),
            ("bob", &["domain", "list"], "domains"),
            ("bob", &["domain", "create", "x.example"], "domains"),
            ("bob", &["domain", "suspend", "alice@localhost"], "localhost"),
            ("bob", &["invite", "carol@localhost"], "invite"),
            (
                "bob",
                &["explain", "pres:alice@localhost", "--watcher", "carol@localhost"],
                "alice@localhost",
            ),
            (
                "bob",
                &["watchers", "end", "carol@localhost", "--of", "pres:alice@localhost"],
                "subscriptions",
            ),
            ("bob", &["publish", "open", "--for", "pres:alice@localhost"], "alice@localhost"),
            ("bob", &["keys", "revoke", "0000000000000000"], "0000000000000000"),
            ("bob", &["publications", "remove", "0000000000000000"], "0000000000000000"),
            ("bob", &["requests", "approve", "carol@localhost"], "carol@localhost"),
            ("bob", &["send", bobs, ""], "body"),
            ("carol", &["inbox"], "here"),
            ("bob", &["inbox", "--as", "carol@localhost"], "carol@localhost"),
        ],
    );
}

/// What a reader is told whose right is taken back while it reads.
fn right_taken_back(told: &mut Told, site: &Site) {
    site.run("alice", &["send", "im:alice@localhost", "note"]).line();
    assert_eq!(site.run("alice", &["grant", "give", "bob@localhost", "read"]).exit, 0);
    let mut command = site.command("bob", &["inbox", "--of", "im:alice@localhost", "--follow"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut reading = command.spawn().unwrap();
    // Kept to the end: a command whose reader is gone ends without a word.
    let mut printed = BufReader::new(reading.stdout.take().unwrap());
    printed.read_line(&mut String::new()).unwrap();
    assert_eq!(site.run("alice", &["grant", "take", "bob@localhost"]).exit, 0);
    let ended = reading.wait_with_output().unwrap();
    told.that("im:alice@localhost", &String::from_utf8(ended.stderr).unwrap());
}

/// What those are told who ask over HTTP by another name.
fn other_name(told: &mut Told) {
    let site = Site::start(&["--http", "127.0.0.1:0"]);
    let mut asking = TcpStream::connect(site.serving["http"].as_str().unwrap()).unwrap();
    asking.write_all(b"GET /live HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n").unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    told.that("this name", &answer.split("\r\n\r\n").nth(1).unwrap());
}

/// A file that should hold the token of the metrics, and does not.
fn token(told: &mut Told, data: &str, file: &Path) {
    fs::write(file, "two words").unwrap();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", data]);
    ends(told, file.to_str().unwrap(), command.env("ADSUM_HTTP_TOKEN", file));
}

/// What administrators are told, and an operator whose key file is gone.
fn administrators(told: &mut Told) {
    let mut site = Site::start(&[]);
    let invite = site.serving["invite"].as_str().unwrap().to_owned();
    let admin = ["enroll", "admin@localhost", "--server", &site.address, "--invite", &invite];
    let zeros = "0".repeat(64);
    let other_key = [&admin[..], &["--server-key", &zeros]].concat();
    run(told, &site, &[("admin", &other_key, "server key")]);
    site.run("admin", &admin).line();
    run(
        told,
        &site,
        &[
            ("admin", &["domain", "create", "anonymous.invalid"], "domain"),
            ("admin", &["domain", "suspend", "admin@localhost"], "principal"),
            ("admin", &["quota", "set", "@localhost", "subscriptions", "1001"], "quota"),
            ("admin", &["quota", "reset", "@localhost", "everything"], "quota"),
            ("admin", &["invite", "admin@localhost", "--recover"], "recovery"),
            (
                "admin",
                &["send", "im:admin@localhost", "x", "--type", "text/vnd.adsum.recovery"],
                "content type",
            ),
            (
                "admin",
                &["rules", "allow", "everyone", "--of", "@localhost", "--until", "2h"],
                "validity",
            ),
            ("eve", &["enroll", "eve@localhost", "--server", &site.address], "invite"),
        ],
    );
    let invited = site.run("admin", &["invite", "bob@localhost"]).line();
    let token = invited["token"].as_str().unwrap();
    let enroll = ["enroll", "bob@localhost", "--server", &site.address, "--invite", token];
    site.run("bob", &enroll).line();
    site.run("admin", &["erase", "bob@localhost", "--yes"]).line();
    run(told, &site, &[("bob", &["inbox"], "bob@localhost")]);
    site.stop();
    run(told, &site, &[("admin", &["inbox"], &site.address)]);
    fs::remove_file(Path::new(&site.data()).join("keys/store.secret")).unwrap();
    checks(told, &mut site.command("admin", &["doctor", "--data", &site.data()]));
}

fn surroundings(told: &mut Told, site: &Site) {
    let serve = |arguments: &[&str]| {
        let mut command = program();
        command.arg("serve").args(arguments).args(["--no-http"]);
        command
    };
    let data = site.data();
    ends(told, &data, &mut serve(&["--data", &data]));
    let odd = site.file("odd");
    fs::create_dir(&odd).unwrap();
    fs::write(odd.join("FORMAT"), "odd").unwrap();
    fs::create_dir(odd.join("log")).unwrap();
    ends(told, odd.to_str().unwrap(), &mut serve(&["--data", odd.to_str().unwrap()]));
    let fresh = |name: &str| site.file(name).to_str().unwrap().to_owned();
    ends(told, "192.0.2.1:1", &mut serve(&["--data", &fresh("n1"), "--listen", "192.0.2.1:1"]));
    for (setting, value) in [
        ("ADSUM_RETENTION_ACTS", "1ms"),
        ("ADSUM_RETENTION_DOMAINS", "a.example"),
        ("ADSUM_RETENTION_DOMAINS", "a.example messages"),
        ("ADSUM_RETENTION_DOMAINS", "a.example letters=7d"),
    ] {
        ends(told, setting, serve(&[]).env(setting, value));
    }
    certificates(told, &fresh("n2"), &odd);
    keys(told, &fresh("n4"));
    token(told, &fresh("n5"), &odd.join("FORMAT"));
    doctor(told, site, &fresh("n3"));
    servers(told, site);
    files(told, site);
    let full = site
        .plain_command("alice", &["keys", "list"])
        .stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        .output();
    told.that("standard output", &Ended::of(full.unwrap()).stderr.trim_end());
    ends(told, "folder", program().arg("inbox").env_clear());
}

/// A backup of the running server, with keys that do not open, and a store of it without them.
fn backups(told: &mut Told, site: &Site) {
    let place = |name: &str| site.file(name).to_str().unwrap().to_owned();
    let (dir, data, secret, none) = (place("dir"), site.data(), place("secret"), place("none"));
    fs::write(&secret, "correct horse").unwrap();
    fs::write(&none, "").unwrap();
    fs::write(place("bytes"), [0xff]).unwrap();
    let sealed = ["backup", &dir, "--data", &data, "--with-keys", "--passphrase-file"];
    site.run("alice", &[&sealed[..], &[&secret]].concat()).line();
    let restore = ["restore", &dir, "--data", &place("new")];
    let with = |flag: &'static str, file: &str| {
        let more = [flag.to_owned(), file.to_owned()];
        restore.iter().map(|word| (*word).to_owned()).chain(more).collect::<Vec<_>>()
    };
    run(
        told,
        site,
        &[
            ("alice", &["backup", &dir], "backup"),
            ("alice", &["backup", &dir, "--data", &data], &dir),
            ("alice", &["backup", &dir, "--data", &data, "--with-keys"], "keys"),
            ("alice", &[&sealed[..], &[&none]].concat(), &none),
            ("alice", &restore, "keys"),
        ],
    );
    for (flag, file) in [("--passphrase-file", place("bytes")), ("--identity", secret.clone())] {
        let words = with(flag, &file);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run(told, site, &[("alice", &words, "")]);
    }
    fs::write(&secret, "battery staple").unwrap();
    let words = with("--passphrase-file", &secret);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    run(told, site, &[("alice", &words, "keys in the backup")]);
    let made = site.plain("alice", &[&restore[..], &["--without-keys"]].concat());
    told.that("new store", &made.stderr.trim_end());
}

fn doctor(told: &mut Told, site: &Site, none: &str) {
    checks(told, &mut site.command("nobody", &["doctor", "--data", none]));
    checks(told, &mut site.command("nobody", &["doctor"]));
    checks(told, site.command("alice", &["doctor", "--data", &site.data()]).env("PATH", ""));
    let little = site.file("little");
    fs::create_dir(&little).unwrap();
    let df = little.join("df");
    fs::write(&df, "#!/bin/sh\necho File system; echo disk 2048 1024 1024 50% /\n").unwrap();
    fs::set_permissions(&df, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    checks(told, site.command("alice", &["doctor", "--data", &site.data()]).env("PATH", little));
    for mode in [0o755, 0o700] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(site.home("alice"), mode).unwrap();
        checks(told, &mut site.command("alice", &["doctor"]));
    }
}

/// What `adsum doctor` finds wrong, each with its cure.
pub(crate) fn checks(told: &mut Told, doctor: &mut Command) {
    let ended = Ended::of(doctor.output().unwrap());
    for line in ended.stdout.lines() {
        let check: Value = serde_json::from_str(line).unwrap();
        if check["result"] != "ok" {
            let text = |field: &str| check[field].as_str().unwrap_or_default().to_owned();
            told.that("", &format!("{}; {}", text("detail"), text("cure")));
        }
    }
    told.texts.push(ended.stderr);
}

/// What is told of a server that cannot be reached.
fn servers(told: &mut Told, site: &Site) {
    for (server, thing) in [
        ("no-such-host.invalid:1", "no-such-host"),
        ("[fe80::1%nosuch]:1", "fe80::1%nosuch"),
        ("0.0.0.0:1", "0.0.0.0"),
        ("[fe80::1]:1", "fe80::1"),
        ("127.0.0.1:1", "127.0.0.1:1"),
    ] {
        run(told, site, &[("dave", &["enroll", "dave@localhost", "--server", server], thing)]);
    }
    let again = ["enroll", "alice@localhost", "--server", &site.address];
    run(told, site, &[("alice", &again, "alice@localhost")]);
}

/// A client's files that are damaged, one after the other.
fn files(told: &mut Told, site: &Site) {
    site.run("bob", &["publish", "open"]).line();
    site.run("alice", &["send", "im:bob@localhost", "note"]).line();
    assert_eq!(site.run("bob", &["inbox"]).exit, 0);
    for (folder, command) in
        [("tags", &["publish", "open"][..]), ("cursors", &["inbox"]), ("", &["inbox"])]
    {
        let inside = site.home("bob").join("bob@localhost").join(folder);
        for entry in fs::read_dir(&inside).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with("identity.toml") {
                fs::write(&path, "odd").unwrap();
            }
        }
        run(told, site, &[("bob", command, "bob@localhost")]);
    }
}

/// A server's key files: one that is too short, one that is none, and one that is gone.
fn keys(told: &mut Told, data: &str) {
    let folder = Path::new(data).join("keys");
    let serve = || {
        let mut command = program();
        command.args(["serve", "--no-http", "--listen", "127.0.0.1:0", "--data", data]);
        command
    };
    fs::create_dir_all(&folder).unwrap();
    for file in ["cursor.secret", "server-key.pem"] {
        fs::write(folder.join(file), "odd").unwrap();
        ends(told, file, &mut serve());
        fs::remove_file(folder.join(file)).unwrap();
    }
}

/// Certificates of an operator that are none, or do not fit.
fn certificates(told: &mut Told, data: &str, folder: &Path) {
    let own = |name: &str| fs::read_to_string(folder.join("../store/keys").join(name)).unwrap();
    let other = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
    let begin = |inside: &str| {
        format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n")
    };
    let (chain, key) = (own("server.pem"), own("server-key.pem"));
    for (chain, key) in [
        (chain.clone(), "odd"),
        (begin("?"), &key[..]),
        ("odd".to_owned(), &key),
        (begin("b2Rk"), &key),
        (chain, other),
    ] {
        let paths = [folder.join("chain.pem"), folder.join("key.pem")];
        fs::write(&paths[0], chain).unwrap();
        fs::write(&paths[1], key).unwrap();
        let mut command = program();
        command.args(["serve", "--no-http", "--listen", "127.0.0.1:0", "--data", data]);
        ends(told, ".pem", command.arg("--certificate").arg(&paths[0]).arg("--key").arg(&paths[1]));
    }
    let mut command = program();
    command.args(["serve", "--certificate", "credential:chain.pem", "--key", "credential:key.pem"]);
    ends(told, "chain.pem", command.env_remove("CREDENTIALS_DIRECTORY"));
}
