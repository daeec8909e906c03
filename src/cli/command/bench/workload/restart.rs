//! `restart`: a server with a long log is killed under load and started again.
//!
//! Must never hold: an orderly stop. It would save what a killed server has to find again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::Measure;
use crate::cli::command::bench::{
    closed::{Work, run_all},
    link::{Dialer, wrong},
    number::positive,
    offline::{self, Offline},
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    requests::{self, Sends},
    samples::Samples,
    setup::{Setup, pumps},
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::Mode;
use crate::model::limits::SUBSCRIPTIONS_MAX;

/// Presentities each watcher watches.
const WATCHED: usize = 100;
const _: () = assert!(WATCHED <= SUBSCRIPTIONS_MAX);
/// Of so many events one is an acknowledgement; the others are messages and changes in equal parts.
const MIX: u64 = 50;
/// The light load under which the server is killed: connections, and requests unanswered on each.
const LOAD_CONNECTIONS: usize = 4;
const LOAD_WINDOW: usize = 4;
/// How long the load runs before the kill.
const LOAD_TIME: Duration = Duration::from_millis(500);

/// A store to be opened after a kill.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Restart {
    /// Events in the log
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = positive)]
    events: usize,
    /// Owners of inboxes
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
    inboxes: usize,
    /// Presentities
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = positive)]
    presentities: usize,
    /// Watchers of 100 presentities each
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = positive)]
    watchers: usize,
    /// Kills and starts in each run
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = positive)]
    restarts: usize,
}

/// Who is in the store.
struct Population {
    owners: Vec<Credentials>,
    presentities: Vec<Credentials>,
    senders: Vec<Credentials>,
}

impl Measure for Restart {
    const NAME: &str = "restart";
    const HAS_PROFILE: bool = false;

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("restart kills its server")?;
        let (population, events) = self.build(setup).await?;
        let (mut site, mut dialer) = setup.start().await?;
        let (mut times, mut serving) = (Samples::default(), Samples::default());
        let progress = Progress::begin("killing and starting", self.restarts);
        for round in 0..self.restarts {
            let senders = &population.senders[round * LOAD_CONNECTIONS..][..LOAD_CONNECTIONS];
            let load =
                load(&dialer, senders, &population.owners, setup.scaled_time(LOAD_TIME)).await?;
            site.kill().await?;
            drop(load);
            let began = Instant::now();
            (site, dialer) = setup.start().await?;
            serving.add(began.elapsed());
            let asker = &population.presentities[0];
            let link = dialer.enter(asker).await?;
            let presence = link.fetch(&asker.principal().presentity().to_string()).await?;
            times.add(began.elapsed());
            if requests::number_in(&presence.presence).is_none() {
                return Err(wrong("what was published before the kill is not there"));
            }
            progress.add(1);
        }
        site.kill().await?;
        let (p50, _) = times.clone().p50_p99_ms();
        let time = Duration::from_secs_f64(p50 / 1_000.0);
        let mut outcome = Outcome::complete(self.restarts, time, times)?.durable(true);
        outcome.n = events;
        let outcome = outcome.with("restarts", self.restarts);
        Ok(outcome.with("serving_p50_ms", serving.p50_p99_ms().0))
    }
}

impl Restart {
    /// Fills the store.
    async fn build(&self, setup: &Setup<'_>) -> Result<(Population, usize), Failure> {
        let population = Population {
            owners: setup.principals("owner", setup.scaled(self.inboxes))?,
            presentities: setup.principals("presentity", setup.scaled(self.presentities))?,
            senders: setup.principals("sender", LOAD_CONNECTIONS * self.restarts)?,
        };
        let watchers = setup.principals("watcher", setup.scaled(self.watchers))?;
        let mut participants: Vec<Participant> = Vec::new();
        participants
            .extend(population.owners.iter().chain(&population.senders).map(Participant::plain));
        participants.extend(population.presentities.iter().map(Participant::publishing));
        for (index, who) in watchers.iter().enumerate() {
            let watched = population.presentities.iter().cycle().skip(index).take(WATCHED);
            let mut watched: Vec<_> = watched.map(|who| who.principal().presentity()).collect();
            watched.truncate(population.presentities.len());
            participants.push(Participant::watching(who, watched, Mode::Latest));
        }
        let mut store = setup.offline()?;
        store.furnish(&participants).await?;
        let events = setup.scaled(self.events) as u64;
        live(&mut store, &population, events).await?;
        let stored = usize::try_from(store.events()).expect("a log in reach of a bench is short");
        Ok((population, stored))
    }
}

/// Lets the population go on until `events` are stored.
async fn live(store: &mut Offline, population: &Population, events: u64) -> Result<(), Failure> {
    let progress = Progress::begin("writing the log", usize::try_from(events).unwrap_or_default());
    let mut number = 1;
    while store.events() < events {
        // A population's worth of steps between two looks: counting takes only what is committed.
        for _ in 0..1_000 {
            step(store, population, number).await?;
            number += 1;
        }
        store.round()?;
        progress.add(1_000);
    }
    Ok(())
}

/// Does step `number`.
async fn step(store: &mut Offline, population: &Population, number: u64) -> Result<(), Failure> {
    let place = usize::try_from(number).expect("steps are counted from 1 to some millions");
    let presentity = &population.presentities[place / 2 % population.presentities.len()];
    let owner = &population.owners[place / 2 % population.owners.len()];
    if number.is_multiple_of(MIX) {
        store.acknowledge(owner).await
    } else if number.is_multiple_of(2) {
        store.command(presentity, offline::send(owner, number)).await
    } else {
        store.command(presentity, offline::publish(presentity, number)).await
    }
}

/// Sends messages for `time` and goes on until it is dropped: the kill that follows must find work.
async fn load(
    dialer: &Dialer,
    senders: &[Credentials],
    owners: &[Credentials],
    time: Duration,
) -> Result<JoinSet<()>, Failure> {
    let inboxes: Arc<[String]> =
        owners.iter().map(|owner| owner.principal().inbox().to_string()).collect();
    let pumps = pumps(dialer, senders, |index, _| Sends::new(Arc::clone(&inboxes), index)).await?;
    let endless = Work { count: usize::MAX / 2, window: LOAD_WINDOW };
    let mut running = JoinSet::new();
    // It ends with its server, which is no fault here.
    running.spawn(async move { drop(run_all(pumps, endless, "light load").await) });
    tokio::time::sleep(time).await;
    if running.try_join_next().is_some() {
        return Err(wrong("the load ended before the kill"));
    }
    Ok(running)
}
