//! The arguments that every workload takes.
//!
//! Must never hold: the numbers of one workload, see `workload`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::number::{factor, positive};
use super::online::Host;
use super::over::Over;
use super::participants::Principals;
use super::setup::{Options, Target};
use crate::cli::run::failure::Failure;
use crate::client::{InviteToken, ServerAddress};
use crate::model::Domain;

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
    /// The HTTP address of that server, to read what it counts [default: not read]
    #[arg(long, value_name = "ADDRESS", requires = "server")]
    http: Option<SocketAddr>,
    /// The domain of the principals that take part
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    domain: Domain,
    /// Folder for the store, new or empty, on the disk to be measured [default: one among the system's temporary files]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// What carries the load
    #[arg(long, value_name = "PROTOCOL", default_value_t)]
    over: Over,
    /// Also tell where the time goes between a request and its answer, stage by stage
    #[arg(long)]
    pub(super) profile: bool,
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
        if self.profile && self.server.is_some() && self.http.is_none() {
            let reason =
                "the profile is what the server counts; say with --http where that is read";
            return Err(Failure::usage(reason));
        }
        let target = match &self.server {
            Some(server) => {
                Target::Running { server: server.clone(), http: self.http, host: self.host()? }
            }
            None => Target::Own,
        };
        Ok(Options { domain: self.domain.clone(), scale: self.scale, target, over: self.over })
    }
}
