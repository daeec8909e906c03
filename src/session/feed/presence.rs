//! What a presence feed tells: drives [`PresenceFeed`] and does what it says.
//!
//! Must never hold: a choice of what to send or to skip.

use std::sync::Arc;

use bytes::Bytes;

use super::over::FeedOver;
use super::ready::{Ready, outcome_of};
use super::side::{Desk, newest};
use crate::model::{Epochs, Moment, PastPlace, Presentity, Principal};
use crate::protocol::body::{CaughtUp, WatcherEvent};
use crate::protocol::feed::encode_presence_event;
use crate::protocol::{Field as _, Outcome};
use crate::service::feed::{PresenceFeed, PresenceStep};
use crate::service::{Actor, Input, PresenceItem, PresenceOpened, Reply, Restored, Walk};
use crate::session::cursor::{Place, Scope, Sealer};
use crate::session::lane::{Lane, Letter};
use crate::session::shown;
use crate::session::step::{Found, Look, Note, Step};
use crate::wire::encode;

/// Higher leaves first: what is live before queries and long backlogs.
pub(super) const PRIORITY: i32 = 10;

/// Parts that are asked for at once behind the first: the way to the service and back is longer than a part takes there. What is asked
/// for behind the last part is answered with nothing.
const PARTS_AHEAD: usize = 4;

/// The telling side of a presence feed.
pub(super) struct PresenceSide {
    actor: Arc<Actor>,
    store_secret: [u8; 32],
    presentities: Vec<Presentity>,
    with_watchers: bool,
    feed: PresenceFeed,
    sealer: Sealer,
    /// Where the feed was last opened at.
    after: Place,
    /// In which epoch each moment lies.
    epochs: Arc<Epochs>,
    outcome: Outcome,
    is_ready: bool,
    stage: Stage,
    /// Parts that were asked for behind the first and have yet to come.
    parts_asked: usize,
    /// Changes passed over so far, as far as they were counted.
    conflated: u64,
}

/// What the feed waits for.
enum Stage {
    /// Nothing: it goes on.
    Open,
    /// It is to be opened with the service at `after`.
    ToOpen,
    /// The service is to open it.
    Opening,
    /// The service opened it, or a part of it: what is missing of it, and then the histories it names, are to be read.
    Opened(PresenceOpened),
    /// The service is to go on behind the parts that it opened.
    OpeningMore(PresenceOpened),
    /// They are being read.
    Walking(PresenceOpened),
    /// A change is being read.
    Loading,
}

impl PresenceSide {
    pub(super) fn new(
        actor: Arc<Actor>,
        secrets: (&[u8; 32], &[u8; 32]),
        (presentities, with_watchers): (Vec<Presentity>, bool),
        (cursor, window): (&[u8], u32),
    ) -> Self {
        let (store_secret, cursor_secret) = secrets;
        let sealer = Sealer::new(cursor_secret, &actor, Scope::Presence);
        let found = sealer.open(cursor);
        let after = found.unwrap_or_default();
        Self {
            actor,
            store_secret: *store_secret,
            presentities,
            with_watchers,
            feed: PresenceFeed::new(Moment::from_us(after.position), window),
            sealer,
            after,
            epochs: Arc::default(),
            outcome: outcome_of(cursor, found),
            is_ready: false,
            stage: Stage::ToOpen,
            parts_asked: 0,
            conflated: 0,
        }
    }

    /// The service wrote.
    pub(super) fn handle_letter(&mut self, letter: Letter) -> Result<(), FeedOver> {
        match letter {
            Letter::Presence(mode, item) => self.feed.offer(mode, item),
            Letter::Reply(_, Ok(Reply::PresenceOpened(part))) => self.handle_part(part),
            Letter::Erased(principal) => self.erase(&principal),
            Letter::Reply(_, Err(refusal)) | Letter::Ended(refusal) => {
                return Err(FeedOver::Refused(refusal));
            }
            Letter::Reply(..) | Letter::Inbox(_) | Letter::Composing(_) => {}
        }
        Ok(())
    }

