//! One service without a log: says what happened and what was answered, at times the test chooses.
//!
//! The one place in the tests that touches the service's API.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses its own part, and ends at the first surprise"
)]

pub mod governed;
pub mod papers;
pub mod recovering;
pub mod stage;

use adsum::event::{Event, Recorded};
use adsum::model::{
    Ahead, Basic, ContentType, DeviceId, DeviceLabel, Document, EpochId, Handling, InboxAddress,
    InboxSequence, InviteId, Lifetime, Mark, MessageId, Mode, Moment, Note, Now, OperationId,
    Payload, Presentity, Principal, PublicKey, PublicationName, Receipts, Refusal, Role, Tag,
    Timestamp, Tuple, TupleId, limits,
};
use adsum::protocol::{Answer, Command, Fetch, Invite, Publish, Send, Subscribe};
use adsum::service::{
    Actor, Batch, Enroll, FeedId, Hello, Input, Output, PresenceOpened, Query, Reply, Service,
    ServiceConfig, SessionId, Ticket,
};
use adsum::view::Views;

pub const SECRET: [u8; 32] = [9; 32];

pub fn config() -> ServiceConfig {
    ServiceConfig {
        open_enrollment: true,
        default_access: Handling::Allow,
        anonymous_max: 100,
        anonymous_of_origin_max: 10,
        ..ServiceConfig::new(vec!["d.example".parse().unwrap()], SECRET)
    }
}

pub fn principal(name: &str) -> Principal {
    format!("{name}@d.example").parse().unwrap()
}

pub fn pres(name: &str) -> Presentity {
    principal(name).presentity()
}

pub fn im(name: &str) -> InboxAddress {
    principal(name).inbox()
}

pub fn key(name: &str) -> PublicKey {
    PublicKey(*blake3::hash(name.as_bytes()).as_bytes())
}

pub fn actor(name: &str) -> Actor {
    device_of(name, name)
}

/// `name` acting through the device whose key is made from `device`.
pub fn device_of(name: &str, device: &str) -> Actor {
    Actor { principal: principal(name), device: key(device).device() }
}

pub fn device(name: &str) -> DeviceId {
    key(name).device()
}

pub fn document(basic: Basic, note: &str) -> Document {
    let mut tuple = Tuple::plain(TupleId::new("main").unwrap(), basic);
    tuple.notes = vec![Note { language: String::new(), text: Payload::text(note) }];
    Document::new(vec![tuple], vec![], vec![]).unwrap()
}

/// The note of a document's first tuple; empty if it has none.
pub fn note_of(document: Option<&Document>) -> String {
    let tuple = document.and_then(|document| document.tuples().first());
    let note = tuple.and_then(|tuple| tuple.notes.first());
    note.and_then(|note| note.text.as_text()).unwrap_or_default().to_owned()
}

pub fn operation(number: u8) -> OperationId {
    OperationId([number; 16])
}

pub fn publish(name: &str, number: u8, note: &str) -> Publish {
    Publish {
        presentity: pres(name),
        name: PublicationName::default(),
        operation: operation(number),
        if_match: None,
        lifetime: None,
        document: Some(document(Basic::Open, note)),
    }
}

pub fn message(to: &str, id: &str, text: &str) -> Send {
    Send {
        sender: None,
        inbox: im(to),
        receipts: Receipts::NONE,
        id: MessageId::new(id).unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text(text),
        lifetime: None,
    }
}

pub fn subscribe(to: &str, mode: Mode) -> Command {
    let operation = OperationId::default();
    Command::Subscribe(Subscribe { operation, presentity: pres(to), mode, lifetime: None })
}

pub fn seconds(count: u64) -> Lifetime {
    Lifetime::from_ms(count * 1_000)
}

pub struct World {
    pub service: Service,
    /// Elapsed time.
    pub now: Timestamp,
    /// How far the wall clock is ahead of it.
    pub ahead: Ahead,
    pub log: Vec<Recorded>,
    ticket: u64,
    outputs: Vec<Output>,
}

impl World {
    /// A service at a fixed moment, with these principals enrolled.
    pub fn with(names: &[&str]) -> Self {
        let service = Service::new(config(), Views::default());
        let mut world = Self {
            service,
            now: Timestamp::from_ms(1_000_000),
            ahead: Ahead::ZERO,
            log: Vec::new(),
            ticket: 0,
            outputs: Vec::new(),
        };
        for name in names {
            world.enroll(name, name).unwrap();
        }
        world
    }

