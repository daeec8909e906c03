//! Time that goes on while the machine sleeps, and notice of its sleeps.
//!
//! The timers of the runtime stand still in a suspend, so what is due by them is late by the length of it. When the two
//! clocks went apart, the machine slept, and what was held open before is most likely gone.
//! Must never hold: a time that is sent or stored.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep, sleep_until};

use super::link::{Links, next_link};
use crate::uptime;

/// How often the clocks are compared.
const TICK: Duration = Duration::from_secs(1);
/// A sleep shorter than this is none: no connection and no subscription suffers from it.
const SLEEP_MIN: Duration = Duration::from_secs(2);

/// The time since the machine was started, its sleeps included.
pub(super) fn now() -> Duration {
    let now = running();
    #[cfg(test)]
    let now = now + SLEPT.get();
    now
}

#[cfg(test)]
thread_local! {
    /// How long the machine slept, as a test has it.
    pub(super) static SLEPT: core::cell::Cell<Duration> = const { core::cell::Cell::new(Duration::ZERO) };
}

/// Where no clock counts sleeps the wall clock has to do: a step of it is taken for a sleep, which costs one more connection.
fn running() -> Duration {
    let wall = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    uptime::since_boot().unwrap_or_else(wall)
}

/// Notices the sleeps of the machine.
#[derive(Debug)]
pub(super) struct Sleeps {
    runtime: Instant,
    machine: Duration,
}

impl Sleeps {
    /// From now on.
    pub(super) fn begin() -> Self {
        Self { runtime: Instant::now(), machine: now() }
    }

    /// Waits for the machine to have slept, and tells how long. Cancel-safe.
    pub(super) async fn noticed(&mut self) -> Duration {
        loop {
            sleep_until(self.runtime + TICK).await;
            let seen = Self::begin();
            let slept = between(
                seen.machine.saturating_sub(self.machine),
                seen.runtime.saturating_duration_since(self.runtime),
            );
            *self = seen;
            if let Some(slept) = slept {
                return slept;
            }
        }
    }
}

/// How long the machine slept while its clock went on by `machine` and the timers by `runtime`.
fn between(machine: Duration, runtime: Duration) -> Option<Duration> {
    machine.checked_sub(runtime).filter(|slept| *slept >= SLEEP_MIN)
}

/// Something that is good for a time and must be renewed before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lease {
    since: Duration,
    good_for: Duration,
}

impl Lease {
    /// Granted just now, for `good_for`.
    pub(super) fn new(good_for: Duration) -> Self {
        Self { since: now(), good_for }
    }

    /// Waits until it is to be renewed: at half of its time, but not more than twice a second. After a sleep that is when
    /// there is a connection again. `link` is the connection known so far.
    pub(super) async fn due(self, links: &mut Links, link: &mut u64) {
        loop {
            let left = self.left();
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep(left) => {}
                next = next_link(links, *link) => match next {
                    Ok(next) => *link = next.number,
                    // Whoever uses the connection is told why there will be none.
                    Err(_) => core::future::pending().await,
                }
            }
        }
    }

    /// How long it need not be renewed, by the clock that goes on in sleeps.
    fn left(self) -> Duration {
        let half = (self.good_for / 2).max(Duration::from_millis(500));
        half.saturating_sub(now().saturating_sub(self.since))
    }

    /// Whether it was granted a moment ago, so that word of what ran out before may still be on its way.
    pub(super) fn is_new(self) -> bool {
        now().saturating_sub(self.since) < Duration::from_mins(1)
    }

    /// Whether it may have run out: it would have been renewed long before, had the machine been awake and connected.
    pub(super) fn has_lapsed(self) -> bool {
        now().saturating_sub(self.since) >= self.good_for.mul_f64(0.75)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_what_the_timers_missed() {
        let secs = Duration::from_secs;
        assert_eq!(between(secs(67), secs(1)), Some(secs(66)));
        assert_eq!(between(secs(3), secs(2)), None, "too short to matter");
        assert_eq!(between(secs(1), secs(5)), None, "a clock that was set back");
        assert_eq!(between(secs(600), secs(599)), None, "a machine that was busy");
    }

    #[test]
    fn a_renewal_leaves_time_for_a_second_try() {
        let left = |ms| Lease { since: now(), good_for: Duration::from_millis(ms) }.left();
        assert!(left(60_000) > Duration::from_secs(29) && left(60_000) <= Duration::from_secs(30));
        assert!(left(1) > Duration::from_millis(100), "not more than twice a second");
    }

    #[test]
    fn a_lease_runs_out_while_the_machine_sleeps() {
        let lease = Lease::new(Duration::from_mins(1));
        assert!(!lease.left().is_zero() && !lease.has_lapsed());
        SLEPT.set(Duration::from_secs(31));
        assert!(lease.left().is_zero() && !lease.has_lapsed());
        SLEPT.set(Duration::from_mins(1));
        assert!(lease.has_lapsed());
    }
}
