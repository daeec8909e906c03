//! `scale`: few against many presentities in one domain. What somebody waits for a fetch, a publish and a subscription in both, by
//! turns, so that both are measured on the same machine; and what memory the server has for each. Beside it one presentity
//! with very many watchers, and many watchers of many.
//!
//! Must never hold: a watcher that is connected. How many are told at once measures `fanout`.

mod place;

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use self::place::{Kind, Place};
use super::Measure;
use crate::cli::command::bench::{
    number::{positive, watched_count},
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    samples::{Samples, rounded},
    setup::Setup,
};
use crate::cli::run::failure::Failure;
use crate::model::Mode;

/// Rounds in which the two stores take turns; the first is the warm-up.
const ROUNDS: usize = 5;

/// Stores of different sizes.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Scale {
    /// Presentities in the small store, whatever the scale
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
    small: usize,
    /// Presentities in the large one
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = positive)]
    large: usize,
    /// Requests of each kind in each of the two
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    requests: usize,
    /// Watchers of one presentity
    #[arg(long, value_name = "COUNT", default_value_t = 100_000, value_parser = positive)]
    watchers: usize,
    /// Watchers of many presentities
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    crowd: usize,
    /// Presentities that each of those watches
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = watched_count)]
    crowd_watches: usize,
}

impl Measure for Scale {
    const NAME: &str = "scale";
    const HAS_PROFILE: bool = false;

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("scale looks at the memory of its servers")?;
        let began = Instant::now();
        let small = Place::with_presentities(&setup.beside("small")?, self.small).await?;
        let count = setup.scaled(self.large);
        let large = Place::with_presentities(&setup.beside("large")?, count).await?;
        let furnish_secs = rounded(began.elapsed().as_secs_f64());
        let memory_bytes_each = large.memory_more(&small, count.abs_diff(self.small).max(1))?;
        let memory = [small.memory_bytes()?, large.memory_bytes()?];
        let requests = setup.scaled(self.requests).div_ceil(ROUNDS);
        let mut turns =
            Turns { places: [small, large], figures: [Figures::default(), Figures::default()] };
        let time = turns.take(requests).await?;
        let durable = turns.places.iter().all(|place| place.durable);
        let rows = turns.rows();
        let Turns { places: [small, large], figures: [_, figures] } = turns;
        large.end().await?;
        let audience = self.audience(setup, &small).await?;
        let crowd = self.crowd(setup, &small).await?;
        small.end().await?;
        let mut all = Samples::default();
        for samples in figures {
            all.append(samples);
        }
        let mut outcome = Outcome::complete(all.len(), time, all)?.durable(durable);
        outcome.extras = rows;
        let outcome = outcome.with("small", self.small).with("large", count);
        let outcome = outcome.with("memory_bytes_small", memory[0]);
        Ok(outcome
            .with("memory_bytes_large", memory[1])
            .with("memory_bytes_each", memory_bytes_each)
            .with("furnish_secs", furnish_secs)
            .with("audience", audience)
            .with("crowd", crowd))
    }
}

impl Scale {
    /// One presentity with very many watchers.
    async fn audience(&self, setup: &Setup<'_>, small: &Place) -> Result<Value, Failure> {
        let setup = setup.beside("audience")?;
        let watched = setup.principals("watched", 1)?;
        let watchers = setup.principals("watcher", setup.scaled(self.watchers))?;
        let presentity = watched[0].principal().presentity();
        let mut all = vec![Participant::publishing(&watched[0])];
        all.extend(
            watchers
                .iter()
                .map(|who| Participant::watching(who, vec![presentity.clone()], Mode::Latest)),
        );
        let mut place = Place::with(&setup, &all, &watched).await?;
        let memory_bytes_each = place.memory_more(small, watchers.len())?;
        let row = watched_row(&mut place, setup.scaled(self.requests), memory_bytes_each).await?;
        place.end().await?;
        Ok(with_counts(row, &[("watchers", watchers.len())]))
    }

    /// Many watchers of many.
    async fn crowd(&self, setup: &Setup<'_>, small: &Place) -> Result<Value, Failure> {
        let setup = setup.beside("crowd")?;
        let watched = setup.principals("watched", setup.scaled(self.crowd_watches))?;
        let watchers = setup.principals("watcher", setup.scaled(self.crowd))?;
        let presentities: Vec<_> = watched.iter().map(|who| who.principal().presentity()).collect();
        let mut all: Vec<_> = watched.iter().map(Participant::publishing).collect();
        all.extend(
            watchers
                .iter()
                .map(|who| Participant::watching(who, presentities.clone(), Mode::Latest)),
        );
        let mut place = Place::with(&setup, &all, &watched).await?;
        let subscriptions = watched.len() * watchers.len();
        let memory_bytes_each = place.memory_more(small, subscriptions)?;
        let row = watched_row(&mut place, setup.scaled(self.requests), memory_bytes_each).await?;
        place.end().await?;
        let counts = [("watchers", watchers.len()), ("watched", watched.len())];
        Ok(with_counts(row, &counts))
    }
}

/// What is told of presentities that are watched: memory, and how long their changes take.
async fn watched_row(
    place: &mut Place,
    requests: usize,
    memory_bytes_each: f64,
) -> Result<Map<String, Value>, Failure> {
    place.ask(Kind::Publish, requests.div_ceil(ROUNDS)).await?;
    let (p50, p99) = place.ask(Kind::Publish, requests).await?.p50_p99_ms();
    let figures = [
        ("memory_bytes_each", memory_bytes_each),
        ("publish_p50_ms", p50),
        ("publish_p99_ms", p99),
    ];
    Ok(figures.into_iter().map(|(name, figure)| (name.to_owned(), figure.into())).collect())
}

fn with_counts(mut row: Map<String, Value>, counts: &[(&str, usize)]) -> Value {
    row.extend(counts.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())));
    row.into()
}

/// The times of each kind of request.
type Figures = [Samples; Kind::ALL.len()];

/// Two stores of different sizes that take turns.
struct Turns {
    places: [Place; 2],
    /// Of each store.
    figures: [Figures; 2],
}

impl Turns {
    /// Asks `requests` of each kind in each of [`ROUNDS`]. Returns how long those of the large store took.
    async fn take(&mut self, requests: usize) -> Result<Duration, Failure> {
        let progress = Progress::begin("measuring by turns", ROUNDS * Kind::ALL.len());
        for round in 0..ROUNDS {
            for (number, kind) in Kind::ALL.into_iter().enumerate() {
                for (place, figures) in self.places.iter_mut().zip(&mut self.figures) {
                    let samples = place.ask(kind, requests).await?;
                    if round > 0 {
                        figures[number].append(samples);
                    }
                }
                progress.add(1);
            }
        }
        Ok(self.figures[1].iter().map(Samples::total).sum())
    }

    /// What is told of each kind.
    fn rows(&mut self) -> Map<String, Value> {
        let mut rows = Map::new();
        for (number, kind) in Kind::ALL.into_iter().enumerate() {
            let [small, large] =
                [0, 1].map(|place: usize| self.figures[place][number].p50_p99_ms());
            let figures = [
                ("small_p50_ms", small.0),
                ("small_p99_ms", small.1),
                ("large_p50_ms", large.0),
                ("large_p99_ms", large.1),
                ("p50_ratio", rounded(large.0 / small.0)),
                ("p99_ratio", rounded(large.1 / small.1)),
            ];
            let figures = figures.map(|(name, figure)| (name.to_owned(), Value::from(figure)));
            rows.insert(kind.name().to_owned(), Value::Object(figures.into_iter().collect()));
        }
        rows
    }
}