    /// The same after a restart: folded from its log, or loaded from a checkpoint.
    pub fn restarted(&self, is_loaded: bool) -> Self {
        let mut views = Views::default();
        self.log.iter().for_each(|recorded| views.apply(recorded));
        if is_loaded {
            let mut loaded = Views::default();
            for (key, value) in views.all_records() {
                assert!(
                    loaded
                        .load::<adsum::view::Checkpointed>(&key, &value.unwrap(), |_| ())
                        .unwrap()
                );
            }
            // What only a meta record says.
            let (key, value) = Views::meta_record::<adsum::view::Checkpointed>(
                views.head(),
                views.moment(),
                views.ahead(),
            );
            assert!(
                loaded.load::<adsum::view::Checkpointed>(&key, &value.unwrap(), |_| ()).unwrap()
            );
            loaded.finish_loading().unwrap();
            views = loaded;
        }
        let service = Service::new(config(), views);
        Self { service, log: self.log.clone(), outputs: Vec::new(), ..*self }
    }

    pub fn enroll(&mut self, name: &str, device: &str) -> Result<Reply, Refusal> {
        let enroll = Some(Enroll { invite: None, label: DeviceLabel::new("test").unwrap() });
        self.enter(Hello { principal: principal(name), key: key(device), enroll })
    }

    /// One more device of a principal, let in by an invite of its first.
    pub fn another_device(&mut self, name: &str, device: &str) -> Actor {
        let invite = InviteId(key(device).0);
        let (principal, role, lifetime) = (Some(principal(name)), Role::User, None);
        let ask = Invite { invite, principal: principal.clone(), role, lifetime, recovers: false };
        self.ask(&actor(name), ask.into()).unwrap();
        let label = DeviceLabel::new("test").unwrap();
        let enroll = Some(Enroll { invite: Some(invite), label });
        self.enter(Hello { principal: principal.unwrap(), key: key(device), enroll }).unwrap();
        device_of(name, device)
    }

    pub fn enter(&mut self, hello: Hello) -> Result<Reply, Refusal> {
        let ticket = self.ticket();
        self.round(Input::Enter { ticket, hello });
        self.answer(ticket)
    }

    pub fn pass(&mut self, lifetime: Lifetime) -> Vec<Event> {
        self.now = self.now.after(lifetime);
        self.round(Input::Tick)
    }

    /// Hands in a command and returns the answer.
    pub fn ask(&mut self, actor: &Actor, command: Command) -> Result<Reply, Refusal> {
        self.events(actor, command).1
    }

    /// Hands in a command and returns what happened and the answer.
    pub fn events(
        &mut self,
        actor: &Actor,
        command: Command,
    ) -> (Vec<Event>, Result<Reply, Refusal>) {
        let ticket = self.ticket();
        let events = self.round(Input::Command { ticket, actor: actor.clone(), command });
        (events, self.answer(ticket))
    }

    /// Takes messages of `name`'s inbox for good, and returns what happened and the answer.
    pub fn takes(
        &mut self,
        actor: &Actor,
        name: &str,
        through: u64,
    ) -> (Vec<Event>, Result<Reply, Refusal>) {
        let (ticket, actor) = (self.ticket(), actor.clone());
        let (inbox, through) = (im(name), InboxSequence::new(through));
        let events = self.round(Input::Acknowledge { ticket, actor, inbox, through });
        (events, self.answer(ticket))
    }

    pub fn query(&mut self, actor: &Actor, query: Query) -> Result<Reply, Refusal> {
        let ticket = self.ticket();
        let events = self.round(Input::Query { ticket, actor: actor.clone(), query });
        let is_trace = |event: &Event| {
            use Event::{AdministratorActed, WatchObserved, WatchRequested};
            matches!(event, WatchObserved(_) | WatchRequested(_) | AdministratorActed(_))
        };
        assert!(events.iter().all(is_trace), "a query leaves at most a trace: {events:?}");
        self.answer(ticket)
    }

