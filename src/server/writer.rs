//! The one thread that decides, commits and releases.
//!
//! It takes what waits in turn, as much as its askers may have in a round, reads the clock once, and lets nothing out
//! before it is durable; what comes meanwhile is the next round, so the disk sets the batch size. A failed append or sync ends it: memory is
//! then ahead of the disk, and only a restart makes them one again.
//! Must never hold: a frame, a stream, or a wait for a peer.

use std::future::pending;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

use super::ServerError;
use super::cache::RecentMessages;
use super::clock::{self, Timekeeper};
use super::config::ServerLimits;
use super::desk::Desk;
use super::keeper::{self, Chore, Chores, Done};
use super::known::Known;
use super::lanes::Lanes;
use super::metrics::Metrics;
use super::stages::{Laps, Stage};
use crate::commit::{Commit, history};
use crate::event::{Event, Recorded};
use crate::log::{LogFault, Room};
use crate::model::{InboxItem, Now, Sequence};
use crate::service::{Batch, Input, Output};

/// The thread's name.
const THREAD: &str = "adsum-writer";
/// Checkpoint records written between two rounds: some microseconds each, so that no answer waits for long.
const CHECKPOINT_RECORDS_MAX: usize = 128;
/// Between two counts of the views.
const SIZES_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for input, so that a wall clock that was set is noticed, and the end of a sleep of the machine, during
/// which the wait does not go on.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Between two looks for room while there is none.
const ROOM_EVERY: Duration = Duration::from_millis(100);

/// The writer's thread, for the server that owns it.
pub(super) struct WriterThread {
    desk: Arc<Desk>,
    thread: Option<thread::JoinHandle<()>>,
    fault: watch::Receiver<Option<Arc<str>>>,
}

/// What the writer works with.
pub(super) struct WriterParts {
    /// The service on its log.
    pub(super) commit: Commit,
    /// Where its outputs go.
    pub(super) lanes: Arc<Lanes>,
    /// Where messages for live feeds go.
    pub(super) recent: Arc<RecentMessages>,
    /// Which devices are enrolled.
    pub(super) known: Arc<Known>,
    /// What it counts into.
    pub(super) metrics: Arc<Metrics>,
    /// What time it is.
    pub(super) time: Timekeeper,
    /// What the keeper wants done.
    pub(super) chores: Chores,
}

impl WriterParts {
    /// Puts the figures of what was found in the log where they are asked for: a server that has just started, and to
    /// which nothing happens, has them as well.
    fn figures(&self) {
        let Self { commit, metrics, .. } = self;
        metrics.head(commit.head());
        metrics.clock(commit.views().clock().sets, commit.views().ahead());
        metrics.sizes(&commit.sizes());
    }
}

/// Starts the writer, which takes what waits at `desk`.
pub(super) fn start(
    parts: WriterParts,
    desk: &Arc<Desk>,
    limits: &ServerLimits,
) -> Result<WriterThread, ServerError> {
    let fault = |source| ServerError::Thread { name: THREAD, source };
    let (told, told_fault) = watch::channel(None);
    parts.figures();
    let rounds = Rounds {
        parts,
        desk: Arc::clone(desk),
        inputs_max: limits.round_inputs_max,
        checkpointing: false,
        sized_at: None,
        room: Room::Plenty,
    };
    let thread = thread::Builder::new()
        .name(THREAD.to_owned())
        .spawn(move || {
            if let Err(fault) = rounds.run() {
                error!(%fault, "the log failed; the server ends, what it acknowledged is on the disk");
                told.send_replace(Some(fault.to_string().into()));
            }
        })
        .map_err(fault)?;
    Ok(WriterThread { desk: Arc::clone(desk), thread: Some(thread), fault: told_fault })
}

impl WriterThread {
    /// Waits until the writer is between two rounds. Never returns if it is gone.
    pub(super) async fn turned(&self) {
        let (tell, told) = oneshot::channel();
        let tell = move |_: &mut Commit| {
            // Whoever waited may be gone.
            let _ = tell.send(());
        };
        let is_sent = self.desk.send(Box::new(tell)).is_ok();
        if !is_sent || told.await.is_err() {
            pending::<()>().await;
        }
    }

