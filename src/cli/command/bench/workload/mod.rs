//! The workloads, one kind a file, each from a fresh store to its figures.
//!
//! Must never hold: a yardstick, or how figures are printed.

mod answers;
mod drain;
mod fanout;
mod restart;
mod resume;

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

pub(super) use answers::{Answers, Question};
pub(super) use drain::Drain;
pub(super) use fanout::Fanout;
pub(super) use restart::Restart;
pub(super) use resume::Resume;

use super::folder::Folder;
use super::link::{Dialer, Link, wrong};
use super::offline::Offline;
use super::people::{Census, Resident};
use super::pump::Pump;
use super::requests::Requests;
use super::samples::Samples;
use super::scaled;
use super::site::{Site, Usage};
use super::{Options, Target, online};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;

/// What one run came to.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// What was counted: answers, deliveries, messages, reconnects or events.
    pub(super) n: usize,
    /// How long all of it took.
    pub(super) time: Duration,
    /// The median time of one in milliseconds, and the 99th percentile.
    pub(super) p50_p99_ms: (f64, f64),
    /// Whether the server's answers meant: it is on stable storage.
    pub(super) durable: bool,
    /// What server and load used meanwhile.
    pub(super) usage: Usage,
    /// What else this workload tells.
    pub(super) extras: Map<String, Value>,
}

impl Outcome {
    /// Whose figures are complete: `samples` of `n` that were asked for.
    fn complete(n: usize, time: Duration, mut samples: Samples) -> Result<Self, Failure> {
        if samples.len() != n {
            return Err(wrong(format!("{} of {n} were answered", samples.len())));
        }
        let p50_p99_ms = samples.p50_p99_ms();
        let (durable, usage, extras) = (false, Usage::default(), Map::new());
        Ok(Self { n, time, p50_p99_ms, durable, usage, extras })
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extras.insert(name.to_owned(), value.into());
        self
    }

    fn used(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }
}

/// Where a run takes place.
pub(super) struct Stage<'a> {
    options: &'a Options,
    folder: &'a Folder,
    census: Census,
}

impl<'a> Stage<'a> {
    /// An empty stage in `folder` for people nobody has met.
    pub(super) fn clear(options: &'a Options, folder: &'a Folder) -> Result<Self, Failure> {
        folder.clear()?;
        Ok(Self { options, folder, census: Census::new(options.domain.clone()) })
    }

    /// `count` as it is asked to be scaled.
    fn scaled(&self, count: usize) -> usize {
        scaled(count, self.options.scale)
    }

    /// `time` as it is asked to be scaled, but long enough for a server to get to work.
    fn scaled_time(&self, time: Duration) -> Duration {
        time.mul_f64(self.options.scale.clamp(0.2, 1.0))
    }

    fn people(&self, role: &str, count: usize) -> Result<Vec<Credentials>, Failure> {
        self.census.people(role, count)
    }

    fn store(&self) -> &Path {
        self.folder.path()
    }

    /// A server whose store holds `residents`.
    async fn set(&self, residents: &[Resident]) -> Result<(Site, Dialer), Failure> {
        match &self.options.target {
            Target::Own => {
                self.offline()?.furnish(residents).await?;
                self.start().await
            }
            Target::Running { server, http, host } => {
                let site = Site::running(server.clone(), *http);
                let dialer = Dialer::new(site.server.clone())?;
                online::furnish(&dialer, residents, host.as_ref()).await?;
                Ok((site, dialer))
            }
        }
    }

    fn offline(&self) -> Result<Offline, Failure> {
        Offline::open(self.store(), self.census.domain().clone())
    }

    /// A server of our own on the store as it is.
    async fn start(&self) -> Result<(Site, Dialer), Failure> {
        let site = Site::start(self.store(), self.census.domain()).await?;
        let dialer = Dialer::new(site.server.clone())?;
        Ok((site, dialer))
    }

    fn is_own(&self) -> bool {
        matches!(self.options.target, Target::Own)
    }
}

/// A pump for each of `people`, who must be enrolled.
async fn pumps<R: Requests>(
    dialer: &Dialer,
    people: &[Credentials],
    requests: impl Fn(usize, &Credentials) -> R,
) -> Result<Vec<Pump<R>>, Failure> {
    let mut pumps = Vec::with_capacity(people.len());
    for (index, who) in people.iter().enumerate() {
        let link: Link = dialer.enter(who).await?;
        pumps.push(Pump::new(link, requests(index, who)));
    }
    Ok(pumps)
}
