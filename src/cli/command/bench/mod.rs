//! `adsum bench`: how fast a server is on this machine, with what the machine can do at best beside each figure.
//!
//! The server runs in a process of its own, with TLS and default durability, on a fresh store; the load runs here.
//! Every run is followed by its yardsticks, and the line tells the medians of the runs.
//! Must never hold: a way past the server's rules, or a figure from anywhere but this run.

mod all;
mod args;
mod child;
mod closed;
mod common;
mod document;
mod due;
mod folder;
mod joined;
mod link;
mod many;
mod metrics;
mod number;
mod offline;
mod online;
mod outcome;
mod over;
mod participants;
#[cfg(feature = "peers")]
mod peers;
#[cfg(not(feature = "peers"))]
#[path = "no_peers.rs"]
mod peers;
mod present;
mod profile;
mod progress;
mod pump;
mod report;
mod requests;
mod runs;
mod samples;
mod scale;
mod setup;
mod site;
mod sizes;
mod spread;
mod steady;
mod stream;
mod system;
mod workload;
mod yardstick;

use std::net::SocketAddr;

use serde::Serialize;

pub(super) use self::args::Args;
use self::args::Workload;
use self::common::With;
use self::runs::report;
use self::workload::Measure;
use crate::cli::print::output::Output;
use crate::cli::run::{failure::Failure, invocation::Invocation, session, signals::Interrupts};

/// Runs the command.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let output = &mut invocation.output;
    session::runtime()?.block_on(async {
        let mut interrupts = Interrupts::listen_for_readers()?;
        tokio::select! {
            done = dispatch(args.workload, output) => done,
            // What was started and stored goes with the future that is dropped here.
            () = interrupts.next() => {
                let interrupted = Failure::failed("interrupted", "the bench was interrupted");
                Err(interrupts.failure(interrupted))
            }
        }
    })
}

async fn dispatch(workload: Workload, output: &mut Output) -> Result<(), Failure> {
    match workload {
        Workload::Store(with) => measure(with, output).await,
        Workload::Ack(with) => measure(with, output).await,
        Workload::Publish(with) => measure(with, output).await,
        Workload::Fanout(with) => measure(with, output).await,
        Workload::Drain(with) => measure(with, output).await,
        Workload::Resume(with) => measure(with, output).await,
        Workload::Connect(with) => measure(with, output).await,
        Workload::Idle(with) => measure(with, output).await,
        Workload::Load(with) => measure(with, output).await,
        Workload::Restart(with) => measure(with, output).await,
        Workload::Disk(with) => measure(with, output).await,
        Workload::Fairness(with) => measure(with, output).await,
        Workload::Scale(with) => Box::pin(measure(with, output)).await,
        Workload::Soak(with) => measure(with, output).await,
        Workload::All(all) => all.run(output).await,
        Workload::Peers(peers) => peers.run(output).await,
        Workload::EchoServer => yardstick::serve(|address| tell(output, address)).await,
    }
}

async fn measure<M: Measure>(with: With<M>, output: &mut Output) -> Result<(), Failure> {
    output.line(&report(&with.common, &with.measure).await?)?;
    output.flush()
}

/// `{"type":"echo","address":…}`: where the echo is.
#[derive(Serialize)]
#[serde(tag = "type", rename = "echo")]
struct EchoLine {
    address: SocketAddr,
}

impl std::fmt::Display for EchoLine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "echoing on {}", self.address)
    }
}

fn tell(output: &mut Output, address: SocketAddr) -> Result<(), Failure> {
    output.line(&EchoLine { address })?;
    output.flush()
}
