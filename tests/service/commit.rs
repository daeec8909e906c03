//! What the service on its log promises: answers after the sync, views that fold again to equal bytes, a readable past.

use crate::world::governed::{change, delivery, delivery_rule, grant, rule};
use crate::world::{
    actor, config, document, im, key, message, note_of, operation, pres, principal, publish,
    seconds, subscribe,
};
use adsum::commit::{Commit, history};
use adsum::log::memory::MemoryDisk;
use adsum::log::{CheckpointRecord, EventLog, LogFault};
use adsum::model::{
    AccessRule, Basic, Delivery, DeliveryChange, EpochId, Handling, InboxSequence, Lifetime, Mode,
    Moment, OperationId, PublicationName, Receipts, Rights, SubscriptionState, Timestamp, Who,
};
use adsum::protocol::{
    Answer, ChangeVisibility, Command, Delete, Displayed, Fetch, Publish, Send, Subscribe,
    Unsubscribe, VisibilityRow,
};
use adsum::service::{
    Enroll, FeedId, Hello, Input, Output, PresenceOpened, Query, Reply, SessionId, Ticket,
};
use proptest::prelude::*;

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

struct Server {
    disk: MemoryDisk,
    commit: Commit,
    now: Timestamp,
}

impl Server {
    fn new() -> Self {
        let disk = MemoryDisk::new();
        let commit =
            Commit::open(config(), Box::new(disk.open().unwrap()), &mut |_, _| {}).unwrap();
        let mut server = Self { disk, commit, now: Timestamp::from_ms(1_000_000) };
        for name in NAMES {
            let label = adsum::model::DeviceLabel::new("").unwrap();
            let enroll = Some(Enroll { invite: None, label });
            let hello = Hello { principal: principal(name), key: key(name), enroll };
            server.round(vec![Input::Enter { ticket: ticket(), hello }]);
        }
        server
    }

    fn round(&mut self, inputs: Vec<Input>) -> Vec<Output> {
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
        let feed = FeedId { session: SessionId(1), number: 1 };
        let open = Input::OpenPresence {
            ticket: ticket(),
            feed,
            actor: actor(watcher),
            presentities: vec![],
            after,
            epoch: EpochId::NONE,
            with_watchers: false,
        };
        match self.round(vec![open]).pop() {
            Some(Output::Reply { result: Ok(Reply::PresenceOpened(opened)), .. }) => opened,
            other => panic!("{other:?}"),
        }
    }

    /// Kills the process and starts it again on the same disk.
    fn restart(mut self, checkpoint: bool) -> Self {
        if checkpoint {
            self.commit.checkpoint_all().unwrap();
        }
        self.disk.crash(0);
        let log = Box::new(self.disk.open().unwrap());
        let commit = Commit::open(config(), log, &mut |_, _| {}).unwrap();
        Self { commit, ..self }
    }

    /// The views folded from nothing but the log.
    fn rebuilt(self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.disk.crash(0);
        let log = Box::new(self.disk.open().unwrap());
        Commit::rebuild(config(), log, &mut |_, _| {}).unwrap().fingerprint()
    }
}

fn ticket() -> Ticket {
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
            let document = item.document.unwrap();
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
    assert!(!note_of(read.document.as_ref()).is_empty());
}

