//! Where time goes between a request and its answer: how long each stage of that way takes.
//!
//! The writer's stages are measured once a round or once a commit, the ways to it and from it once for all that is handed over
//! together: never once a message. Must never hold: a label whose values a peer chooses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use tokio::time::Instant;

use crate::commit::Persisted;
use crate::session::{Gone, SendHalf};
use crate::wire::ResetCode;

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Requests wait for the writer, the oldest of those that came together.
    Queue,
    /// A round decides what it took, and folds the events in.
    Decide,
    /// A commit seals what people wrote, and packs its events into entries.
    Seal,
    /// A commit hands its entries to the disk.
    Append,
    /// A commit waits for the disk.
    Sync,
    /// A round's outputs are sorted and put where each stream finds its own.
    Route,
    /// What was put there is encoded and handed to QUIC, the oldest of what is written at once.
    Write,
}

impl Stage {
    const ALL: [Self; 7] =
        [Self::Queue, Self::Decide, Self::Seal, Self::Append, Self::Sync, Self::Route, Self::Write];

    /// The value of the label.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Decide => "decide",
            Self::Seal => "seal",
            Self::Append => "append",
            Self::Sync => "sync",
            Self::Route => "route",
            Self::Write => "write",
        }
    }
}

impl From<Persisted> for Stage {
    /// What is over when a commit has come so far.
    fn from(reached: Persisted) -> Self {
        match reached {
            Persisted::Packed => Self::Seal,
            Persisted::Appended => Self::Append,
            Persisted::Synced => Self::Sync,
        }
    }
}

/// How long each stage took.
pub(super) struct Stages {
    family: Family<[(&'static str, &'static str); 1], Histogram>,
    /// Its members, in the order of [`Stage::ALL`]: finding one by its label costs more than counting into it.
    members: [Histogram; Stage::ALL.len()],
}

impl Default for Stages {
    fn default() -> Self {
        // From a microsecond to four seconds.
        let family: Family<_, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(1e-6, 2.0, 23)));
        let members =
            Stage::ALL.map(|stage| family.get_or_create(&[("stage", stage.as_str())]).clone());
        Self { family, members }
    }
}

impl Stages {
    /// What is registered.
    pub(super) fn family(&self) -> Family<[(&'static str, &'static str); 1], Histogram> {
        self.family.clone()
    }

    /// A stage took so long.
    pub(super) fn took(&self, stage: Stage, time: Duration) {
        self.members[stage as usize].observe(time.as_secs_f64());
    }
}

/// One stage after the other, each beginning where the one before it ended.
pub(super) struct Laps {
    began: Instant,
}

impl Laps {
    /// The first stage begins.
    pub(super) fn begin() -> Self {
        Self { began: Instant::now() }
    }

    /// When the stage began that is under way.
    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// The stage is over, and the next one begins.
    pub(super) fn end(&mut self, stage: Stage, stages: &Stages) {
        let now = Instant::now();
        stages.took(stage, now - self.began);
        self.began = now;
    }
}

/// Since when the oldest of what a stream was handed, and has not begun to write, was there for it.
#[derive(Clone, Default)]
pub(super) struct HandedAt(Arc<Mutex<Option<Instant>>>);

impl HandedAt {
    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream was handed what is there since then.
    pub(super) fn set(&self, since: Instant) {
        *self.lock() = Some(since);
    }

    fn take(&self) -> Option<Instant> {
        self.lock().take()
    }
}

/// Writes, and says how long what is written had been there.
pub(super) struct Timed<S> {
    send: S,
    handed_at: HandedAt,
    stages: Arc<Stages>,
}

impl<S> Timed<S> {
    /// What is written to `send` is made of what was handed over at `handed_at`.
    pub(super) fn new(send: S, handed_at: HandedAt, stages: Arc<Stages>) -> Self {
        Self { send, handed_at, stages }
    }
}

impl<S: SendHalf> SendHalf for Timed<S> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        // What is handed over from now on is in the next write.
        let since = self.handed_at.take();
        self.send.write(bytes).await?;
        if let Some(since) = since {
            self.stages.took(Stage::Write, since.elapsed());
        }
        Ok(())
    }

    fn finish(&mut self) {
        self.send.finish();
    }

    async fn taken(&mut self) {
        self.send.taken().await;
    }

    fn reset(&mut self, code: ResetCode) {
        self.send.reset(code);
    }

    fn set_priority(&mut self, priority: i32) {
        self.send.set_priority(priority);
    }
}