    /// Waits until the writer has failed and says why. Never returns while it works.
    pub(super) async fn failed(&self) -> ServerError {
        let mut fault = self.fault.clone();
        let reason = match fault.wait_for(Option::is_some).await {
            Ok(reason) => reason.as_deref().unwrap_or_default().to_owned(),
            // It ended without a word: it panicked, and the panic was printed.
            Err(_) => format!("the thread {THREAD} stopped"),
        };
        ServerError::Writer { reason }
    }

    /// Does what waits, writes a checkpoint and ends the thread.
    pub(super) async fn stop(mut self) -> Result<(), ServerError> {
        self.desk.close();
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let ended = tokio::task::spawn_blocking(move || thread.join()).await;
        match (self.fault.borrow().as_deref(), ended) {
            (Some(reason), _) => Err(ServerError::Writer { reason: reason.to_owned() }),
            (None, Ok(Ok(()))) => Ok(()),
            (None, _) => {
                Err(ServerError::Writer { reason: format!("the thread {THREAD} panicked") })
            }
        }
    }
}

impl Drop for WriterThread {
    // A server that is dropped closes the log as at an orderly stop.
    fn drop(&mut self) {
        self.desk.close();
    }
}

struct Rounds {
    parts: WriterParts,
    desk: Arc<Desk>,
    inputs_max: usize,
    checkpointing: bool,
    sized_at: Option<Instant>,
    room: Room,
}

impl Drop for Rounds {
    // Whether it ended in order or not, nobody takes anything any more.
    fn drop(&mut self) {
        self.desk.abandon();
        // Before the log is closed, for it reads and writes there.
        self.parts.chores.end();
    }
}

impl Rounds {
    fn run(mut self) -> Result<(), LogFault> {
        loop {
            let wait = if self.checkpointing { Duration::ZERO } else { self.wait() };
            let is_closed = self.desk.wait(wait);
            let room = self.look_for_room();
            if room == Room::None && !is_closed {
                thread::sleep(ROOM_EVERY);
                continue;
            }
            let chore = self.parts.chores.next();
            if !self.desk.is_empty() || self.is_due() || chore.is_some() {
                self.round(chore)?;
            }
            if let Some(errand) = self.desk.errand() {
                errand(&mut self.parts.commit);
            }
            self.measure();
            if is_closed && self.desk.is_empty() {
                self.parts.chores.end();
                // Without a checkpoint the next start folds more.
                if room == Room::Plenty {
                    self.parts.commit.settle(self.parts.time.now())?;
                    self.parts.commit.checkpoint_all()?;
                }
                info!(head = %self.parts.commit.head(), "the log is closed");
                return Ok(());
            }
            self.checkpointing =
                room == Room::Plenty && self.parts.commit.checkpoint(CHECKPOINT_RECORDS_MAX)?;
        }
    }

    /// Looks for room on the disk, and tells the operator when there is less or more of it.
    fn look_for_room(&mut self) -> Room {
        let room = self.parts.commit.look_for_room();
        self.parts.chores.look(room);
        if room == self.room {
            return room;
        }
        self.room = room;
        self.parts.metrics.storage_full.set((room != Room::Plenty).into());
        match room {
            Room::Plenty => info!("there is room on the disk of the data folder again"),
            Room::Short => warn!(
                "the disk of the data folder is nearly full: what is new is refused (storage-full), all else goes on; make room there"
            ),
            Room::None => error!(
                "the disk of the data folder is full: nothing is answered until there is room; make room there"
            ),
        }
        room
    }

