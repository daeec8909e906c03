//! One connection as the server serves it: CONTROL, a presence feed and an inbox feed, each with its own mail.
//!
//! Must never hold: anything that outlives the server's process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use adsum::log::LogReader;
use adsum::model::{Mode, PublicKey, Refusal};
use adsum::service::{
    Actor, Command, FeedId, Hello, InboxRow, Input, PresenceItem, Query, Reply, SessionId, Ticket,
};
use adsum::wire::body::{self, Body, FeedAck, FeedOpen, Goaway};
use adsum::wire::{Decoder, Frame, decode, encode};

use super::feeds::{Desk, InboxSide, PresenceSide, Wish};
use super::network::Stream;
use super::{Bug, answers, cursor, requests};

/// The session's numbers for its two feeds.
pub(crate) const PRESENCE_FEED: u32 = 1;
pub(crate) const INBOX_FEED: u32 = 2;

/// Something the writer told a session.
#[derive(Debug)]
pub(crate) enum Letter {
    Reply(u64, Result<Reply, Refusal>),
    Presence(Mode, Arc<PresenceItem>),
    Inbox(InboxRow),
}

/// What a session works with.
pub(crate) struct Place<'a> {
    pub(crate) queue: &'a mut VecDeque<Input>,
    pub(crate) reader: &'a dyn LogReader,
    pub(crate) era: u8,
    pub(crate) bug: Option<Bug>,
    pub(crate) sends_max: usize,
    pub(crate) now: u64,
    /// The server is going away and takes no more requests.
    pub(crate) is_going: bool,
}

/// A question that is not answered yet.
#[derive(Debug)]
enum Asked {
    Enter,
    Request(u64),
    Feed(Wish),
}

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    id: SessionId,
    actor: Option<Actor>,
    ears: BTreeMap<Stream, Decoder>,
    mail: BTreeMap<Stream, VecDeque<Letter>>,
    tickets: u64,
    asked: BTreeMap<u64, Asked>,
    /// Answers in the order of their requests; those in front wait for nothing.
    ledger: VecDeque<(u64, Option<Vec<u8>>)>,
    presence: Option<PresenceSide>,
    inbox: Option<InboxSide>,
}

impl Session {
    pub(crate) fn new(id: SessionId) -> Self {
        Self {
            id,
            actor: None,
            ears: Stream::ALL.map(|stream| (stream, Decoder::default())).into(),
            mail: BTreeMap::new(),
            tickets: 0,
            asked: BTreeMap::new(),
            ledger: VecDeque::new(),
            presence: None,
            inbox: None,
        }
    }

    /// The connection is gone: its feeds are to be closed.
    pub(crate) fn close(&self) -> [Input; 2] {
        [PRESENCE_FEED, INBOX_FEED].map(|number| Input::CloseFeed { feed: self.feed(number) })
    }

    fn feed(&self, number: u32) -> FeedId {
        FeedId { session: self.id, number }
    }

    /// The writer tells something; it is read when the stream's task gets to run.
    pub(crate) fn post(&mut self, letter: Letter) {
        let stream = match &letter {
            Letter::Presence(..) => Stream::Presence,
            Letter::Inbox(_) => Stream::Inbox,
            Letter::Reply(number, _) => match self.asked.get(number) {
                Some(Asked::Feed(Wish::OpenPresence { .. })) => Stream::Presence,
                Some(Asked::Feed(_)) => Stream::Inbox,
                _ => Stream::Control,
            },
        };
        self.mail.entry(stream).or_default().push_back(letter);
    }

    /// Whether there is nothing left to do for this session before somebody else does something.
    pub(crate) fn is_idle(&self) -> bool {
        self.mail.values().all(VecDeque::is_empty) && self.asked.is_empty()
    }

    /// The server is going away.
    pub(crate) fn go_away() -> Vec<u8> {
        let mut out = Vec::new();
        encode(&Goaway { deadline_ms: 500, reconnect_after_ms: 200 }, &mut out);
        out
    }

