//! A change that was asked for and not answered: every command says so in time, by an exit code of its own, with the line
//! that repeats it; and repeated it is done once. A command that follows says in time that nothing comes any more, and goes
//! on when it does.
//!
//! Must never hold: a command that changes nothing, but to show that it ends otherwise.

use std::fs::{File, read_to_string};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::processes::{Ended, Site, Staying};
use crate::proxy::{Faults, Proxy};

/// More packets than the server needs for any of the commands.
const PLENTY: i64 = 16;
/// Whatever is asked, the answer may take this long.
const WITHIN: [&str; 2] = ["--answer-within", "500ms"];

/// How a repeat is recognised.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Id {
    /// By the name that this flag gives.
    Flag(&'static str),
    /// It needs no name, and the flag says that it is a repeat.
    Again,
    /// It needs neither.
    None,
}

/// A command that changes something. `{n}` is another number at each attempt.
struct Row {
    command: &'static str,
    id: Id,
    /// What others do before, so that there is something to change.
    before: &'static [(&'static str, &'static str)],
}

const fn row(command: &'static str, id: Id) -> Row {
    Row { command, id, before: &[] }
}

const OPERATION: Id = Id::Flag("--operation");

const ROWS: &[Row] = &[
    row("send im:bob@localhost hello-{n}", Id::Flag("--id")),
    row("publish open --note n{n}", OPERATION),
    row("publish --refresh", OPERATION),
    row("watch pres:bob@localhost --until-caught-up --anew", OPERATION),
    Row {
        command: "unwatch pres:bob@localhost",
        id: Id::Again,
        before: &[("alice", "watch pres:bob@localhost --until-caught-up")],
    },
    row("rules allow bob@localhost --name r{n}", OPERATION),
    Row {
        command: "rules remove r{n}",
        id: OPERATION,
        before: &[("alice", "rules allow bob@localhost --name r{n}")],
    },
    row("delivery quarantine anonymous --name d{n}", OPERATION),
    row("delivery receipts on", OPERATION),
    row("visibility show w{n}@localhost", OPERATION),
    row("grant give bob@localhost read", OPERATION),
    row("grant take bob@localhost", OPERATION),
    Row {
        command: "requests approve w{n}@localhost",
        id: OPERATION,
        before: &[
            ("w{n}", "enroll w{n}@localhost"),
            ("w{n}", "watch pres:alice@localhost --until-caught-up"),
        ],
    },
    row("domain create d{n}.example", OPERATION),
    Row {
        command: "domain remove d{n}.example",
        id: Id::Again,
        before: &[("alice", "domain create d{n}.example")],
    },
    row("domain suspend bob@localhost", Id::Again),
    row("domain resume bob@localhost", Id::Again),
    row("invite v{n}@localhost", Id::Flag("--token")),
    Row {
        command: "keys revoke {device} --of r{n}@localhost",
        id: Id::Again,
        before: &[("r{n}", "enroll r{n}@localhost")],
    },
    Row {
        command: "watchers end bob@localhost",
        id: Id::Again,
        before: &[("bob", "watch pres:alice@localhost --until-caught-up")],
    },
    Row {
        command: "inbox --delete",
        id: Id::None,
        before: &[("bob", "send im:alice@localhost text-{n}")],
    },
    Row {
        command: "inbox --displayed",
        id: Id::None,
        before: &[("bob", "send im:alice@localhost text-{n}")],
    },
    Row { command: "inbox", id: Id::None, before: &[("bob", "send im:alice@localhost text-{n}")] },
    row("enroll e{n}@localhost --server {relay}", Id::None),
];

/// A server behind a relay, and alice, who reaches it through that and administers it.
struct Stage {
    site: Site,
    _runtime: Runtime,
    relay: Proxy,
    attempts: u32,
}

impl Stage {
    fn new() -> Self {
        let site = Site::start(&["--open-enrollment", "--default-access", "confirm"]);
        let runtime = Runtime::new().unwrap();
        let server = site.address.parse().unwrap();
        let relay = runtime.block_on(Proxy::start(server, Faults::NONE, 1));
        let stage = Self { site, _runtime: runtime, relay, attempts: 0 };
        let token = stage.site.serving["invite"].as_str().unwrap().to_owned();
        let address = stage.relay.address.to_string();
        let enroll = ["enroll", "alice@localhost", "--server", &address, "--invite", &token];
        stage.site.run("alice", &enroll).line();
        stage.site.enroll("bob");
        stage
    }

    /// `line` with everything filled in. What it takes to know that is asked through the relay, too.
    fn filled(&self, line: &str) -> String {
        let mut line = line.replace("{n}", &self.attempts.to_string());
        line = line.replace("{relay}", &self.relay.address.to_string());
        if line.contains("{device}") {
            let of = format!("r{}@localhost", self.attempts);
            let keys = self.site.run("alice", &["keys", "list", &of]).lines();
            line = line.replace("{device}", keys[0]["device"].as_str().unwrap());
        }
        line
    }

    /// Runs `line` as `who`, with everything filled in.
    fn run(&self, who: &str, line: &str) -> Ended {
        let line = self.filled(line);
        let mut words: Vec<&str> = line.split(' ').collect();
        if who != "alice" && words[0] == "enroll" {
            words.extend(["--server", &self.site.address]);
        }
        words.extend(if who == "alice" { &WITHIN[..] } else { &[] });
        let who = who.replace("{n}", &self.attempts.to_string());
        self.site.run(&who, &words)
    }

