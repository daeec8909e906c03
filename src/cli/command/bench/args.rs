//! The arguments of `adsum bench`: which workload, and what all of them take.
//!
//! Must never hold: the numbers of one workload, see `workload`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Subcommand;

use super::number::{factor, positive};
use super::online::Host;
use super::participants::Principals;
use super::setup::{Options, Target};
use super::workload::{Ack, Drain, Fairness, Fanout, Publish, Restart, Resume, Soak, Store};
use crate::cli::run::failure::Failure;
use crate::client::{InviteToken, ServerAddress};
use crate::model::Domain;

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
    Store(With<Store>),
    /// One message at a time over one connection: how long an answer takes
    Ack(With<Ack>),
    /// Changes of presence that nobody watches: durable answers per second
    Publish(With<Publish>),
    /// One presentity and many watchers who are told every change: deliveries per second, and how long one takes
    Fanout(With<Fanout>),
    /// The owner of a full inbox comes back and takes all of it: messages per second, from connect to the last
    /// acknowledgement
    Drain(With<Drain>),
    /// A watcher comes back and is told what it missed, from a server that went on and from one that was restarted:
    /// from connect to caught up
    Resume(With<Resume>),
    /// A server with a long log is killed under load and started again: from process start to the first answered fetch
    Restart(With<Restart>),
    /// One session asks for as much as it can get, in ten ways one after the other: how long somebody else waits for the
    /// answer to a publish meanwhile, and when all is quiet
    Fairness(With<Fairness>),
    /// Messages are sent, read and removed from the log again, and some wait for ever: disk, memory, and how long somebody else
    /// waits for the answer to a publish meanwhile, at the longest
    Soak(With<Soak>),
    /// Send back what comes, for the yardsticks of the other workloads
    #[command(hide = true)]
    EchoServer,
}

/// What every workload takes, and its own numbers.
#[derive(Debug, clap::Args)]
pub(super) struct With<M: clap::Args> {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) measure: M,
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
        let Workload::Store(With { common, measure }) = workload else { panic!("{workload:?}") };
        assert_eq!(measure, Store::of_comparisons());
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