    /// Lets the task of `stream` run: `bytes` arrived on it, and its mail is read. Returns what it writes.
    pub(crate) fn run(&mut self, stream: Stream, bytes: &[u8], place: &mut Place<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.ears.get_mut(&stream).expect("all streams have ears").push(bytes);
        for letter in self.mail.remove(&stream).unwrap_or_default() {
            self.read(letter, place, &mut out);
        }
        // All but the hello waits until it is known whose connection it is.
        while self.actor.is_some() || stream == Stream::Control && self.tickets == 0 {
            let ears = self.ears.get_mut(&stream).expect("all streams have ears");
            match ears.next_frame().expect("devices write frames") {
                Some(frame) => self.hear(stream, &frame, place, &mut out),
                None => break,
            }
        }
        self.with_feeds(stream, place, &mut out, |session, desk| match stream {
            Stream::Control => {}
            Stream::Presence => session.presence.iter_mut().for_each(|side| side.step(desk)),
            Stream::Inbox => session.inbox.iter_mut().for_each(|side| side.step(desk)),
        });
        out
    }

    fn hear(&mut self, stream: Stream, frame: &Frame, place: &mut Place<'_>, out: &mut Vec<u8>) {
        match frame.kind {
            body::Hello::KIND => {
                let hello: body::Hello = decode(frame).expect("a hello decodes");
                let principal = hello.principal.parse().expect("it is an address");
                let hello = Hello { principal, key: PublicKey(hello.key), enroll: None };
                let ticket = self.ask(Asked::Enter);
                place.queue.push_back(Input::Enter { ticket, hello });
            }
            FeedOpen::KIND => {
                let open: FeedOpen = decode(frame).expect("a feed's opening decodes");
                self.with_feeds(stream, place, out, |session, desk| session.begin(&open, desk));
            }
            FeedAck::KIND => {
                let ack: FeedAck = decode(frame).expect("an acknowledgement decodes");
                let position = cursor::open(place.era, &ack.cursor);
                let position = position.expect("a device acknowledges only cursors of this server");
                self.with_feeds(stream, place, out, |session, desk| match stream {
                    Stream::Control => panic!("an acknowledgement came on CONTROL"),
                    Stream::Presence => {
                        session.presence.iter_mut().for_each(|side| side.acknowledged(position));
                    }
                    Stream::Inbox => {
                        session.inbox.iter_mut().for_each(|side| side.acknowledged(position, desk));
                    }
                });
            }
            _ => self.request(frame, place),
        }
        self.answer(out);
    }

    fn begin(&mut self, open: &FeedOpen, desk: &mut Desk<'_>) {
        let watcher = &self.actor.as_ref().expect("feeds wait for it").principal;
        if open.kind == 1 {
            self.presence = Some(PresenceSide::new(watcher, open, desk));
        } else {
            self.inbox = Some(InboxSide::new(open, desk));
        }
    }

    fn request(&mut self, frame: &Frame, place: &mut Place<'_>) {
        let (number, command) = requests::read(frame);
        if place.is_going {
            let refused = answers::write(number, &Err(Refusal::GoingAway));
            self.ledger.push_back((0, Some(refused)));
            return;
        }
        let ticket = self.ask(Asked::Request(number));
        self.ledger.push_back((ticket.number, None));
        let actor = self.actor.clone().expect("requests wait for it");
        place.queue.push_back(Input::Command { ticket, actor, command });
    }

    fn ask(&mut self, asked: Asked) -> Ticket {
        self.tickets += 1;
        self.asked.insert(self.tickets, asked);
        Ticket { session: self.id, number: self.tickets }
    }

