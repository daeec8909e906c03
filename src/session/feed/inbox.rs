//! What an inbox feed tells: drives [`InboxFeed`], does what it says, and makes acknowledgements durable.
//!
//! Must never hold: a message that was not asked for by the feed's state machine.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

use super::composing::ComposingHeard;
use super::over::FeedOver;
use super::ready::{Ready, outcome_of};
use super::side::{Desk, newest};
use crate::model::{
    EpochId, Epochs, InboxAddress, InboxItem, InboxSequence, Moment, PastPlace, Refusal,
};
use crate::protocol::body::{CaughtUp, FeedAcked, MessageEvent, ReceiptEvent};
use crate::protocol::{Field as _, Outcome};
use crate::service::feed::{InboxFeed, InboxStep};
use crate::service::{Actor, InboxOpened, InboxRow, Input, Query, Reply, Restored, Ticket};
use crate::session::cursor::{Place, Scope, Sealer};
use crate::session::lane::{Lane, Letter};
use crate::session::step::{Found, Look, Note, Step};
use crate::wire::encode;

/// Higher leaves first: below live presence, above queries.
const PRIORITY_LIVE: i32 = 5;
/// A long backlog goes behind everything, so that it delays nothing else.
const PRIORITY_DRAIN: i32 = -10;
/// Waiting messages from which on it is a long backlog.
const DRAIN_FROM: u64 = 1_000;

/// The telling side of an inbox feed.
pub(super) struct InboxSide {
    actor: Arc<Actor>,
    inbox: InboxAddress,
    /// Without a cursor, begin at the oldest message kept.
    from_start: bool,
    feed: InboxFeed,
    sealer: Sealer,
    outcome: Outcome,
    /// What the cursor said, until the service has answered to it.
    place: Option<Place>,
    epochs: Arc<Epochs>,
    /// The epoch of the place where the feed begins, then each place from which on it tells of another one.
    told: Vec<(InboxSequence, EpochId)>,
    /// The last event by which something may have been passed over that lay before what this feed told last.
    passed: Moment,
    /// Whether the feed is to be opened with the service.
    is_to_open: bool,
    asked: Vec<(u32, Asked)>,
    opened: Option<InboxOpened>,
    /// The number of the event whose message is being read.
    reading: Option<(u64, InboxRow)>,
    taken: Acknowledgement,
    composing: ComposingHeard,
}

/// A question to the service that is not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Open,
    Page,
    Acknowledge(Place),
}

/// How far the device has taken the inbox.
#[derive(Default)]
struct Acknowledgement {
    /// Told by the device, not handed to the service yet.
    wanted: Option<Place>,
    /// Handed to the service.
    asked: bool,
    /// Durable, not told to the device yet.
    durable: Option<Place>,
}

impl InboxSide {
    pub(super) fn new(
        actor: Arc<Actor>,
        cursor_secret: &[u8; 32],
        (inbox, from_start): (InboxAddress, bool),
        (cursor, window): (&[u8], u32),
    ) -> Self {
        let sealer = Sealer::new(cursor_secret, &actor, Scope::Inbox(&inbox));
        let place = sealer.open(cursor);
        Self {
            actor,
            inbox,
            from_start,
            feed: InboxFeed::new(window),
            sealer,
            outcome: outcome_of(cursor, place),
            place,
            epochs: Arc::default(),
            told: Vec::new(),
            passed: Moment::ZERO,
            is_to_open: true,
            asked: Vec::new(),
            opened: None,
            reading: None,
            taken: Acknowledgement::default(),
            composing: ComposingHeard::default(),
        }
    }

    /// Where to begin without a cursor; `None` is where the device has acknowledged.
    fn default_after(&self) -> Option<Place> {
        self.from_start.then(Place::default)
    }

    /// The place that this feed tells of `sequence`.
    fn place(&self, sequence: InboxSequence) -> Place {
        let (position, passed) = (sequence.get(), self.epochs.mark(self.passed));
        Place { position, epoch: self.epoch_of(sequence), passed }
    }

    /// The epoch in which this feed tells that `sequence` lies.
    fn epoch_of(&self, sequence: InboxSequence) -> EpochId {
        let epoch = self.told.iter().rev().find(|(first, _)| *first <= sequence);
        epoch.map_or(EpochId::NONE, |(_, epoch)| *epoch)
    }

    /// Whether `place` can be of this past: what came before this feed may have been told by another one, and so may what
    /// lies beyond what this one has told, as when the messages up to there were deleted since.
    fn knows(&self, place: Place) -> bool {
        let sequence = InboxSequence::new(place.position);
        match (self.told.first(), self.told.last()) {
            (Some(_), Some((_, told))) if sequence > self.feed.position() => {
                self.epochs.knows(place.epoch) && self.epochs.is_since(place.epoch, *told)
            }
            (Some((begin, _)), _) if sequence >= *begin => self.epoch_of(sequence) == place.epoch,
            _ => self.epochs.knows(place.epoch),
        }
    }