    /// The service opened the feed, or a part of it. Answers come in the order they were asked for.
    fn handle_part(&mut self, part: PresenceOpened) {
        let is_more = self.parts_asked > 0;
        self.parts_asked = self.parts_asked.saturating_sub(1);
        self.stage = match core::mem::replace(&mut self.stage, Stage::Open) {
            Stage::Opening if !is_more => Stage::Opened(part),
            Stage::OpeningMore(opened) => Stage::Opened(opened.and(part)),
            Stage::Opened(opened) if opened.more => Stage::Opened(opened.and(part)),
            // It was asked for behind the last part.
            stage => stage,
        };
    }

    /// Of what `principal` wrote nothing is told any more, wherever it waits.
    fn erase(&mut self, principal: &Principal) {
        if let Stage::Opened(opened) | Stage::OpeningMore(opened) | Stage::Walking(opened) =
            &mut self.stage
        {
            opened.erase(principal);
        }
        self.feed.erase(principal);
    }

    /// The peer has taken what it was told up to the newest of `cursors`.
    pub(super) fn handle_taken(&mut self, cursors: &[Bytes]) {
        let known =
            |place: Place| self.epochs.holds_at(place.epoch, Moment::from_us(place.position));
        if let Some(place) = newest(&self.sealer, cursors, known) {
            self.feed.acknowledged(Moment::from_us(place.position));
        }
    }

    /// The log told what was asked of it.
    pub(super) fn handle_found(&mut self, found: Found, desk: &mut Desk<'_>) {
        match (core::mem::replace(&mut self.stage, Stage::Open), found) {
            (Stage::Walking(opened), Found::Walks(walks)) => self.open(&opened, walks, desk),
            (Stage::Loading, Found::State(item)) => self.feed.loaded(item),
            (_, found) => unreachable!("the log told {found:?}, which was not asked for"),
        }
    }

    /// Does what the feed says until it needs something, `None` when it waits or a write is full.
    pub(super) fn advance(&mut self, lane: &mut Lane, desk: &mut Desk<'_>) -> Option<Step> {
        match core::mem::replace(&mut self.stage, Stage::Open) {
            Stage::ToOpen => {
                self.stage = Stage::Opening;
                return Some(Step::Ask(vec![self.ask(lane)]));
            }
            Stage::Opened(opened) if opened.more => {
                self.stage = Stage::OpeningMore(opened);
                if self.parts_asked == 0 {
                    self.parts_asked = PARTS_AHEAD;
                    let inputs = (0..PARTS_AHEAD).map(|_| self.ask_more(lane));
                    return Some(Step::Ask(inputs.collect()));
                }
            }
            Stage::Opened(opened) if !opened.histories.is_empty() => {
                let histories = opened.histories.clone();
                self.stage = Stage::Walking(opened);
                return Some(Step::Look(Look::Walks(histories)));
            }
            Stage::Opened(opened) => self.open(&opened, Vec::new(), desk),
            waiting @ (Stage::Walking(_)
            | Stage::Loading
            | Stage::Opening
            | Stage::OpeningMore(_)) => {
                self.stage = waiting;
            }
            Stage::Open => {}
        }
        let step = self.step(lane, desk);
        self.count(desk);
        step
    }

    /// Opens the feed with the service, at the position it stands at.
    fn ask(&self, lane: &mut Lane) -> Input {
        Input::OpenPresence {
            ticket: lane.ticket().1,
            feed: lane.feed(),
            actor: Actor::clone(&self.actor),
            presentities: self.presentities.clone(),
            after: Moment::from_us(self.after.position),
            epoch: self.after.epoch,
            passed: self.after.passed,
            with_watchers: self.with_watchers,
        }
    }

