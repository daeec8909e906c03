//! `disk`: what the server writes for what it stores: for messages as fast as it takes them, for one at a time, and what the store
//! takes on the disk before and after what is over was cut away.
//!
//! Must never hold: a reader that connects. Half of the owners have read everything while no server ran.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Measure;
use super::sending::Sending;
use crate::cli::command::bench::{
    closed::{Work, run_all},
    link::wrong,
    number::{positive, window},
    outcome::Outcome,
    pump::Pump,
    samples::{Samples, rounded},
    setup::Setup,
    site::{Site, Usage},
    system,
};
use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::log::{Entries as _, SledLog, stat};

/// For how long the server that cuts keeps what is over, and how often it looks.
const KEEP: Duration = Duration::from_secs(1);
const CHECK: Duration = Duration::from_millis(100);
/// The longest that a cut may take.
const CUT_TIME: Duration = Duration::from_mins(5);
/// Messages before those that are counted one at a time. sled fills the segment that it finds up in one write, which the system keeps
/// as a few large pages, and counts one of those as written for each message in there; it has room for 1,150 at most.
const LEAD: usize = 1_200;
/// Between two looks whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// Messages to inboxes.
#[derive(Debug, clap::Args)]
pub(in crate::cli::command::bench) struct Disk {
    /// Messages as fast as they are answered
    #[arg(long, value_name = "COUNT", default_value_t = 200_000, value_parser = positive)]
    count: usize,
    /// Messages one at a time
    #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
    lone: usize,
    /// Inboxes, which the messages go round
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
    inboxes: usize,
    /// Connections, each of a principal of its own
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = positive)]
    connections: usize,
    /// Requests that may be unanswered on each
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = window)]
    window: usize,
}

impl Measure for Disk {
    const NAME: &str = "disk";

    async fn run(&self, setup: &Setup<'_>) -> Result<Outcome, Failure> {
        setup.must_be_own("disk looks at what its server writes")?;
        let sending = Sending::new(setup, setup.scaled(self.inboxes), 1 + 2 * self.connections)?;
        setup.offline()?.furnish(&sending.participants()).await?;
        let (lone, rest) = (&sending.senders[..1], &sending.senders[1..]);
        let (first, second) = rest.split_at(self.connections);
        let one = Work { count: setup.scaled(self.lone), window: 1 };
        let many = Work { count: setup.scaled(self.count), window: self.window };
        let lead = Work { count: setup.scaled(LEAD), window: 1 };
        let lone = Load::put(setup, &sending, lone, Some(lead), one).await?;
        let store = Load::put(setup, &sending, first, None, many).await?;
        let full = store.after;
        let (cut, cut_time) = cut(setup, &sending, full.events).await?;
        let again = Load::put(setup, &sending, second, None, many).await?;
        let per_event = rounded(full.disk_bytes / full.events);
        let (lone_written, written, stored) = (lone.written()?, store.written()?, store.stored());
        let outcome = Outcome::complete(many.count, store.time, store.samples)?.used(store.usage);
        let outcome = outcome
            .durable(lone.durable && store.durable && again.durable)
            .with("lone_written_bytes_each", rounded(lone_written / lone.counted))
            .with("lone_stored_bytes_each", rounded(lone.stored() / lone.messages))
            .with("written_bytes", written)
            .with("stored_bytes", stored)
            .with("written_to_stored", rounded(written / stored))
            .with("events", full.events)
            .with("disk_bytes", full.disk_bytes)
            .with("disk_bytes_per_event", per_event);
        Ok(outcome
            .with("cut_secs", rounded(cut_time.as_secs_f64()))
            .with("cut_events", cut.events)
            .with("cut_stored_bytes", cut.stored_bytes)
            .with("cut_carried_bytes", cut.carried_bytes)
            .with("cut_disk_bytes", cut.disk_bytes)
            .with("cut_disk_bytes_per_event", rounded(cut.disk_bytes / full.events))
            .with("again_disk_bytes", again.after.disk_bytes))
    }
}

