//! `restart`: a server with a long log is killed under load and started again.
//!
//! Must never hold: an orderly stop. It would save what a killed server has to find again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::cli::command::bench::link::{Dialer, wrong};
use crate::cli::command::bench::offline::{self, Offline};
use crate::cli::command::bench::outcome::Outcome;
use crate::cli::command::bench::people::Resident;
use crate::cli::command::bench::progress::Progress;
use crate::cli::command::bench::pump::{Work, run_all};
use crate::cli::command::bench::requests::{self, Sends};
use crate::cli::command::bench::samples::Samples;
use crate::cli::command::bench::stage::{Stage, pumps};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::limits::SUBSCRIPTIONS_MAX;
use crate::model::{InboxSequence, Mode};
use crate::service::Command;

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
#[derive(Clone, Debug)]
pub(in crate::cli::command::bench) struct Restart {
    /// Events in it.
    pub(in crate::cli::command::bench) events: usize,
    /// Owners of inboxes.
    pub(in crate::cli::command::bench) inboxes: usize,
    /// Presentities.
    pub(in crate::cli::command::bench) presentities: usize,
    /// Watchers.
    pub(in crate::cli::command::bench) watchers: usize,
    /// Kills and starts.
    pub(in crate::cli::command::bench) restarts: usize,
}

/// Who is in the store.
struct Town {
    owners: Vec<Credentials>,
    presentities: Vec<Credentials>,
    senders: Vec<Credentials>,
}

impl Restart {
    /// Runs it once.
    pub(in crate::cli::command::bench) async fn run(
        &self,
        stage: &Stage<'_>,
    ) -> Result<Outcome, Failure> {
        if !stage.is_own() {
            let reason = "restart kills its server; leave --server out";
            return Err(Failure::usage(reason));
        }
        let (town, events) = self.build(stage).await?;
        let (mut site, mut dialer) = stage.start().await?;
        let (mut times, mut serving) = (Samples::default(), Samples::default());
        let progress = Progress::begin("killing and starting", self.restarts);
        for round in 0..self.restarts {
            let senders = &town.senders[round * LOAD_CONNECTIONS..][..LOAD_CONNECTIONS];
            let load = load(&dialer, senders, &town.owners, stage.scaled_time(LOAD_TIME)).await?;
            site.kill().await?;
            drop(load);
            let began = Instant::now();
            (site, dialer) = stage.start().await?;
            serving.add(began.elapsed());
            let asker = &town.presentities[0];
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

    /// Fills the store.
    async fn build(&self, stage: &Stage<'_>) -> Result<(Town, usize), Failure> {
        let town = Town {
            owners: stage.people("owner", stage.scaled(self.inboxes))?,
            presentities: stage.people("presentity", stage.scaled(self.presentities))?,
            senders: stage.people("sender", LOAD_CONNECTIONS * self.restarts)?,
        };
        let watchers = stage.people("watcher", stage.scaled(self.watchers))?;
        let mut residents: Vec<Resident> = Vec::new();
        residents.extend(town.owners.iter().chain(&town.senders).map(Resident::plain));
        residents.extend(town.presentities.iter().map(Resident::publishing));
        for (index, who) in watchers.iter().enumerate() {
            let watched = town.presentities.iter().cycle().skip(index).take(WATCHED);
            let mut watched: Vec<_> = watched.map(|who| who.principal().presentity()).collect();
            watched.truncate(town.presentities.len());
            residents.push(Resident::watching(who, watched, Mode::Latest));
        }
        let mut store = stage.offline()?;
        store.furnish(&residents).await?;
        let events = stage.scaled(self.events) as u64;
        live(&mut store, &town, events).await?;
        let stored = usize::try_from(store.events()).expect("a log in reach of a bench is short");
        Ok((town, stored))
    }
}

/// Lets the town go on until `events` are stored.
async fn live(store: &mut Offline, town: &Town, events: u64) -> Result<(), Failure> {
    let progress = Progress::begin("writing the log", usize::try_from(events).unwrap_or_default());
    let mut number = 1;
    while store.events() < events {
        // A town's worth of steps between two looks: counting takes only what is committed.
        for _ in 0..1_000 {
            let (who, command) = step(town, number);
            store.command(who, command).await?;
            number += 1;
        }
        store.round()?;
        progress.add(1_000);
    }
    Ok(())
}

/// What happens as step `number`.
fn step(town: &Town, number: u64) -> (&Credentials, Command) {
    let place = usize::try_from(number).expect("steps are counted from 1 to some millions");
    let presentity = &town.presentities[place / 2 % town.presentities.len()];
    let owner = &town.owners[place / 2 % town.owners.len()];
    if number.is_multiple_of(MIX) {
        let inbox = owner.principal().inbox();
        // Through whatever is there.
        let through = InboxSequence::new(u64::MAX);
        (owner, Command::Acknowledge { inbox, through })
    } else if number.is_multiple_of(2) {
        (presentity, offline::send(owner, number))
    } else {
        (presentity, offline::publish(presentity, number))
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