    fn read(&mut self, letter: Letter, place: &mut Place<'_>, out: &mut Vec<u8>) {
        match letter {
            Letter::Presence(mode, item) => {
                self.presence.iter_mut().for_each(|side| side.offer(mode, item.clone()));
            }
            Letter::Inbox(row) => self.inbox.iter_mut().for_each(|side| side.offer(row)),
            Letter::Reply(number, result) => {
                match self.asked.remove(&number).expect("each question is answered once") {
                    Asked::Enter => self.entered(result, place.now, out),
                    Asked::Request(request) => {
                        let slot = self.ledger.iter_mut().find(|(ticket, _)| *ticket == number);
                        let answer = answers::write(request, &result);
                        slot.expect("it was written down").1 = Some(answer);
                        self.answer(out);
                    }
                    Asked::Feed(wish) => self.granted(&wish, result, place, out),
                }
            }
        }
    }

    fn entered(&mut self, result: Result<Reply, Refusal>, now: u64, out: &mut Vec<u8>) {
        match result {
            Ok(Reply::Entered { actor, role, .. }) => {
                out.extend(answers::welcome(&actor, role, now));
                self.actor = Some(actor);
            }
            other => panic!("a hello was answered {other:?}"),
        }
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        while let Some((_, Some(answer))) = self.ledger.pop_front_if(|(_, answer)| answer.is_some())
        {
            out.extend(answer);
        }
    }

    fn granted(
        &mut self,
        wish: &Wish,
        result: Result<Reply, Refusal>,
        place: &mut Place<'_>,
        out: &mut Vec<u8>,
    ) {
        let stream = if matches!(wish, Wish::OpenPresence { .. }) {
            Stream::Presence
        } else {
            Stream::Inbox
        };
        self.with_feeds(stream, place, out, |session, desk| {
            match (session.presence.as_mut(), session.inbox.as_mut(), result) {
                (Some(side), _, Ok(Reply::PresenceOpened(opened))) => side.opened(&opened, desk),
                (_, Some(side), Ok(Reply::InboxOpened { after, head, waiting })) => {
                    side.opened((after, head, waiting), desk);
                }
                (_, Some(side), Ok(Reply::Page(rows))) => side.page(rows),
                (_, Some(side), Ok(Reply::Acknowledged { .. })) => {
                    side.acknowledgement_is_durable(desk);
                }
                (_, _, result) => panic!("{wish:?} was answered {result:?}"),
            }
        });
    }

    /// Does `work` with the feeds and hands what they wish to the service.
    fn with_feeds(
        &mut self,
        stream: Stream,
        place: &mut Place<'_>,
        out: &mut Vec<u8>,
        work: impl FnOnce(&mut Self, &mut Desk<'_>),
    ) {
        let mut wishes = VecDeque::new();
        let (era, bug, sends_max) = (place.era, place.bug, place.sends_max);
        work(
            self,
            &mut Desk { reader: place.reader, era, bug, sends_max, wishes: &mut wishes, out },
        );
        assert!(wishes.is_empty() || stream != Stream::Control, "CONTROL has no feeds");
        for wish in wishes {
            let ticket = self.ask(Asked::Feed(wish.clone()));
            let actor = self.actor.clone().expect("feeds wait for it");
            place.queue.push_back(self.input(ticket, actor, wish));
        }
    }

    fn input(&self, ticket: Ticket, actor: Actor, wish: Wish) -> Input {
        match wish {
            Wish::OpenPresence { after } => {
                let (feed, presentities) = (self.feed(PRESENCE_FEED), Vec::new());
                Input::OpenPresence {
                    ticket,
                    feed,
                    actor,
                    presentities,
                    after,
                    with_watchers: false,
                }
            }
            Wish::OpenInbox { inbox, after } => {
                let feed = self.feed(INBOX_FEED);
                Input::OpenInbox { ticket, feed, actor, inbox, after }
            }
            Wish::Page { inbox, after } => {
                Input::Query { ticket, actor, query: Query::Page { inbox, after } }
            }
            Wish::Acknowledge { inbox, through } => {
                let command = Command::Acknowledge { inbox, through };
                Input::Command { ticket, actor, command }
            }
        }
    }
}
