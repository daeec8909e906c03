//! Tells whoever started the server how far it is, if that asked to be told: `sd_notify`, as systemd and others understand it.
//!
//! Must never hold: a wait that serving depends on.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::time::timeout;
use tracing::warn;

use crate::server::{Server, ServerConfig};

/// Between two words about a server, where no watchdog wants them sooner.
const STATUS_EVERY: Duration = Duration::from_secs(30);
/// Of the watchdog's time, after how much it hears the next time: so that one late word is no reason to end the server.
const OF_WATCHDOG: u32 = 3;
/// Between two words about a replay, and the time that each of them asks for.
const REPLAY_EVERY: Duration = Duration::from_secs(1);
const REPLAY_EXTENDS: Duration = Duration::from_mins(1);
/// What a stop may take beside what clients are given to take what is on their way: last packets, and a checkpoint.
const STOP_EXTENDS: Duration = Duration::from_mins(1);

/// How far a replay is, told now and then.
pub(super) struct Replay {
    told: Option<Instant>,
}

impl Replay {
    /// Nothing is told yet.
    pub(super) fn new() -> Self {
        Self { told: None }
    }

    /// `done` of `total` events are folded. Asks for more time, so that a long log is no failed start.
    pub(super) fn at(&mut self, done: u64, total: u64) {
        if self.told.is_some_and(|told| told.elapsed() < REPLAY_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let status = format!("replaying the log: {done} of {total} events");
        tell(&[NotifyState::Status(&status), extended(REPLAY_EXTENDS)]);
    }
}

/// Clients are served.
pub(super) fn ready(serving: &Serving<'_>) {
    tell(&[NotifyState::Ready, NotifyState::Status(&serving.status())]);
}

/// The settings are read again; [`ready`] says when that is done.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "the service manager is not told of the reload; it goes on"),
    }
}

/// The server stops, and clients have until `drain` is over to take what is on its way.
pub(super) fn stopping(drain: Duration) {
    let status = NotifyState::Status("stopping: clients are told when to come back");
    tell(&[NotifyState::Stopping, status, extended(drain + STOP_EXTENDS)]);
}

/// Tells again and again that the server works: its writer takes turns, and the disk takes what is written. Never ends.
pub(super) async fn keep_telling(serving: &Serving<'_>) -> Infallible {
    let watchdog = sd_notify::watchdog_enabled();
    let every = watchdog.map_or(STATUS_EVERY, |within| within / OF_WATCHDOG);
    loop {
        tokio::time::sleep(every).await;
        let works = timeout(every, serving.server.turned()).await.is_ok();
        let status = serving.status();
        match (works, watchdog) {
            (true, Some(_)) => tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]),
            (true, None) => tell(&[NotifyState::Status(&status)]),
            (false, _) => tell(&[NotifyState::Status("the disk or the writer takes very long")]),
        }
    }
}

/// A server, and where it is reached.
pub(super) struct Serving<'a> {
    /// Which.
    pub(super) server: &'a Server,
    /// What it serves, and where.
    what: String,
}

impl<'a> Serving<'a> {
    /// Of `server`, started with `config`.
    pub(super) fn new(server: &'a Server, config: &ServerConfig) -> Self {
        let domains: Vec<&str> = config.domains.iter().map(crate::model::Domain::as_str).collect();
        let what = format!("serves {} at {}", domains.join(", "), server.local_addr());
        Self { server, what }
    }

    fn status(&self) -> String {
        let connections = self.server.connections();
        let s = if connections == 1 { "" } else { "s" };
        format!("{}, {connections} connection{s}", self.what)
    }
}

fn extended(by: Duration) -> NotifyState<'static> {
    NotifyState::ExtendTimeoutUsec(u32::try_from(by.as_micros()).unwrap_or(u32::MAX))
}

/// Tells, if somebody asked to be told. Nobody has to hear it.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "the service manager cannot be told how far the server is; it goes on");
    }
}