/// One thing that a random history is made of.
#[derive(Clone, Debug)]
enum Act {
    Publish { who: usize, name: u8, number: u8, secs: Option<u64> },
    Remove { who: usize, name: u8, number: u8 },
    Subscribe { who: usize, whom: usize, secs: u64 },
    Unsubscribe { who: usize, whom: usize },
    Send { who: usize, whom: usize, id: u8, secs: Option<u64> },
    Acknowledge { who: usize, through: u64 },
    Delete { who: usize, number: u64 },
    Displayed { who: usize, number: u64 },
    Rule { who: usize, whom: usize, handling: usize, secs: Option<u64> },
    Deliver { who: usize, whom: usize, aside: bool, receipts: bool },
    Grant { who: usize, whom: usize, rights: u8 },
    Show { who: usize, whom: usize, is_shown: bool },
    Fetch { who: usize, whom: usize },
    Wait { secs: u64 },
    Checkpoint { records: usize },
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..NAMES.len();
    let secs = prop::option::of(1..400_u64);
    prop_oneof![
        4 => (who.clone(), 0..3_u8, any::<u8>(), secs.clone()).prop_map(|(who, name, number, secs)| Act::Publish { who, name, number, secs }),
        1 => (who.clone(), 0..3_u8, any::<u8>()).prop_map(|(who, name, number)| Act::Remove { who, name, number }),
        2 => (who.clone(), who.clone(), 1..400_u64).prop_map(|(who, whom, secs)| Act::Subscribe { who, whom, secs }),
        1 => (who.clone(), who.clone()).prop_map(|(who, whom)| Act::Unsubscribe { who, whom }),
        6 => (who.clone(), who.clone(), 0..40_u8, secs).prop_map(|(who, whom, id, secs)| Act::Send { who, whom, id, secs }),
        2 => (who.clone(), 0..60_u64).prop_map(|(who, through)| Act::Acknowledge { who, through }),
        1 => (who.clone(), 1..60_u64).prop_map(|(who, number)| Act::Delete { who, number }),
        1 => (who.clone(), 1..60_u64).prop_map(|(who, number)| Act::Displayed { who, number }),
        3 => (who.clone(), who.clone(), 0..4_usize, prop::option::of(1..400_u64))
            .prop_map(|(who, whom, handling, secs)| Act::Rule { who, whom, handling, secs }),
        1 => (who.clone(), who.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(who, whom, aside, receipts)| Act::Deliver { who, whom, aside, receipts }),
        1 => (who.clone(), who.clone(), 0..32_u8).prop_map(|(who, whom, rights)| Act::Grant { who, whom, rights }),
        1 => (who.clone(), who.clone(), any::<bool>()).prop_map(|(who, whom, is_shown)| Act::Show { who, whom, is_shown }),
        2 => (who.clone(), who).prop_map(|(who, whom)| Act::Fetch { who, whom }),
        2 => (1..200_u64).prop_map(|secs| Act::Wait { secs }),
        3 => (0..4_usize).prop_map(|records| Act::Checkpoint { records }),
        1 => Just(Act::Restart),
    ]
}

/// An act that changes who may do or see what, or is answered by that.
fn governs(now: Timestamp, act: &Act) -> Vec<Input> {
    let command = |who: &usize, command| {
        vec![Input::Command { ticket: ticket(), actor: actor(NAMES[*who]), command }]
    };
    match act {
        Act::Displayed { who, number } => {
            let (inbox, sequence) = (im(NAMES[*who]), InboxSequence::new(*number));
            let operation = operation(u8::try_from(*number).unwrap());
            command(who, Command::Displayed(Displayed { operation, inbox, sequence }))
        }
        Act::Rule { who, whom, handling, secs } => {
            let name = principal(NAMES[*whom]).to_string();
            let until = secs.map(|secs| now.after(seconds(secs)));
            let rule = AccessRule { until, ..rule(&name, Handling::ALL[*handling]) };
            command(who, Command::ChangeRules(change(NAMES[*who], vec![rule], &[])))
        }
        Act::Deliver { who, whom, aside, receipts } => {
            let action = if *aside { Delivery::Quarantine } else { Delivery::Accept };
            let put = vec![delivery_rule(principal(NAMES[*whom]).account(), action)];
            let receipts = Some(*receipts);
            let change = DeliveryChange { put, receipts, ..DeliveryChange::default() };
            command(who, delivery(NAMES[*who], change))
        }
        Act::Grant { who, whom, rights } => {
            let rights = Rights::from_bits(*rights).unwrap();
            command(who, grant(NAMES[*who], NAMES[*whom], rights))
        }
        Act::Show { who, whom, is_shown } => {
            let who_else = Who::Principal(principal(NAMES[*whom]));
            let put = vec![VisibilityRow { who: who_else, is_shown: *is_shown }];
            let (operation, remove) = (OperationId::default(), vec![]);
            command(who, Command::ChangeVisibility(ChangeVisibility { operation, put, remove }))
        }
        Act::Fetch { who, whom } => {
            let query = Query::from(Fetch { presentity: pres(NAMES[*whom]) });
            vec![Input::Query { ticket: ticket(), actor: actor(NAMES[*who]), query }]
        }
        _ => unreachable!("the others are performed elsewhere"),
    }
}

