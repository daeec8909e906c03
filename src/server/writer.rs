//! The one thread that decides, commits and releases.
//!
//! It takes all that waits, up to a limit, reads the clock once, and lets nothing out before it is durable; what
//! comes meanwhile is the next round, so the disk sets the batch size. A failed append or sync ends it: memory is
//! then ahead of the disk, and only a restart makes them one again.
//! Must never hold: a frame, a stream, or a wait for a peer.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, watch};
use tracing::{error, info};

use super::ServerError;
use super::cache::RecentMessages;
use super::clock::{self, Timekeeper};
use super::config::ServerLimits;
use super::lanes::Lanes;
use super::metrics::Metrics;
use crate::commit::{Commit, history};
use crate::event::Recorded;
use crate::log::LogFault;
use crate::model::{InboxItem, Sequence};
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

/// What the writer is asked.
enum Job {
    Inputs(Vec<Input>),
    Stop,
}

/// The way to the writer, for everybody.
#[derive(Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// The writer is gone: the server is about to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WriterGone;

impl Writer {
    /// Hands over inputs in order; waits while the queue is full.
    pub(super) async fn submit(&self, inputs: Vec<Input>) -> Result<(), WriterGone> {
        self.jobs.send(Job::Inputs(inputs)).await.map_err(|_| WriterGone)
    }
}

/// The writer's thread, for the server that owns it.
pub(super) struct WriterThread {
    jobs: mpsc::Sender<Job>,
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
    /// What it counts into.
    pub(super) metrics: Arc<Metrics>,
    /// What time it is.
    pub(super) time: Timekeeper,
}

/// Starts the writer.
pub(super) fn start(
    parts: WriterParts,
    limits: &ServerLimits,
) -> Result<(Writer, WriterThread), ServerError> {
    let fault = |source| ServerError::Thread { name: THREAD, source };
    let runtime = runtime::Builder::new_current_thread().enable_time().build().map_err(fault)?;
    let (jobs, queue) = mpsc::channel(limits.queue_bundles_max);
    let (told, told_fault) = watch::channel(None);
    let rounds = Rounds {
        parts,
        queue,
        runtime,
        inputs_max: limits.round_inputs_max,
        checkpointing: false,
        sized_at: None,
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
    let writer = Writer { jobs: jobs.clone() };
    Ok((writer, WriterThread { jobs, thread: Some(thread), fault: told_fault }))
}

impl WriterThread {
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
        // A writer that failed before has closed its queue; its reason follows.
        let _ = self.jobs.send(Job::Stop).await;
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

struct Rounds {
    parts: WriterParts,
    queue: mpsc::Receiver<Job>,
    // Of its own, so that the wait for input outlives whatever runtime the server is on.
    runtime: Runtime,
    inputs_max: usize,
    checkpointing: bool,
    sized_at: Option<Instant>,
}

/// What one look at the queue brought.
#[derive(Default)]
struct Taken {
    bundles: Vec<Vec<Input>>,
    inputs: usize,
    stop: bool,
}

impl Taken {
    fn add(&mut self, job: Job) {
        match job {
            Job::Inputs(inputs) => {
                self.inputs += inputs.len();
                self.bundles.push(inputs);
            }
            Job::Stop => self.stop = true,
        }
    }
}

impl Rounds {
    fn run(mut self) -> Result<(), LogFault> {
        let WriterParts { commit, metrics, .. } = &self.parts;
        metrics.head(commit.head());
        metrics.clock(commit.views().clock().sets, commit.views().ahead());
        loop {
            let taken = self.take();
            let stop = taken.stop;
            if taken.inputs > 0 || self.is_due() {
                self.round(taken)?;
            }
            self.measure();
            if stop {
                self.parts.commit.settle(self.parts.time.now())?;
                self.parts.commit.checkpoint_all()?;
                info!(head = %self.parts.commit.head(), "the log is closed");
                return Ok(());
            }
            self.checkpointing = self.parts.commit.checkpoint(CHECKPOINT_RECORDS_MAX)?;
        }
    }

    /// Waits for something to do, then takes all there is, up to the limit.
    fn take(&mut self) -> Taken {
        let mut taken = Taken::default();
        if let Some(job) = self.first() {
            taken.add(job);
        }
        while taken.inputs < self.inputs_max && !taken.stop {
            let Ok(job) = self.queue.try_recv() else { break };
            taken.add(job);
        }
        taken
    }

    /// The next job, or nothing when something else falls due before one comes.
    fn first(&mut self) -> Option<Job> {
        match self.queue.try_recv() {
            Ok(job) => return Some(job),
            Err(mpsc::error::TryRecvError::Disconnected) => return Some(Job::Stop),
            Err(mpsc::error::TryRecvError::Empty) if self.checkpointing => return None,
            Err(mpsc::error::TryRecvError::Empty) => {}
        }
        let wait = self.wait();
        let queue = &mut self.queue;
        let heard = self.runtime.block_on(async { tokio::time::timeout(wait, queue.recv()).await });
        // A closed queue means that the server was dropped: close the log as at an orderly stop.
        heard.ok().map(|job| job.unwrap_or(Job::Stop))
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

    fn is_due(&self) -> bool {
        self.parts.commit.is_due(self.parts.time.now())
    }

    fn round(&mut self, taken: Taken) -> Result<(), LogFault> {
        let WriterParts { commit, lanes, recent, metrics, time } = &mut self.parts;
        let now = time.now();
        let tick = (taken.inputs == 0).then_some(Input::Tick);
        commit.handle(now, taken.bundles.into_iter().flatten().chain(tick));
        metrics.round(taken.inputs);
        let began = Instant::now();
        let batch = commit.persist()?;
        let outputs = commit.release();
        if let Some(batch) = &batch {
            metrics.committed(batch.events.len(), began.elapsed(), commit.head());
            metrics.clock(commit.views().clock().sets, batch.ahead);
            batch.events.iter().for_each(|(_, event)| clock::tell(event));
            self.sized_at.get_or_insert(began);
            recent.add(messages_told(batch, &outputs));
        }
        lanes.deliver(outputs);
        Ok(())
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
