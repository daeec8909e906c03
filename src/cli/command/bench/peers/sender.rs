//! Who sends messages to a server of another make: so many may be unanswered, as on the bench's own connections.
//!
//! Must never hold: a protocol.

use std::collections::VecDeque;
use std::time::Instant;

use crate::cli::command::bench::closed::Closed;
use crate::cli::command::bench::link::wrong;
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
}

impl<S: Sender> Closed for Sending<S> {
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
            flight.push_back(Instant::now());
            self.sender.send(self.next).await?;
            self.next += 1;
        }
        Ok(())
    }

    async fn take_answers(
        &mut self,
        flight: &mut VecDeque<Instant>,
        samples: &mut Samples,
    ) -> Result<usize, Failure> {
        let count = self.sender.answered().await?;
        let now = Instant::now();
        for _ in 0..count {
            let sent = flight.pop_front().ok_or_else(|| wrong("an answer to nothing"))?;
            samples.add(now.duration_since(sent));
        }
        Ok(count)
    }
}
