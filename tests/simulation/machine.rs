//! The clocks of the server's machine: one that goes on since it was booted, and one on the wall that anybody may set.
//!
//! Must never hold: a happening that does not come from the world.

use std::sync::{Mutex, MutexGuard};

use adsum::model::{Ahead, Lifetime, Timestamp};
use adsum::server::Clock;

/// The machine. The world's time is the one that passes.
#[derive(Debug)]
pub(crate) struct Machine(Mutex<Hands>);

#[derive(Clone, Copy, Debug)]
struct Hands {
    now: u64,
    boots: u64,
    booted_at: u64,
    /// How far the wall clock was ahead of the world's time when it began to drift as it does.
    ahead: Ahead,
    drift_ppm: i64,
    drifts_since: u64,
}

impl Hands {
    fn ahead(&self) -> Ahead {
        let passed = i64::try_from(self.now - self.drifts_since).expect("worlds are short");
        Ahead::from_ms(self.ahead.as_ms() + passed * self.drift_ppm / 1_000_000)
    }
}

impl Machine {
    /// A machine whose wall clock shows `wall` now.
    pub(crate) fn new(now: u64, wall: u64) -> Self {
        let ahead = Ahead::between(Timestamp::from_ms(now), Timestamp::from_ms(wall));
        let (boots, booted_at, drift_ppm, drifts_since) = (1, now, 0, now);
        Self(Mutex::new(Hands { now, boots, booted_at, ahead, drift_ppm, drifts_since }))
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().expect("a world is lived in one thread")
    }

    /// It is `now`; the wall clock goes along.
    pub(crate) fn pass_time(&self, now: u64) {
        self.hands().now = now;
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set(&self, by_ms: i64) {
        let mut hands = self.hands();
        hands.ahead = Ahead::from_ms(hands.ahead.as_ms() + by_ms);
    }

    /// From now on the wall clock gains, or loses, so many millionths.
    pub(crate) fn drift(&self, ppm: i64) {
        let mut hands = self.hands();
        (hands.ahead, hands.drifts_since) = (hands.ahead(), hands.now);
        hands.drift_ppm = ppm;
    }

    /// The machine begins anew.
    pub(crate) fn restart(&self) {
        let mut hands = self.hands();
        hands.boots += 1;
        hands.booted_at = hands.now;
    }

    /// How often it was booted.
    pub(crate) fn boots(&self) -> u64 {
        self.hands().boots
    }
}

impl Clock for Machine {
    fn wall(&self) -> Timestamp {
        let hands = self.hands();
        hands.ahead().shown(Timestamp::from_ms(hands.now))
    }

    fn since_boot(&self) -> Lifetime {
        let hands = self.hands();
        Lifetime::from_ms(hands.now - hands.booted_at)
    }

    fn boot(&self) -> Option<String> {
        Some(format!("boot {}", self.boots()))
    }
}