    /// Whether everything that the device has taken is durable.
    pub(super) fn is_settled(&self) -> bool {
        self.taken.wanted.is_none() && !self.taken.asked
    }

    /// The service wrote.
    pub(super) fn handle_letter(&mut self, letter: Letter) -> Result<(), FeedOver> {
        match letter {
            Letter::Inbox(row) => self.feed.offer(row),
            Letter::Reply(number, result) => {
                let place = self.asked.iter().position(|(asked, _)| *asked == number);
                let place = place.expect("only what was asked is answered");
                let (_, asked) = self.asked.swap_remove(place);
                self.answered(asked, result)?;
            }
            Letter::Composing(item) => self.composing.hear(item),
            Letter::Erased(principal) => self.composing.erase(&principal),
            Letter::Ended(refusal) => return Err(FeedOver::Refused(refusal)),
            Letter::Presence(..) => {}
        }
        Ok(())
    }

    fn answered(&mut self, asked: Asked, result: Result<Reply, Refusal>) -> Result<(), FeedOver> {
        match (asked, result.map_err(FeedOver::Refused)?) {
            (Asked::Open, Reply::InboxOpened(opened)) => self.opened = Some(opened),
            (Asked::Page, Reply::Page(rows)) => self.feed.page(rows),
            (Asked::Acknowledge(through), Reply::Acknowledged { .. }) => {
                self.taken.asked = false;
                self.taken.durable = self.taken.durable.max(Some(through));
            }
            (asked, reply) => unreachable!("the service answered {asked:?} with {reply:?}"),
        }
        Ok(())
    }

    /// The peer has taken what it was told up to the newest of `cursors`. What was not sent cannot have been taken,
    /// whatever cursor the device has got from elsewhere.
    pub(super) fn handle_taken(&mut self, cursors: &[Bytes]) {
        if let Some(place) = newest(&self.sealer, cursors, |place| self.knows(place)) {
            // What is answered is the cursor that came, unless it lies beyond.
            let position = self.feed.position();
            let is_beyond = InboxSequence::new(place.position) > position;
            let place = if is_beyond { self.place(position) } else { place };
            self.feed.acknowledged(InboxSequence::new(place.position));
            self.taken.wanted = self.taken.wanted.max(Some(place));
        }
    }

    /// The message asked for was read.
    pub(super) fn handle_found(&mut self, found: Found, desk: &mut Desk<'_>) {
        let (number, row) = self.reading.take().expect("a message is read after it was asked for");
        let Found::Item(item) = found else {
            unreachable!("the log told {found:?}, which was not asked for")
        };
        let cursor = self.sealer.seal(self.place(item.sequence()));
        let before = desk.out.len();
        write(number, cursor, &shown(&item, row), desk.out);
        self.feed.sent(desk.out.len() - before);
        *desk.sent += 1;
    }

    /// Does what the feed says until it needs something, `None` when it waits or a write is full. Tells nothing new
    /// once the feed `is_over`.
    pub(super) fn advance(
        &mut self,
        lane: &mut Lane,
        desk: &mut Desk<'_>,
        is_over: bool,
    ) -> Option<Step> {
        if core::mem::take(&mut self.is_to_open) {
            let after = self.place.or(self.default_after());
            return Some(self.open(lane, after));
        }
        if let Some(step) = self.acknowledge(lane) {
            return Some(step);
        }
        self.tell_acknowledged(desk);
        if let Some(opened) = self.opened.take() {
            return Some(self.opened(lane, &opened, desk));
        }
        if is_over { None } else { self.step(lane, desk) }
    }

    fn ask(
        &mut self,
        lane: &mut Lane,
        asked: Asked,
        input: impl FnOnce(Ticket, Actor, InboxAddress) -> Input,
    ) -> Step {
        let (number, ticket) = lane.ticket();
        self.asked.push((number, asked));
        Step::Ask(vec![input(ticket, Actor::clone(&self.actor), self.inbox.clone())])
    }

    fn open(&mut self, lane: &mut Lane, after: Option<Place>) -> Step {
        let (feed, Place { epoch, passed, .. }) = (lane.feed(), after.unwrap_or_default());
        let after = after.map(|place| InboxSequence::new(place.position));
        self.ask(lane, Asked::Open, |ticket, actor, inbox| Input::OpenInbox {
            ticket,
            feed,
            actor,
            inbox,
            after,
            epoch,
            passed,
        })
    }

