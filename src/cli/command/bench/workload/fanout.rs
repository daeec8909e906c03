//! `fanout`: one presentity changes, and many watchers are told every change.
//!
//! Must never hold: a watcher that may miss one. Each counts, and one that comes out of turn ends the bench.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::Measure;
use crate::cli::command::bench::{
    closed::{Closed, Work},
    joined::joined,
    link::{Dialer, Feed, Link, presence_from, wrong},
    number::{positive, window},
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    pump::Pump,
    requests::{Publishes, number_in},
    samples::Samples,
    setup::{Setup, pumps},
    sizes::{
        FANOUT_CHANGES, FANOUT_PACED, FANOUT_SPACING_MS, FANOUT_WATCHERS, FANOUT_WINDOW,
        WARM_UP_PART,
    },
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::client::connection::FeedEvent;
use crate::model::Mode;

/// Changes and those who watch them.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Fanout {
    /// Watchers, each on a connection of its own
    #[arg(long, value_name = "COUNT", default_value_t = FANOUT_WATCHERS, value_parser = positive)]
    watchers: usize,
    /// Changes as fast as answers come
    #[arg(long, value_name = "COUNT", default_value_t = FANOUT_CHANGES, value_parser = positive)]
    changes: usize,
    /// Changes that may be unanswered
    #[arg(long, value_name = "COUNT", default_value_t = FANOUT_WINDOW, value_parser = window)]
    window: usize,
    /// Changes one by one, for the time a delivery takes
    #[arg(long, value_name = "COUNT", default_value_t = FANOUT_PACED, value_parser = positive)]
    paced: usize,
    /// Milliseconds between two of those
    #[arg(long, value_name = "MS", default_value_t = FANOUT_SPACING_MS, value_parser = clap::value_parser!(u64).range(1..))]
    spacing: u64,
}

/// When each change was sent, by its number.
type Sent = Arc<[OnceLock<Instant>]>;

impl Measure for Fanout {
    const NAME: &str = "fanout";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        let publisher = setup.principals("presentity", 1)?;
        let audience = setup.principals("watcher", setup.scaled(self.watchers))?;
        let presentity = publisher[0].principal().presentity();
        let watching =
            |who: &Credentials| Participant::watching(who, vec![presentity.clone()], Mode::Every);
        let mut participants = vec![Participant::publishing(&publisher[0])];
        participants.extend(audience.iter().map(watching));
        let (site, dialer) = setup.set(&participants).await?;
        let watchers = gather(&dialer, &audience).await?;
        let pump = pumps(&dialer, &publisher, |_, who| Publishes::new(who)).await?.remove(0);
        let durable = pump.is_durable();
        let mut crowd = Crowd { pump, watchers };

        let changes = setup.scaled(self.changes);
        crowd
            .as_fast_as_answered(changes.div_ceil(WARM_UP_PART), self.window, "warming up")
            .await?;
        let before = site.read().await;
        let (time, deliveries) =
            crowd.as_fast_as_answered(changes, self.window, "measuring deliveries").await?;
        let usage = site.used_since(&before).await;
        let spacing = Duration::from_millis(self.spacing);
        let samples = crowd.one_by_one(setup.scaled(self.paced), spacing).await?;
        let watchers = crowd.watchers.len();
        drop(crowd);
        site.kill().await?;
        let mut outcome = Outcome::complete(samples.len(), time, samples)?;
        outcome.n = deliveries;
        let outcome = outcome.used(usage).durable(durable);
        Ok(outcome.with("watchers", watchers).with("changes", changes).with("window", self.window))
    }
}

/// Connects all watchers and waits until each is told what is there already.
async fn gather(dialer: &Dialer, audience: &[Credentials]) -> Result<Vec<Watcher>, Failure> {
    let progress = Progress::begin("connecting watchers", audience.len());
    let mut watchers = Vec::with_capacity(audience.len());
    for who in audience {
        let link = dialer.enter(who).await?;
        let mut feed = link.feed(&presence_from(Bytes::new())).await?;
        loop {
            match feed.next().await? {
                FeedEvent::Presence { event, .. } => feed.taken(event.cursor).await?,
                FeedEvent::CaughtUp { .. } => break,
                _ => {}
            }
        }
        // What the store was furnished with has number 0.
        watchers.push(Watcher { _link: link, feed, seen: 0 });
        progress.add(1);
    }
    Ok(watchers)
}

/// The publisher and those who watch.
struct Crowd {
    pump: Pump<Publishes>,
    watchers: Vec<Watcher>,
}

impl Crowd {
    /// Makes `count` changes as fast as answers come. Returns how long it took until the last watcher was told the
    /// last of them, and how many deliveries that were.
    async fn as_fast_as_answered(
        &mut self,
        count: usize,
        window: usize,
        what: &str,
    ) -> Result<(Duration, usize), Failure> {
        let progress = Progress::begin(what, count);
        let last = self.pump.next() + count as u64 - 1;
        let deliveries = count * self.watchers.len();
        let began = Instant::now();
        let told = self.listen(last, &Sent::from([]));
        self.pump.run(Work { count, window }, &progress).await?;
        let (watchers, _) = told.await?;
        self.watchers = watchers;
        Ok((began.elapsed(), deliveries))
    }

    /// Makes `count` changes, one each `spacing`. Returns how long after its sending each watcher was told of each.
    async fn one_by_one(&mut self, count: usize, spacing: Duration) -> Result<Samples, Failure> {
        let progress = Progress::begin("measuring latency", count);
        let last = self.pump.next() + count as u64 - 1;
        let sent: Sent = (0..=last).map(|_| OnceLock::new()).collect();
        let told = self.listen(last, &sent);
        let note = |number: u64| {
            let place = usize::try_from(number).ok().and_then(|number| sent.get(number));
            place.map(|place| place.get_or_init(Instant::now));
            progress.add(1);
        };
        self.pump.paced(count, spacing, note).await?;
        let (watchers, samples) = told.await?;
        self.watchers = watchers;
        Ok(samples)
    }

    /// Lets all watchers listen up to change `last`, each in a task of its own.
    fn listen(
        &mut self,
        last: u64,
        sent: &Sent,
    ) -> impl Future<Output = Result<(Vec<Watcher>, Samples), Failure>> + use<> {
        let mut tasks = JoinSet::new();
        for mut watcher in self.watchers.drain(..) {
            let sent = Arc::clone(sent);
            tasks.spawn(async move {
                let samples = watcher.listen(last, &sent).await?;
                Ok::<_, Failure>((watcher, samples))
            });
        }
        joined(tasks)
    }
}

/// Somebody who is told every change.
struct Watcher {
    // Ends with its connection.
    _link: Link,
    feed: Feed,
    /// The last change it was told.
    seen: u64,
}

impl Watcher {
    /// Listens up to change `last`; returns how long after its sending each came, for those in `sent`.
    async fn listen(&mut self, last: u64, sent: &[OnceLock<Instant>]) -> Result<Samples, Failure> {
        let mut samples = Samples::default();
        while self.seen < last {
            let FeedEvent::Presence { event, .. } = self.feed.next().await? else { continue };
            let number = number_in(&event.presence);
            self.seen += 1;
            if number != Some(self.seen) {
                return Err(wrong(format!("change {number:?} came instead of {}", self.seen)));
            }
            let place = usize::try_from(self.seen).ok().and_then(|number| sent.get(number));
            if let Some(sent) = place.and_then(OnceLock::get) {
                samples.add(sent.elapsed());
            }
            self.feed.taken(event.cursor).await?;
        }
        Ok(samples)
    }
}
