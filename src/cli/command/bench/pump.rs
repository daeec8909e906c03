//! Keeps requests of one connection unanswered, as many as the workload says, and times each answer.
//!
//! Must never hold: what the requests are about.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::closed::Closed;
use super::due::Queue;
use super::link::{Link, wrong};
use super::progress::Progress;
use super::requests::Requests;
use super::samples::Samples;
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

impl<R: Requests> Pump<R> {
    /// A pump of `requests` over `link`.
    pub(super) fn new(link: Link, requests: R) -> Self {
        // Number 0 is what the store was furnished with.
        Self { link, requests, next: 1, out: Vec::with_capacity(2 * WRITE_BYTES) }
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

    /// Whether the server said that its answers mean: it is on stable storage.
    pub(super) fn is_durable(&self) -> bool {
        self.link.durable
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        if !self.out.is_empty() {
            self.link.write(&self.out).await?;
            self.out.clear();
        }
        Ok(())
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

impl<R: Requests + Send + 'static> Closed for Pump<R> {
    fn next(&self) -> u64 {
        self.next
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

    async fn take_answers(
        &mut self,
        flight: &mut VecDeque<Instant>,
        samples: &mut Samples,
    ) -> Result<usize, Failure> {
        let number = self.link.answered().await?;
        self.take_more(number, flight, samples).await
    }
}

fn out_of_turn(number: u64) -> Failure {
    wrong(format!("answer {number} came out of turn"))
}
