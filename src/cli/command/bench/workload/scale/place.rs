//! A store with many in it, its server, and those who ask something there.
//!
//! Must never hold: a comparison.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::cli::command::bench::{
    closed::{Closed, Work},
    link::{Dialer, Link, inbox, wrong},
    offline::send,
    participants::Participant,
    progress::Progress,
    pump::Pump,
    requests::{Publishes, Requests, Sends, Subscribes, number_in},
    samples::{Samples, rounded},
    setup::{Setup, pumps},
    site::Site,
    system,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::client::connection::FeedEvent;
use crate::model::limits::SUBSCRIPTIONS_MAX;

/// Those who publish over a connection each, in turn.
const PUBLISHERS: usize = 64;
/// Those who subscribe, one after the other, each as often as one may.
const SUBSCRIBERS: usize = 8;
/// Those who are made and stored at once.
const CHUNK: usize = 10_000;
/// Until a server that was started has done what a start leaves to be done.
const SETTLING: Duration = Duration::from_secs(1);
/// A prime, so that the places that are asked about lie far from each other and none comes twice before all have come.
const STRIDE: usize = 7_919;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Fetch,
    Publish,
    Subscribe,
    Send,
    Take,
}

impl Kind {
    /// Its name in the figures.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Send => "send",
            Self::Take => "take",
        }
    }
}

/// A store, its server, and who asks.
pub(super) struct Place {
    /// Connections to its server.
    pub(super) dialer: Dialer,
    /// From the start of the process until it served.
    pub(super) start_ms: f64,
    site: Site,
    memory_bytes: Option<f64>,
    presentities: Vec<String>,
    owners: Vec<Credentials>,
    taken: usize,
    senders: Vec<Pump<Sends>>,
    sent: usize,
    fetcher: Link,
    fetched: usize,
    publishers: Vec<Pump<Publishes>>,
    published: usize,
    subscribers: Vec<Pump<Subscribes>>,
    subscribed: usize,
    /// Whether the server said that its answers mean: it is on stable storage.
    pub(super) durable: bool,
}

impl Place {
    /// With `count` presentities that have published, and those who ask.
    pub(super) async fn with_presentities(
        setup: &Setup<'_>,
        count: usize,
    ) -> Result<Self, Failure> {
        let progress = Progress::begin("making presentities", count);
        let mut store = setup.offline()?;
        let (mut people, mut presentities) = (Vec::new(), Vec::with_capacity(count));
        for begin in (0..count).step_by(CHUNK) {
            let chunk = setup.principals_from("presentity", begin..count.min(begin + CHUNK))?;
            let participants: Vec<_> = chunk.iter().map(Participant::publishing).collect();
            store.furnish(&participants).await?;
            presentities.extend(chunk.iter().map(|who| who.principal().presentity().to_string()));
            let room = PUBLISHERS - people.len();
            people.extend(chunk.into_iter().take(room));
            progress.add(participants.len());
        }
        let subscribers = setup.principals("subscriber", SUBSCRIBERS)?;
        let participants: Vec<_> = subscribers.iter().map(Participant::plain).collect();
        store.furnish(&participants).await?;
        drop((store, progress));
        Self::start(setup, presentities, &people, &subscribers).await
    }

    /// With `participants`, of whom `people` publish.
    pub(super) async fn with(
        setup: &Setup<'_>,
        participants: &[Participant],
        people: &[Credentials],
    ) -> Result<Self, Failure> {
        setup.offline()?.furnish(participants).await?;
        let presentities = people.iter().map(|who| who.principal().presentity().to_string());
        let people = &people[..people.len().min(PUBLISHERS)];
        Self::start(setup, presentities.collect(), people, &[]).await
    }

    /// With `messages` that wait in the inboxes of `count` people, each of whom has published, and those who send more.
    pub(super) async fn with_messages(
        setup: &Setup<'_>,
        count: usize,
        messages: usize,
    ) -> Result<Self, Failure> {
        let owners = setup.principals("owner", count)?;
        let senders = setup.principals("sender", PUBLISHERS)?;
        let mut store = setup.offline()?;
        let publishing = owners.iter().map(Participant::publishing);
        let all: Vec<_> = publishing.chain(senders.iter().map(Participant::plain)).collect();
        store.furnish(&all).await?;
        let progress = Progress::begin("storing messages", messages);
        for number in 0..messages {
            // Whole rounds of the inboxes by one sender after the other, so that none has too much from one.
            let sender = &senders[number / count % senders.len()];
            // The load counts its own from 1.
            let named = u64::MAX - number as u64;
            store.command(sender, send(&owners[number % count], named)).await?;
            progress.add(1);
        }
        store.round()?;
        drop((store, progress));
        let presentities = owners.iter().map(|who| who.principal().presentity().to_string());
        let people = &owners[..count.min(PUBLISHERS)];
        let mut place = Self::start(setup, presentities.collect(), people, &[]).await?;
        let inboxes: Arc<[String]> =
            owners.iter().map(|owner| owner.principal().inbox().to_string()).collect();
        let sends = |index, _: &Credentials| Sends::new(Arc::clone(&inboxes), index * STRIDE);
        place.senders = pumps(&place.dialer, &senders, sends).await?;
        place.owners = owners;
        Ok(place)
    }

