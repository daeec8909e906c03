//! `store`, `ack` and `publish`: requests that are answered when what they ask is durable.
//!
//! Must never hold: a reader or a watcher. Whoever is written to is away.

use super::Measure;
use super::sending::Sending;
use crate::cli::command::bench::{
    closed::{Work, run_all},
    number::{positive, window},
    outcome::Outcome,
    participants::Participant,
    pump::Pump,
    requests::{Publishes, Requests},
    setup::{Setup, pumps},
    site::Site,
    sizes::{ACK_COUNT, STORE_CONNECTIONS, STORE_COUNT, STORE_INBOXES, STORE_WINDOW},
};
use crate::cli::run::failure::Failure;

/// Messages to inboxes.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(in crate::cli::command::bench) struct Store {
    #[command(flatten)]
    load: Load,
    /// Inboxes, which the messages go round
    #[arg(long, value_name = "COUNT", default_value_t = STORE_INBOXES, value_parser = positive)]
    inboxes: usize,
}

/// Messages to inboxes, one at a time.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Ack {
    /// Messages
    #[arg(long, value_name = "COUNT", default_value_t = ACK_COUNT, value_parser = positive)]
    count: usize,
    /// Inboxes, which the messages go round
    #[arg(long, value_name = "COUNT", default_value_t = STORE_INBOXES, value_parser = positive)]
    inboxes: usize,
}

/// Changes of presence.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Publish {
    #[command(flatten)]
    load: Load,
    /// Presentities in the store; each connection changes the one it controls
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = positive)]
    presentities: usize,
}

/// A load of many connections.
#[derive(Debug, PartialEq, Eq, clap::Args)]
struct Load {
    /// Requests
    #[arg(long, value_name = "COUNT", default_value_t = STORE_COUNT, value_parser = positive)]
    count: usize,
    /// Connections, each of a principal of its own
    #[arg(long, value_name = "COUNT", default_value_t = STORE_CONNECTIONS, value_parser = positive)]
    connections: usize,
    /// Requests that may be unanswered on each
    #[arg(long, value_name = "COUNT", default_value_t = STORE_WINDOW, value_parser = window)]
    window: usize,
}

impl Measure for Store {
    const NAME: &str = "store";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        self.load.send(setup, setup.scaled(self.inboxes)).await
    }
}

impl Measure for Ack {
    const NAME: &str = "ack";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let load = Load { count: self.count, connections: 1, window: 1 };
        load.send(setup, setup.scaled(self.inboxes)).await
    }
}

impl Measure for Publish {
    const NAME: &str = "publish";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let presentities = setup.scaled(self.presentities).max(self.load.connections);
        self.load.publish(setup, presentities).await
    }
}

#[cfg(test)]
impl Store {
    /// With the numbers that comparisons are made with.
    pub(in crate::cli::command::bench) fn of_comparisons() -> Self {
        Self { load: Load { count: 200_000, connections: 32, window: 64 }, inboxes: 1_000 }
    }
}

impl Load {
    async fn send(&self, setup: &Setup<'_>, inboxes: usize) -> Result<Outcome, Failure> {
        let sending = Sending::new(setup, inboxes, self.connections)?;
        let (site, dialer) = setup.set(&sending.participants()).await?;
        let pumps = sending.pumps(&dialer, &sending.senders).await?;
        let outcome = self.measure(setup, site, pumps).await?;
        Ok(outcome.with("inboxes", inboxes))
    }

    async fn publish(&self, setup: &Setup<'_>, presentities: usize) -> Result<Outcome, Failure> {
        let people = setup.principals("presentity", presentities)?;
        let participants: Vec<_> = people.iter().map(Participant::publishing).collect();
        let publishers = &people[..self.connections];
        let (site, dialer) = setup.set(&participants).await?;
        let pumps = pumps(&dialer, publishers, |_, who| Publishes::new(who)).await?;
        let outcome = self.measure(setup, site, pumps).await?;
        // A session publishes for its own principal only, so that many connections change that many presentities.
        let outcome = outcome.with("presentities_loaded", presentities);
        Ok(outcome.with("presentities_changed", self.connections))
    }

    async fn measure<R: Requests + Send + 'static>(
        &self,
        setup: &Setup<'_>,
        site: Site,
        pumps: Vec<Pump<R>>,
    ) -> Result<Outcome, Failure> {
        let durable = pumps.iter().all(Pump::is_durable);
        let work = Work { count: setup.scaled(self.count), window: self.window };
        let (pumps, ..) = run_all(pumps, work.warm_up(), "warming up").await?;
        let before = site.read().await;
        let (pumps, time, samples) = run_all(pumps, work, "measuring").await?;
        let usage = site.used_since(&before).await;
        drop(pumps);
        site.kill().await?;
        let outcome = Outcome::complete(work.count, time, samples)?.used(usage).durable(durable);
        Ok(outcome.with("connections", self.connections).with("window", self.window))
    }
}
