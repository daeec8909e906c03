//! `store`, `ack` and `publish`: requests that are answered when what they ask is durable.
//!
//! Must never hold: a reader or a watcher. Whoever is written to is away.

use std::sync::Arc;

use crate::cli::command::bench::{
    outcome::Outcome,
    participants::Participant,
    pump::{Pump, Work, run_all},
    requests::{Publishes, Requests, Sends},
    setup::{Setup, pumps},
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;

/// How much of the load goes ahead of what is measured.
const WARM_UP_SHARE: usize = 10;

/// A load of requests.
#[derive(Clone, Debug)]
pub(in crate::cli::command::bench) struct Answers {
    /// What is asked.
    pub(in crate::cli::command::bench) question: Question,
    /// Requests measured.
    pub(in crate::cli::command::bench) count: usize,
    /// Connections, each of a principal of its own.
    pub(in crate::cli::command::bench) connections: usize,
    /// Requests that may be unanswered on each.
    pub(in crate::cli::command::bench) window: usize,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(in crate::cli::command::bench) enum Question {
    /// Messages to so many inboxes.
    Send {
        /// How many.
        inboxes: usize,
    },
    /// Changes of presence beside so many presentities.
    Publish {
        /// How many have published; each connection changes the one it controls.
        presentities: usize,
    },
}

impl Answers {
    /// Runs it once.
    pub(in crate::cli::command::bench) async fn run(
        &self,
        setup: &Setup<'_>,
    ) -> Result<Outcome, Failure> {
        match self.question {
            Question::Send { inboxes } => self.send(setup, setup.scaled(inboxes)).await,
            Question::Publish { presentities } => {
                self.publish(setup, setup.scaled(presentities).max(self.connections)).await
            }
        }
    }

    async fn send(&self, setup: &Setup<'_>, inboxes: usize) -> Result<Outcome, Failure> {
        let owners = setup.principals("owner", inboxes)?;
        let senders = setup.principals("sender", self.connections)?;
        let participants: Vec<_> = owners.iter().chain(&senders).map(Participant::plain).collect();
        let addresses = owners.iter().map(|owner| owner.principal().inbox().to_string());
        let addresses: Arc<[String]> = addresses.collect();
        // The connections begin at inboxes far from each other, as unrelated senders would.
        let step = (inboxes / self.connections).max(1);
        let requests =
            |index: usize, _: &Credentials| Sends::new(Arc::clone(&addresses), index * step);
        let outcome = self.measure(setup, &participants, &senders, requests).await?;
        Ok(outcome.with("inboxes", inboxes))
    }

    async fn publish(&self, setup: &Setup<'_>, presentities: usize) -> Result<Outcome, Failure> {
        let people = setup.principals("presentity", presentities)?;
        let participants: Vec<_> = people.iter().map(Participant::publishing).collect();
        let publishers = &people[..self.connections];
        let requests = |_: usize, who: &Credentials| Publishes::new(who);
        let outcome = self.measure(setup, &participants, publishers, requests).await?;
        // A session publishes for its own principal only, so that many connections change that many presentities.
        let outcome = outcome.with("presentities_loaded", presentities);
        Ok(outcome.with("presentities_changed", self.connections))
    }

    async fn measure<R: Requests + Send + 'static>(
        &self,
        setup: &Setup<'_>,
        participants: &[Participant],
        people: &[Credentials],
        requests: impl Fn(usize, &Credentials) -> R,
    ) -> Result<Outcome, Failure> {
        let (site, dialer) = setup.set(participants).await?;
        let pumps = pumps(&dialer, people, requests).await?;
        let durable = pumps.iter().all(Pump::is_durable);
        let work = Work { count: setup.scaled(self.count), window: self.window };
        let warm_up = Work { count: work.count.div_ceil(WARM_UP_SHARE), ..work };
        let (pumps, ..) = run_all(pumps, warm_up, "warming up").await?;
        let before = site.read().await;
        let (pumps, time, samples) = run_all(pumps, work, "measuring").await?;
        let usage = site.used_since(&before).await;
        drop(pumps);
        site.kill().await?;
        let outcome = Outcome::complete(work.count, time, samples)?.used(usage).durable(durable);
        Ok(outcome.with("connections", self.connections).with("window", self.window))
    }
}
