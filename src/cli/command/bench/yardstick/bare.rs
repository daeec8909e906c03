//! QUIC connections to a process that serves nothing, for what they cost by themselves.
//!
//! Must never hold: a stream.

use super::echo;
use crate::cli::command::bench::child::Process;
use crate::cli::command::bench::link::Dialer;
use crate::cli::run::failure::Failure;

/// A process that takes connections over the transport of the real server. Dropped, it ends.
pub(in crate::cli::command::bench) struct Bare {
    process: Process,
    /// Makes connections to it.
    pub(in crate::cli::command::bench) dialer: Dialer,
}

impl Bare {
    /// Starts it.
    pub(in crate::cli::command::bench) async fn start() -> Result<Self, Failure> {
        let (process, dialer) = echo::start().await?;
        Ok(Self { process, dialer })
    }

    /// Its process.
    pub(in crate::cli::command::bench) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Ends it.
    pub(in crate::cli::command::bench) async fn kill(self) -> Result<(), Failure> {
        self.process.kill().await
    }
}
