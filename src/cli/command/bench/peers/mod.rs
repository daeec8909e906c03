//! `peers`: servers of other makes beside adsum, in turns on the same machine, with the same sizes and windows.
//!
//! They are spoken to over plain TCP, which favours them, by client libraries as others use them. On a machine that server and load
//! share, what such a library takes counts as the server's, so that of each that way is taken which costs least.
//! Must never hold: a peer that must be there. What this machine does not have is left out, and that is told.

mod body;
mod daemon;
mod fanout;
mod figures;
mod kind;
mod mosquitto;
mod nats;
mod redis;
mod row;
mod sender;

use std::path::{Path, PathBuf};

use self::daemon::{Daemon, found};
use self::figures::Figures;
use self::kind::{Kind, Sizes};
use self::row::{PeersLine, Rows};
use super::closed::Work;
use super::common::Common;
use super::folder::Folder;
use super::outcome::Outcome;
use super::setup::Setup;
use super::sizes;
use super::workload::{Ack, Drain, Fanout, Measure, Store, defaults};
use super::yardstick::{self, Yardsticks};
use crate::cli::print::output::Output;
use crate::cli::run::failure::Failure;

/// What is compared.
#[derive(Debug, clap::Args)]
pub(super) struct Peers {
    #[command(flatten)]
    common: Common,
}

/// A server of another make, as it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    RedisAlways,
    RedisEverySecond,
    Nats,
    Mosquitto,
}

impl Peers {
    /// Measures and tells one line.
    pub(super) async fn run(self, output: &mut Output) -> Result<(), Failure> {
        let options = self.common.options()?;
        let folder = Folder::take(self.common.data.as_deref(), false)?;
        let sizes = Sizes::scaled(options.scale);
        let (there, missing) = look();
        if !missing.is_empty() {
            output.remark(&format!("not on this machine and left out: {}", missing.join(", ")))?;
            output.flush()?;
        }
        let (mut rows, mut yardsticks) = (Rows::default(), Vec::new());
        for _ in 0..self.common.runs {
            for kind in Kind::ALL {
                let setup = Setup::clear(&options, &folder)?;
                let outcome = adsum(kind, &setup.beside("adsum")?).await?;
                yardsticks.push(
                    yardstick::take(folder.path(), outcome.usage.commit_median, options.scale)
                        .await?,
                );
                let own = own(kind, &outcome);
                rows.add(kind, "adsum", outcome.durable, own, own);
                for (peer, program) in &there {
                    let figures = peer.measure(kind, program, folder.path(), &sizes).await?;
                    if let Some(figures) = figures {
                        rows.add(kind, peer.name(), peer.is_durable(), figures, own);
                    }
                }
            }
        }
        let rows = rows.told();
        let runs = self.common.runs;
        let yardsticks = Yardsticks::median(&yardsticks);
        output.line(&PeersLine { workload: "peers", runs, yardsticks, rows, missing })?;
        output.flush()
    }
}

/// The peers that this machine has, with their programs, and the programs that it does not have.
fn look() -> (Vec<(Peer, PathBuf)>, Vec<&'static str>) {
    let (mut there, mut missing) = (Vec::new(), Vec::new());
    for peer in Peer::ALL {
        match found(peer.program()) {
            Some(program) => there.push((peer, program)),
            None => missing.push(peer.program()),
        }
    }
    missing.dedup();
    (there, missing)
}

/// What adsum's own workload came to, as far as peers tell the same. A drain tells when each message was there, which others do not.
fn own(kind: Kind, outcome: &Outcome) -> Figures {
    let p50_p99_ms = (kind != Kind::Drain).then_some(outcome.p50_p99_ms);
    Figures { rate_per_s: outcome.rate_per_s(), p50_p99_ms }
}

/// Measures adsum, by its own workload.
async fn adsum(kind: Kind, setup: &Setup<'_>) -> Result<Outcome, Failure> {
    match kind {
        Kind::Store => Box::pin(defaults::<Store>().run(setup)).await,
        Kind::Ack => Box::pin(defaults::<Ack>().run(setup)).await,
        Kind::Fanout => Box::pin(defaults::<Fanout>().run(setup)).await,
        Kind::Drain => Box::pin(defaults::<Drain>().run(setup)).await,
    }
}

impl Peer {
    const ALL: [Self; 4] = [Self::RedisAlways, Self::RedisEverySecond, Self::Nats, Self::Mosquitto];

    fn name(self) -> &'static str {
        match self {
            Self::RedisAlways => "redis, appendfsync always",
            Self::RedisEverySecond => "redis, appendfsync everysec",
            Self::Nats => "nats",
            Self::Mosquitto => "mosquitto",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::RedisAlways | Self::RedisEverySecond => "redis-server",
            Self::Nats => "nats-server",
            Self::Mosquitto => "mosquitto",
        }
    }

    /// Whether its answers mean: it is on stable storage.
    fn is_durable(self) -> bool {
        self == Self::RedisAlways
    }

    async fn start(self, program: &Path, beside: &Path) -> Result<Daemon, Failure> {
        match self {
            Self::RedisAlways => redis::start(program, beside, "always").await,
            Self::RedisEverySecond => redis::start(program, beside, "everysec").await,
            Self::Nats => nats::start(program, beside).await,
            Self::Mosquitto => mosquitto::start(program, beside).await,
        }
    }

    /// Measures a fresh one; nothing if it has no such thing.
    async fn measure(
        self,
        kind: Kind,
        program: &Path,
        beside: &Path,
        sizes: &Sizes,
    ) -> Result<Option<Figures>, Failure> {
        let is_redis = matches!(self, Self::RedisAlways | Self::RedisEverySecond);
        if is_redis && kind == Kind::Fanout {
            return Ok(None);
        }
        let daemon = self.start(program, beside).await?;
        let measured = match kind {
            Kind::Store => {
                let work = Work { count: sizes.store, window: sizes::STORE_WINDOW };
                self.send(&daemon, sizes, work, sizes::STORE_CONNECTIONS).await
            }
            Kind::Ack => self.send(&daemon, sizes, Work { count: sizes.ack, window: 1 }, 1).await,
            Kind::Fanout if self == Self::Nats => {
                fanout::measure::<nats::Changes>(daemon.address, sizes).await
            }
            Kind::Fanout => fanout::measure::<mosquitto::Changes>(daemon.address, sizes).await,
            Kind::Drain if is_redis => redis::drain(&daemon, sizes).await,
            Kind::Drain if self == Self::Nats => nats::drain(&daemon, sizes).await,
            Kind::Drain => mosquitto::drain(&daemon, sizes).await,
        };
        daemon.kill().await?;
        measured.map(Some).map_err(|failure| failure.about(self.name()))
    }

    async fn send(
        self,
        daemon: &Daemon,
        sizes: &Sizes,
        work: Work,
        connections: usize,
    ) -> Result<Figures, Failure> {
        match self {
            Self::RedisAlways | Self::RedisEverySecond => {
                redis::send(daemon, sizes, work, connections).await
            }
            Self::Nats => nats::send(daemon, sizes, work, connections).await,
            Self::Mosquitto => mosquitto::send(daemon, sizes, work, connections).await,
        }
    }
}
