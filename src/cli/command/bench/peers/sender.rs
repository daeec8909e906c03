//! Who sends messages to a server of another make: so many may be unanswered, as on the bench's own connections.
//!
//! Must never hold: a protocol.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cli::command::bench::joined::joined;
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::progress::Progress;
use crate::cli::command::bench::pump::{Work, shares};
use crate::cli::command::bench::samples::Samples;
use crate::cli::run::failure::Failure;

/// How a client sends, and hears that the server has what was sent.
pub(super) trait Sender: Send + 'static {
    /// Sends message `number`. It may lie here until answers are waited for.
    fn send(&mut self, number: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Waits until some are answered, in the order in which they were sent; tells how many.
    fn answered(&mut self) -> impl Future<Output = Result<usize, Failure>> + Send;
}

/// One connection, with the number of its next message.
pub(super) struct Sending<S> {
    sender: S,
    /// The first is 1.
    pub(super) next: u64,
}

impl<S: Sender> Sending<S> {
    pub(super) fn new(sender: S) -> Self {
        Self { sender, next: 1 }
    }

    /// Sends until `work` is done; returns how long each answer took.
    pub(super) async fn run(
        &mut self,
        work: Work,
        progress: &Progress,
    ) -> Result<Samples, Failure> {
        let mut samples = Samples::with_capacity(work.count);
        let mut flight: VecDeque<Instant> = VecDeque::with_capacity(work.window);
        let last = self.next + work.count as u64;
        while self.next < last || !flight.is_empty() {
            while flight.len() < work.window && self.next < last {
                flight.push_back(Instant::now());
                self.sender.send(self.next).await?;
                self.next += 1;
            }
            let count = self.sender.answered().await?;
            let now = Instant::now();
            for _ in 0..count {
                let sent = flight.pop_front().ok_or_else(|| wrong("an answer to nothing"))?;
                samples.add(now.duration_since(sent));
            }
            progress.add(count);
        }
        Ok(samples)
    }
}

/// Lets all `sendings` run at once, sharing `work.count` messages among them, as the bench's own connections do. Returns them, how
/// long it took, and the times of all answers.
pub(super) async fn run_all<S: Sender>(
    sendings: Vec<Sending<S>>,
    work: Work,
    what: &str,
) -> Result<(Vec<Sending<S>>, Duration, Samples), Failure> {
    let progress = Arc::new(Progress::begin(what, work.count));
    let shares = shares(work.count, sendings.len());
    let (began, mut running) = (Instant::now(), JoinSet::new());
    for (mut sending, count) in sendings.into_iter().zip(shares) {
        let progress = Arc::clone(&progress);
        running.spawn(async move {
            let samples = sending.run(Work { count, ..work }, &progress).await?;
            Ok::<_, Failure>((sending, samples))
        });
    }
    let (sendings, all) = joined(running).await?;
    Ok((sendings, began.elapsed(), all))
}
