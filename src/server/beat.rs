//! The beat with which everything leaves, if the operator has set one: when an answer comes then says nothing about what was
//! decided meanwhile.
//!
//! Must never hold: what leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::session::{Gone, ReceiveHalf, SendHalf, Transport};
use crate::wire::{CloseCode, Decoder, ResetCode};

/// How long what is ready at `now` has to wait, so that it leaves on a beat of `every`, and at the earliest one whole beat
/// after the last thing that was `read`. Times are counted from the first beat.
///
/// That whole beat is for what is decided: a commit that takes less shows in nothing, whenever the question came.
fn wait(every: Duration, read: Duration, now: Duration) -> Duration {
    let [every, read, now] = [every, read, now].map(nanoseconds);
    let ready = now.max(read + every);
    Duration::from_nanos(ready.div_ceil(every) * every - now)
}

/// No process runs for the 584 years that fit.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The beat of a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    every: Duration,
    began: Instant,
}

impl Beat {
    /// One that begins now; none if it is nothing.
    pub(super) fn begin(every: Option<Duration>) -> Option<Self> {
        let every = every.filter(|every| !every.is_zero())?;
        Some(Self { every, began: Instant::now() })
    }
}

/// A transport whose streams write with the beat, if there is one.
#[derive(Clone)]
pub(super) struct Paced<T> {
    inner: T,
    beat: Option<Beat>,
}

impl<T: Transport> Paced<T> {
    /// What is written over `transport` leaves with `beat`.
    pub(super) fn new(transport: T, beat: Option<Beat>) -> Self {
        Self { inner: transport, beat }
    }
}

impl<T: Transport> Transport for Paced<T> {
    type Send = PacedSend<T::Send>;
    type Receive = PacedReceive<T::Receive>;

    async fn accept(&self) -> Result<(Self::Send, Self::Receive), Gone> {
        let (send, receive) = self.inner.accept().await?;
        let pace = self.beat.map(|beat| Arc::new(Pace::of(beat)));
        Ok((PacedSend { inner: send, pace: pace.clone() }, PacedReceive { inner: receive, pace }))
    }

    fn exporter(&self) -> Option<[u8; 32]> {
        self.inner.exporter()
    }

    fn widen(&self) {
        self.inner.widen();
    }

    fn pieces(&self) -> u64 {
        self.inner.pieces()
    }

    fn close(&self, code: CloseCode, reason: &str) {
        self.inner.close(code, reason);
    }
}

/// The beat, and when something was read of one stream for the last time.
struct Pace {
    beat: Beat,
    read: AtomicU64,
}

impl Pace {
    fn of(beat: Beat) -> Self {
        let pace = Self { beat, read: AtomicU64::new(0) };
        pace.read();
        pace
    }

    fn now(&self) -> Duration {
        self.beat.began.elapsed()
    }

    fn read(&self) {
        self.read.store(nanoseconds(self.now()), Ordering::Relaxed);
    }

    async fn depart(&self) {
        let read = Duration::from_nanos(self.read.load(Ordering::Relaxed));
        sleep(wait(self.beat.every, read, self.now())).await;
    }
}

/// A half that writes with the beat.
pub(super) struct PacedSend<S> {
    inner: S,
    pace: Option<Arc<Pace>>,
}

impl<S: SendHalf> SendHalf for PacedSend<S> {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Gone> {
        if let Some(pace) = &self.pace {
            pace.depart().await;
        }
        self.inner.write(bytes).await
    }

    fn finish(&mut self) {
        self.inner.finish();
    }

    async fn taken(&mut self) {
        self.inner.taken().await;
    }

    fn reset(&mut self, code: ResetCode) {
        self.inner.reset(code);
    }

    fn set_priority(&mut self, priority: i32) {
        self.inner.set_priority(priority);
    }
}

/// A half that remembers when it read.
pub(super) struct PacedReceive<R> {
    inner: R,
    pace: Option<Arc<Pace>>,
}

impl<R> PacedReceive<R> {
    fn took<V>(&self, read: Result<V, Gone>) -> Result<V, Gone> {
        if let Some(pace) = &self.pace {
            pace.read();
        }
        read
    }
}

impl<R: ReceiveHalf> ReceiveHalf for PacedReceive<R> {
    async fn read(&mut self, decoder: &mut Decoder) -> Result<bool, Gone> {
        let read = self.inner.read(decoder).await;
        self.took(read)
    }

    async fn read_byte(&mut self) -> Result<Option<u8>, Gone> {
        let read = self.inner.read_byte().await;
        self.took(read)
    }

    fn stop(&mut self, code: ResetCode) {
        self.inner.stop(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_is_ready_leaves_on_a_beat_and_a_whole_one_after_the_question() {
        for (read, now, leaves) in [
            (0, 0, 50),
            (1, 2, 100),
            (1, 49, 100),
            // A commit of a whole beat makes no difference either.
            (49, 99, 100),
            (50, 51, 100),
            (51, 52, 150),
            // One that took longer shows, by whole beats.
            (1, 100, 100),
            (1, 101, 150),
            (1, 4_999, 5_000),
        ] {
            assert_eq!(ms(now) + wait(ms(50), ms(read), ms(now)), ms(leaves), "{read} {now}");
        }
    }

    #[test]
    fn when_an_answer_leaves_depends_on_the_question_alone_if_it_is_ready_within_a_beat() {
        let every = Duration::from_micros(700);
        for read in 0..2_000 {
            let read = Duration::from_micros(read);
            let leaves = |took: u64| {
                let now = read + Duration::from_micros(took);
                now + wait(every, read, now)
            };
            assert!((0..=700).all(|took| leaves(took) == leaves(0)), "{read:?}");
            assert_eq!(leaves(0).as_nanos() % every.as_nanos(), 0);
        }
    }

    #[test]
    fn without_a_beat_nothing_is_counted() {
        assert!(Beat::begin(None).is_none() && Beat::begin(Some(Duration::ZERO)).is_none());
    }
}
