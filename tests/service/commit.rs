//! What the service on its log promises: answers after the sync, checkpoints, restarts, a readable past.

use crate::world::{
    actor, config, key, message, note_of, pres, principal, publish, seconds, subscribe,
};
use adsum::commit::{Commit, history};
use adsum::log::memory::MemoryDisk;
use adsum::log::{CheckpointRecord, EventLog, LogFault};
use adsum::model::{EpochId, Lifetime, Mark, Mode, Moment, PublicationName, Timestamp};
use adsum::protocol::{Answer, Command, Publish};
use adsum::service::{
    Enroll, FeedId, Hello, Input, Output, PresenceOpened, Reply, ServiceConfig, SessionId, Ticket,
};

pub(crate) const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

/// A service on its log, and a process that ends and starts again: each is an epoch of its own.
pub(crate) struct Server {
    pub(crate) disk: MemoryDisk,
    pub(crate) commit: Commit,
    pub(crate) now: Timestamp,
    starts: u64,
}

impl Server {
    pub(crate) fn new() -> Self {
        let disk = MemoryDisk::new();
        let commit =
            Commit::open(epoch(1), Box::new(disk.open().unwrap()), &mut |_, _| {}).unwrap();
        let mut server = Self { disk, commit, now: Timestamp::from_ms(1_000_000), starts: 1 };
        for name in NAMES {
            let label = adsum::model::DeviceLabel::new("").unwrap();
            let enroll = Some(Enroll { invite: None, label });
            let hello = Hello { principal: principal(name), key: key(name), enroll };
            server.round(vec![Input::Enter { ticket: ticket(), hello }]);
        }
        server
    }

    pub(crate) fn round(&mut self, inputs: Vec<Input>) -> Vec<Output> {
        self.commit.handle(self.now, inputs);
        self.commit.persist().unwrap();
        self.commit.release()
    }

    fn ask(&mut self, name: &str, command: Command) -> Reply {
        let outputs =
            self.round(vec![Input::Command { ticket: ticket(), actor: actor(name), command }]);
        match outputs.into_iter().find(|output| matches!(output, Output::Reply { .. })) {
            Some(Output::Reply { result, .. }) => result.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn open_presence(&mut self, watcher: &str, after: Moment) -> PresenceOpened {
        self.open_behind(watcher, (after, EpochId::NONE), Mark::default())
    }

    fn open_behind(
        &mut self,
        watcher: &str,
        (after, epoch): (Moment, EpochId),
        passed: Mark,
    ) -> PresenceOpened {
        let feed = FeedId { session: SessionId(1), number: 1 };
        let open = Input::OpenPresence {
            ticket: ticket(),
            feed,
            actor: actor(watcher),
            presentities: vec![],
            after,
            epoch,
            passed,
            with_watchers: false,
        };
        match self.round(vec![open]).pop() {
            Some(Output::Reply { result: Ok(Reply::PresenceOpened(opened)), .. }) => opened,
            other => panic!("{other:?}"),
        }
    }

    /// Kills the process and starts it again on the same disk.
    pub(crate) fn restart(mut self, checkpoint: bool) -> Self {
        if checkpoint {
            self.commit.checkpoint_all().unwrap();
        }
        self.restart_after(0)
    }

    /// As [`Server::restart`], but the disk wrote `commits_kept` more than it was asked to.
    pub(crate) fn restart_after(self, commits_kept: usize) -> Self {
        self.disk.crash(commits_kept);
        let log = Box::new(self.disk.open().unwrap());
        let starts = self.starts + 1;
        let commit = Commit::open(epoch(starts), log, &mut |_, _| {}).unwrap();
        Self { commit, starts, ..self }
    }

    /// The views folded from nothing but the log.
    pub(crate) fn rebuilt(self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.disk.crash(0);
        let log = Box::new(self.disk.open().unwrap());
        Commit::rebuild(config(), log, &mut |_, _| {}).unwrap().fingerprint()
    }
}

/// The settings of the process that starts as the `number`th.
fn epoch(number: u64) -> ServiceConfig {
    ServiceConfig { epoch: EpochId(number.to_be_bytes()), ..config() }
}

pub(crate) fn ticket() -> Ticket {
    Ticket { session: SessionId(1), number: 1 }
}

#[test]
#[should_panic(expected = "nothing leaves before the state it was judged by is durable")]
fn an_answer_cannot_be_released_before_the_sync() {
    let mut server = Server::new();
    let command = Command::Send(message("alice", "one", "hello"));
    server
        .commit
        .handle(server.now, [Input::Command { ticket: ticket(), actor: actor("bob"), command }]);
    let _ = server.commit.release();
}

#[test]
fn a_round_is_one_commit_and_a_failed_sync_releases_nothing() {
    let mut server = Server::new();
    server.disk.fail_next_sync();
    let command = Command::Send(message("alice", "one", "hello"));
    server
        .commit
        .handle(server.now, [Input::Command { ticket: ticket(), actor: actor("bob"), command }]);
    assert!(server.commit.persist().is_err());
    let released =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| server.commit.release()));
    assert!(released.is_err());
}

