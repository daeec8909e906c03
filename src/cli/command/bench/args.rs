//! The arguments of `adsum bench`: which workload.
//!
//! Must never hold: the numbers of one workload, see `workload`, or what all of them take, see `common`.

use clap::Subcommand;

use super::all::All;
use super::common::With;
use super::peers::Peers;
use super::workload::{
    Ack, Connect, Disk, Drain, Fairness, Fanout, Idle, Load, Publish, Restart, Resume, Scale, Soak,
    Store,
};

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
    /// A server with many connections is killed and started again, and all come back with their feeds: how many a second,
    /// and how many handshakes alone
    Connect(With<Connect>),
    /// Many are connected and say nothing: memory for each, and the processor at rest, with what bare QUIC connections take
    Idle(With<Idle>),
    /// Messages at fixed rates, parts of what the server takes at most: how long an answer takes from when its message fell
    /// due, whether or not those before were answered
    Load(With<Load>),
    /// A server with a long log is killed under load and started again: from process start to the first answered fetch
    Restart(With<Restart>),
    /// What the server writes for what it stores, for one message at a time too, and what the store takes on the disk before and
    /// after what is over was cut away
    Disk(With<Disk>),
    /// One session asks for as much as it can get, in ten ways one after the other: how long somebody else waits for the
    /// answer to a publish meanwhile, and when all is quiet
    Fairness(With<Fairness>),
    /// Few against many presentities in one domain, presentities with many watchers: how long a fetch, a publish and a
    /// subscription take, and the memory for each
    Scale(With<Scale>),
    /// Messages are sent, read and removed from the log again, and some wait for ever: disk, memory, and how long somebody else
    /// waits for the answer to a publish meanwhile, at the longest
    Soak(With<Soak>),
    /// Every workload with its defaults, one after the other: a table of their figures and plots, in files
    All(All),
    /// Servers of other makes beside adsum in turns, as far as this machine has them: Redis, NATS and Mosquitto, with the
    /// same sizes and windows
    Peers(Peers),
    /// Send back what comes, for the yardsticks of the other workloads
    #[command(hide = true)]
    EchoServer,
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
