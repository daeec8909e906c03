//! What people see of what others wrote, in a pipe; commands whose reader has gone; which messages are chosen.
//!
//! Must never hold: how a single character is shown (the printing has tests of its own).

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::processes::Site;

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn what_was_written_comes_as_lines_and_as_it_is() {
    let site = Site::with_alice_and_bob();
    for (written, shown) in [
        ("first line\r\nsecond line\r\n", "  first line\n  second line\n"),
        ("first line\nsecond line", "  first line\n  second line\n"),
        (
            "\u{200f}שלום\u{200f} (\u{200e}adsum\u{200e}) \u{61c}",
            "  \u{200f}שלום\u{200f} (\u{200e}adsum\u{200e}) \u{61c}\n",
        ),
        ("🏴\u{e0067}\u{e0062}\u{e007f} \u{202e}x", "  🏴\u{e0067}\u{e0062}\u{e007f} \u{202e}x\n"),
        ("a\u{1b}[2J\rb", "  a␛[2J␍b\n"),
    ] {
        let send = ["send", "im:bob@localhost", "--file", "-"];
        site.run_with("alice", &send, written.as_bytes()).line();
        let inbox = site.plain("bob", &["inbox"]);
        let (_, body) = inbox.stdout.split_once('\n').unwrap();
        assert_eq!(body, shown, "{written:?}");
    }
}

#[test]
fn a_file_called_minus_is_standard_input_wherever_a_file_is_read() {
    let site = Site::with_alice_and_bob();
    let cpim = "From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\n\r\nContent-Type: text/plain\r\n\r\nhello";
    let pidf = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:alice@localhost\"/>";
    for (command, input) in [
        (&["send", "im:bob@localhost", "--file", "-"][..], "x"),
        (&["send", "im:bob@localhost", "-"], "x"),
        (&["send", "--cpim", "-"], cpim),
        (&["publish", "--pidf", "-"], pidf),
    ] {
        site.run_with("alice", command, input.as_bytes()).line();
    }
    let config = b"[limits]\nconnections_max = 7\n";
    let settings = site.run_with("alice", &["serve", "--print-config", "--config", "-"], config);
    assert!(settings.stdout.contains("connections_max = 7"), "{}", settings.stderr);
}

#[test]
fn a_command_that_stays_ends_when_its_reader_has_gone_also_while_nothing_comes() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["send", "im:bob@localhost", "one"]).line();
    site.run("alice", &["watch", "pres:bob@localhost", "--until-caught-up"]).line();
    for command in
        [&["watch", "pres:alice@localhost"][..], &["inbox", "--follow"], &["watchers", "--follow"]]
    {
        let mut staying = site.plain_command("bob", command);
        let mut child = staying.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        assert!(!first.is_empty());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "{command:?} goes on without a reader");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(status.code(), Some(0), "{command:?}");
    }
}

#[test]
fn messages_are_chosen_by_time_sender_and_number_and_stay_as_they_are() {
    let site = Site::with_alice_and_bob();
    site.enroll("carol");
    for (who, text) in [("alice", "a1"), ("carol", "c1"), ("alice", "a2"), ("carol", "c2")] {
        site.run(who, &["send", "im:bob@localhost", text, "--id", text]).line();
    }
    let ids = |arguments: &[&str]| -> Vec<String> {
        let all = [&["inbox"][..], arguments].concat();
        let lines = site.run("bob", &all).lines();
        lines.iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
    };
    let chosen: [(&[&str], &[&str]); 8] = [
        (&["--last", "2"], &["a2", "c2"]),
        (&["--last", "9"], &["a1", "c1", "a2", "c2"]),
        (&["--from", "carol@localhost"], &["c1", "c2"]),
        (&["--from", "carol@localhost", "--last", "1"], &["c2"]),
        (&["--from", "carol@localhost", "--count", "1"], &["c1"]),
        (&["--since", "1h"], &["a1", "c1", "a2", "c2"]),
        (&["--until", "1h"], &[]),
        (&["--since", "1h", "--until", "+1h", "--from", "alice@localhost"], &["a1", "a2"]),
    ];
    for (arguments, expected) in chosen {
        assert_eq!(ids(arguments), expected, "{arguments:?}");
    }
    assert_eq!(ids(&[]), ["a1", "c1", "a2", "c2"], "nothing was acknowledged");
    assert_eq!(ids(&["--last", "1"]), ["c2"], "also of what was taken");
    assert_eq!(site.run("bob", &["inbox", "--last", "1", "--follow"]).exit, 2);
}
