//! `soak`: many messages are sent and read, what was read goes from the log again, and some wait for ever. Meanwhile a bystander
//! publishes, and waits for each answer: the longest it waits is what a cut or a checkpoint holds anybody up for.
//!
//! Must never hold: an inbox that is full, for its senders would be refused.

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::Measure;
use crate::cli::command::bench::{
    closed::{Closed, Work},
    link::{Dialer, Feed, Link, inbox, wrong},
    number::positive,
    outcome::Outcome,
    participants::Participant,
    progress::Progress,
    pump::Pump,
    requests::{Publishes, Sends},
    samples::Samples,
    setup::{Setup, pumps},
    site::Site,
    system,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::client::connection::FeedEvent;
use crate::log::{Entries as _, SledLog, stat};

/// Connections that send, requests unanswered on each, and messages of each between two looks at the readers.
const SENDERS: usize = 8;
const WINDOW: usize = 64;
const BATCH: usize = 128;
/// Messages that may lie unread.
const UNREAD_MAX: usize = 4_096;
/// Inboxes that are read, and those whose owners are away; of so many messages one goes to these.
const READ: usize = 16;
const AWAY: usize = 100;
const AWAY_OF: usize = 100;
/// Bytes that are written beside the store and synced, and the rest between two such writes.
const PAGE: usize = 4_096;
const PROBE: Duration = Duration::from_millis(10);
/// Between two requests of the bystander, and two looks at the disk.
const SPACING: Duration = Duration::from_millis(2);
const LOOK: Duration = Duration::from_millis(100);
/// Between two looks of the server whether something is over.
const CHECK: Duration = Duration::from_millis(100);

/// Messages that come and go.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Soak {
    /// Messages
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = positive)]
    count: usize,
    /// Milliseconds for which the server keeps what is over
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    keep: u64,
}

impl Measure for Soak {
    const NAME: &str = "soak";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("soak has its server keep things for a short time")?;
        let (count, keep) = (setup.scaled(self.count), Duration::from_millis(self.keep));
        let people = People::new(setup)?;
        setup.offline()?.furnish(&people.participants()).await?;
        let (site, dialer) = setup.start_keeping(keep, CHECK).await?;
        let before = site.read().await;
        let watching = looker(setup.store().to_owned(), &site);
        let bystander = bystander(&dialer, &people.bystander).await?;
        let probe = probe(setup.store().with_extension("probe"));
        let began = Instant::now();
        let durable = people.send(&dialer, count).await?;
        let time = began.elapsed();
        // What came last is over then, and a part of the window more.
        sleep(keep * 3 / 2 + CHECK * 10).await;
        let samples = bystander.end().await?;
        let looked = watching.end().await?;
        let disk_longest_ms = probe.end().await?.as_secs_f64() * 1_000.0;
        let usage = site.used_since(&before).await;
        let mut figures = Vec::new();
        for (name, metric) in [
            ("cuts", "adsum_log_cuts_total"),
            ("cut_bytes", "adsum_log_cut_bytes_total"),
            ("cuts_failed", "adsum_log_cut_failed"),
        ] {
            let figure = site.metric(metric).await;
            figures.push((name, figure.ok_or_else(|| wrong(format!("no {metric}")))?));
        }
        site.kill().await?;
        let log = SledLog::open_existing(setup.store())?;
        let (stat, carried) = (stat(&log, setup.store())?, log.mark().carried_bytes);
        let longest_ms = samples.longest_ms();
        let mut outcome = Outcome::complete(samples.len(), time, samples)?;
        outcome.n = count;
        let mut outcome = outcome.used(usage).durable(durable).with("longest_ms", longest_ms);
        for (name, figure) in figures {
            outcome = outcome.with(name, figure);
        }
        Ok(outcome
            .with("carried_bytes", carried)
            .with("log_bytes_end", stat.stored_bytes)
            .with("log_events_end", stat.events)
            .with("disk_bytes_max", looked.disk_max)
            .with("disk_bytes_end", looked.disk_end)
            .with("memory_bytes_max", looked.memory_max)
            .with("disk_longest_ms", disk_longest_ms)
            .with("keep_ms", self.keep))
    }
}

/// Who takes part.
struct People {
    bystander: Credentials,
    senders: Vec<Credentials>,
    readers: Vec<Credentials>,
    away: Vec<Credentials>,
}

impl People {
    fn new(setup: &Setup<'_>) -> Result<Self, Failure> {
        Ok(Self {
            bystander: setup.principals("bystander", 1)?.remove(0),
            senders: setup.principals("sender", SENDERS)?,
            readers: setup.principals("reader", READ)?,
            away: setup.principals("away", AWAY)?,
        })
    }

    fn participants(&self) -> Vec<Participant> {
        let others = self.senders.iter().chain(&self.readers).chain(&self.away);
        let others = others.map(Participant::plain);
        others.chain([Participant::publishing(&self.bystander)]).collect()
    }

    /// The inboxes as they take turns, so that of [`AWAY_OF`] messages one stays.
    fn inboxes(&self) -> Arc<[String]> {
        let address = |who: &Credentials| who.principal().inbox().to_string();
        let turn = |place: usize| match place % AWAY_OF {
            0 => address(&self.away[place / AWAY_OF]),
            _ => address(&self.readers[place % READ]),
        };
        (0..AWAY * AWAY_OF).map(turn).collect()
    }

