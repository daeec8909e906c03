//! Closed loads: so many requests may be unanswered, and each answer lets the next one go.
//!
//! Must never hold: how something is asked, or whom.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::joined::joined;
use super::progress::Progress;
use super::samples::Samples;
use super::sizes::WARM_UP_PART;
use crate::cli::run::failure::Failure;

/// How much is to be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    /// Requests to be answered.
    pub(super) count: usize,
    /// Requests that may be unanswered.
    pub(super) window: usize,
}

impl Work {
    /// The part of it that goes ahead of what is measured.
    pub(super) fn warm_up(self) -> Self {
        Self { count: self.count.div_ceil(WARM_UP_PART), ..self }
    }
}

/// One connection that asks, and waits for answers in the order in which it asked.
pub(super) trait Closed: Send + 'static {
    /// The number of the next request.
    fn next(&self) -> u64;

    /// Asks until `window` are unanswered or `last` is next; notes in `flight` when.
    fn fill(
        &mut self,
        flight: &mut VecDeque<Instant>,
        last: u64,
        window: usize,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Waits for one answer and takes all that came with it. Tells how many.
    fn take_answers(
        &mut self,
        flight: &mut VecDeque<Instant>,
        samples: &mut Samples,
    ) -> impl Future<Output = Result<usize, Failure>> + Send;

    /// Does `work` and returns the time each answer took.
    fn run(
        &mut self,
        work: Work,
        progress: &Progress,
    ) -> impl Future<Output = Result<Samples, Failure>> + Send {
        async move {
            let mut samples = Samples::with_capacity(work.count);
            let mut flight: VecDeque<Instant> = VecDeque::with_capacity(work.window);
            let last = self.next() + work.count as u64;
            while self.next() < last || !flight.is_empty() {
                self.fill(&mut flight, last, work.window).await?;
                let answered = self.take_answers(&mut flight, &mut samples).await?;
                progress.add(answered);
            }
            Ok(samples)
        }
    }
}

/// Runs all `loads` at once, each in a task of its own, sharing `work.count` requests among them.
///
/// Returns them, the time from the first request to the last answer, and the times of all answers.
pub(super) async fn run_all<L: Closed>(
    loads: Vec<L>,
    work: Work,
    what: &str,
) -> Result<(Vec<L>, Duration, Samples), Failure> {
    let progress = Arc::new(Progress::begin(what, work.count));
    let shares = shares(work.count, loads.len());
    let (began, mut running) = (Instant::now(), JoinSet::new());
    for (mut load, count) in loads.into_iter().zip(shares) {
        let progress = Arc::clone(&progress);
        running.spawn(async move {
            let samples = load.run(Work { count, ..work }, &progress).await?;
            Ok::<_, Failure>((load, samples))
        });
    }
    let (loads, all) = joined(running).await?;
    Ok((loads, began.elapsed(), all))
}

/// `count` split into `parts` that differ by at most one.
pub(super) fn shares(count: usize, parts: usize) -> impl Iterator<Item = usize> {
    (0..parts).map(move |part| count / parts + usize::from(part < count % parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_are_even() {
        assert_eq!(shares(10, 4).collect::<Vec<_>>(), [3, 3, 2, 2]);
        assert_eq!(shares(2, 4).collect::<Vec<_>>(), [1, 1, 0, 0]);
    }
}
