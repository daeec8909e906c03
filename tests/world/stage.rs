//! A server with its log, one watcher at it, and everything that leaves for that watcher, as bytes where it has any.
//!
//! Sealing a position is a function of the position alone, so equal positions are equal cursors. Must never hold: a
//! position of the log, which stays inside and differs between worlds that must look the same.

use std::sync::Arc;

use adsum::commit::Commit;
use adsum::commit::history::{self, Past};
use adsum::event::{Event, KeyEnrolled};
use adsum::log::memory::MemoryDisk;
use adsum::model::{
    Ahead, DeviceLabel, Document, EpochId, Handling, InboxSequence, Mark, Moment, Refusal, Role,
    Sequence, SubscriptionState, Timestamp, WatcherKind,
};
use adsum::protocol::{self, feed::encode_presence_suffix};
use adsum::protocol::{Command, Fetch, Question};
use adsum::service::feed::{PresenceFeed, PresenceStep};
use adsum::service::{
    Actor, Enroll, FeedId, Hello, InboxRow, Input, Output, PresenceItem, PresenceOpened, Query,
    Reply, ServiceConfig, SessionId, Span, Ticket, view,
};

use super::{SECRET, actor, config, im, key, principal};

pub const BEGIN: Timestamp = Timestamp::from_ms(1_000_000_000);
const WATCHER: SessionId = SessionId(1);
const OTHERS: SessionId = SessionId(2);
const FEED: FeedId = FeedId { session: WATCHER, number: 1 };

/// A server whose default is to ask the owner, as a real one's.
pub struct Stage {
    pub commit: Commit,
    pub now: Timestamp,
    /// What the watcher was told, one thing a line.
    pub told: Vec<String>,
    /// What it was shown of presence, in order, since this was last taken.
    pub shown: Vec<Shown>,
    /// Every position it was given.
    pub positions: Vec<Moment>,
    /// What others were refused.
    pub refused: Vec<Refusal>,
    watcher: String,
    feed: Option<PresenceFeed>,
    tickets: u64,
    disk: MemoryDisk,
    /// What the watcher asked last.
    asked: Option<Query>,
}

/// One thing that a watcher was shown of a presentity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub presentity: String,
    pub state: SubscriptionState,
    pub document: Document,
}

impl Stage {
    pub fn new(watcher: &str, names: &[&str]) -> Self {
        let disk = MemoryDisk::new();
        let log = Box::new(disk.open().unwrap());
        let commit = Commit::open(asking(), log, &mut |_, _| {}).unwrap();
        let (told, shown, positions) = (Vec::new(), Vec::new(), vec![Moment::ZERO]);
        let (now, feed, tickets) = (BEGIN, None, 0);
        let (watcher, refused, asked) = (watcher.to_owned(), Vec::new(), None);
        let mut stage = Self {
            commit,
            now,
            told,
            shown,
            positions,
            refused,
            watcher,
            feed,
            tickets,
            disk,
            asked,
        };
        for name in names {
            stage.enroll(name, name);
        }
        stage
    }

    pub fn enroll(&mut self, name: &str, device: &str) {
        let enroll = Some(Enroll { invite: None, label: DeviceLabel::new("").unwrap() });
        let hello = Hello { principal: principal(name), key: key(device), enroll };
        let ticket = self.ticket(OTHERS);
        self.round(vec![Input::Enter { ticket, hello }]);
    }

    /// One more device of somebody.
    pub fn adds_device(&mut self, name: &str, device: &str) {
        let (principal, key) = (principal(name), key(device));
        let label = DeviceLabel::new("").unwrap();
        let enrolled = KeyEnrolled { principal, key, label, role: Role::User, invite: None };
        self.commit.record(self.now, vec![Event::KeyEnrolled(enrolled)]).unwrap();
        self.round(vec![]);
    }

    fn ticket(&mut self, session: SessionId) -> Ticket {
        self.tickets += 1;
        Ticket { session, number: self.tickets }
    }

    /// Time goes on to `now`; what falls due on the way is done when it is due.
    pub fn until(&mut self, now: Timestamp) {
        while let Some(due) = self.commit.next_timeout().filter(|due| *due < now) {
            self.now = due;
            self.round(vec![Input::Tick]);
        }
        self.now = now;
        self.round(vec![Input::Tick]);
    }

    /// Somebody does something behind the watcher's back. Whether it was let is its own affair.
    pub fn behind(&mut self, actor: &Actor, command: Command) {
        let ticket = self.ticket(OTHERS);
        self.round(vec![Input::Command { ticket, actor: actor.clone(), command }]);
    }

    /// The device of `name` takes its messages behind the watcher's back.
    pub fn takes(&mut self, name: &str, through: u64) {
        let (ticket, actor) = (self.ticket(OTHERS), actor(name));
        let (inbox, through) = (im(name), InboxSequence::new(through));
        self.round(vec![Input::Acknowledge { ticket, actor, inbox, through }]);
    }

    /// Somebody asks something behind the watcher's back.
    pub fn behind_asks(&mut self, actor: &Actor, query: Query) {
        let ticket = self.ticket(OTHERS);
        self.round(vec![Input::Query { ticket, actor: actor.clone(), query }]);
    }

