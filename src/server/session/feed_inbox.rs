//! An inbox feed: drives [`InboxFeed`], does what it says, and makes acknowledgements durable.
//!
//! Must never hold: a message that was not asked for by the feed's state machine.

use std::sync::Arc;

use bytes::Bytes;

use super::feed::{FeedOver, FeedStream, Heard, Outcome, Ready, newest};
use super::messages::Messages;
use super::{Session, StreamEnd, WRITE_BYTES};
use crate::log::LogFault;
use crate::model::{InboxAddress, InboxItem, InboxSequence, Refusal};
use crate::server::cursor::{Scope, Sealer};
use crate::server::lanes::Letter;
use crate::server::stream::{ReceiveHalf, SendHalf};
use crate::service::feed::{InboxFeed, InboxStep};
use crate::service::{Actor, Command, InboxRow, Input, Query, Reply};
use crate::wire::body::{CaughtUp, FeedAcked, MessageEvent, ReceiptEvent};
use crate::wire::{convert, encode};

/// Higher leaves first: below live presence, above queries.
const PRIORITY_LIVE: i32 = 5;
/// A long backlog goes behind everything, so that it delays nothing else.
const PRIORITY_DRAIN: i32 = -10;
/// Waiting messages from which on it is a long backlog.
const DRAIN_FROM: u64 = 1_000;

/// What a reader asks for.
pub(super) struct Opening {
    /// Which inbox.
    pub(super) inbox: InboxAddress,
    /// Without a cursor, begin at the oldest message kept.
    pub(super) from_start: bool,
    /// Where it stopped; empty for none.
    pub(super) cursor: Bytes,
}

impl Opening {
    /// Where to begin without a cursor; `None` is where the device has acknowledged.
    fn default_after(&self) -> Option<InboxSequence> {
        self.from_start.then_some(InboxSequence::ZERO)
    }
}

/// Serves the feed until it is over.
pub(super) async fn run<S: SendHalf, R: ReceiveHalf>(
    session: &Session,
    actor: Arc<Actor>,
    opening: Opening,
    window: u32,
    stream: FeedStream<S, R>,
) -> Result<(), StreamEnd> {
    let sealer = Sealer::new(&session.shared.cursor_secret, &actor, Scope::Inbox(&opening.inbox));
    let position = sealer.open(&opening.cursor).map(InboxSequence::new);
    let told = Told {
        feed: InboxFeed::new(window),
        sealer,
        outcome: Outcome::of(&opening.cursor, position.map(InboxSequence::get)),
        position,
        asked: Vec::new(),
        opened: None,
        taken: Taken::default(),
        over: None,
    };
    let messages = Messages::new(
        opening.inbox.clone(),
        Arc::clone(&session.shared.reader),
        Arc::clone(&session.shared.recent),
    );
    let mut task = Task { session, actor, opening, told, messages, stream };
    let over = task.serve().await?;
    task.stream.end(over).await
}

struct Task<'a, S, R> {
    session: &'a Session,
    actor: Arc<Actor>,
    opening: Opening,
    told: Told,
    messages: Messages,
    stream: FeedStream<S, R>,
}

/// A question to the service that is not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Open,
    Page,
    Acknowledge(InboxSequence),
}

/// What `Reply::InboxOpened` said.
struct Opened {
    after: InboxSequence,
    head: InboxSequence,
    waiting: u64,
}

/// How far the device has taken the inbox.
#[derive(Default)]
struct Taken {
    /// Told by the device, not handed to the service yet.
    wanted: Option<InboxSequence>,
    /// Handed to the service.
    asked: bool,
    /// Durable, not told to the device yet.
    durable: Option<InboxSequence>,
}

impl Taken {
    fn is_settled(&self) -> bool {
        self.wanted.is_none() && !self.asked
    }
}

/// What the feed was told so far.
struct Told {
    feed: InboxFeed,
    sealer: Sealer,
    outcome: Outcome,
    // What the cursor said, until the service has answered to it.
    position: Option<InboxSequence>,
    asked: Vec<(u32, Asked)>,
    opened: Option<Opened>,
    taken: Taken,
    over: Option<FeedOver>,
}

