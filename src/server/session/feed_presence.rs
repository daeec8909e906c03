//! A presence feed: drives [`PresenceFeed`] and does what it says.
//!
//! Must never hold: a choice of what to send or to skip.

use std::sync::Arc;

use bytes::Bytes;

use super::feed::{FeedOver, FeedStream, Heard, Outcome, Ready, newest};
use super::{Session, StreamEnd, WRITE_BYTES, presence};
use crate::commit::history;
use crate::log::{LogFault, LogReader};
use crate::model::{Moment, Presentity, Sequence};
use crate::server::cursor::{Scope, Sealer};
use crate::server::lanes::Letter;
use crate::server::stream::{ReceiveHalf, SendHalf};
use crate::service::feed::{PresenceFeed, PresenceStep};
use crate::service::{Actor, Input, PresenceItem, PresenceOpened, Reply, Walk};
use crate::wire::body::{CaughtUp, WatcherEvent};
use crate::wire::{convert, encode, encode_presence_event};

/// Higher leaves first: what is live before queries and drains.
const PRIORITY: i32 = 10;

/// What a watcher asks for.
pub(super) struct Opening {
    /// Only these; all of its subscriptions if empty.
    pub(super) presentities: Vec<Presentity>,
    /// Where it stopped; empty for the start.
    pub(super) cursor: Bytes,
    /// Whether it wants to be told who watches the presentities it controls.
    pub(super) with_watchers: bool,
}

/// Serves the feed until it is over.
pub(super) async fn run<S: SendHalf, R: ReceiveHalf>(
    session: &Session,
    actor: Arc<Actor>,
    opening: Opening,
    window: u32,
    mut stream: FeedStream<S, R>,
) -> Result<(), StreamEnd> {
    stream.send.set_priority(PRIORITY);
    let sealer = Sealer::new(&session.shared.cursor_secret, &actor, Scope::Presence);
    let position = sealer.open(&opening.cursor).map(Moment::from_us);
    let after = position.unwrap_or_default();
    let told = Told {
        feed: PresenceFeed::new(after, window),
        sealer,
        after,
        outcome: Outcome::of(&opening.cursor, position.map(Moment::as_us)),
        is_ready: false,
        opened: None,
        conflated: 0,
        over: None,
    };
    let Opening { presentities, with_watchers, .. } = opening;
    let mut task = Task { session, actor, presentities, with_watchers, told, stream };
    let over = task.serve().await?;
    task.stream.end(over).await
}

struct Task<'a, S, R> {
    session: &'a Session,
    actor: Arc<Actor>,
    presentities: Vec<Presentity>,
    with_watchers: bool,
    told: Told,
    stream: FeedStream<S, R>,
}

/// What the feed was told so far.
struct Told {
    feed: PresenceFeed,
    sealer: Sealer,
    // Where the feed was last opened at.
    after: Moment,
    outcome: Outcome,
    is_ready: bool,
    opened: Option<PresenceOpened>,
    conflated: u64,
    over: Option<FeedOver>,
}

impl Told {
    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Letters(letters) => letters.into_iter().for_each(|letter| self.letter(letter)),
            Heard::Cursors(cursors) => {
                if let Some(position) = newest(&self.sealer, &cursors) {
                    self.feed.acknowledged(Moment::from_us(position));
                }
            }
            Heard::Over(over) => self.over = Some(over),
        }
    }

    fn letter(&mut self, letter: Letter) {
        match letter {
            Letter::Presence(mode, item) => self.feed.offer(mode, item),
            Letter::Reply(_, Ok(Reply::PresenceOpened(opened))) => self.opened = Some(opened),
            Letter::Reply(_, Err(refusal)) | Letter::Ended(refusal) => {
                self.over = Some(FeedOver::Refused(refusal));
            }
            Letter::Reply(..) | Letter::Inbox(_) => {}
        }
    }
}