    /// Takes one packet after the other from the server's end, until the change is not answered. What a command asks
    /// beside the change may go unanswered before that.
    fn unanswered(&mut self, row: &Row) -> Ended {
        // On a busy machine a packet is sent twice, and the one that matters may be missed: then once more.
        for answers in (1..PLENTY).rev().cycle().take(3 * usize::try_from(PLENTY).unwrap()) {
            self.attempts += 1;
            self.relay.answers(i64::MAX);
            for (who, line) in row.before {
                assert_eq!(self.run(who, line).exit, 0, "{line}");
            }
            let command = self.filled(row.command);
            self.relay.answers(answers);
            let ended = self.run("alice", &command);
            if ![0, 3].contains(&ended.exit) {
                return ended;
            }
        }
        panic!("{} is never unanswered", row.command);
    }

    /// Runs what a command said to run.
    fn repeat(&self, command: &str) -> Ended {
        self.relay.answers(i64::MAX);
        // Now there is an answer, however long it takes on a busy machine.
        let command = command.replace(&WITHIN.join(" "), "--answer-within 60s");
        let mut shell = Command::new("sh");
        shell.args(["-c", &command]).env("ADSUM_HOME", self.site.home("alice"));
        Ended::of(shell.stdin(Stdio::null()).output().unwrap())
    }
}

fn check(stage: &mut Stage, row: &Row) {
    let ended = stage.unanswered(row);
    let code = ended.error(5);
    assert_eq!(code, "outcome-unknown", "{}: {}", row.command, ended.stderr);
    let told: Value = serde_json::from_str(ended.stderr.lines().last().unwrap()).unwrap();
    let (message, command) = (told["message"].as_str().unwrap(), told["command"].as_str().unwrap());
    assert!(message.contains("not known whether") && message.contains(command), "{message}");
    match row.id {
        Id::Flag(flag) => {
            let id = told["id"].as_str().unwrap();
            assert!(command.ends_with(&format!(" {flag} {id}")), "{command}");
        }
        Id::Again => assert!(command.ends_with(" --repeat"), "{command}"),
        Id::None => assert!(told.get("id").is_none(), "{told}"),
    }
    let repeated = stage.repeat(command);
    assert_eq!(repeated.exit, 0, "{command}: {}", repeated.stderr);
    if row.command.starts_with("send") {
        let id = told["id"].as_str().unwrap();
        let inbox = stage.site.run("bob", &["inbox"]).lines();
        assert_eq!(inbox.iter().filter(|line| line["id"] == id).count(), 1, "it is there once");
    }
}

#[test]
fn every_command_that_changes_something_says_when_it_does_not_know_whether_it_did() {
    let mut stage = Stage::new();
    for row in ROWS {
        check(&mut stage, row);
    }
}

/// QUIC itself gives up a connection that is idle for so long.
const IDLE: Duration = Duration::from_mins(1);

/// A command of alice that stays, what bob does for it to have a line to print, and where the line has the word `{n}`.
const FOLLOWED: &[(&str, &str, &str)] = &[
    ("watch pres:bob@localhost --every", "publish open --note {n}", "/tuples/0/note"),
    ("inbox --follow", "send im:alice@localhost {n}", "/body"),
];

/// Waits until it is told `count` times that a connection was lost because nothing came.
fn told_of_silence(told: &Path, count: usize) {
    let began = Instant::now();
    loop {
        let told = read_to_string(told).unwrap();
        if told.matches("no answer to anything for 1.").count() >= count {
            assert!(told.contains("connection-lost"), "{told}");
            return;
        }
        assert!(began.elapsed() < IDLE / 2, "nothing is told: {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn who_follows_over_a_network_that_lets_one_way_pass_is_told_soon_and_goes_on_where_it_was() {
    let stage = Stage::new();
    stage.site.run("bob", &["rules", "allow", "alice@localhost"]).line();
    for (command, doing, place) in FOLLOWED {
        let told = stage.site.file("told");
        let mut words: Vec<&str> = command.split(' ').collect();
        words.extend(["--keep-alive", "500ms"].iter().chain(&WITHIN));
        let mut command = stage.site.command("alice", &words);
        let mut following = Staying::start(command.stderr(File::create(&told).unwrap()));
        let does = |word: &str| {
            let line = doing.replace("{n}", word);
            stage.site.run("bob", &line.split(' ').collect::<Vec<_>>()).line()
        };
        let mut shown = |word: &str| {
            let mut line = following.object();
            // What was before comes first.
            while word == "before" && line.pointer(place).is_none_or(|found| found != word) {
                line = following.object();
            }
            assert_eq!(line.pointer(place).unwrap(), word, "{line}");
        };
        does("before");
        shown("before");
        for round in 1..=2 {
            stage.relay.answers(0);
            let during = format!("during-{round}");
            does(&during);
            told_of_silence(&told, round);
            stage.relay.answers(i64::MAX);
            shown(&during);
            let after = format!("after-{round}");
            does(&after);
            shown(&after);
        }
    }
}