impl Told {
    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Letters(letters) => letters.into_iter().for_each(|letter| self.letter(letter)),
            Heard::Cursors(cursors) => {
                if let Some(position) = newest(&self.sealer, &cursors) {
                    self.acknowledged(InboxSequence::new(position));
                }
            }
            Heard::Over(over) => self.over = Some(over),
        }
    }

    /// What was not sent cannot have been taken, whatever cursor the device has got from elsewhere.
    fn acknowledged(&mut self, position: InboxSequence) {
        let position = position.min(self.feed.position());
        self.feed.acknowledged(position);
        self.taken.wanted = self.taken.wanted.max(Some(position));
    }

    fn letter(&mut self, letter: Letter) {
        match letter {
            Letter::Inbox(row) => self.feed.offer(row),
            Letter::Reply(number, result) => {
                let place = self.asked.iter().position(|(asked, _)| *asked == number);
                let place = place.expect("only what was asked is answered");
                let (_, asked) = self.asked.swap_remove(place);
                self.answer(asked, result);
            }
            Letter::Ended(refusal) => self.over = Some(FeedOver::Refused(refusal)),
            Letter::Presence(..) => {}
        }
    }

    fn answer(&mut self, asked: Asked, result: Result<Reply, Refusal>) {
        match (asked, result) {
            (Asked::Open, Ok(Reply::InboxOpened { after, head, waiting })) => {
                self.opened = Some(Opened { after, head, waiting });
            }
            (Asked::Page, Ok(Reply::Page(rows))) => self.feed.page(rows),
            (Asked::Acknowledge(through), Ok(Reply::Acknowledged { .. })) => {
                self.taken.asked = false;
                self.taken.durable = self.taken.durable.max(Some(through));
            }
            (_, Err(refusal)) => self.over = Some(FeedOver::Refused(refusal)),
            (asked, Ok(reply)) => unreachable!("the service answered {asked:?} with {reply:?}"),
        }
    }
}

