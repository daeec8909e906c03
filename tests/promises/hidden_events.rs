//! What happens behind a watcher's back leaves no trace in what it is told: two worlds that differ only in that give it
//! the same.
//!
//! Compared is everything that leaves for one watcher before it is encoded and sealed: answers, items, and positions, of
//! which sealing makes the same bytes. Must never hold: a comparison of what stays inside, which differs.

use std::sync::Arc;

use crate::world::{
    actor, config, feed_id, im, key, message, note_of, operation, pres, principal, publish,
    seconds, subscribe,
};
use adsum::commit::{Commit, history};
use adsum::log::memory::MemoryLog;
use adsum::model::{
    DeviceLabel, EpochId, InboxSequence, Lifetime, Mark, Message, Mode, Moment, OperationId,
    PublicationName, Tag, Timestamp,
};
use adsum::protocol::{
    Answer, Command, Fetch, ListSubscriptions, Publish, Send, Subscribe, Unsubscribe,
};
use adsum::service::feed::{PresenceFeed, PresenceStep};
use adsum::service::{
    Enroll, Hello, Input, Output, PresenceItem, PresenceOpened, Query, Reply, SessionId, Ticket,
};
use proptest::prelude::*;

const BEGIN: Timestamp = Timestamp::from_ms(1_000_000);
const SLOT_MS: u64 = 10_000;
/// Whose publication runs out in the story, half a second past the full one, where nothing hidden happens.
const BRIEF: Lifetime = Lifetime::from_ms(35_500);
const HALF_MS: u64 = 500;

const WATCHER: SessionId = SessionId(1);
const OTHERS: SessionId = SessionId(2);

/// A server with one watcher, and what left for it.
struct Server {
    commit: Commit,
    feed: PresenceFeed,
    tag: Option<Tag>,
    told: Vec<String>,
    tickets: u64,
}

impl Server {
    fn new() -> Self {
        let log = Box::new(MemoryLog::new());
        let commit = Commit::open(config(), log, &mut |_, _| {}).unwrap();
        let feed = PresenceFeed::new(Moment::ZERO, 0);
        let mut server = Self { commit, feed, tag: None, told: Vec::new(), tickets: 0 };
        for name in ["alice", "ann", "bob", "carol", "dave"] {
            let enroll = Some(Enroll { invite: None, label: DeviceLabel::new("").unwrap() });
            let hello = Hello { principal: principal(name), key: key(name), enroll };
            let ticket = server.ticket(OTHERS);
            server.round(BEGIN, vec![Input::Enter { ticket, hello }]);
        }
        server
    }

    fn ticket(&mut self, session: SessionId) -> Ticket {
        self.tickets += 1;
        Ticket { session, number: self.tickets }
    }

    /// Someone does something. What is answered counts only if it is the watcher.
    fn input(&mut self, name: &str, command: Command) -> Input {
        let ticket = self.ticket(if name == "bob" { WATCHER } else { OTHERS });
        Input::Command { ticket, actor: actor(name), command }
    }

    /// Time passes until `now`: what falls due ends when it does.
    fn pass(&mut self, now: Timestamp) {
        while let Some(due) = self.commit.next_timeout().filter(|due| *due < now) {
            self.round(due, vec![Input::Tick]);
        }
    }

    fn round(&mut self, now: Timestamp, inputs: Vec<Input>) {
        self.commit.handle(now, inputs);
        self.commit.persist().unwrap();
        for output in self.commit.release() {
            match output {
                Output::Reply { ticket, result } if ticket.session == WATCHER => {
                    self.hear(result.unwrap());
                }
                Output::Presence { feeds, item } => {
                    for (_, mode) in feeds {
                        self.feed.offer(mode, Arc::clone(&item));
                    }
                }
                _ => {}
            }
        }
        self.drain();
    }

    fn hear(&mut self, reply: Reply) {
        match reply {
            Reply::PresenceOpened(opened) => self.opened(&opened),
            Reply::Page(rows) => {
                let reader = self.commit.reader();
                let message = |row| history::message_at(reader.as_ref(), row).unwrap();
                self.told.extend(rows.into_iter().map(|row| read(&message(row))));
            }
            Reply::Presence(item) => self.told.push(shown(&item)),
            Reply::Done(Answer::Published { tag, granted }) => {
                self.tag = Some(tag);
                self.told.push(format!("published {tag:?} {granted:?}"));
            }
            other => self.told.push(format!("{other:?}")),
        }
    }

