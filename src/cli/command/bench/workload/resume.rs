//! `resume`: a watcher comes back and is told what it missed; once to a server that went on, once to one that was
//! restarted meanwhile.
//!
//! Must never hold: a first connection. The watcher always has a cursor.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Measure;
use crate::cli::command::bench::{
    closed::{Work, run_all},
    link::{Dialer, presence_from, wrong},
    number::{positive, watched_count},
    offline,
    outcome::Outcome,
    participants::Participant,
    present::RESUMED,
    progress::Progress,
    pump::Pump,
    requests::Publishes,
    samples::Samples,
    setup::{Setup, pumps},
    site::Site,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::client::connection::FeedEvent;
use crate::model::Mode;

/// Changes that may be unanswered on each connection.
const WINDOW: usize = 64;

/// A watcher that comes and goes.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Resume {
    /// Presentities watched
    #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = watched_count)]
    presentities: usize,
    /// Changes missed each time
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
    changes: usize,
    /// How often the watcher comes back, in each variant
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = positive)]
    rounds: usize,
    /// Tell every change, not only the latest of each presentity
    #[arg(long)]
    every: bool,
}

impl Measure for Resume {
    const NAME: &str = "resume";
    const HAS_PROFILE: bool = false;

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let people = setup.principals("presentity", setup.scaled(self.presentities))?;
        let watcher = setup.principals("watcher", 1)?.remove(0);
        let everybody = people.iter().map(|who| who.principal().presentity()).collect();
        let mut participants: Vec<_> = people.iter().map(Participant::publishing).collect();
        let mode = if self.every { Mode::Every } else { Mode::Latest };
        participants.push(Participant::watching(&watcher, everybody, mode));
        let (site, dialer) = setup.set(&participants).await?;

        let changes = setup.scaled(self.changes);
        let mut absentee = Absentee { who: watcher, cursor: Bytes::new() };
        absentee.visit(&dialer, None).await?;
        let mut pumps = pumps(&dialer, &people, |_, who| Publishes::new(who)).await?;
        let durable = pumps.iter().all(Pump::is_durable);
        let rounds = setup.scaled(self.rounds);
        let missed = self.missed(changes, people.len());
        let progress = Progress::begin("coming back", rounds);
        let mut samples = Samples::default();
        // The first time is the warm-up.
        for round in 0..=rounds {
            pumps = run_all(pumps, Work { count: changes, window: WINDOW }, "changing").await?.0;
            let time = absentee.visit(&dialer, Some(missed)).await?;
            if round > 0 {
                samples.add(time);
                progress.add(1);
            }
        }
        drop((pumps, progress));
        let restarted = self.restarted(setup, site, &people, &mut absentee).await?;
        let total = samples.total();
        let outcome = Outcome::complete(rounds, total, samples)?.durable(durable);
        let outcome = outcome.with("presentities", people.len()).with("changes_missed", changes);
        let outcome = outcome.with("events_told", missed);
        let (p50, p99) = restarted.unzip();
        Ok(outcome.with("restarted_p50_ms", p50).with("restarted_p99_ms", p99))
    }
}

impl Resume {
    /// Events that tell `changes` which went round `presentities`.
    fn missed(&self, changes: usize, presentities: usize) -> usize {
        if self.every { changes } else { changes.min(presentities) }
    }

    /// The variant with a restart: the server is killed, the store moves on, and another server opens it. Nothing
    /// for a server that is not ours to restart.
    async fn restarted(
        &self,
        setup: &Setup<'_>,
        mut site: Site,
        people: &[Credentials],
        absentee: &mut Absentee,
    ) -> Result<Option<(f64, f64)>, Failure> {
        if !setup.is_own() {
            return Ok(None);
        }
        let (rounds, changes) = (setup.scaled(self.rounds), setup.scaled(self.changes));
        let missed = self.missed(changes, people.len());
        let progress = Progress::begin("coming back after restarts", rounds);
        let mut samples = Samples::default();
        // Far above the numbers the connections have used.
        let mut number = 1_u64 << 40;
        for _ in 0..rounds {
            site.kill().await?;
            let mut store = setup.offline()?;
            for who in people.iter().cycle().take(changes) {
                store.command(who, offline::publish(who, number)).await?;
                number += 1;
            }
            store.round()?;
            drop(store);
            let started = setup.start().await?;
            samples.add(absentee.visit(&started.1, Some(missed)).await?);
            site = started.0;
            progress.add(1);
        }
        site.kill().await?;
        Ok(Some(samples.p50_p99_ms()))
    }
}

/// The watcher, and where it stopped.
struct Absentee {
    who: Credentials,
    cursor: Bytes,
}

impl Absentee {
    /// Connects, is told what it missed, and goes. Returns how long it took from the first packet to being caught
    /// up. `missed` says how many events that must be; `None` at the first visit, which has no cursor.
    async fn visit(&mut self, dialer: &Dialer, missed: Option<usize>) -> Result<Duration, Failure> {
        let began = Instant::now();
        let mut link = dialer.hello(&self.who, None).await?;
        let mut feed = link.feed(&presence_from(self.cursor.clone())).await?;
        let mut told = 0;
        let caught_up = loop {
            match feed.next().await? {
                FeedEvent::Ready(ready) if missed.is_some() && ready.outcome != RESUMED => {
                    return Err(wrong("the server did not take the cursor"));
                }
                FeedEvent::Presence { event, .. } => {
                    told += 1;
                    feed.taken(event.cursor).await?;
                }
                FeedEvent::CaughtUp { cursor } => break cursor,
                _ => {}
            }
        };
        let time = began.elapsed();
        if missed.is_some_and(|missed| missed != told) {
            return Err(wrong(format!("{told} events were told instead of {missed:?}")));
        }
        self.cursor = caught_up;
        feed.acknowledge().await?;
        link.welcome().await?;
        Ok(time)
    }
}
