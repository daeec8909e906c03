//! The server's side of an open feed: drives the real state machines and does what they say, as a session does.
//!
//! Must never hold: a choice of what to send or to skip.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use adsum::commit::history;
use adsum::log::LogReader;
use adsum::model::{InboxAddress, InboxSequence, Mode, Moment, Principal, SubscriptionState};
use adsum::service::feed::{InboxFeed, InboxStep, PresenceFeed, PresenceStep};
use adsum::service::{InboxRow, PresenceItem, PresenceOpened, view};
use adsum::wire::body::{self, CaughtUp, FeedAcked, FeedOpen, FeedReady, MessageEvent};
use adsum::wire::{convert, encode, encode_presence_event, encode_presence_suffix};

use super::plan::SECRET;
use super::{Bug, cursor};

/// Something a feed wants of the service.
#[derive(Clone, Debug)]
pub(crate) enum Wish {
    OpenPresence { after: Moment },
    OpenInbox { inbox: InboxAddress, after: Option<InboxSequence> },
    Page { inbox: InboxAddress, after: InboxSequence },
    Acknowledge { inbox: InboxAddress, through: InboxSequence },
}

/// What a feed works with.
pub(crate) struct Desk<'a> {
    pub(crate) reader: &'a dyn LogReader,
    pub(crate) era: u8,
    pub(crate) bug: Option<Bug>,
    /// Events that may be sent at once, as the size of a write bounds them.
    pub(crate) sends_max: usize,
    pub(crate) wishes: &'a mut VecDeque<Wish>,
    pub(crate) out: &'a mut Vec<u8>,
}

fn outcome_of(given: &[u8], position: Option<u64>) -> u8 {
    match (given.is_empty(), position) {
        (true, _) => 0,
        (false, Some(_)) => 1,
        (false, None) => 2,
    }
}

/// A presence feed.
#[derive(Debug)]
pub(crate) struct PresenceSide {
    feed: PresenceFeed,
    watcher: Principal,
    after: Moment,
    outcome: u8,
    is_opening: bool,
    is_ready: bool,
}

impl PresenceSide {
    pub(crate) fn new(watcher: &Principal, open: &FeedOpen, desk: &mut Desk<'_>) -> Self {
        let position = cursor::open(desk.era, &open.cursor);
        let after = Moment::from_us(position.unwrap_or_default());
        desk.wishes.push_back(Wish::OpenPresence { after });
        Self {
            feed: PresenceFeed::new(after, open.window),
            watcher: watcher.clone(),
            after,
            outcome: outcome_of(&open.cursor, position),
            is_opening: true,
            is_ready: false,
        }
    }

    pub(crate) fn opened(&mut self, opened: &PresenceOpened, desk: &mut Desk<'_>) {
        assert!(self.after <= opened.head, "no position was given out that the log did not reach");
        self.is_opening = false;
        let walk = |one| history::walk(desk.reader, one).expect("the log reads");
        let walks: Vec<_> = opened.histories.iter().map(walk).collect();
        let complete = walks.iter().all(|walk| walk.complete);
        self.feed.opened(opened, walks);
        if !self.is_ready {
            self.is_ready = true;
            let ready = FeedReady {
                outcome: self.outcome,
                from: cursor::seal(desk.era, self.feed.position().as_us()),
                to: cursor::seal(desk.era, self.feed.pending_through().as_us()),
                pending: self.feed.pending() as u64,
                complete,
            };
            encode(&ready, desk.out);
        }
    }

    /// What is told while the feed is opened is part of the answer.
    pub(crate) fn offer(&mut self, mode: Mode, item: Arc<PresenceItem>) {
        if !self.is_opening {
            self.feed.offer(mode, item);
        }
    }

    pub(crate) fn acknowledged(&mut self, position: u64) {
        self.feed.acknowledged(Moment::from_us(position));
    }

    pub(crate) fn step(&mut self, desk: &mut Desk<'_>) {
        let mut sent = 0;
        while sent < desk.sends_max {
            match self.feed.next_step() {
                PresenceStep::Send { number, position, item } => {
                    sent += 1;
                    let before = desk.out.len();
                    let cursor = cursor::seal(desk.era, position.as_us());
                    let suffix = suffix(&item, &self.watcher);
                    encode_presence_event(number, &cursor, &suffix, desk.out);
                    self.feed.sent(desk.out.len() - before);
                }
                PresenceStep::Read { presentity, at } => {
                    let item = history::state_at(desk.reader, &presentity, at);
                    self.feed.loaded(item.expect("the log reads"));
                }
                PresenceStep::CaughtUp { position } => {
                    let cursor = cursor::seal(desk.era, position.as_us());
                    encode(&CaughtUp { cursor }, desk.out);
                }
                PresenceStep::Reopen { after } => {
                    (self.after, self.is_opening) = (after, true);
                    desk.wishes.push_back(Wish::OpenPresence { after });
                }
                PresenceStep::Wait => break,
            }
        }
    }
}