    async fn start(
        setup: &Setup<'_>,
        presentities: Vec<String>,
        people: &[Credentials],
        subscribers: &[Credentials],
    ) -> Result<Self, Failure> {
        let began = Instant::now();
        let (site, dialer): (Site, Dialer) = setup.start().await?;
        let start_ms = rounded(began.elapsed().as_secs_f64() * 1_000.0);
        sleep(SETTLING.min(setup.scaled_time(SETTLING))).await;
        // Before anybody connects: connections are counted elsewhere.
        #[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 bytes")]
        let memory_bytes = system::resident_bytes(site.id()).map(|bytes| bytes as f64);
        let fetcher = dialer.enter(&people[0]).await?;
        let publishers = pumps(&dialer, people, |_, who| Publishes::new(who)).await?;
        let subscribers = pumps(&dialer, subscribers, |index, _| {
            let from = index * SUBSCRIPTIONS_MAX;
            let chosen = (from..from + SUBSCRIPTIONS_MAX).map(|place| far(&presentities, place));
            Subscribes::new(chosen.cloned().collect())
        });
        Ok(Self {
            memory_bytes,
            durable: publishers.iter().all(Pump::is_durable),
            subscribers: subscribers.await?,
            dialer,
            start_ms,
            site,
            owners: Vec::new(),
            taken: 0,
            senders: Vec::new(),
            sent: 0,
            presentities,
            fetcher,
            fetched: 0,
            publishers,
            published: 0,
            subscribed: 0,
        })
    }

    /// Asks `count` times, one after the other, each time about somebody else; returns how long each answer took.
    pub(super) async fn ask(&mut self, kind: Kind, count: usize) -> Result<Samples, Failure> {
        match kind {
            Kind::Fetch => self.fetch(count).await,
            Kind::Publish => in_turn(&mut self.publishers, count, &mut self.published).await,
            // Nobody subscribes twice to the same one, nor to more than one may.
            Kind::Subscribe => {
                let most = self.subscribers.len() * SUBSCRIPTIONS_MAX.min(self.presentities.len());
                let count = count.min(most - self.subscribed);
                in_turn(&mut self.subscribers, count, &mut self.subscribed).await
            }
            Kind::Send => in_turn(&mut self.senders, count, &mut self.sent).await,
            Kind::Take => self.take(count).await,
        }
    }

    async fn fetch(&mut self, count: usize) -> Result<Samples, Failure> {
        let mut samples = Samples::with_capacity(count);
        for _ in 0..count {
            let presentity = far(&self.presentities, self.fetched);
            self.fetched += 1;
            let began = Instant::now();
            let answer = self.fetcher.fetch(presentity).await?;
            samples.add(began.elapsed());
            if number_in(&answer.presence).is_none() {
                return Err(wrong(format!("{presentity} has published, and nothing is there")));
            }
        }
        Ok(samples)
    }

    /// Owners of inboxes come, each to the first message that waits.
    async fn take(&mut self, count: usize) -> Result<Samples, Failure> {
        let mut samples = Samples::with_capacity(count);
        for _ in 0..count {
            let owner = &self.owners[self.taken % self.owners.len()];
            self.taken += 1;
            let began = Instant::now();
            let link = self.dialer.enter(owner).await?;
            let mut feed = link.feed(&inbox(&owner.principal().inbox())).await?;
            while !matches!(feed.next().await?, FeedEvent::Message { .. }) {}
            samples.add(began.elapsed());
        }
        Ok(samples)
    }

    /// Memory of the server before anybody connected.
    pub(super) fn memory_bytes(&self) -> Result<f64, Failure> {
        let silent = || wrong("this system does not tell what memory a process has");
        self.memory_bytes.ok_or_else(silent)
    }

    /// Memory beyond that of `other`, shared among `count`.
    #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
    pub(super) fn memory_more(&self, other: &Self, count: usize) -> Result<f64, Failure> {
        Ok(rounded((self.memory_bytes()? - other.memory_bytes()?) / count as f64))
    }

    /// Ends the server.
    pub(super) async fn end(self) -> Result<(), Failure> {
        self.site.kill().await
    }
}

/// Number `place` of `all` when one goes round them in long strides.
fn far(all: &[String], place: usize) -> &String {
    let stride = if all.len().is_multiple_of(STRIDE) { 1 } else { STRIDE };
    &all[place.wrapping_mul(stride) % all.len()]
}

/// Lets `pumps` ask in turn, from number `next` on, `count` times in all.
async fn in_turn<R: Requests + Send + 'static>(
    pumps: &mut [Pump<R>],
    count: usize,
    next: &mut usize,
) -> Result<Samples, Failure> {
    let (progress, mut samples) = (Progress::begin("measuring", count), Samples::default());
    let pump_count = pumps.len();
    for _ in 0..count {
        let pump = &mut pumps[*next % pump_count];
        *next += 1;
        samples.append(pump.run(Work { count: 1, window: 1 }, &progress).await?);
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_asked_about_before_anybody_is_again() {
        for count in [1, 10, 1_000, STRIDE, 2 * STRIDE] {
            let all: Vec<String> = (0..count).map(|number| number.to_string()).collect();
            let mut seen: Vec<&String> = (0..count).map(|place| far(&all, place)).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), count);
        }
    }
}