fn perform(mut server: Server, act: &Act) -> Server {
    let command = |who: &usize, command| {
        vec![Input::Command { ticket: ticket(), actor: actor(NAMES[*who]), command }]
    };
    let inputs = match act {
        Act::Publish { who, name, number, secs } => {
            let name = PublicationName::new(&format!("n{name}")).unwrap();
            let document = Some(document(Basic::Open, &number.to_string()));
            let lifetime = secs.map(seconds);
            command(
                who,
                Command::Publish(Publish {
                    name,
                    document,
                    lifetime,
                    ..publish(NAMES[*who], *number, "")
                }),
            )
        }
        Act::Remove { who, name, number } => {
            let name = PublicationName::new(&format!("n{name}")).unwrap();
            let view = server.commit.views().presentity(&pres(NAMES[*who]));
            let key = adsum::event::PublicationKey {
                device: actor(NAMES[*who]).device,
                name: name.clone(),
            };
            let if_match = view
                .and_then(|view| view.publications.get(&key))
                .map(|publication| publication.tag);
            let lifetime = Some(Lifetime::ZERO);
            let operation = operation(*number);
            command(
                who,
                Command::Publish(Publish {
                    name,
                    if_match,
                    lifetime,
                    document: None,
                    operation,
                    presentity: pres(NAMES[*who]),
                }),
            )
        }
        Act::Subscribe { who, whom, secs } => {
            let lifetime = Some(seconds(*secs));
            command(
                who,
                Command::Subscribe(Subscribe {
                    operation: OperationId::default(),
                    presentity: pres(NAMES[*whom]),
                    mode: Mode::Latest,
                    lifetime,
                }),
            )
        }
        Act::Unsubscribe { who, whom } => {
            let (operation, presentity) = (OperationId::default(), pres(NAMES[*whom]));
            command(who, Command::Unsubscribe(Unsubscribe { operation, presentity }))
        }
        Act::Send { who, whom, id, secs } => {
            let lifetime = secs.map(seconds);
            command(
                who,
                Command::Send(Send {
                    lifetime,
                    receipts: Receipts::from_bits(*id),
                    ..message(NAMES[*whom], &format!("m{id}"), "x")
                }),
            )
        }
        Act::Acknowledge { who, through } => {
            let (actor, inbox) = (actor(NAMES[*who]), im(NAMES[*who]));
            let through = InboxSequence::new(*through);
            vec![Input::Acknowledge { ticket: ticket(), actor, inbox, through }]
        }
        Act::Delete { who, number } => command(
            who,
            Command::Delete(Delete {
                operation: operation(u8::try_from(*number).unwrap()),
                inbox: im(NAMES[*who]),
                sequences: vec![InboxSequence::new(*number)],
            }),
        ),
        Act::Wait { secs } => {
            server.now = server.now.after(seconds(*secs));
            vec![Input::Tick]
        }
        Act::Checkpoint { records: 0 } => {
            server.commit.checkpoint_all().unwrap();
            vec![]
        }
        Act::Checkpoint { records } => {
            server.commit.begin_checkpoint();
            server.commit.checkpoint(*records).unwrap();
            vec![]
        }
        Act::Restart => return server.restart(false),
        other => governs(server.now, other),
    };
    server.round(inputs);
    server
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn views_fold_again_to_equal_bytes_with_and_without_checkpoints(acts in prop::collection::vec(act(), 1..150)) {
        let mut server = Server::new();
        for act in &acts {
            server = perform(server, act);
        }
        let live = server.commit.fingerprint();
        let sizes = server.commit.sizes();
        let due = |server: &Server| server.commit.views().next_due(adsum::model::Ahead::ZERO);
        let first_due = due(&server);
        let mut server = server.restart(false);
        prop_assert_eq!(&server.commit.fingerprint(), &live, "checkpoint and tail");
        prop_assert_eq!(due(&server), first_due);
        prop_assert_eq!(server.commit.sizes(), adsum::commit::Sizes { feeds: 0, ..sizes });
        prop_assert_eq!(&server.rebuilt(), &live, "the log alone");
    }

    #[test]
    fn a_subscription_that_lives_is_counted_and_nothing_outlives_its_time(acts in prop::collection::vec(act(), 1..80)) {
        let mut server = Server::new();
        for act in &acts {
            server = perform(server, act);
            for name in NAMES {
                let Some(view) = server.commit.views().watcher(&principal(name)) else { continue };
                let live = view.subscriptions.values().filter(|row| !matches!(row.state, SubscriptionState::Terminated(_)));
                prop_assert_eq!(live.count(), view.live_count);
                let over = view.subscriptions.values().any(|row| row.is_live() && row.expires_at <= server.commit.views().time());
                prop_assert!(!over, "nothing outlives its time");
            }
        }
    }
}
