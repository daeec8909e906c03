//! Notice of a network that lets packets pass one way only: what was said is not acknowledged, and nothing else comes.
//!
//! QUIC itself gives such a connection up only when its idle time-out is over. Looks are counted, not time: a process that
//! was held up for long does not take that for the silence of its server.
//! Must never hold: a decision about what to do then (see `driver`).

use core::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::connection::{Connection, Traffic};

/// Looks in the time that a server may be silent.
const LOOKS: u32 = 8;
/// The least time between two looks, so that a slow network is not taken for a silent one.
const TICK_MIN: Duration = Duration::from_millis(125);

/// What passed over a connection, look by look.
#[derive(Debug)]
pub(super) struct Silence {
    tick: Duration,
    looked: Instant,
    seen: Traffic,
    /// Looks in a row that found something asked and nothing heard.
    silent: u32,
}

impl Silence {
    /// From now on, for a server that may be silent for `bound`.
    pub(super) fn begin(bound: Duration) -> Self {
        let tick = (bound / LOOKS).max(TICK_MIN);
        Self { tick, looked: Instant::now(), seen: Traffic::default(), silent: 0 }
    }

    /// Waits until nothing came back over `connection` for longer than the bound, and tells how long. Cancel-safe.
    pub(super) async fn noticed(&mut self, connection: &Connection) -> Duration {
        loop {
            sleep_until(self.looked + self.tick).await;
            self.looked = Instant::now();
            if self.look(connection.traffic()) {
                return self.tick * self.silent;
            }
        }
    }

    /// Whether the bound is passed. One look more than it has must find nothing, so that whoever waits for an answer is
    /// told first.
    fn look(&mut self, found: Traffic) -> bool {
        let asked = self.silent > 0 || found.asking != self.seen.asking;
        self.silent = if asked && found.heard == self.seen.heard { self.silent + 1 } else { 0 };
        self.seen = found;
        self.silent > LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many looks it takes to notice the silence; `None` if it is none.
    fn looks(traffic: impl Fn(u64) -> (u64, u64)) -> Option<u64> {
        let mut silence = Silence::begin(Duration::from_secs(10));
        (1..100).find(|look| {
            let (asking, heard) = traffic(*look);
            silence.look(Traffic { asking, heard })
        })
    }

    #[tokio::test]
    async fn only_what_was_asked_and_is_not_answered_is_silence() {
        assert_eq!(looks(|_| (0, 0)), None, "nobody asked");
        assert_eq!(looks(|look| (look, look)), None, "each is answered");
        assert_eq!(looks(|look| (look, look / 8)), None, "slowly");
        assert_eq!(looks(|look| (0, look)), None, "the server talks by itself");
        assert_eq!(looks(|_| (1, 0)), Some(9), "one that is not answered");
        assert_eq!(looks(|look| (look.max(20), look.min(30))), Some(39), "from then on");
    }
}
