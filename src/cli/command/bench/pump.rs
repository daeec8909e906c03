//! Keeps requests of one connection unanswered, as many as the workload says, and times each answer.
//!
//! Must never hold: what the requests are about.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::due::Queue;
use super::joined::joined;
use super::link::{Link, wrong};
use super::progress::Progress;
use super::requests::Requests;
use super::samples::Samples;
use super::sizes::WARM_UP_PART;
use crate::cli::run::failure::Failure;
use crate::model::limits::REQUESTS_IN_FLIGHT_MAX;

/// Bytes after which a buffer is written: larger ones make QUIC search longer for what it still has to send.
const WRITE_BYTES: usize = 16 * 1024;

/// One connection of the load.
pub(super) struct Pump<R> {
    link: Link,
    requests: R,
    next: u64,
    out: Vec<u8>,
}

/// How much a pump is to do.
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

impl<R: Requests> Pump<R> {
    /// A pump of `requests` over `link`.
    pub(super) fn new(link: Link, requests: R) -> Self {
        // Number 0 is what the store was furnished with.
        Self { link, requests, next: 1, out: Vec::with_capacity(2 * WRITE_BYTES) }
    }

    /// Does `work` and returns the time each answer took.
    pub(super) async fn run(
        &mut self,
        work: Work,
        progress: &Progress,
    ) -> Result<Samples, Failure> {
        let mut samples = Samples::with_capacity(work.count);
        let mut flight: VecDeque<Instant> = VecDeque::with_capacity(work.window);
        let last = self.next + work.count as u64;
        while self.next < last || !flight.is_empty() {
            self.fill(&mut flight, last, work.window).await?;
            let answered = self.take_answers(&mut flight, &mut samples).await?;
            progress.add(answered);
        }
        Ok(samples)
    }

    /// Writes `count` requests, one each `spacing`, whether or not those before were answered, and waits for all
    /// answers. Tells `sent` each number just before it is written.
    pub(super) async fn paced(
        &mut self,
        count: usize,
        spacing: Duration,
        mut sent: impl FnMut(u64),
    ) -> Result<(), Failure> {
        let (first, last) = (self.next, self.next + count as u64);
        let mut answered = first;
        let mut clock = tokio::time::interval(spacing);
        while answered < last {
            tokio::select! {
                _ = clock.tick(), if self.next < last => {
                    sent(self.next);
                    self.requests.write(self.next, &mut self.out);
                    self.next += 1;
                    self.flush().await?;
                }
                number = self.link.answered(), if answered < self.next => {
                    answered = number? + 1;
                }
            }
        }
        Ok(())
    }

    /// Asks what falls due on `queue`, whatever was answered meanwhile. Returns for each request how long after it fell due it was
    /// answered, and how long after it fell due it was written.
    pub(super) async fn steadily(
        &mut self,
        mut queue: Queue,
        progress: &Progress,
    ) -> Result<(Samples, Samples), Failure> {
        let (mut answers, mut written) = (Samples::default(), Samples::default());
        let mut flight: VecDeque<Instant> = VecDeque::with_capacity(REQUESTS_IN_FLIGHT_MAX);
        loop {
            while flight.len() < REQUESTS_IN_FLIGHT_MAX
                && let Some(due) = queue.take()
            {
                self.requests.write(self.next, &mut self.out);
                self.next += 1;
                flight.push_back(due);
                written.add(due.elapsed());
                if self.out.len() >= WRITE_BYTES {
                    self.flush().await?;
                }
            }
            self.flush().await?;
            if flight.is_empty() && queue.is_done() {
                return Ok((answers, written));
            }
            tokio::select! {
                number = self.link.answered(), if !flight.is_empty() => {
                    let answered = self.take_more(number?, &mut flight, &mut answers).await?;
                    progress.add(answered);
                }
                () = queue.more() => {}
            }
        }
    }

    /// The number of the next request.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether the server said that its answers mean: it is on stable storage.
    pub(super) fn is_durable(&self) -> bool {
        self.link.durable
    }

    async fn fill(
        &mut self,
        flight: &mut VecDeque<Instant>,
        last: u64,
        window: usize,
    ) -> Result<(), Failure> {
        while flight.len() < window && self.next < last {
            self.requests.write(self.next, &mut self.out);
            self.next += 1;
            flight.push_back(Instant::now());
            if self.out.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.out.is_empty() {
            self.link.write(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }

    /// Waits for one answer and takes all that came with it.
    async fn take_answers(
        &mut self,
        flight: &mut VecDeque<Instant>,
        samples: &mut Samples,
    ) -> Result<usize, Failure> {
        let number = self.link.answered().await?;
        self.take_more(number, flight, samples).await
    }

    /// Takes the answer to request `number`, and all that came with it.
    async fn take_more(
        &mut self,
        number: u64,
        flight: &mut VecDeque<Instant>,
        samples: &mut Samples,
    ) -> Result<usize, Failure> {
        let mut answered = Some(number);
        let now = Instant::now();
        let mut count = 0;
        while let Some(number) = answered {
            let asked = flight.pop_front().ok_or_else(|| out_of_turn(number))?;
            if number + flight.len() as u64 + 1 != self.next {
                return Err(out_of_turn(number));
            }
            samples.add(now.duration_since(asked));
            count += 1;
            answered = self.link.answered_already().await?;
        }
        Ok(count)
    }
}

fn out_of_turn(number: u64) -> Failure {
    wrong(format!("answer {number} came out of turn"))
}

/// Runs all `pumps` at once, each in a task of its own, sharing `count` requests among them.
///
/// Returns the pumps, the time from the first request to the last answer, and the times of all answers.
pub(super) async fn run_all<R: Requests + Send + 'static>(
    pumps: Vec<Pump<R>>,
    work: Work,
    what: &str,
) -> Result<(Vec<Pump<R>>, Duration, Samples), Failure> {
    let progress = Arc::new(Progress::begin(what, work.count));
    let shares = shares(work.count, pumps.len());
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (mut pump, count) in pumps.into_iter().zip(shares) {
        let progress = Arc::clone(&progress);
        tasks.spawn(async move {
            let samples = pump.run(Work { count, ..work }, &progress).await?;
            Ok::<_, Failure>((pump, samples))
        });
    }
    let (pumps, all) = joined(tasks).await?;
    Ok((pumps, began.elapsed(), all))
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
