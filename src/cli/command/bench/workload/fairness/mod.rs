//! `fairness`: one session asks for as much as it can get, and somebody else publishes now and then. How long the other
//! waits is measured beside how long it waits when all is quiet.
//!
//! Must never hold: what the greedy session asks for, see `greed`.

mod greed;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use self::greed::{Cast, Greed, Tally};
use super::Measure;
use crate::cli::command::bench::{
    number::{positive, watched_count},
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    pump::{Pump, Work},
    requests::Publishes,
    samples::{Samples, rounded},
    setup::{Setup, pumps},
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::{Mode, Presentity};

/// Between two requests of the bystander: it is somebody at a device, not a load.
const SPACING: Duration = Duration::from_millis(2);
/// How long a greedy session is at it before the bystander is measured, and how long all rests behind it.
const SETTLING: Duration = Duration::from_millis(200);

/// A greedy session beside a bystander.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Fairness {
    /// Watchers of the greedy one
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    watchers: usize,
    /// Presentities that the greedy one watches
    #[arg(long, value_name = "COUNT", default_value_t = 400, value_parser = watched_count)]
    subscriptions: usize,
    /// Milliseconds beside each kind of greed
    #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    time: u64,
}

impl Measure for Fairness {
    const NAME: &str = "fairness";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let people = People::new(setup, self)?;
        let (site, dialer) = setup.set(&people.participants()).await?;
        let bystander = std::slice::from_ref(&people.bystander);
        let pump = pumps(&dialer, bystander, |_, who| Publishes::new(who)).await?.remove(0);
        let time = setup.scaled_time(Duration::from_millis(self.time));
        let mut bystander = Bystander { pump, progress: Progress::begin("measuring", 0) };
        bystander.publish(time / 4).await?;
        let cast = people.cast();
        let before = site.read().await;
        let (began, mut all, mut rows) = (Instant::now(), Samples::default(), Map::new());
        for kind in Greed::ALL {
            let quiet = bystander.publish(time / 2).await?;
            let greedy = kind.begin(&dialer, &cast).await?;
            tokio::time::sleep(SETTLING).await;
            let samples = bystander.publish(time).await?;
            let asked = greedy.end();
            tokio::time::sleep(SETTLING).await;
            all.append(samples.clone());
            rows.insert(kind.name().to_owned(), row(quiet, samples, &asked));
        }
        let usage = site.used_since(&before).await;
        let (durable, time) = (bystander.pump.is_durable(), began.elapsed());
        drop(bystander);
        site.kill().await?;
        let mut outcome = Outcome::complete(all.len(), time, all)?.used(usage).durable(durable);
        outcome.extras = rows;
        let outcome = outcome.with("watchers", people.watchers.len());
        Ok(outcome.with("watched", people.watched.len()))
    }
}

/// What is told of one kind of greed.
fn row(mut quiet: Samples, mut greedy: Samples, asked: &Tally) -> Value {
    let ((quiet_p50, quiet_p99), (p50, p99)) = (quiet.p50_p99_ms(), greedy.p50_p99_ms());
    let figures = [
        ("quiet_p50_ms", quiet_p50),
        ("quiet_p99_ms", quiet_p99),
        ("p50_ms", p50),
        ("p99_ms", p99),
        ("p50_ratio", rounded(p50 / quiet_p50)),
        ("p99_ratio", rounded(p99 / quiet_p99)),
    ];
    let figures = figures.map(|(name, figure)| (name.to_owned(), Value::from(figure)));
    let mut row: Map<String, Value> = figures.into_iter().collect();
    row.insert("answered".to_owned(), asked.answered.load(Ordering::Relaxed).into());
    row.insert("refused".to_owned(), asked.refused.load(Ordering::Relaxed).into());
    row.into()
}

/// Somebody who publishes one change after the other, and waits for each answer.
struct Bystander {
    pump: Pump<Publishes>,
    progress: Progress,
}

impl Bystander {
    /// Publishes for `time`; returns how long each answer took.
    async fn publish(&mut self, time: Duration) -> Result<Samples, Failure> {
        let (began, mut samples) = (Instant::now(), Samples::default());
        while began.elapsed() < time || samples.len() == 0 {
            let work = Work { count: 1, window: 1 };
            samples.append(self.pump.run(work, &self.progress).await?);
            tokio::time::sleep(SPACING).await;
        }
        Ok(samples)
    }
}

/// Who takes part.
struct People {
    bystander: Credentials,
    greedy: Credentials,
    watched: Vec<Credentials>,
    watchers: Vec<Credentials>,
    owners: Vec<Credentials>,
}

impl People {
    fn new(setup: &Setup<'_>, load: &Fairness) -> Result<Self, Failure> {
        Ok(Self {
            bystander: setup.principals("bystander", 1)?.remove(0),
            greedy: setup.principals("greedy", 1)?.remove(0),
            watched: setup.principals("watched", setup.scaled(load.subscriptions))?,
            watchers: setup.principals("watcher", setup.scaled(load.watchers))?,
            owners: setup.principals("owner", 50)?,
        })
    }

    fn participants(&self) -> Vec<Participant> {
        let watched: Vec<Presentity> =
            self.watched.iter().map(|who| who.principal().presentity()).collect();
        let greedy = self.greedy.principal().presentity();
        let watching = |who| Participant::watching(who, vec![greedy.clone()], Mode::Latest);
        let mut all: Vec<Participant> = self.watched.iter().map(Participant::publishing).collect();
        all.push(Participant::publishing(&self.bystander));
        all.push(Participant {
            publishes: true,
            ..Participant::watching(&self.greedy, watched, Mode::Latest)
        });
        all.extend(self.watchers.iter().map(watching));
        all.extend(self.owners.iter().map(Participant::plain));
        all
    }

    fn cast(&self) -> Cast {
        let inboxes = self.owners.iter().map(|who| who.principal().inbox().to_string());
        Cast {
            greedy: self.greedy.clone(),
            inboxes: inboxes.collect(),
            others: self
                .owners
                .iter()
                .map(|who| who.principal().presentity().to_string())
                .collect(),
        }
    }
}