#[test]
fn a_refusal_waits_for_the_sync_of_what_it_was_judged_by() {
    let mut server = Server::new();
    let send = |text| Input::Command {
        ticket: ticket(),
        actor: actor("bob"),
        command: Command::Send(message("alice", "one", text)),
    };
    server.commit.handle(server.now, [send("hello"), send("another under the same id")]);
    assert_eq!(server.disk.unsynced_count(), 0, "nothing is on the disk yet");
    server.commit.persist().unwrap();
    assert_eq!(server.disk.unsynced_count(), 0);
    assert_eq!(server.commit.release().len(), 2);
}

#[test]
fn leases_keep_their_remaining_time_over_a_restart() {
    let mut server = Server::new();
    server.ask(
        "alice",
        Command::Publish(Publish { lifetime: Some(seconds(100)), ..publish("alice", 1, "here") }),
    );
    let deadline = server.commit.next_timeout();
    server.now = server.now.after(seconds(60));
    for checkpoint in [false, true] {
        server = server.restart(checkpoint);
        assert_eq!(server.commit.next_timeout(), deadline);
    }
}

#[test]
fn a_position_before_which_something_was_passed_over_for_what_is_gone_is_of_another_past() {
    let mut server = Server::new();
    server.ask("bob", subscribe("alice", Mode::Latest));
    server.ask("alice", Command::Publish(publish("alice", 1, "here")));
    let (at, first) = (server.commit.views().moment(), EpochId(1_u64.to_be_bytes()));
    let passed = |at| Mark { at, epoch: first };
    let opened = server.open_behind("bob", (at, first), passed(at));
    assert!(opened.restored.is_none() && opened.items.is_empty());
    // What comes now is of another process, so what happened in the first one later than this is gone.
    let mut server = server.restart(false);
    let opened = server.open_behind("bob", (at, first), passed(at));
    assert!(opened.restored.is_none() && opened.items.is_empty());
    let opened = server.open_behind("bob", (at, first), passed(at.next()));
    assert!(opened.restored.is_some());
    assert_eq!(opened.items.len(), 1, "all is shown");
}

#[test]
fn a_message_sent_again_after_a_restart_is_still_one_message() {
    for checkpoint in [false, true] {
        let mut server = Server::new();
        server.ask("bob", Command::Send(message("alice", "one", "hello")));
        let mut server = server.restart(checkpoint);
        let again = server.ask("bob", Command::Send(message("alice", "one", "hello")));
        assert_eq!(again, Reply::Done(Answer::Sent { duplicate: true }));
    }
}

#[test]
fn looking_at_the_state_takes_nothing_from_the_next_checkpoint() {
    let mut server = Server::new();
    server.ask("alice", Command::Send(message("bob", "m1", "hello")));
    let state = server.commit.fingerprint();
    assert_eq!(server.restart(true).commit.fingerprint(), state);
}

