//! `idle`: many are connected and say nothing. What memory the server has for each of them, and how much of a processor it takes
//! to have them; and the same of bare QUIC connections, to tell which part is the transport's.
//!
//! Must never hold: a request after all are there.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::Measure;
use crate::cli::command::bench::{
    link::wrong,
    many::{Many, many},
    number::positive,
    outcome::Outcome,
    participants::Participant,
    present::Present,
    samples::rounded,
    setup::Setup,
    system,
    yardstick::Bare,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::Mode;

/// Of the quiet time, this part goes by first: what is still on its way is taken, and timers of the handshake run out.
const SETTLING_PART: u32 = 10;

/// Those who are there.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Idle {
    /// Connections, each of a principal of its own
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    connections: usize,
    /// Connections that are made at once
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = positive)]
    at_once: usize,
    /// Milliseconds in which nothing is said, for the processor at rest. In 20 seconds each client says once that it lives
    #[arg(long, value_name = "MS", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    quiet: u64,
}

impl Measure for Idle {
    const NAME: &str = "idle";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("idle looks at the memory of its server")?;
        let count = setup.scaled(self.connections);
        let quiet = setup.scaled_time(Duration::from_millis(self.quiet));
        let people = setup.principals("idle", count + 1)?;
        let (site, dialer) = setup.set(&neighbours(&people)).await?;
        // What is made with the first connection belongs to none.
        let first = Present::enter(dialer.clone(), people[count].clone(), Bytes::new()).await?;
        let (before, read) = (Rest::of(site.id(), quiet / SETTLING_PART).await?, site.read().await);
        let ones = people[..count].iter().map(|who| {
            let (dialer, who) = (dialer.clone(), who.clone());
            Present::enter(dialer, who, Bytes::new())
        });
        let Many { done: present, time, samples } = many("connecting", self.at_once, ones).await?;
        let usage = site.used_since(&read).await;
        let after = Rest::of(site.id(), quiet).await?;
        let durable = first.durable && present.iter().all(|one| one.durable);
        drop((first, present));
        site.kill().await?;
        let bare = self.bare(count, quiet).await?;
        let outcome = Outcome::complete(count, time, samples)?.used(usage).durable(durable);
        let outcome = outcome.with("connections", count).with("at_once", self.at_once);
        let outcome = outcome
            .with("memory_bytes_before", before.memory_bytes)
            .with("memory_bytes_after", after.memory_bytes)
            .with("memory_bytes_each", after.bytes_each(&before, count))
            .with("quic_memory_bytes_each", bare.1.bytes_each(&bare.0, count))
            .with("cpu_percent_at_rest", after.cpu_percent)
            .with("cpu_percent_alone", before.cpu_percent)
            .with("quic_cpu_percent_at_rest", bare.1.cpu_percent);
        let quiet_ms = u64::try_from(quiet.as_millis()).unwrap_or(u64::MAX);
        Ok(outcome.with("quiet_ms", quiet_ms))
    }
}

impl Idle {
    /// The same with another count of connections.
    pub(in crate::cli::command::bench) fn with_connections(self, connections: usize) -> Self {
        Self { connections, ..self }
    }

    /// As many QUIC connections to a process that serves nothing: how it was with one of them, and with all.
    async fn bare(&self, count: usize, quiet: Duration) -> Result<(Rest, Rest), Failure> {
        let bare = Bare::start().await?;
        let first = bare.dialer.connect().await?;
        let before = Rest::of(bare.id(), quiet / SETTLING_PART).await?;
        let ones = (0..count).map(|_| {
            let dialer = bare.dialer.clone();
            async move { dialer.connect().await }
        });
        let all = many("connecting without a service", self.at_once, ones).await?;
        let after = Rest::of(bare.id(), quiet).await?;
        drop((first, all));
        bare.kill().await?;
        Ok((before, after))
    }
}

/// Each publishes, and watches the next one.
pub(super) fn neighbours(people: &[Credentials]) -> Vec<Participant> {
    let next = people.iter().cycle().skip(1).map(|who| who.principal().presentity());
    let watching = |(who, next)| Participant {
        publishes: true,
        ..Participant::watching(who, vec![next], Mode::Latest)
    };
    people.iter().zip(next).map(watching).collect()
}

/// What a process that nobody asks anything has and takes.
#[derive(Clone, Copy, Debug)]
struct Rest {
    memory_bytes: f64,
    /// Of one core.
    cpu_percent: f64,
}

impl Rest {
    /// Of process `id`, over `quiet` after a while of settling.
    #[expect(
        clippy::cast_precision_loss,
        reason = "memory of this machine is far below 2^52 bytes"
    )]
    async fn of(id: Option<u32>, quiet: Duration) -> Result<Self, Failure> {
        let silent = || wrong("this system does not tell what a process uses");
        sleep(quiet / SETTLING_PART).await;
        let began = std::time::Instant::now();
        let cpu = system::cpu_seconds(id).ok_or_else(silent)?;
        sleep(quiet).await;
        let used = system::cpu_seconds(id).ok_or_else(silent)? - cpu;
        Ok(Self {
            memory_bytes: system::resident_bytes(id).ok_or_else(silent)? as f64,
            cpu_percent: rounded(100.0 * used / began.elapsed().as_secs_f64()),
        })
    }

    /// What came to it since `before`, shared among `count`.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    fn bytes_each(&self, before: &Self, count: usize) -> f64 {
        rounded((self.memory_bytes - before.memory_bytes) / count as f64)
    }
}