    fn opened(&mut self, opened: &PresenceOpened) {
        let reader = self.commit.reader();
        let histories = opened.histories.iter();
        let walks: Vec<_> =
            histories.map(|one| history::walk(reader.as_ref(), one).unwrap()).collect();
        let complete = walks.iter().all(|walk| walk.complete);
        self.feed.opened(opened, walks);
        self.told.push(format!(
            "ready from {:?} to {:?}, {} pending, complete {complete}",
            self.feed.position(),
            self.feed.pending_through(),
            self.feed.pending()
        ));
    }

    fn drain(&mut self) {
        loop {
            match self.feed.next_step() {
                PresenceStep::Send { number, position, item } => {
                    self.told.push(format!("{number} {position:?} {}", shown(&item)));
                    self.feed.sent(1);
                    self.feed.acknowledged(position);
                }
                PresenceStep::Read { presentity, at } => {
                    let reader = self.commit.reader();
                    let item = history::state_at(reader.as_ref(), &presentity, at);
                    self.feed.loaded(item.unwrap());
                }
                PresenceStep::CaughtUp { position } => {
                    self.told.push(format!("caught up at {position:?}"));
                }
                PresenceStep::Reopen { .. } => panic!("the queue is large enough"),
                PresenceStep::Wait => return,
            }
        }
    }

    /// Opens the feed where it stands, as after a lost connection.
    fn open(&mut self) -> Input {
        let after = self.feed.position();
        self.feed = PresenceFeed::new(after, 0);
        let ticket = self.ticket(WATCHER);
        Input::OpenPresence {
            ticket,
            feed: feed_id(1),
            actor: actor("bob"),
            presentities: vec![],
            after,
            epoch: EpochId::NONE,
            passed: Mark::default(),
            with_watchers: false,
        }
    }

    fn query(&mut self, query: Query) -> Input {
        Input::Query { ticket: self.ticket(WATCHER), actor: actor("bob"), query }
    }

    /// What the watcher does and sees in the story, a slot at a time.
    fn visible(&mut self, slot: usize) -> Vec<Input> {
        let change = |name, number, note| Command::Publish(publish(name, number, note));
        match slot {
            1 => vec![self.input("bob", subscribe("alice", Mode::Latest))],
            2 => {
                let brief = Publish { lifetime: Some(BRIEF), ..publish("alice", 1, "for now") };
                vec![self.input("alice", Command::Publish(brief))]
            }
            3 | 6 | 9 | 10 => vec![self.open()],
            4 => vec![self.input("bob", subscribe("ann", Mode::Every))],
            5 => vec![
                self.input("ann", change("ann", 1, "one")),
                self.input("bob", change("bob", 1, "mine")),
            ],
            7 => vec![
                Input::CloseFeed { feed: feed_id(1) },
                self.input("ann", change("ann", 2, "two")),
                self.input("alice", change("alice", 2, "here")),
                self.input("ann", change("ann", 3, "three")),
            ],
            8 => {
                let mine =
                    Publish { if_match: self.tag, document: None, ..publish("bob", 2, "mine") };
                vec![
                    self.input("bob", Command::Publish(mine)),
                    self.input("alice", Command::Send(message("bob", "m1", "hello"))),
                ]
            }
            11 => {
                let over = Command::Unsubscribe(Unsubscribe {
                    operation: OperationId::default(),
                    presentity: pres("alice"),
                });
                let inbox = im("bob");
                vec![
                    self.input("bob", over),
                    self.query(Query::from(Fetch { presentity: pres("ann") })),
                    self.query(Query::from(ListSubscriptions)),
                    self.query(Query::Page { inbox, after: InboxSequence::ZERO }),
                ]
            }
            _ => vec![],
        }
    }

    fn hidden(&mut self, act: &Hidden) -> Input {
        let number = u8::try_from(act.offset_ms % 251).unwrap();
        let lifetime = Some(seconds(act.lifetime_s));
        match act.kind {
            Kind::Publish => {
                let name = PublicationName::new(&format!("n{}", number % 3)).unwrap();
                let publish = publish("carol", number, "not for bob");
                let operation = operation(number);
                self.input(
                    "carol",
                    Command::Publish(Publish { name, lifetime, operation, ..publish }),
                )
            }
            Kind::Send => {
                let send = message("dave", &act.offset_ms.to_string(), "not for bob");
                self.input("carol", Command::Send(Send { lifetime, ..send }))
            }
            Kind::Watch => {
                let presentity = pres(if number % 2 == 0 { "carol" } else { "alice" });
                let mode = Mode::Latest;
                self.input(
                    "dave",
                    Command::Subscribe(Subscribe {
                        operation: OperationId::default(),
                        presentity,
                        mode,
                        lifetime,
                    }),
                )
            }
            Kind::Acknowledge => {
                let through = InboxSequence::new(u64::from(number % 5));
                let (ticket, inbox) = (self.ticket(OTHERS), im("dave"));
                Input::Acknowledge { ticket, actor: actor("dave"), inbox, through }
            }
        }
    }
}

