//! `fairness`: one session asks for as much as it can get, and somebody else publishes now and then. How long the other
//! waits is measured beside how long it waits when all is quiet: by turns, so that both are measured on the same machine.
//!
//! Must never hold: what the greedy session asks for, see `greed`.

mod greed;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use self::greed::{Cast, Greed, Tally};
use super::Measure;
use crate::cli::command::bench::{
    closed::{Closed, Work},
    link::Dialer,
    number::{positive, watched_count},
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    pump::Pump,
    requests::Publishes,
    samples::{Samples, median, rounded},
    setup::{Setup, pumps},
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::{Mode, Presentity};

/// Between two requests of the bystander: it is somebody at a device, not a load.
const SPACING: Duration = Duration::from_millis(2);
/// Inboxes of people who are away: so many that no sender's part of them is full while it is measured.
const OWNERS: usize = 1_000;

/// A greedy session beside a bystander.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Fairness {
    /// Watchers of the greedy one
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    watchers: usize,
    /// Presentities that the greedy one watches
    #[arg(long, value_name = "COUNT", default_value_t = 400, value_parser = watched_count)]
    subscriptions: usize,
    /// Rounds beside each kind of greed, each after one when all is quiet; a figure is the median of theirs
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = positive)]
    rounds: usize,
    /// Milliseconds of each round
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
        let mut bystander = Bystander { pump, time, progress: Progress::begin("measuring", 0) };
        bystander.publish().await?;
        let cast = people.cast();
        let before = site.read().await;
        let (began, mut all, mut rows) = (Instant::now(), Samples::default(), Map::new());
        for kind in Greed::ALL {
            let row = bystander.beside(kind, (&dialer, &cast), self.rounds, &mut all).await?;
            rows.insert(kind.name().to_owned(), row);
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

/// What is told of one kind of greed, each figure the median of its rounds.
fn row(quiet: &[(f64, f64)], greedy: &[(f64, f64)], asked: (u64, u64)) -> Value {
    let p50 = |rounds: &[(f64, f64)]| median(rounds.iter().map(|(p50, _)| *p50));
    let p99 = |rounds: &[(f64, f64)]| median(rounds.iter().map(|(_, p99)| *p99));
    let figures = [
        ("quiet_p50_ms", p50(quiet)),
        ("quiet_p99_ms", p99(quiet)),
        ("p50_ms", p50(greedy)),
        ("p99_ms", p99(greedy)),
        ("p50_ratio", rounded(p50(greedy) / p50(quiet))),
        ("p99_ratio", rounded(p99(greedy) / p99(quiet))),
    ];
    let figures = figures.map(|(name, figure)| (name.to_owned(), Value::from(figure)));
    let mut row: Map<String, Value> = figures.into_iter().collect();
    row.insert("answered".to_owned(), asked.0.into());
    row.insert("refused".to_owned(), asked.1.into());
    row.into()
}

/// Somebody who publishes one change after the other, and waits for each answer.
struct Bystander {
    pump: Pump<Publishes>,
    /// How long a round is.
    time: Duration,
    progress: Progress,
}

impl Bystander {
    /// Publishes for one round; returns how long each answer took.
    async fn publish(&mut self) -> Result<Samples, Failure> {
        let (began, mut samples) = (Instant::now(), Samples::default());
        while began.elapsed() < self.time || samples.len() == 0 {
            let work = Work { count: 1, window: 1 };
            samples.append(self.pump.run(work, &self.progress).await?);
            tokio::time::sleep(SPACING).await;
        }
        Ok(samples)
    }

    /// Publishes when all is quiet and beside a greedy session, by turns. Adds what it waited beside that to `all`.
    async fn beside(
        &mut self,
        kind: Greed,
        (dialer, cast): (&Dialer, &Cast),
        rounds: usize,
        all: &mut Samples,
    ) -> Result<Value, Failure> {
        let (mut quiet, mut greedy, tally) = (Vec::new(), Vec::new(), Arc::new(Tally::default()));
        for round in 0..rounds {
            quiet.push(self.publish().await?.p50_p99_ms());
            let session = kind.begin(dialer, cast, round, &tally).await?;
            let mut samples = self.publish().await?;
            session.end().await;
            greedy.push(samples.p50_p99_ms());
            all.append(samples);
        }
        let [answered, refused] =
            [&tally.answered, &tally.refused].map(|count| count.load(Ordering::Relaxed));
        Ok(row(&quiet, &greedy, (answered, refused)))
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
            owners: setup.principals("owner", setup.scaled(OWNERS))?,
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