    pub fn fetch_note(&mut self, watcher: &str, name: &str) -> String {
        match self.query(&actor(watcher), Query::from(Fetch { presentity: pres(name) })) {
            Ok(Reply::Presence(item)) => note_of(item.document.get()),
            other => panic!("a fetch was answered {other:?}"),
        }
    }

    pub fn publish(&mut self, name: &str, number: u8, note: &str) -> Tag {
        match self.ask(&actor(name), Command::Publish(publish(name, number, note))) {
            Ok(Reply::Done(Answer::Published { tag, .. })) => tag,
            other => panic!("a publish was answered {other:?}"),
        }
    }

    pub fn send(&mut self, from: &str, to: &str, id: &str) -> Result<Reply, Refusal> {
        self.ask(&actor(from), Command::Send(message(to, id, "hello")))
    }

    /// Lets `count` messages wait in an inbox, of as many senders as that takes.
    pub fn fill(&mut self, to: &str, count: usize) {
        for number in 0..count {
            let sender = format!("filler{}", number / limits::MESSAGES_WAITING_OF_SENDER_MAX);
            if number % limits::MESSAGES_WAITING_OF_SENDER_MAX == 0 {
                self.enroll(&sender, &sender).unwrap();
            }
            self.send(&sender, to, &format!("m{number}")).unwrap();
        }
    }

    pub fn open_presence(
        &mut self,
        feed: u32,
        watcher: &str,
        only: &[&str],
        after: Moment,
    ) -> PresenceOpened {
        let ticket = self.ticket();
        let presentities = only.iter().map(|name| pres(name)).collect();
        self.round(Input::OpenPresence {
            ticket,
            feed: feed_id(feed),
            actor: actor(watcher),
            presentities,
            after,
            epoch: EpochId::NONE,
            passed: Mark::default(),
            with_watchers: false,
        });
        match self.answer(ticket) {
            Ok(Reply::PresenceOpened(opened)) => opened,
            other => panic!("opening a feed was answered {other:?}"),
        }
    }

    pub fn open_inbox(
        &mut self,
        feed: u32,
        reader: &Actor,
        name: &str,
        after: Option<InboxSequence>,
    ) -> Result<Reply, Refusal> {
        let ticket = self.ticket();
        self.round(Input::OpenInbox {
            ticket,
            feed: feed_id(feed),
            actor: reader.clone(),
            inbox: im(name),
            after,
            epoch: EpochId::NONE,
            passed: Mark::default(),
        });
        self.answer(ticket)
    }

    pub fn page(&mut self, reader: &str, after: u64) -> Vec<u64> {
        let query = Query::Page { inbox: im(reader), after: InboxSequence::new(after) };
        match self.query(&actor(reader), query) {
            Ok(Reply::Page(rows)) => rows.iter().map(|row| row.sequence.get()).collect(),
            other => panic!("a page was answered {other:?}"),
        }
    }

    /// What was said to feeds since this was last asked.
    pub fn told(&mut self) -> Vec<Output> {
        let mut told = core::mem::take(&mut self.outputs);
        told.extend(self.service.take_outputs());
        told
    }

    fn ticket(&mut self) -> Ticket {
        self.ticket += 1;
        Ticket { session: SessionId(1), number: self.ticket }
    }

    fn round(&mut self, input: Input) -> Vec<Event> {
        let (elapsed, wall) = (self.now, self.ahead.shown(self.now));
        self.service.handle(Now { elapsed, wall }, input);
        let batch = self.service.take_batch();
        let Some(Batch { first, ahead, events }) = batch else { return Vec::new() };
        for (offset, (at, event)) in events.iter().cloned().enumerate() {
            self.log.push(Recorded { sequence: first.plus(offset as u64), at, ahead, event });
        }
        events.into_iter().map(|(_, event)| event).collect()
    }

    fn answer(&mut self, ticket: Ticket) -> Result<Reply, Refusal> {
        let mut answers = Vec::new();
        for output in self.service.take_outputs() {
            match output {
                Output::Reply { ticket: of, result } if of == ticket => answers.push(result),
                other => self.outputs.push(other),
            }
        }
        assert_eq!(answers.len(), 1, "each ticket gets exactly one answer");
        answers.remove(0)
    }
}

pub fn feed_id(number: u32) -> FeedId {
    FeedId { session: SessionId(1), number }
}