    /// Asks for the part behind the last one that was asked for.
    fn ask_more(&self, lane: &mut Lane) -> Input {
        let (ticket, feed) = (lane.ticket().1, lane.feed());
        Input::OpenMore { ticket, feed, actor: Actor::clone(&self.actor) }
    }

    /// The service opened the feed and the histories it names were read: says that it is ready.
    fn open(&mut self, opened: &PresenceOpened, walks: Vec<Walk>, desk: &mut Desk<'_>) {
        self.epochs = Arc::clone(&opened.epochs);
        if let Some(Restored { is_news }) = opened.restored {
            let had = Moment::from_us(self.after.position);
            let place = PastPlace::Presence { had, stands: opened.head };
            desk.notes.extend(is_news.then_some(Note::Restored(place)));
            (self.after, self.outcome) = (Place::default(), Outcome::Restored);
        }
        let complete = opened.complete && walks.iter().all(|walk| walk.complete);
        self.feed.opened(opened, walks);
        if !self.is_ready {
            self.is_ready = true;
            self.ready(complete, desk);
        }
    }

    /// Says how the feed begins, with nothing in it that this watcher is not sent.
    fn ready(&self, complete: bool, desk: &mut Desk<'_>) {
        let feed = &self.feed;
        let passed = self.epochs.mark(self.after.passed.at.max(feed.position()));
        let ready = Ready {
            outcome: self.outcome,
            from: Place { passed, ..self.place(feed.position()) },
            to: self.place(feed.pending_through()),
            pending: feed.pending() as u64,
            complete,
        };
        ready.write(&self.sealer, desk.out);
        desk.notes.push(Note::FeedOpened("presence", ready.outcome.as_str()));
    }

    /// Where the feed stands at `at`: what lies before was told, or passed over for what is told until the end of the round.
    fn place(&self, at: Moment) -> Place {
        let passed = self.after.passed.at.max(self.feed.pending_through());
        Place { position: at.as_us(), epoch: self.epochs.at(at), passed: self.epochs.mark(passed) }
    }

    fn step(&mut self, lane: &mut Lane, desk: &mut Desk<'_>) -> Option<Step> {
        while desk.has_room() && matches!(self.stage, Stage::Open) {
            match self.feed.next_step() {
                PresenceStep::Send { number, position, item } => {
                    self.send(number, position, &item, desk);
                }
                PresenceStep::Read { presentity, at } => {
                    self.stage = Stage::Loading;
                    return Some(Step::Look(Look::State(presentity, at)));
                }
                PresenceStep::CaughtUp { position } => {
                    let cursor = self.sealer.seal(self.place(position));
                    encode(&CaughtUp { cursor }, desk.out);
                }
                PresenceStep::Reopen { after } => {
                    self.after = self.place(after);
                    self.stage = Stage::Opening;
                    return Some(Step::Ask(vec![self.ask(lane)]));
                }
                PresenceStep::Wait => return None,
            }
        }
        None
    }

    fn send(&mut self, number: u64, position: Moment, item: &PresenceItem, desk: &mut Desk<'_>) {
        let cursor = self.sealer.seal(self.place(position));
        let before = desk.out.len();
        if let Some(row) = &item.watcher {
            let watcher = row.to_wire();
            encode(&WatcherEvent { number, cursor, watcher }, desk.out);
        } else {
            let suffix = shown::suffix(&self.store_secret, item, &self.actor.principal);
            encode_presence_event(number, &cursor, &suffix, desk.out);
        }
        self.feed.sent(desk.out.len() - before);
        *desk.sent += 1;
    }

    fn count(&mut self, desk: &mut Desk<'_>) {
        let conflated = self.feed.conflated();
        // A feed that began anew counts from zero again.
        let fresh = conflated.saturating_sub(self.conflated);
        self.conflated = conflated;
        if fresh > 0 {
            desk.notes.push(Note::Conflated(fresh));
        }
    }
}