impl<S: SendHalf, R: ReceiveHalf> Task<'_, S, R> {
    async fn serve(&mut self) -> Result<FeedOver, StreamEnd> {
        self.ask().await?;
        loop {
            if let Some(over) = self.told.over.take() {
                return Ok(over);
            }
            if let Some(opened) = self.told.opened.take()
                && let Err(fault) = self.open(opened).await
            {
                return Ok(fault.into());
            }
            if let Err(fault) = self.step().await? {
                return Ok(fault.into());
            }
            if self.stream.out.is_empty() {
                let heard = self.stream.ears.hear().await?;
                self.told.hear(heard);
            } else {
                self.flush().await?;
            }
        }
    }

    /// Opens the feed with the service, at the position it stands at.
    async fn ask(&mut self) -> Result<(), StreamEnd> {
        let lane = &mut self.stream.ears.lane;
        let input = Input::OpenPresence {
            ticket: lane.ticket(),
            feed: lane.feed(),
            actor: Actor::clone(&self.actor),
            presentities: self.presentities.clone(),
            after: self.told.after,
            with_watchers: self.with_watchers,
        };
        Ok(self.session.shared.writer.submit(vec![input]).await?)
    }

    /// The service opened the feed: reads the histories it names and says that it is ready.
    async fn open(&mut self, opened: PresenceOpened) -> Result<(), LogFault> {
        if self.told.after > opened.head {
            // The cursor is ahead of the log: this store was put back to an earlier state, and all is told anew.
            self.told.after = Moment::ZERO;
            self.told.outcome = Outcome::Anew;
        }
        let walks = self.walks(&opened).await?;
        let complete = opened.complete && walks.iter().all(|walk| walk.complete);
        self.told.feed.opened(&opened, walks);
        if !self.told.is_ready {
            self.told.is_ready = true;
            self.ready(complete);
        }
        Ok(())
    }

    async fn walks(&mut self, opened: &PresenceOpened) -> Result<Vec<Walk>, LogFault> {
        if opened.histories.is_empty() {
            return Ok(Vec::new());
        }
        let histories = opened.histories.clone();
        let look = move |reader: &dyn LogReader| {
            histories.iter().map(|history| history::walk(reader, history)).collect()
        };
        read(self.session, look).await
    }

    /// Says how the feed begins, with nothing in it that this watcher is not sent.
    fn ready(&mut self, complete: bool) {
        let feed = &self.told.feed;
        let ready = Ready {
            outcome: self.told.outcome,
            from: feed.position().as_us(),
            to: feed.pending_through().as_us(),
            pending: feed.pending() as u64,
            complete,
        };
        ready.write(&self.told.sealer, &mut self.stream.out);
        self.session.shared.metrics.feed_opened("presence", ready.outcome.as_str());
    }

    /// Does what the feed says until it waits or a write is full.
    async fn step(&mut self) -> Result<Result<(), LogFault>, StreamEnd> {
        let mut sent = 0;
        while self.stream.out.len() < WRITE_BYTES {
            match self.told.feed.next_step() {
                PresenceStep::Send { number, position, item } => {
                    self.send(number, position, &item);
                    sent += 1;
                }
                PresenceStep::Read { presentity, at } => match self.load(presentity, at).await {
                    Ok(item) => self.told.feed.loaded(item),
                    Err(fault) => return Ok(Err(fault)),
                },
                PresenceStep::CaughtUp { position } => {
                    let cursor = self.told.sealer.seal(position.as_us());
                    encode(&CaughtUp { cursor }, &mut self.stream.out);
                }
                PresenceStep::Reopen { after } => {
                    self.told.after = after;
                    self.ask().await?;
                }
                PresenceStep::Wait => break,
            }
        }
        self.count(sent);
        Ok(Ok(()))
    }

    fn send(&mut self, number: u64, position: Moment, item: &PresenceItem) {
        let cursor = self.told.sealer.seal(position.as_us());
        let before = self.stream.out.len();
        if let Some(row) = &item.watcher {
            let watcher = convert::watcher_body(row);
            encode(&WatcherEvent { number, cursor, watcher }, &mut self.stream.out);
        } else {
            let secret = &self.session.shared.store_secret;
            let suffix = presence::suffix(secret, item, &self.actor.principal);
            encode_presence_event(number, &cursor, &suffix, &mut self.stream.out);
        }
        self.told.feed.sent(self.stream.out.len() - before);
    }

    async fn load(
        &mut self,
        presentity: Presentity,
        at: Sequence,
    ) -> Result<PresenceItem, LogFault> {
        read(self.session, move |reader| history::state_at(reader, &presentity, at)).await
    }

    async fn flush(&mut self) -> Result<(), StreamEnd> {
        let told = &mut self.told;
        Ok(self.stream.flush(|heard| told.hear(heard)).await?)
    }

    fn count(&mut self, sent: u64) {
        let metrics = &self.session.shared.metrics;
        metrics.notifications_sent.inc_by(sent);
        let conflated = self.told.feed.conflated();
        // A feed that began anew counts from zero again.
        metrics.notifications_conflated.inc_by(conflated.saturating_sub(self.told.conflated));
        self.told.conflated = conflated;
    }
}

/// Reads the log where waiting for the disk holds up nobody else.
async fn read<T: Send + 'static>(
    session: &Session,
    look: impl FnOnce(&dyn LogReader) -> Result<T, LogFault> + Send + 'static,
) -> Result<T, LogFault> {
    let reader = Arc::clone(&session.shared.reader);
    let read = tokio::task::spawn_blocking(move || look(reader.as_ref())).await;
    read.unwrap_or_else(|panic| Err(LogFault::Engine { action: "read", reason: panic.to_string() }))
}