    /// The service opened the feed: says that it is ready, or opens it again if the cursor is of another past.
    fn opened(&mut self, lane: &mut Lane, opened: &InboxOpened, desk: &mut Desk<'_>) -> Step {
        let place = self.place.take();
        if let (Some(place), Some(Restored { is_news })) = (place, opened.restored) {
            self.outcome = Outcome::Restored;
            let (inbox, had) = (self.inbox.clone(), InboxSequence::new(place.position));
            let place = PastPlace::Inbox { inbox, had, stands: opened.head };
            desk.notes.extend(is_news.then_some(Note::Restored(place)));
            let after = self.default_after();
            return self.open(lane, after);
        }
        self.epochs = Arc::clone(&opened.epochs);
        self.told = vec![(opened.after, opened.after_epoch)];
        self.passed = place.map_or(opened.ended, |place| place.passed.at);
        let passed = self.epochs.mark(self.passed.max(opened.ended));
        let ready = Ready {
            outcome: self.outcome,
            from: self.place(opened.after),
            to: Place { position: opened.head.get(), epoch: opened.head_epoch, passed },
            pending: opened.waiting,
            complete: true,
        };
        ready.write(&self.sealer, desk.out);
        desk.notes.push(Note::FeedOpened("inbox", ready.outcome.as_str()));
        self.feed.opened(opened.after);
        let is_drain = opened.waiting >= DRAIN_FROM;
        Step::Priority(if is_drain { PRIORITY_DRAIN } else { PRIORITY_LIVE })
    }

    fn step(&mut self, lane: &mut Lane, desk: &mut Desk<'_>) -> Option<Step> {
        if !desk.has_room() || self.reading.is_some() {
            return None;
        }
        self.composing.tell(desk.out);
        match self.feed.next_step() {
            InboxStep::Send { number, row } => {
                self.reading = Some((number, row));
                self.tells(row);
                Some(Step::Look(Look::Item(self.inbox.clone(), row)))
            }
            InboxStep::Page { after } => {
                Some(self.ask(lane, Asked::Page, |ticket, actor, inbox| Input::Query {
                    ticket,
                    actor,
                    query: Query::Page { inbox, after },
                }))
            }
            InboxStep::CaughtUp { position } => {
                let cursor = self.sealer.seal(self.place(position));
                encode(&CaughtUp { cursor }, desk.out);
                self.composing.is_live = true;
                Some(Step::Priority(PRIORITY_LIVE))
            }
            InboxStep::Wait => None,
        }
    }

    /// Remembers in which epoch `row` was accepted, if that is another one than that of the row before, and what may have
    /// been passed over.
    fn tells(&mut self, row: InboxRow) {
        self.passed = self.passed.max(row.ended);
        let epoch = self.epochs.of(row.at);
        if self.told.last().is_none_or(|(_, last)| *last != epoch) {
            self.told.push((row.sequence, epoch));
        }
    }

    /// Hands the newest acknowledgement to the service, one at a time: those that come meanwhile become one.
    fn acknowledge(&mut self, lane: &mut Lane) -> Option<Step> {
        if self.taken.asked {
            return None;
        }
        let place = self.taken.wanted.take()?;
        self.taken.asked = true;
        let through = InboxSequence::new(place.position);
        let acknowledge =
            |ticket, actor, inbox| Input::Acknowledge { ticket, actor, inbox, through };
        Some(self.ask(lane, Asked::Acknowledge(place), acknowledge))
    }

    /// Tells the device what it acknowledged and is durable.
    fn tell_acknowledged(&mut self, desk: &mut Desk<'_>) {
        if let Some(through) = self.taken.durable.take() {
            let cursor = self.sealer.seal(through);
            encode(&FeedAcked { cursor }, desk.out);
        }
    }
}

/// What of `item` is shown: a body that this device is not to read stays away.
fn shown(item: &InboxItem, row: InboxRow) -> Cow<'_, InboxItem> {
    match item {
        InboxItem::Message(message) if row.is_withheld => {
            Cow::Owned(InboxItem::Message(message.clone().withheld()))
        }
        _ => Cow::Borrowed(item),
    }
}

/// Appends the frame that tells `item`.
fn write(number: u64, cursor: Bytes, item: &InboxItem, out: &mut Vec<u8>) {
    match item {
        InboxItem::Message(message) => {
            let withheld = message.withheld_addition();
            let message = message.to_wire();
            encode(&MessageEvent { number, cursor, message, withheld }, out);
        }
        InboxItem::Receipt(receipt) => {
            let receipt = receipt.to_wire();
            encode(&ReceiptEvent { number, cursor, receipt }, out);
        }
    }
}
