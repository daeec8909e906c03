//! The arguments of `adsum bench` and their defaults: the numbers that comparisons are made with.
//!
//! Must never hold: what a workload does with its numbers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use super::online::Host;
use super::participants::Principals;
use super::setup::{Options, Target};
use super::workload::{Answers, Drain, Fairness, Fanout, Measure, Question, Restart, Resume};
use crate::cli::run::failure::Failure;
use crate::client::{InviteToken, ServerAddress};
use crate::model::limits::{MESSAGES_WAITING_MAX, REQUESTS_IN_FLIGHT_MAX, SUBSCRIPTIONS_MAX};
use crate::model::{Domain, Mode};

/// Arguments of `adsum bench`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    pub(super) workload: Workload,
}

/// What is measured.
#[derive(Debug, Subcommand)]
pub(super) enum Workload {
    /// Messages to inboxes whose owners are away: durable answers per second
    Store {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        load: Load,
        /// Inboxes, which the messages go round
        #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
        inboxes: usize,
    },
    /// One message at a time over one connection: how long an answer takes
    Ack {
        #[command(flatten)]
        common: Common,
        /// Messages
        #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = positive)]
        count: usize,
        /// Inboxes, which the messages go round
        #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
        inboxes: usize,
    },
    /// Changes of presence that nobody watches: durable answers per second
    Publish {
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        load: Load,
        /// Presentities in the store; each connection changes the one it controls
        #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = positive)]
        presentities: usize,
    },
    /// One presentity and many watchers who are told every change: deliveries per second, and how long one takes
    Fanout {
        #[command(flatten)]
        common: Common,
        /// Watchers, each on a connection of its own
        #[arg(long, value_name = "COUNT", default_value_t = 200, value_parser = positive)]
        watchers: usize,
        /// Changes as fast as answers come
        #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
        changes: usize,
        /// Changes that may be unanswered
        #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = window)]
        window: usize,
        /// Changes one by one, for the time a delivery takes
        #[arg(long, value_name = "COUNT", default_value_t = 300, value_parser = positive)]
        paced: usize,
        /// Milliseconds between two of those
        #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
        spacing: u64,
    },
    /// The owner of a full inbox comes back and takes all of it: messages per second, from connect to the last
    /// acknowledgement
    Drain {
        #[command(flatten)]
        common: Common,
        /// Messages in the inbox
        #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = inbox_count)]
        count: usize,
    },
    /// A watcher comes back and is told what it missed, from a server that went on and from one that was restarted:
    /// from connect to caught up
    Resume {
        #[command(flatten)]
        common: Common,
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
    },
    /// A server with a long log is killed under load and started again: from process start to the first answered fetch
    Restart {
        #[command(flatten)]
        common: Common,
        /// Events in the log
        #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = positive)]
        events: usize,
        /// Owners of inboxes
        #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = positive)]
        inboxes: usize,
        /// Presentities
        #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = positive)]
        presentities: usize,
        /// Watchers of 100 presentities each
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = positive)]
        watchers: usize,
        /// Kills and starts in each run
        #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = positive)]
        restarts: usize,
    },
    /// One session asks for as much as it can get, in nine ways one after the other: how long somebody else waits for the
    /// answer to a publish meanwhile, and when all is quiet
    Fairness {
        #[command(flatten)]
        common: Common,
        /// Watchers of the greedy one
        #[arg(long, value_name = "COUNT", default_value_t = 2_000, value_parser = positive)]
        watchers: usize,
        /// Presentities that the greedy one watches
        #[arg(long, value_name = "COUNT", default_value_t = 400, value_parser = watched_count)]
        subscriptions: usize,
        /// Milliseconds beside each kind of greed
        #[arg(long, value_name = "MS", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
        time: u64,
    },
    /// Send back what comes, for the yardsticks of the other workloads
    #[command(hide = true)]
    EchoServer,
}

/// What every workload takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Common {
    /// Runs; each figure is the median of theirs
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = positive)]
    pub(super) runs: usize,
    /// Multiplies every count, such as 0.01 for a quick look
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = factor)]
    scale: f64,
    /// A server that runs already, as host:port [default: one of the bench's own]
    #[arg(long, value_name = "HOST:PORT")]
    server: Option<ServerAddress>,
    /// An administrator's invite for that server, which must have open enrollment otherwise
    #[arg(long, value_name = "TOKEN", requires = "server")]
    invite: Option<InviteToken>,
    /// The HTTP address of that server, to count its commits [default: not counted]
    #[arg(long, value_name = "ADDRESS", requires = "server")]
    http: Option<SocketAddr>,
    /// The domain of the principals that take part
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    domain: Domain,
    /// Folder for the store, new or empty, on the disk to be measured [default: one among the system's temporary files]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Leave the store of the last run there, for `adsum log verify`
    #[arg(long, conflicts_with = "server")]
    pub(super) keep_data: bool,
}

/// A load of many connections.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Load {
    /// Requests
    #[arg(long, value_name = "COUNT", default_value_t = 200_000, value_parser = positive)]
    count: usize,
    /// Connections, each of a principal of its own
    #[arg(long, value_name = "COUNT", default_value_t = 32, value_parser = positive)]
    connections: usize,
    /// Requests that may be unanswered on each
    #[arg(long, value_name = "COUNT", default_value_t = 64, value_parser = window)]
    window: usize,
}