/// The encoded form of `item` for `watcher`, made once where it is the same for all.
fn suffix(item: &PresenceItem, watcher: &Principal) -> bytes::Bytes {
    let encoded = |document| {
        encode_presence_suffix(&convert::presence_body(&item.presentity, item.state, document))
    };
    if item.state != SubscriptionState::Active {
        return item.encoded.get_or_init(|| encoded(None)).clone();
    }
    match view(&SECRET, item, watcher) {
        Cow::Borrowed(shared) => item.encoded.get_or_init(|| encoded(Some(shared))).clone(),
        Cow::Owned(own) => encoded(Some(&own)),
    }
}

/// What a watcher is to be shown of `item`.
pub(crate) fn shown(item: &PresenceItem, watcher: &Principal) -> body::PresenceBody {
    let active = item.state == SubscriptionState::Active;
    let document = active.then(|| view(&SECRET, item, watcher));
    convert::presence_body(&item.presentity, item.state, document.as_deref())
}

/// An inbox feed.
#[derive(Debug)]
pub(crate) struct InboxSide {
    feed: InboxFeed,
    inbox: InboxAddress,
    outcome: u8,
    /// Acknowledged by the device, not handed to the service yet.
    wanted: Option<InboxSequence>,
    asked: Option<InboxSequence>,
}

impl InboxSide {
    pub(crate) fn new(open: &FeedOpen, desk: &mut Desk<'_>) -> Self {
        let inbox: InboxAddress = open.inbox.parse().expect("devices name their inbox");
        let position = cursor::open(desk.era, &open.cursor);
        let after = position.map(InboxSequence::new);
        desk.wishes.push_back(Wish::OpenInbox { inbox: inbox.clone(), after });
        let outcome = outcome_of(&open.cursor, position);
        Self { feed: InboxFeed::new(open.window), inbox, outcome, wanted: None, asked: None }
    }

    pub(crate) fn opened(
        &mut self,
        (after, head, waiting): (InboxSequence, InboxSequence, u64),
        desk: &mut Desk<'_>,
    ) {
        let ready = FeedReady {
            outcome: self.outcome,
            from: cursor::seal(desk.era, after.get()),
            to: cursor::seal(desk.era, head.get()),
            pending: waiting,
            complete: true,
        };
        encode(&ready, desk.out);
        self.feed.opened(after);
    }

    pub(crate) fn offer(&mut self, row: InboxRow) {
        self.feed.offer(row);
    }

    pub(crate) fn page(&mut self, rows: Vec<InboxRow>) {
        self.feed.page(rows);
    }

    /// What was not sent cannot have been taken.
    pub(crate) fn acknowledged(&mut self, position: u64, desk: &mut Desk<'_>) {
        let position = InboxSequence::new(position).min(self.feed.position());
        self.feed.acknowledged(position);
        self.wanted = self.wanted.max(Some(position));
        self.hand_over(desk);
    }

    /// One acknowledgement is with the service at a time: those that come meanwhile become one.
    fn hand_over(&mut self, desk: &mut Desk<'_>) {
        if self.asked.is_none()
            && let Some(through) = self.wanted.take()
        {
            self.asked = Some(through);
            desk.wishes.push_back(Wish::Acknowledge { inbox: self.inbox.clone(), through });
        }
    }

    pub(crate) fn acknowledgement_is_durable(&mut self, desk: &mut Desk<'_>) {
        let through = self.asked.take().expect("only what was asked is answered");
        let cursor = cursor::seal(desk.era, through.get());
        encode(&FeedAcked { cursor }, desk.out);
        self.hand_over(desk);
    }

    pub(crate) fn step(&mut self, desk: &mut Desk<'_>) {
        let mut sent = 0;
        while sent < desk.sends_max {
            match self.feed.next_step() {
                InboxStep::Send { number, row } => {
                    sent += 1;
                    self.send(number, row, desk);
                }
                InboxStep::Page { after } => {
                    desk.wishes.push_back(Wish::Page { inbox: self.inbox.clone(), after });
                }
                InboxStep::CaughtUp { position } => {
                    let cursor = cursor::seal(desk.era, position.get());
                    encode(&CaughtUp { cursor }, desk.out);
                }
                InboxStep::Wait => break,
            }
        }
    }

    fn send(&mut self, number: u64, row: InboxRow, desk: &mut Desk<'_>) {
        let message = history::message_at(desk.reader, row).expect("the log reads");
        let ahead = u64::from(desk.bug == Some(Bug::CursorOneAhead));
        let event = MessageEvent {
            number,
            cursor: cursor::seal(desk.era, row.sequence.get() + ahead),
            message: convert::message_body(&message),
        };
        let before = desk.out.len();
        encode(&event, desk.out);
        self.feed.sent(desk.out.len() - before);
    }
}