/// What a store takes, as figures of which the median can be told.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Events in the log.
    events: f64,
    /// Bytes of the log's entries.
    stored_bytes: f64,
    /// Bytes of what was carried forward of what was cut away.
    carried_bytes: f64,
    /// Bytes of all files.
    disk_bytes: f64,
}

impl Size {
    /// Of the store of `setup`, on which no server runs.
    #[expect(clippy::cast_precision_loss, reason = "a store of a bench is far below 2^52 bytes")]
    fn of(setup: &Setup<'_>) -> Result<Self, Failure> {
        let log = SledLog::open_existing(setup.store())?;
        let (stat, carried_bytes) = (stat(&log, setup.store())?, log.mark().carried_bytes);
        Ok(Self {
            events: stat.events as f64,
            stored_bytes: stat.stored_bytes as f64,
            carried_bytes: carried_bytes as f64,
            disk_bytes: system::folder_bytes(setup.store()) as f64,
        })
    }
}

/// What came of a load.
struct Load {
    before: Size,
    after: Size,
    /// All of them.
    messages: f64,
    /// Those that were written while it was counted what is, the warm-up's among them.
    counted: f64,
    time: Duration,
    samples: Samples,
    /// While `counted` were stored.
    usage: Usage,
    durable: bool,
}

impl Load {
    /// Lets a server that is started for it store what `senders` send.
    async fn put(
        setup: &Setup<'_>,
        sending: &Sending,
        senders: &[Credentials],
        lead: Option<Work>,
        work: Work,
    ) -> Result<Self, Failure> {
        let before = Size::of(setup)?;
        let (site, dialer) = setup.start().await?;
        let mut pumps = sending.pumps(&dialer, senders).await?;
        let durable = pumps.iter().all(Pump::is_durable);
        if let Some(lead) = lead {
            (pumps, ..) = run_all(pumps, lead, "leading").await?;
        }
        let read = site.read().await;
        let (pumps, ..) = run_all(pumps, work.warm_up(), "warming up").await?;
        let (pumps, time, samples) = run_all(pumps, work, "measuring").await?;
        let usage = site.used_since(&read).await;
        drop(pumps);
        site.kill().await?;
        let counted = work.warm_up().count + work.count;
        let messages = counted + lead.map_or(0, |lead| lead.count);
        #[expect(clippy::cast_precision_loss, reason = "counts of a bench are far below 2^52")]
        let [messages, counted] = [messages, counted].map(|count| count as f64);
        let after = Size::of(setup)?;
        Ok(Self { before, after, messages, counted, time, samples, usage, durable })
    }

    fn written(&self) -> Result<f64, Failure> {
        let silent = || wrong("this system does not tell what a process writes");
        self.usage.server_written_bytes.ok_or_else(silent)
    }

    fn stored(&self) -> f64 {
        self.after.stored_bytes - self.before.stored_bytes
    }
}

/// Half of the owners have read what they were sent: cuts that away. Returns what is left, and how long it took from the start of
/// the server, with the time that it keeps everything.
async fn cut(
    setup: &Setup<'_>,
    sending: &Sending,
    events: f64,
) -> Result<(Size, Duration), Failure> {
    let mut store = setup.offline()?;
    for owner in sending.owners.iter().step_by(2) {
        store.acknowledge(owner).await?;
    }
    store.round()?;
    drop(store);
    // What was read less long ago would be carried.
    sleep(KEEP * 3 / 2).await;
    let began = Instant::now();
    let (site, _) = setup.start_keeping(KEEP, CHECK).await?;
    while through(&site).await? < events {
        if began.elapsed() > CUT_TIME {
            return Err(wrong("the log was not cut within five minutes"));
        }
        sleep(LOOK).await;
    }
    let time = began.elapsed();
    // What the cut itself has recorded may go, too.
    sleep(KEEP * 3 / 2).await;
    site.kill().await?;
    Ok((Size::of(setup)?, time))
}

/// Through which event the server has cut its log.
async fn through(site: &Site) -> Result<f64, Failure> {
    let name = "adsum_log_cut_through_sequence";
    site.metric(name).await.ok_or_else(|| wrong(format!("no {name}")))
}