impl<S: SendHalf, R: ReceiveHalf> Task<'_, S, R> {
    async fn serve(&mut self) -> Result<FeedOver, StreamEnd> {
        self.open(self.told.position.or(self.opening.default_after())).await?;
        loop {
            self.acknowledge().await?;
            self.tell_acknowledged();
            if let Some(over) = self.is_over() {
                return Ok(over);
            }
            if let Some(opened) = self.told.opened.take() {
                self.opened(&opened).await?;
            }
            if self.told.over.is_none()
                && let Err(fault) = self.step().await?
            {
                return Ok(fault.into());
            }
            if self.stream.out.is_empty() {
                let heard = self.stream.ears.hear().await?;
                self.told.hear(heard);
            } else {
                let told = &mut self.told;
                self.stream.flush(|heard| told.hear(heard)).await?;
            }
        }
    }

    /// Whether the feed ends now. A reader that has finished still gets its last acknowledgement confirmed.
    fn is_over(&mut self) -> Option<FeedOver> {
        let waits = matches!(self.told.over, Some(FeedOver::Finished | FeedOver::Ending(_)))
            && !self.told.taken.is_settled();
        if waits { None } else { self.told.over.take() }
    }

    async fn ask(
        &mut self,
        asked: Asked,
        input: impl FnOnce(crate::service::Ticket) -> Input,
    ) -> Result<(), StreamEnd> {
        let lane = &mut self.stream.ears.lane;
        let ticket = lane.ticket();
        self.told.asked.push((lane.last_number(), asked));
        Ok(self.session.shared.writer.submit(vec![input(ticket)]).await?)
    }

    async fn open(&mut self, after: Option<InboxSequence>) -> Result<(), StreamEnd> {
        let feed = self.stream.ears.lane.feed();
        let (actor, inbox) = (Actor::clone(&self.actor), self.opening.inbox.clone());
        self.ask(Asked::Open, |ticket| Input::OpenInbox { ticket, feed, actor, inbox, after }).await
    }

    /// The service opened the feed.
    async fn opened(&mut self, opened: &Opened) -> Result<(), StreamEnd> {
        if self.told.position.take().is_some_and(|position| position > opened.head) {
            // The cursor is ahead of the inbox: this store was put back to an earlier state.
            self.told.outcome = Outcome::Anew;
            return self.open(self.opening.default_after()).await;
        }
        let is_drain = opened.waiting >= DRAIN_FROM;
        self.stream.send.set_priority(if is_drain { PRIORITY_DRAIN } else { PRIORITY_LIVE });
        let ready = Ready {
            outcome: self.told.outcome,
            from: opened.after.get(),
            to: opened.head.get(),
            pending: opened.waiting,
            complete: true,
        };
        ready.write(&self.told.sealer, &mut self.stream.out);
        self.session.shared.metrics.feed_opened("inbox", ready.outcome.as_str());
        self.told.feed.opened(opened.after);
        Ok(())
    }

    /// Does what the feed says until it waits or a write is full.
    async fn step(&mut self) -> Result<Result<(), LogFault>, StreamEnd> {
        let mut sent = 0;
        while self.stream.out.len() < WRITE_BYTES {
            match self.told.feed.next_step() {
                InboxStep::Send { number, row } => match self.send(number, row).await {
                    Ok(()) => sent += 1,
                    Err(fault) => return Ok(Err(fault)),
                },
                InboxStep::Page { after } => self.page(after).await?,
                InboxStep::CaughtUp { position } => {
                    self.stream.send.set_priority(PRIORITY_LIVE);
                    let cursor = self.told.sealer.seal(position.get());
                    encode(&CaughtUp { cursor }, &mut self.stream.out);
                }
                InboxStep::Wait => break,
            }
        }
        self.session.shared.metrics.notifications_sent.inc_by(sent);
        Ok(Ok(()))
    }

    async fn send(&mut self, number: u64, row: InboxRow) -> Result<(), LogFault> {
        let found = self.messages.read(row).await?;
        let item = found.ok_or(LogFault::Missing { sequence: row.at })?;
        let cursor = self.told.sealer.seal(row.sequence.get());
        let before = self.stream.out.len();
        write(number, cursor, &item, &mut self.stream.out);
        self.told.feed.sent(self.stream.out.len() - before);
        Ok(())
    }

    async fn page(&mut self, after: InboxSequence) -> Result<(), StreamEnd> {
        let (actor, inbox) = (Actor::clone(&self.actor), self.opening.inbox.clone());
        let query = Query::Page { inbox, after };
        self.ask(Asked::Page, |ticket| Input::Query { ticket, actor, query }).await
    }

    /// Hands the newest acknowledgement to the service, one at a time: those that come meanwhile become one.
    async fn acknowledge(&mut self) -> Result<(), StreamEnd> {
        if self.told.taken.asked {
            return Ok(());
        }
        let Some(through) = self.told.taken.wanted.take() else { return Ok(()) };
        self.told.taken.asked = true;
        let (actor, inbox) = (Actor::clone(&self.actor), self.opening.inbox.clone());
        let command = Command::Acknowledge { inbox, through };
        self.ask(Asked::Acknowledge(through), |ticket| Input::Command { ticket, actor, command })
            .await
    }

    /// Tells the device what it acknowledged and is durable.
    fn tell_acknowledged(&mut self) {
        if let Some(through) = self.told.taken.durable.take() {
            let cursor = self.told.sealer.seal(through.get());
            encode(&FeedAcked { cursor }, &mut self.stream.out);
        }
    }
}

/// Appends the frame that tells `item`.
fn write(number: u64, cursor: Bytes, item: &InboxItem, out: &mut Vec<u8>) {
    match item {
        InboxItem::Message(message) => {
            let message = convert::message_body(message);
            encode(&MessageEvent { number, cursor, message }, out);
        }
        InboxItem::Receipt(receipt) => {
            let receipt = convert::receipt_body(receipt);
            encode(&ReceiptEvent { number, cursor, receipt }, out);
        }
    }
}
