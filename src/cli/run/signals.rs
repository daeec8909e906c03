//! Ctrl-C and SIGTERM: how a command learns that it is to end.
//!
//! Must never hold: what is to be done about it.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::run::failure::Failure;

/// Listens for Ctrl-C and SIGTERM from the moment it is made.
pub(in crate::cli) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Begins to listen. Needs a runtime.
    pub(in crate::cli) fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| {
                Failure::failed("machine", format!("cannot listen for signals: {error}"))
            })
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits until the command is to end.
    pub(in crate::cli) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