impl Workload {
    /// Its name, what it has in common with the others, and its own numbers; nothing for the echo.
    pub(super) fn parts(self) -> Option<(&'static str, Common, Measure)> {
        Some(match self {
            Self::Store { common, load, inboxes } => {
                ("store", common, load.asking(Question::Send { inboxes }))
            }
            Self::Ack { common, count, inboxes } => {
                let load = Load { count, connections: 1, window: 1 };
                ("ack", common, load.asking(Question::Send { inboxes }))
            }
            Self::Publish { common, load, presentities } => {
                ("publish", common, load.asking(Question::Publish { presentities }))
            }
            Self::Fanout { common, watchers, changes, window, paced, spacing } => {
                let spacing = Duration::from_millis(spacing);
                let fanout = Fanout { watchers, changes, window, paced, spacing };
                ("fanout", common, Measure::Fanout(fanout))
            }
            Self::Drain { common, count } => ("drain", common, Measure::Drain(Drain { count })),
            Self::Resume { common, presentities, changes, rounds, every } => {
                let mode = if every { Mode::Every } else { Mode::Latest };
                let resume = Resume { presentities, changes, rounds, mode };
                ("resume", common, Measure::Resume(resume))
            }
            Self::Restart { common, events, inboxes, presentities, watchers, restarts } => {
                let restart = Restart { events, inboxes, presentities, watchers, restarts };
                ("restart", common, Measure::Restart(restart))
            }
            Self::Fairness { common, watchers, subscriptions, time } => {
                let time = Duration::from_millis(time);
                let fairness = Fairness { watchers, subscriptions, time };
                ("fairness", common, Measure::Fairness(fairness))
            }
            Self::EchoServer => return None,
        })
    }
}

impl Load {
    fn asking(self, question: Question) -> Measure {
        let Self { count, connections, window } = self;
        Measure::Answers(Answers { question, count, connections, window })
    }
}

impl Common {
    /// Whoever is to invite the others, if somebody must.
    fn host(&self) -> Result<Option<Host>, Failure> {
        let Some(invite) = self.invite.clone() else { return Ok(None) };
        let who = Principals::new(self.domain.clone()).principals("host", 1)?.remove(0);
        Ok(Some(Host { who, invite }))
    }

    /// What the workloads need of it.
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let target = match &self.server {
            Some(server) => {
                Target::Running { server: server.clone(), http: self.http, host: self.host()? }
            }
            None => Target::Own,
        };
        Ok(Options { domain: self.domain.clone(), scale: self.scale, target })
    }
}

/// At least one.
fn positive(text: &str) -> Result<usize, String> {
    between(text, 1, usize::MAX)
}

/// As many requests as a server lets be unanswered.
fn window(text: &str) -> Result<usize, String> {
    between(text, 1, REQUESTS_IN_FLIGHT_MAX)
}

/// As many messages as may wait in an inbox.
fn inbox_count(text: &str) -> Result<usize, String> {
    between(text, 1, MESSAGES_WAITING_MAX)
}

/// As many subscriptions as a watcher may have.
fn watched_count(text: &str) -> Result<usize, String> {
    between(text, 1, SUBSCRIPTIONS_MAX)
}

fn between(text: &str, min: usize, max: usize) -> Result<usize, String> {
    let wanted = match max {
        usize::MAX => format!("a number from {min} on"),
        max => format!("a number from {min} to {max}"),
    };
    let number = text.replace('_', "").parse().ok();
    number.filter(|number| (min..=max).contains(number)).ok_or(wanted)
}

/// A factor that leaves something and does not run for days.
fn factor(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.000_001..=100.0).contains(number))
        .ok_or_else(|| "a number above 0 and at most 100, such as 0.01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing;

    fn parsed(arguments: &[&str]) -> Result<Args, String> {
        testing::parsed(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_comparisons() {
        let Ok(Args { workload }) = parsed(&["store"]) else { panic!() };
        let Some(("store", common, Measure::Answers(load))) = workload.parts() else { panic!() };
        assert_eq!((load.count, load.connections, load.window), (200_000, 32, 64));
        assert!(matches!(load.question, Question::Send { inboxes: 1_000 }));
        assert_eq!(common.runs, 3);
    }

    #[test]
    fn a_number_a_server_would_refuse_is_refused_here() {
        let window = parsed(&["store", "--window", "2000"]).err().unwrap();
        assert!(window.contains("from 1 to 1024"), "{window}");
        assert!(parsed(&["drain", "--count", "10001"]).is_err());
        assert!(parsed(&["store", "--scale", "0"]).is_err());
        assert!(parsed(&["store", "--scale", "NaN"]).is_err());
        assert!(parsed(&["store", "--runs", "0"]).is_err());
    }

    #[test]
    fn flags_for_a_running_server_need_one() {
        assert!(parsed(&["store", "--http", "127.0.0.1:1"]).is_err());
        assert!(parsed(&["store", "--server", "127.0.0.1:1", "--http", "127.0.0.1:1"]).is_ok());
    }
}
