//! The server under test: one that the bench starts, or one that runs already.
//!
//! Must never hold: a request of the load.

use std::net::SocketAddr;
use std::path::Path;

use super::child::Process;
use super::link::wrong;
use super::metrics::{self, Counted, Histogram};
use super::system;
use crate::cli::run::failure::Failure;
use crate::client::ServerAddress;
use crate::model::Domain;

/// A server that answers.
pub(super) struct Site {
    /// Where.
    pub(super) server: ServerAddress,
    process: Option<Process>,
    http: Option<SocketAddr>,
}

/// What a server had used and committed at some moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    cpu_secs: Option<f64>,
    own_cpu_secs: Option<f64>,
    written_bytes: Option<f64>,
    counted: Option<Counted>,
}

/// What was used and committed between two readings.
#[derive(Clone, Debug, Default)]
pub(super) struct Usage {
    /// Processor seconds of the server.
    pub(super) server_cpu_secs: Option<f64>,
    /// Processor seconds of the load.
    pub(super) load_cpu_secs: Option<f64>,
    /// Bytes the server made the system write to its disk.
    pub(super) server_written_bytes: Option<f64>,
    /// Events of the median commit.
    pub(super) commit_median: Option<f64>,
    /// Events of the average commit.
    pub(super) commit_mean: Option<f64>,
    /// What the server counted itself.
    pub(super) counted: Option<Counted>,
}

impl Site {
    /// Starts a server on the store in `folder`, with TLS, default durability and settings in `variables`, and waits until it
    /// serves.
    pub(super) async fn start(
        folder: &Path,
        domain: &Domain,
        variables: &[(&str, String)],
    ) -> Result<Self, Failure> {
        let data = folder.display().to_string();
        // What is measured is what is told, not how somebody comes to be told it: whoever asks to watch may.
        let fixed = "serve --json --open-enrollment --default-access allow --listen 127.0.0.1:0 --http 127.0.0.1:0";
        let chosen = ["--domain", domain.as_str(), "--data", &data];
        let arguments: Vec<String> = fixed.split(' ').chain(chosen).map(str::to_owned).collect();
        let mut process = Process::start("server", &arguments, variables)?;
        let serving = process.line("serving").await?;
        let listen = serving["address"].as_str().unwrap_or_default();
        let server = listen.parse().map_err(|_| wrong(format!("it serves on {serving}")))?;
        let http = serving["http"].as_str().and_then(|text| text.parse().ok());
        Ok(Self { server, process: Some(process), http })
    }

    /// A server that runs already; `http` is where its metrics are, if that is known.
    pub(super) fn running(server: ServerAddress, http: Option<SocketAddr>) -> Self {
        Self { server, process: None, http }
    }

    /// Its process, if it is our own.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Process::id)
    }

    /// One of its metrics.
    pub(super) async fn metric(&self, name: &str) -> Option<f64> {
        metrics::number(self.http?, name).await
    }

    /// What it has used so far.
    pub(super) async fn read(&self) -> Figures {
        let counted = match self.http {
            Some(address) => Counted::of(address).await,
            None => None,
        };
        let id = self.id();
        Figures {
            cpu_secs: system::cpu_seconds(id),
            own_cpu_secs: system::own_cpu_seconds(),
            written_bytes: system::written_bytes(id),
            counted,
        }
    }

    /// What it has used since `earlier`.
    pub(super) async fn used_since(&self, earlier: &Figures) -> Usage {
        let now = self.read().await;
        let between = |now: Option<f64>, earlier: Option<f64>| Some(now? - earlier?);
        let counted = now.counted.zip(earlier.counted.as_ref());
        let counted = counted.map(|(now, earlier)| now.since(earlier));
        let commits = counted.as_ref().map(|counted| &counted.commits);
        Usage {
            server_cpu_secs: between(now.cpu_secs, earlier.cpu_secs),
            load_cpu_secs: between(now.own_cpu_secs, earlier.own_cpu_secs),
            server_written_bytes: between(now.written_bytes, earlier.written_bytes),
            commit_median: commits
                .and_then(|commits| commits.quantile(0.5))
                .map(|events| events.max(1.0)),
            commit_mean: commits.and_then(Histogram::mean),
            counted,
        }
    }

    /// Ends a server of our own as a power cut would; leaves another one alone.
    pub(super) async fn kill(self) -> Result<(), Failure> {
        match self.process {
            Some(process) => process.kill().await,
            None => Ok(()),
        }
    }
}
