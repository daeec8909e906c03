//! NATS: its streams on files for what is stored, core NATS for a fan-out, by the crate `async-nats`.
//!
//! Must never hold: a setting that is not the default, but the folder.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use async_nats::jetstream::{self, consumer::pull, stream};
use async_nats::{Client, Message, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};

use super::body::{BODY, number_of, numbered};
use super::daemon::Daemon;
use super::fanout::{Fan, Watcher};
use super::figures::Figures;
use super::kind::Sizes;
use super::sender::{Sender, Sending};
use crate::cli::command::bench::closed::{Work, run_all};
use crate::cli::command::bench::link::wrong;
use crate::cli::run::failure::Failure;

/// Messages asked for at once by whoever takes an inbox.
const READ_AT_ONCE: usize = 256;
/// The stream that holds all inboxes.
const STREAM: &str = "INBOXES";
/// What watchers hear.
const CHANGES: &str = "changes";

/// Messages to one subject after the other, each answered when the stream has it. All answers come to one subject: of the ways that
/// the crate has, the one with the least work.
struct Sends {
    client: Client,
    answers: Subscriber,
    whereto: String,
    inboxes: usize,
    offset: usize,
}

impl Sender for Sends {
    async fn send(&mut self, number: u64) -> Result<(), Failure> {
        let place = usize::try_from(number).unwrap_or_default() + self.offset;
        let (inbox, body) = (format!("inbox.{}", place % self.inboxes), Bytes::from_static(&BODY));
        let sent = self.client.publish_with_reply(inbox, self.whereto.clone(), body);
        sent.await.map_err(wrong)
    }

    async fn answered(&mut self) -> Result<usize, Failure> {
        let mut answer = self.answers.next().await;
        let mut count = 0;
        loop {
            check(&answer.ok_or_else(|| wrong("NATS ended"))?)?;
            count += 1;
            match self.answers.next().now_or_never() {
                Some(next) => answer = next,
                None => return Ok(count),
            }
        }
    }
}

/// Whether a stream has a message, by its answer.
fn check(answer: &Message) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(&answer.payload);
    if answer.status.is_some() || text.contains("\"error\"") { Err(wrong(text)) } else { Ok(()) }
}

/// Changes that core NATS tells whoever listens, and answers nobody: one counts as answered when it is written.
pub(super) struct Changes {
    client: Client,
    written: usize,
}

impl Sender for Changes {
    async fn send(&mut self, number: u64) -> Result<(), Failure> {
        self.written += 1;
        let body = Bytes::copy_from_slice(&numbered(number));
        self.client.publish(CHANGES, body).await.map_err(wrong)
    }

    async fn answered(&mut self) -> Result<usize, Failure> {
        self.client.flush().await.map_err(wrong)?;
        Ok(std::mem::take(&mut self.written))
    }
}

/// Somebody who is told them.
pub(super) struct Listening {
    // Ends with it.
    _client: Client,
    changes: Subscriber,
}

impl Watcher for Listening {
    async fn next(&mut self) -> Result<Option<u64>, Failure> {
        let change = self.changes.next().await.ok_or_else(|| wrong("NATS ended"))?;
        Ok(number_of(&change.payload))
    }
}

impl Fan for Changes {
    type Watcher = Listening;

    async fn publisher(address: SocketAddr) -> Result<Self, Failure> {
        Ok(Self { client: connect(address).await?, written: 0 })
    }

    async fn watcher(address: SocketAddr, _: usize) -> Result<Listening, Failure> {
        let client = connect(address).await?;
        let changes = client.subscribe(CHANGES).await.map_err(wrong)?;
        // Nobody answers it, which the server tells behind all that it heard before.
        let _ = client.request("nobody", Bytes::new()).await;
        Ok(Listening { _client: client, changes })
    }
}

/// Starts one with streams, which by default are kept on files.
pub(super) async fn start(program: &Path, beside: &Path) -> Result<Daemon, Failure> {
    Daemon::start(program, beside, |port, folder| {
        let line = format!("-a 127.0.0.1 -p {port} -js -sd {}", folder.display());
        Ok(line.split(' ').map(str::to_owned).collect())
    })
    .await
}

async fn connect(address: SocketAddr) -> Result<Client, Failure> {
    async_nats::connect(address.to_string()).await.map_err(wrong)
}

async fn sending(
    daemon: &Daemon,
    inboxes: usize,
    offset: usize,
) -> Result<Sending<Sends>, Failure> {
    let client = connect(daemon.address).await?;
    let whereto = client.new_inbox();
    let answers = client.subscribe(whereto.clone()).await.map_err(wrong)?;
    Ok(Sending::new(Sends { client, answers, whereto, inboxes, offset }))
}

async fn make_stream(daemon: &Daemon) -> Result<(), Failure> {
    let config = stream::Config {
        name: STREAM.to_owned(),
        subjects: vec!["inbox.*".to_owned()],
        ..stream::Config::default()
    };
    let streams = jetstream::new(connect(daemon.address).await?);
    streams.create_stream(config).await.map(drop).map_err(wrong)
}

/// As `store` and `ack`.
pub(super) async fn send(
    daemon: &Daemon,
    sizes: &Sizes,
    work: Work,
    connections: usize,
) -> Result<Figures, Failure> {
    make_stream(daemon).await?;
    let step = (sizes.inboxes / connections).max(1);
    let mut all = Vec::with_capacity(connections);
    for index in 0..connections {
        all.push(sending(daemon, sizes.inboxes, index * step).await?);
    }
    let (all, ..) = run_all(all, work.warm_up(), "warming up").await?;
    let (_, time, samples) = run_all(all, work, "measuring").await?;
    Ok(Figures::answered(work.count, time, samples))
}

/// As `drain`: a consumer takes what waits and acknowledges each; the last acknowledgement is answered.
pub(super) async fn drain(daemon: &Daemon, sizes: &Sizes) -> Result<Figures, Failure> {
    make_stream(daemon).await?;
    let filling = vec![sending(daemon, 1, 0).await?];
    run_all(filling, Work { count: sizes.drain, window: 64 }, "filling the inbox").await?;
    let began = Instant::now();
    let streams = jetstream::new(connect(daemon.address).await?);
    let config = pull::Config { durable_name: Some("OWNER".to_owned()), ..pull::Config::default() };
    let owner = streams.create_consumer_on_stream(config, STREAM).await.map_err(wrong)?;
    let mut taken = 0;
    while taken < sizes.drain {
        let wanted = READ_AT_ONCE.min(sizes.drain - taken);
        let mut batch = owner.fetch().max_messages(wanted).messages().await.map_err(wrong)?;
        while let Some(message) = batch.next().await {
            let message = message.map_err(wrong)?;
            taken += 1;
            let acknowledged =
                if taken == sizes.drain { message.double_ack().await } else { message.ack().await };
            acknowledged.map_err(wrong)?;
        }
    }
    Ok(Figures::drained(sizes.drain, began.elapsed()))
}