/// What a watcher is shown, with the moment its cursor will hold.
fn shown(item: &PresenceItem) -> String {
    let PresenceItem { presentity, version, state, document, .. } = item;
    // The bytes too: what people write does not show in the debug form.
    let bytes = postcard::to_stdvec(&document.get()).unwrap();
    let note = note_of(document.get());
    format!("{presentity} {version:?} {state:?} {note:?} {bytes:?}")
}

fn read(message: &Message) -> String {
    format!("{message:?} {:?}", message.body.as_text())
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Publish,
    Send,
    Watch,
    Acknowledge,
}

/// Something of which the watcher must not learn.
#[derive(Clone, Copy, Debug)]
struct Hidden {
    slot: usize,
    /// After the slot began; 0: in the same round as what is seen, after it.
    offset_ms: u64,
    lifetime_s: u64,
    kind: Kind,
}

const SLOTS: usize = 13;

fn hidden() -> impl Strategy<Value = Hidden> {
    let kind = prop_oneof![
        3 => Just(Kind::Publish),
        2 => Just(Kind::Send),
        2 => Just(Kind::Watch),
        1 => Just(Kind::Acknowledge),
    ];
    // Full seconds are the most telling: what ends then ends together with what is seen.
    let offset = prop_oneof![Just(0), (1..10_u64).prop_map(|second| second * 1_000), 1..SLOT_MS];
    let offset = offset.prop_filter("is seen", |offset| offset % 1_000 != HALF_MS);
    (0..SLOTS, offset, 1..40_u64, kind).prop_map(|(slot, offset_ms, lifetime_s, kind)| Hidden {
        slot,
        offset_ms,
        lifetime_s,
        kind,
    })
}

/// Plays the story with these hidden events in it. Returns what the watcher was told, and how many events there were.
fn story(hidden: &[Hidden]) -> (Vec<String>, u64) {
    let mut server = Server::new();
    for slot in 0..SLOTS {
        let begin = BEGIN.after(Lifetime::from_ms(SLOT_MS * (slot as u64 + 1)));
        let mut acts: Vec<&Hidden> = hidden.iter().filter(|act| act.slot == slot).collect();
        acts.sort_by_key(|act| act.offset_ms);
        let (together, later): (Vec<&Hidden>, Vec<_>) =
            acts.into_iter().partition(|act| act.offset_ms == 0);
        server.pass(begin);
        let mut inputs = server.visible(slot);
        inputs.extend(together.into_iter().map(|act| server.hidden(act)));
        server.round(begin, inputs);
        for act in later {
            let now = begin.after(Lifetime::from_ms(act.offset_ms));
            server.pass(now);
            let input = server.hidden(act);
            server.round(now, vec![input]);
        }
    }
    (server.told, server.commit.head().get())
}

#[test]
fn the_story_has_what_is_compared() {
    let (told, _) = story(&[]);
    let count = |part: &str| told.iter().filter(|line| line.contains(part)).count();
    assert_eq!((count("ready from"), count("caught up"), count("published")), (4, 4, 2));
    assert_eq!(count("Message {"), 1);
    assert!(
        told.iter().any(|line| line.contains("alice") && line.contains("Terminated")),
        "an end"
    );
    for note in ["for now", "one", "two", "three", "here", "hello"] {
        assert!(count(note) > 0, "{note} is never seen");
    }
    let empty = told.iter().filter(|line| line.contains(" 0 pending")).count();
    assert_eq!(empty, 2, "coming back twice without a change in between repeats nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn two_worlds_that_differ_in_hidden_events_tell_a_watcher_the_same(
        hidden in prop::collection::vec(hidden(), 1..60)
    ) {
        let ((plain, fewer), (crowded, more)) = (story(&[]), story(&hidden));
        prop_assert!(more > fewer || hidden.iter().all(|act| matches!(act.kind, Kind::Acknowledge)));
        prop_assert_eq!(plain, crowded);
    }
}