    fn wait(&self) -> Duration {
        let now = self.parts.time.now();
        let due = self
            .parts
            .commit
            .next_timeout()
            .map_or(WAIT_MAX, |due| Duration::from_millis(now.elapsed.until(due).as_ms()));
        let sizes = self.sized_at.map_or(WAIT_MAX, |at| SIZES_EVERY.saturating_sub(at.elapsed()));
        due.min(sizes).min(WAIT_MAX)
    }

    fn is_due(&mut self) -> bool {
        self.parts.commit.is_due(self.parts.time.now())
    }

    fn round(&mut self, chore: Option<Chore>) -> Result<(), LogFault> {
        let now = self.parts.time.now();
        let mut laps = Laps::begin();
        let inputs = self.take_in(now, &laps);
        let done = chore.map(|chore| self.tend(chore)).transpose()?;
        let WriterParts { commit, lanes, recent, known, metrics, chores, .. } = &mut self.parts;
        metrics.round(inputs, self.desk.len());
        chores.count(inputs);
        laps.end(Stage::Decide, &metrics.stages);
        let began = Instant::now();
        let batch =
            commit.persist_telling(&mut |reached| laps.end(reached.into(), &metrics.stages))?;
        let outputs = commit.release();
        if let Some(batch) = &batch {
            metrics.committed(batch.events.len(), began.elapsed(), commit.head());
            metrics.clock(commit.views().clock().sets, batch.ahead);
            for (_, event) in &batch.events {
                clock::tell(event);
                known.handle(event);
            }
            self.sized_at.get_or_insert(began);
            let is_erasure = |(_, event): &(_, _)| matches!(event, Event::PrincipalErased(_));
            if batch.events.iter().any(is_erasure) {
                // What the log cannot tell any more, nothing else may.
                recent.clear();
            }
            recent.add(messages_told(batch, &outputs));
        }
        lanes.deliver(outputs);
        laps.end(Stage::Route, &metrics.stages);
        if let Some(done) = done {
            self.parts.chores.answer(done);
        }
        Ok(())
    }

    /// Does what the keeper wants, for the round to make durable.
    fn tend(&mut self, chore: Chore) -> Result<Done, LogFault> {
        let WriterParts { commit, time, .. } = &mut self.parts;
        keeper::tend(commit, time, chore)
    }

    /// Takes in what waits, in turn, as far as a round goes: so that whoever comes meanwhile does not wait for long.
    /// Returns how many inputs that were.
    fn take_in(&mut self, now: Now, laps: &Laps) -> usize {
        let WriterParts { commit, metrics, .. } = &mut self.parts;
        let mut inputs = 0;
        self.desk.begin_round();
        while inputs < self.inputs_max {
            let Some((asker, input, since)) = self.desk.next() else { break };
            if let Some(since) = since {
                metrics.stages.took(Stage::Queue, laps.began().saturating_duration_since(since));
            }
            // The first step is what most inputs are for, and in their cost.
            let more = commit.take_in(now, input).saturating_sub(1);
            if more > 0 {
                self.desk.charge(&asker, more);
            }
            inputs += 1;
        }
        if inputs == 0 {
            commit.take_in(now, Input::Tick);
        }
        inputs
    }

    /// Counts the views, now and then while they change.
    fn measure(&mut self) {
        if self.sized_at.is_some_and(|at| at.elapsed() >= SIZES_EVERY) {
            self.sized_at = None;
            self.parts.metrics.sizes(&self.parts.commit.sizes());
        }
    }
}

/// The messages and receipts of `batch` that a live feed is told of.
fn messages_told<'a>(
    batch: &'a Batch,
    outputs: &'a [Output],
) -> impl Iterator<Item = (Sequence, InboxItem)> + 'a {
    let mut places: Vec<Sequence> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Inbox { row, .. } => Some(row.at),
            _ => None,
        })
        .collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().filter_map(move |at| {
        let index = usize::try_from(at.get().checked_sub(batch.first.get())?).ok()?;
        let (moment, event) = batch.events.get(index)?.clone();
        let recorded = Recorded { sequence: at, at: moment, ahead: batch.ahead, event };
        Some((at, history::item_of(recorded)?))
    })
}