    /// The watcher does something.
    pub fn does(&mut self, command: Command) {
        self.acts(&actor(&self.watcher.clone()), command);
    }

    /// The watcher does something in the form of `actor`.
    pub fn acts(&mut self, actor: &Actor, command: Command) {
        let ticket = self.ticket(WATCHER);
        self.round(vec![Input::Command { ticket, actor: actor.clone(), command }]);
    }

    /// The watcher asks something.
    pub fn asks(&mut self, query: Query) {
        self.asks_as(&actor(&self.watcher.clone()), query);
    }

    /// The watcher asks something in the form of `actor`.
    pub fn asks_as(&mut self, actor: &Actor, query: Query) {
        let ticket = self.ticket(WATCHER);
        self.asked = Some(query.clone());
        self.round(vec![Input::Query { ticket, actor: actor.clone(), query }]);
    }

    /// The server is killed and started again; the watcher loses its feed.
    pub fn restarts(&mut self) {
        self.feed = None;
        self.disk.crash(0);
        let log = Box::new(self.disk.open().unwrap());
        self.commit = Commit::open(asking(), log, &mut |_, _| {}).unwrap();
    }

    /// The watcher opens its feed behind `after`, in place of the one it has.
    pub fn opens(&mut self, after: Moment, with_watchers: bool) {
        self.closes();
        self.feed = Some(PresenceFeed::new(after, 0));
        let ticket = self.ticket(WATCHER);
        let actor = actor(&self.watcher);
        let presentities = Vec::new();
        let feed = FEED;
        self.round(vec![Input::OpenPresence {
            ticket,
            feed,
            actor,
            presentities,
            after,
            epoch: EpochId::NONE,
            passed: Mark::default(),
            with_watchers,
        }]);
    }

    /// The watcher loses its feed.
    pub fn closes(&mut self) {
        if self.feed.take().is_some() {
            self.round(vec![Input::CloseFeed { feed: FEED }]);
        }
    }

    pub fn is_open(&self) -> bool {
        self.feed.is_some()
    }

    /// Where the feed stands, or stood last.
    pub fn position(&self) -> Moment {
        self.positions.last().copied().unwrap()
    }

    /// The watcher reads all that lies in its inbox.
    pub fn reads(&mut self) {
        let inbox = im(&self.watcher.clone());
        self.asks(Query::Page { inbox, after: InboxSequence::ZERO });
    }

    fn round(&mut self, inputs: Vec<Input>) {
        self.commit.handle(self.now, inputs);
        self.commit.persist().unwrap();
        for output in self.commit.release() {
            self.hear(output);
        }
        self.drain();
    }

    fn hear(&mut self, output: Output) {
        match output {
            Output::Reply { ticket, result } if ticket.session == WATCHER => match result {
                Ok(reply) => self.answered(reply),
                Err(refusal) => {
                    let code = refusal.code();
                    self.told.push(format!("refused {code:?} {refusal} {refusal:?}"));
                }
            },
            Output::Presence { feeds, item } => {
                let mine = feeds.into_iter().filter(|(feed, _)| *feed == FEED);
                for (_, mode) in mine {
                    self.feed.as_mut().expect("it is open").offer(mode, Arc::clone(&item));
                }
            }
            Output::Reply { ticket, result: Err(refusal) } if ticket.session == OTHERS => {
                self.refused.push(refusal);
            }
            Output::Ended { feeds, refusal } if feeds.contains(&FEED) => {
                self.told.push(format!("ended {refusal:?}"));
            }
            _ => {}
        }
    }

    fn answered(&mut self, reply: Reply) {
        match reply {
            Reply::PresenceOpened(opened) => self.opened(&opened),
            Reply::Page(rows) => {
                self.told.push(format!("{} rows", rows.len()));
                let reader = self.commit.reader();
                let item = |row: InboxRow| history::item_of(reader.read_one(row.at).unwrap());
                let lines = rows.into_iter().map(|row| format!("{:?}", item(row)));
                self.told.extend(lines);
            }
            Reply::Presence(item) => {
                let line = self.bytes_of(&item);
                self.told.push(format!("fetched {:?} {line}", item.version));
            }
            Reply::History { last, ahead } => {
                let line = self.past(last, ahead);
                self.told.push(line);
            }
            Reply::Explain { last, .. } => {
                let found = last > Sequence::ZERO;
                self.told.push(format!("explained by rules: {found}"));
            }
            // The certificate that it gets says neither where that lies nor how much ended.
            Reply::Erased { by_itself: true, .. } => self.told.push("erased".to_owned()),
            other => self.told.push(format!("{other:?}")),
        }
    }