    /// Sends `count` messages, as fast as they are read. Returns whether answers mean: it is on stable storage.
    async fn send(&self, dialer: &Dialer, count: usize) -> Result<bool, Failure> {
        let (taken, inboxes) = (Arc::<AtomicUsize>::default(), self.inboxes());
        let mut readers = JoinSet::new();
        for reader in &self.readers {
            let link = dialer.enter(reader).await?;
            let feed = link.feed(&inbox(&reader.principal().inbox())).await?;
            readers.spawn(read(link, feed, Arc::clone(&taken)));
        }
        // Each begins elsewhere, so that none fills its part of an inbox.
        let step = AWAY * AWAY_OF / SENDERS;
        let sends = |index: usize, _: &Credentials| Sends::new(Arc::clone(&inboxes), index * step);
        let mut pumps = pumps(dialer, &self.senders, sends).await?;
        let durable = pumps.iter().all(Pump::is_durable);
        let progress = Arc::new(Progress::begin("sending and reading", count));
        let mut sent = 0;
        while sent < count {
            let part = BATCH.min((count - sent).div_ceil(SENDERS));
            let mut tasks = JoinSet::new();
            for mut pump in pumps.drain(..) {
                let progress = Arc::clone(&progress);
                let work = Work { count: part, window: WINDOW };
                tasks.spawn(async move { pump.run(work, &progress).await.map(|_| pump) });
            }
            while let Some(pump) = tasks.join_next().await {
                pumps.push(pump.map_err(wrong)??);
            }
            sent += part * SENDERS;
            let read = sent - sent / AWAY_OF;
            while taken.load(Ordering::Relaxed) + UNREAD_MAX < read {
                if let Some(ended) = readers.try_join_next() {
                    ended.map_err(wrong)??;
                }
                sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(durable)
    }
}

/// Takes all that comes.
async fn read(_link: Link, mut feed: Feed, taken: Arc<AtomicUsize>) -> Result<(), Failure> {
    loop {
        if let FeedEvent::Message { event, .. } = feed.next().await? {
            feed.taken(event.cursor).await?;
            taken.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What goes on beside the load until it is ended, or dropped.
struct Beside<T> {
    task: JoinHandle<Result<T, Failure>>,
    is_over: Arc<AtomicBool>,
}

impl<T> Beside<T> {
    /// Begins what `begin` makes a task of, which goes on until that is set.
    fn begin(begin: impl FnOnce(Arc<AtomicBool>) -> JoinHandle<Result<T, Failure>>) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        Self { task: begin(Arc::clone(&is_over)), is_over }
    }

    async fn end(mut self) -> Result<T, Failure> {
        self.is_over.store(true, Ordering::Relaxed);
        (&mut self.task).await.map_err(wrong)?
    }
}

impl<T> Drop for Beside<T> {
    // A thread that goes on would keep the program from ending.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// Somebody who publishes one change after the other, and waits for each answer.
async fn bystander(dialer: &Dialer, who: &Credentials) -> Result<Beside<Samples>, Failure> {
    let people = std::slice::from_ref(who);
    let mut pump = pumps(dialer, people, |_, who| Publishes::new(who)).await?.remove(0);
    let publish = |is_over: Arc<AtomicBool>| async move {
        let (mut samples, progress) = (Samples::default(), Progress::begin("measuring", 0));
        while !is_over.load(Ordering::Relaxed) {
            samples.append(pump.run(Work { count: 1, window: 1 }, &progress).await?);
            sleep(SPACING).await;
        }
        Ok(samples)
    };
    Ok(Beside::begin(|is_over| tokio::spawn(publish(is_over))))
}

/// Writes a page to the file at `path` now and then, and syncs it: the longest that takes is what the disk itself holds anybody up for
/// while the server writes to it.
fn probe(path: PathBuf) -> Beside<Duration> {
    Beside::begin(|is_over| {
        tokio::task::spawn_blocking(move || {
            let longest = File::create(&path).and_then(|file| longest_sync(&file, &is_over));
            fs::remove_file(&path).map_err(wrong)?;
            longest.map_err(wrong)
        })
    })
}

fn longest_sync(mut file: &File, is_over: &AtomicBool) -> std::io::Result<Duration> {
    let mut longest = Duration::ZERO;
    while !is_over.load(Ordering::Relaxed) {
        let began = Instant::now();
        // The same page, so that nothing but the page has to be written.
        file.rewind()?;
        file.write_all(&[0; PAGE])?;
        file.sync_data()?;
        longest = longest.max(began.elapsed());
        std::thread::sleep(PROBE);
    }
    Ok(longest)
}

/// What was seen of disk and memory.
#[derive(Clone, Copy, Debug, Default)]
struct Looked {
    disk_max: u64,
    disk_end: u64,
    memory_max: u64,
}

/// Looks at disk and memory of the server now and then.
fn looker(store: PathBuf, site: &Site) -> Beside<Looked> {
    let id = site.id();
    let look = |is_over: Arc<AtomicBool>| async move {
        let mut looked = Looked::default();
        while !is_over.load(Ordering::Relaxed) {
            looked.disk_end = system::folder_bytes(&store);
            looked.disk_max = looked.disk_max.max(looked.disk_end);
            looked.memory_max =
                looked.memory_max.max(system::resident_bytes(id).unwrap_or_default());
            sleep(LOOK).await;
        }
        Ok(looked)
    };
    Beside::begin(|is_over| tokio::spawn(look(is_over)))
}