/// A server's checkpoint with every record as `change` makes it, and the state that the log alone gives.
fn with_records_changed(
    change: impl Fn(&[u8], &mut Vec<u8>),
) -> (Result<Commit, LogFault>, Vec<CheckpointRecord>) {
    let mut server = Server::new();
    server.ask("bob", Command::Send(message("alice", "one", "hello")));
    server.ask("alice", Command::Publish(publish("alice", 1, "here")));
    server.commit.checkpoint_all().unwrap();
    let expected = server.commit.fingerprint();
    server.disk.crash(0);
    let mut log = server.disk.open().unwrap();
    let mut records = Vec::new();
    log.load(&mut |key, value| {
        let mut value = value.to_vec();
        change(key, &mut value);
        records.push((key.to_vec(), Some(value)));
        Ok(())
    })
    .unwrap();
    log.save(&records).unwrap();
    (Commit::open(config(), Box::new(log), &mut |_, _| {}), expected)
}

const VOUCHING: &[u8] = b"M";

#[test]
fn a_checkpoint_of_another_version_is_passed_over_and_the_log_folded() {
    for version in [1, 9] {
        // In the record that vouches for the others; the rest of it is as it was.
        let (commit, expected) = with_records_changed(|key, value| {
            if key == VOUCHING {
                value[0] = version;
            }
        });
        assert_eq!(commit.unwrap().fingerprint(), expected);
    }
}

#[test]
fn records_of_another_version_need_not_read_but_those_of_this_one_must() {
    let cut = |version: Option<u8>| {
        with_records_changed(move |key, value| match version {
            Some(version) if key == VOUCHING => value[0] = version,
            _ if key.starts_with(b"E") => value.truncate(3),
            _ => {}
        })
    };
    let (commit, expected) = cut(Some(1));
    assert_eq!(commit.unwrap().fingerprint(), expected);
    let (commit, _) = cut(None);
    assert!(matches!(commit.map(drop), Err(LogFault::Checkpoint { .. })));
}

#[test]
fn the_past_of_a_presentity_can_be_read_change_by_change() {
    let mut server = Server::new();
    server.ask("bob", subscribe("alice", Mode::Every));
    let named = |number, name: &str, note| {
        let name = PublicationName::new(name).unwrap();
        Command::Publish(Publish { name, ..publish("alice", number, note) })
    };
    server.ask("alice", named(1, "a", "one"));
    server.ask("carol", Command::Publish(publish("carol", 1, "noise")));
    server.ask("alice", named(2, "b", "two"));
    let Reply::Done(Answer::Published { tag, .. }) = server.ask("alice", named(3, "a", "three"))
    else {
        panic!()
    };
    let name = PublicationName::new("a").unwrap();
    let remove = Publish {
        name,
        if_match: Some(tag),
        lifetime: Some(Lifetime::ZERO),
        document: None,
        ..publish("alice", 4, "")
    };
    server.ask("alice", Command::Publish(remove));

    let opened = server.open_presence("bob", Moment::ZERO);
    assert_eq!(opened.histories.len(), 1);
    let reader = server.commit.reader();
    let walk = history::walk(reader.as_ref(), &opened.histories[0]).unwrap();
    assert!(walk.complete);
    let states = walk
        .changes
        .iter()
        .map(|(at, _)| history::state_at(reader.as_ref(), &pres("alice"), *at).unwrap());
    let notes: Vec<Vec<String>> = states
        .map(|item| {
            let document = item.document.get().cloned().unwrap();
            let mut notes: Vec<String> = document
                .tuples()
                .iter()
                .map(|tuple| tuple.notes[0].text.as_text().unwrap().to_owned())
                .collect();
            notes.sort();
            notes
        })
        .collect();
    assert_eq!(notes, [vec!["one"], vec!["one", "two"], vec!["three", "two"], vec!["two"]]);
}

#[test]
fn what_the_log_tells_of_the_present_is_what_a_fetch_shows() {
    let mut server = Server::new();
    server.ask("bob", subscribe("alice", Mode::Latest));
    for number in 1..5 {
        let name = PublicationName::new(&format!("n{}", number % 3)).unwrap();
        server.ask(
            "alice",
            Command::Publish(Publish { name, ..publish("alice", number, &number.to_string()) }),
        );
    }
    let opened = server.open_presence("bob", Moment::ZERO);
    let item = &opened.items[0];
    let at = server.commit.views().presentity(&pres("alice")).unwrap().changed_at;
    let read = history::state_at(server.commit.reader().as_ref(), &pres("alice"), at).unwrap();
    assert_eq!(read, **item);
    assert!(!note_of(read.document.get()).is_empty());
}
