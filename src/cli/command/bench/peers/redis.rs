//! Redis: a stream for each inbox, by the crate `redis`. What is unanswered on a connection is one pipeline.
//!
//! Must never hold: a fan-out. Its channels keep nothing, and its streams tell nobody.

use std::path::Path;
use std::time::Instant;

use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadOptions;
use redis::{AsyncConnectionConfig, AsyncTypedCommands as _, Pipeline};

use super::body::BODY;
use super::daemon::Daemon;
use super::figures::Figures;
use super::kind::Sizes;
use super::sender::{Sender, Sending};
use crate::cli::command::bench::closed::{Work, run_all};
use crate::cli::command::bench::link::wrong;
use crate::cli::run::failure::Failure;

/// Messages read at once by whoever takes an inbox.
const READ_AT_ONCE: usize = 256;
const GROUP: &str = "owner";

/// Messages to one stream after the other.
struct Sends {
    connection: MultiplexedConnection,
    pipeline: Pipeline,
    inboxes: usize,
    offset: usize,
}

impl Sender for Sends {
    async fn send(&mut self, number: u64) -> Result<(), Failure> {
        let place = usize::try_from(number).unwrap_or_default() + self.offset;
        self.pipeline.xadd(inbox(place % self.inboxes), "*", &[("body", &BODY[..])]).ignore();
        Ok(())
    }

    async fn answered(&mut self) -> Result<usize, Failure> {
        self.pipeline.query_async::<()>(&mut self.connection).await.map_err(wrong)?;
        let count = self.pipeline.len();
        self.pipeline.clear();
        Ok(count)
    }
}

fn inbox(number: usize) -> String {
    format!("inbox:{number}")
}

/// Starts one that syncs its log as `fsync` says.
pub(super) async fn start(program: &Path, beside: &Path, fsync: &str) -> Result<Daemon, Failure> {
    Daemon::start(program, beside, |port, folder| {
        let folder = folder.display();
        let line = format!("--port {port} --bind 127.0.0.1 --appendonly yes --appendfsync {fsync}");
        let words = line.split(' ').map(str::to_owned);
        let rest =
            ["--save", "", "--dir"].map(str::to_owned).into_iter().chain([folder.to_string()]);
        Ok(words.chain(rest).collect())
    })
    .await
}

async fn connect(daemon: &Daemon) -> Result<MultiplexedConnection, Failure> {
    let at = (daemon.address.ip().to_string(), daemon.address.port());
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let client = redis::Client::open(at).map_err(wrong)?;
    client.get_multiplexed_async_connection_with_config(&config).await.map_err(wrong)
}

async fn sending(
    daemon: &Daemon,
    inboxes: usize,
    offset: usize,
) -> Result<Sending<Sends>, Failure> {
    let connection = connect(daemon).await?;
    Ok(Sending::new(Sends { connection, pipeline: Pipeline::new(), inboxes, offset }))
}

/// As `store` and `ack`.
pub(super) async fn send(
    daemon: &Daemon,
    sizes: &Sizes,
    work: Work,
    connections: usize,
) -> Result<Figures, Failure> {
    let step = (sizes.inboxes / connections).max(1);
    let mut all = Vec::with_capacity(connections);
    for index in 0..connections {
        all.push(sending(daemon, sizes.inboxes, index * step).await?);
    }
    let (all, ..) = run_all(all, work.warm_up(), "warming up").await?;
    let (_, time, samples) = run_all(all, work, "measuring").await?;
    Ok(Figures::answered(work.count, time, samples))
}

/// As `drain`: a full stream is read by its group and acknowledged.
pub(super) async fn drain(daemon: &Daemon, sizes: &Sizes) -> Result<Figures, Failure> {
    let filling = vec![sending(daemon, 1, 0).await?];
    run_all(filling, Work { count: sizes.drain, window: 64 }, "filling the inbox").await?;
    let (stream, began) = (inbox(0), Instant::now());
    let mut owner = connect(daemon).await?;
    owner.xgroup_create(&stream, GROUP, "0").await.map_err(wrong)?;
    let options = StreamReadOptions::default().group(GROUP, "device").count(READ_AT_ONCE);
    let mut taken = 0;
    while taken < sizes.drain {
        let read = owner.xread_options(&[&stream], &[">"], &options).await;
        let read = read.map_err(wrong)?.unwrap_or_default();
        let ids: Vec<&str> =
            read.keys.iter().flat_map(|key| &key.ids).map(|message| &*message.id).collect();
        if ids.is_empty() {
            return Err(wrong(format!("Redis: {taken} of {} are there", sizes.drain)));
        }
        taken += owner.xack(&stream, GROUP, &ids).await.map_err(wrong)?;
    }
    Ok(Figures::drained(sizes.drain, began.elapsed()))
}