    /// What the log says to the last question: what lies where in it stays inside.
    fn past(&self, last: Sequence, ahead: Ahead) -> String {
        let reader = self.commit.reader();
        let passed = |wall: Option<Timestamp>| wall.map(|wall| ahead.passed(wall));
        match &self.asked {
            Some(Query::Ask(Question::ListHistory(asked))) => {
                let span = Span { since: passed(asked.since), until: passed(asked.until) };
                let limit = usize::try_from(asked.limit).unwrap();
                let mut past = Past::new(asked.presentity.clone(), last, span, limit);
                format!("{:?}", past.page(reader.as_ref(), 100).unwrap())
            }
            Some(Query::Ask(Question::FetchAt(asked))) => {
                let at = ahead.passed(asked.at);
                let found = history::at_time(reader.as_ref(), &asked.presentity, last, at);
                format!("{:?}", found.unwrap().document.get())
            }
            asked => panic!("{asked:?} is not about the past"),
        }
    }

    fn opened(&mut self, opened: &PresenceOpened) {
        let reader = self.commit.reader();
        let histories = opened.histories.iter();
        let walks: Vec<_> =
            histories.map(|one| history::walk(reader.as_ref(), one).unwrap()).collect();
        let complete = opened.complete && walks.iter().all(|walk| walk.complete);
        let feed = self.feed.as_mut().expect("it was opened");
        feed.opened(opened, walks);
        let (from, to, pending) = (feed.position(), feed.pending_through(), feed.pending());
        self.positions.push(from);
        self.told.push(format!("ready from {from:?} to {to:?}, {pending}, {complete}"));
    }

    fn drain(&mut self) {
        while let Some(feed) = &mut self.feed {
            match feed.next_step() {
                PresenceStep::Send { number, position, item } => {
                    feed.sent(1);
                    feed.acknowledged(position);
                    self.sent(number, position, &item);
                }
                PresenceStep::Read { presentity, at } => {
                    let reader = self.commit.reader();
                    let item = history::state_at(reader.as_ref(), &presentity, at).unwrap();
                    feed.loaded(item);
                }
                PresenceStep::CaughtUp { position } => {
                    self.told.push(format!("caught up at {position:?}"));
                }
                PresenceStep::Reopen { .. } => panic!("the queue is large enough"),
                PresenceStep::Wait => return,
            }
        }
    }

    fn sent(&mut self, number: u64, position: Moment, item: &PresenceItem) {
        let line = self.bytes_of(item);
        self.told.push(format!("{number} {position:?} {line}"));
        self.positions.push(position);
        if item.watcher.is_none() {
            let document = self.seen(item);
            let presentity = item.presentity.to_string();
            self.shown.push(Shown { presentity, state: item.state, document });
        }
    }

    fn seen(&self, item: &PresenceItem) -> Document {
        view(&SECRET, item, &principal(&self.watcher)).into_owned()
    }

    /// What the watcher gets of an item on the wire, in hexadecimal digits, and the row if it is about a watcher.
    fn bytes_of(&self, item: &PresenceItem) -> String {
        let document = self.seen(item);
        let shown =
            protocol::document::presence_body(&item.presentity, item.state, Some(&document));
        let bytes = encode_presence_suffix(&shown);
        format!("{:?} {}", item.watcher, blake3::hash(&bytes).to_hex()) + &text_of(&document)
    }

    /// What the watcher sees if it fetches, without a trace of the question; `None` if it is refused or has to wait.
    pub fn fetched(&mut self, name: &str) -> Option<Document> {
        let mut trace = std::mem::take(&mut self.told);
        let ticket = self.ticket(OTHERS);
        let (actor, presentity) = (actor(&self.watcher), principal(name).presentity());
        self.commit.handle(
            self.now,
            [Input::Query { ticket, actor, query: Query::from(Fetch { presentity }) }],
        );
        self.commit.persist().unwrap();
        let mut found = None;
        for output in self.commit.release() {
            match output {
                Output::Reply { result: Ok(Reply::Presence(item)), .. } => {
                    found = (item.state == SubscriptionState::Active).then(|| self.seen(&item));
                }
                Output::Reply { .. } => {}
                other => self.hear(other),
            }
        }
        trace.append(&mut self.told);
        self.told = trace;
        self.drain();
        found
    }

    /// What the rules in force say of the watcher subscribing.
    pub fn decided(&self, name: &str) -> adsum::model::Decision {
        let owner = self.commit.views().rules(&principal(name));
        let rules = owner.map(|view| view.access.clone()).unwrap_or_default();
        rules.decide(
            &principal(&self.watcher),
            WatcherKind::Subscriber,
            self.now,
            Handling::Confirm,
        )
    }
}

/// The settings of a server that asks the owner where no rule says.
fn asking() -> ServiceConfig {
    ServiceConfig { default_access: Handling::Confirm, ..config() }
}

/// All that is written in a document, in plain words.
pub fn text_of(document: &Document) -> String {
    let mut text = String::new();
    let mut add = |payload: &adsum::model::Payload| {
        text.push(' ');
        text.push_str(payload.as_text().unwrap_or("erased"));
    };
    for tuple in document.tuples() {
        add(&adsum::model::Payload::text(tuple.id.as_str()));
        tuple.contact.iter().for_each(|contact| add(&contact.uri));
        tuple.notes.iter().for_each(|note| add(&note.text));
        tuple.markup.iter().chain(&tuple.status_markup).for_each(&mut add);
    }
    document.notes().iter().for_each(|note| add(&note.text));
    document.markup().iter().for_each(&mut add);
    text
}
