//! `connect`: a server with many connections is killed and started again, and all come back: handshake, proof, a presence feed
//! that goes on where it was and an inbox feed. And how many handshakes alone the same server makes.
//!
//! Must never hold: a second try. Whoever is turned away ends the bench.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Measure;
use super::idle::neighbours;
use crate::cli::command::bench::{
    link::Dialer,
    many::{Many, many},
    number::positive,
    outcome::Outcome,
    present::Present,
    samples::rounded,
    setup::Setup,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::wire::CloseCode;

/// Those who come back.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Connect {
    /// Clients, each of a principal of its own
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    connections: usize,
    /// Clients that come in at once
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = positive)]
    at_once: usize,
}

impl Measure for Connect {
    const NAME: &str = "connect";
    const HAS_PROFILE: bool = false;

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("connect kills its server")?;
        let count = setup.scaled(self.connections);
        let people = setup.principals("client", count)?;
        let (site, dialer) = setup.set(&neighbours(&people)).await?;
        let people = people.into_iter().map(|who| (who, Bytes::new())).collect();
        let Many { done, time: first, .. } = self.enter(&dialer, people, "connecting").await?;
        site.kill().await?;
        let people = done.into_iter().map(|one| (one.who.clone(), one.cursor.clone())).collect();
        drop(dialer);
        let began = Instant::now();
        let (site, dialer) = setup.start().await?;
        let serving = began.elapsed();
        let before = site.read().await;
        let back = self.enter(&dialer, people, "coming back").await?;
        let usage = site.used_since(&before).await;
        let durable = back.done.iter().all(|one| one.durable);
        drop(back.done);
        let handshakes = self.handshakes(&dialer, count).await?;
        site.kill().await?;
        let outcome = Outcome::complete(count, back.time, back.samples)?.used(usage);
        let outcome = outcome.durable(durable).with("at_once", self.at_once);
        Ok(outcome
            .with("first_time_per_s", a_second(count, first))
            .with("handshakes_per_s", a_second(count, handshakes.0))
            .with("handshake_p50_ms", handshakes.1.0)
            .with("handshake_p99_ms", handshakes.1.1)
            .with("serving_ms", rounded(serving.as_secs_f64() * 1_000.0)))
    }
}

impl Connect {
    async fn enter(
        &self,
        dialer: &Dialer,
        people: Vec<(Credentials, Bytes)>,
        what: &str,
    ) -> Result<Many<Present>, Failure> {
        let ones = people.into_iter().map(|(who, cursor)| {
            let dialer = dialer.clone();
            Present::enter(dialer, who, cursor)
        });
        many(what, self.at_once, ones).await
    }

    /// Makes `count` connections that say nothing, each closed at once. Returns how long all took, and half and nearly all
    /// of them.
    async fn handshakes(
        &self,
        dialer: &Dialer,
        count: usize,
    ) -> Result<(Duration, (f64, f64)), Failure> {
        let ones = (0..count).map(|_| {
            let dialer = dialer.clone();
            async move {
                dialer.connect().await?.close(CloseCode::NoError);
                Ok(())
            }
        });
        let mut all = many("shaking hands", self.at_once, ones).await?;
        Ok((all.time, all.samples.p50_p99_ms()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
fn a_second(count: usize, time: Duration) -> f64 {
    rounded(count as f64 / time.as_secs_f64())
}
