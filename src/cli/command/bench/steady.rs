//! An open load: requests fall due at times that no answer changes, and each is timed from when it fell due. So whoever waits behind
//! a slow answer counts as having waited, as people who ask by themselves do.
//!
//! Requests fall due in bursts: at each tick, over one connection after the other, what a tick is worth of the rate. A thread of its own
//! keeps the ticks, because timers of the runtime are a millisecond coarse. A burst that is sent late counts from its tick.
//! Must never hold: a rate that follows the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinSet;

use super::due::{Burst, Queue};
use super::link::wrong;
use super::progress::Progress;
use super::pump::Pump;
use super::requests::Requests;
use super::samples::Samples;
use crate::cli::run::failure::Failure;

/// Between two ticks.
const TICK: Duration = Duration::from_micros(250);

/// What came of a steady load.
pub(super) struct Steady<R> {
    pub(super) pumps: Vec<Pump<R>>,
    /// From when each fell due to its answer.
    pub(super) answered: Samples,
    /// From when each fell due until it was written.
    pub(super) written: Samples,
    /// From the first tick to the last answer.
    pub(super) time: Duration,
}

/// Has `pumps` ask `per_s` times a second for `time`.
pub(super) async fn steadily<R: Requests + Send + 'static>(
    pumps: Vec<Pump<R>>,
    per_s: f64,
    time: Duration,
    what: &str,
) -> Result<Steady<R>, Failure> {
    let schedule = Schedule { per_s, ticks: ticks_in(time) };
    let progress = Arc::new(Progress::begin(what, schedule.total()));
    let mut all = Steady {
        pumps: Vec::with_capacity(pumps.len()),
        answered: Samples::with_capacity(schedule.total()),
        written: Samples::with_capacity(schedule.total()),
        time: Duration::ZERO,
    };
    let (mut tasks, mut told) = (JoinSet::new(), Vec::with_capacity(pumps.len()));
    // Room for all that can fall due on one connection, so that the ticks never wait.
    let room = schedule.ticks.div_ceil(pumps.len()) + 1;
    for mut pump in pumps {
        let (tell, due) = channel(room);
        told.push(tell);
        let progress = Arc::clone(&progress);
        tasks.spawn(async move {
            let (answered, written) = pump.steadily(Queue::new(due), &progress).await?;
            Ok::<_, Failure>((pump, answered, written))
        });
    }
    let ticking = Ticking::begin(schedule, told);
    let began = ticking.began;
    while let Some(ended) = tasks.join_next().await {
        let (pump, answered, written) = ended.map_err(wrong)??;
        all.pumps.push(pump);
        all.answered.append(answered);
        all.written.append(written);
    }
    all.time = began.elapsed();
    drop(ticking);
    if all.answered.len() == schedule.total() {
        Ok(all)
    } else {
        Err(wrong(format!("{} of {} were answered", all.answered.len(), schedule.total())))
    }
}

fn ticks_in(time: Duration) -> usize {
    usize::try_from(time.as_micros() / TICK.as_micros()).unwrap_or(usize::MAX).max(1)
}

/// How much falls due at which tick.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    per_s: f64,
    ticks: usize,
}

impl Schedule {
    /// Requests that have fallen due before tick number `tick`: at least one by the end.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of a bench are far below 2^52, and rates are positive"
    )]
    fn before(&self, tick: usize) -> usize {
        let due = (tick as f64 * TICK.as_secs_f64() * self.per_s).round() as usize;
        if tick == self.ticks { due.max(1) } else { due }
    }

    fn at(&self, tick: usize) -> usize {
        self.before(tick + 1) - self.before(tick)
    }

    fn total(&self) -> usize {
        self.before(self.ticks)
    }
}

/// The thread that keeps the ticks. Dropped, it ends.
struct Ticking {
    began: Instant,
    is_over: Arc<AtomicBool>,
}

impl Ticking {
    /// Tells each burst to the next of `told` in turn.
    fn begin(schedule: Schedule, told: Vec<Sender<Burst>>) -> Self {
        let (began, is_over) = (Instant::now(), Arc::<AtomicBool>::default());
        let over = Arc::clone(&is_over);
        thread::spawn(move || {
            let mut due = began;
            let mut next = told.iter().cycle();
            for count in (0..schedule.ticks).map(|tick| schedule.at(tick)) {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // Nothing falls due at most ticks of a low rate: the next connection has the next that does.
                if count > 0 {
                    let tell = next.next().expect("there is at least one connection");
                    // Only a load that has failed listens no more.
                    let _ = tell.try_send(Burst { due, count });
                }
                due += TICK;
            }
        });
        Self { began, is_over }
    }
}

impl Drop for Ticking {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_due_adds_up_to_the_rate() {
        for per_s in [1.0, 3_999.0, 4_000.0, 123_456.0] {
            let schedule = Schedule { per_s, ticks: ticks_in(Duration::from_secs(2)) };
            let all: usize = (0..schedule.ticks).map(|tick| schedule.at(tick)).sum();
            assert_eq!(all, schedule.total());
            #[expect(clippy::cast_precision_loss, reason = "it is small")]
            let off = all as f64 - 2.0 * per_s;
            assert!(off.abs() < 1.0, "{per_s}: {all}");
        }
        let least = Schedule { per_s: 0.1, ticks: 4 };
        assert_eq!((least.total(), least.at(3)), (1, 1));
    }
}
