//! What has fallen due on one connection of an open load.
//!
//! Must never hold: when something falls due, see `steady`.

use std::collections::VecDeque;
use std::time::Instant;

use tokio::sync::mpsc::Receiver;

/// Requests that fall due together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Burst {
    /// When.
    pub(super) due: Instant,
    /// How many.
    pub(super) count: usize,
}

/// What has fallen due on one connection and is not written yet.
pub(super) struct Queue {
    due: Receiver<Burst>,
    waiting: VecDeque<Burst>,
    is_over: bool,
}

impl Queue {
    /// Of what comes over `due`, until its other end is dropped.
    pub(super) fn new(due: Receiver<Burst>) -> Self {
        Self { due, waiting: VecDeque::new(), is_over: false }
    }

    /// Whether nothing is left, now and later.
    pub(super) fn is_done(&self) -> bool {
        self.is_over && self.waiting.is_empty()
    }

    /// Waits until something falls due, or it is over. Cancel-safe.
    pub(super) async fn more(&mut self) {
        if self.is_over {
            return std::future::pending().await;
        }
        match self.due.recv().await {
            Some(burst) => self.waiting.push_back(burst),
            None => self.is_over = true,
        }
    }

    /// The next that is due, if one is: when it fell due.
    pub(super) fn take(&mut self) -> Option<Instant> {
        while let Ok(burst) = self.due.try_recv() {
            self.waiting.push_back(burst);
        }
        let first = self.waiting.front_mut()?;
        let due = first.due;
        first.count -= 1;
        if first.count == 0 {
            self.waiting.pop_front();
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_burst_that_waits_keeps_the_time_when_it_fell_due() {
        let (tell, due) = channel(2);
        let mut queue = Queue::new(due);
        let first = Instant::now();
        let second = first + Duration::from_millis(1);
        let bursts = [Burst { due: first, count: 2 }, Burst { due: second, count: 1 }];
        for burst in bursts {
            tell.try_send(burst).unwrap();
        }
        drop(tell);
        queue.more().await;
        let taken: Vec<_> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(taken, [first, first, second]);
        assert!(!queue.is_done());
        queue.more().await;
        assert!(queue.is_done());
    }
}
