//! What happens to a client's connection, for whoever wants to show it.
//!
//! Must never hold: anything an application needs for correctness. Events that nobody reads are dropped.

use core::time::Duration;

use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::error::ClientError;
use super::session::Session;

/// Events kept for a listener that is late.
pub(crate) const EVENTS_HELD_MAX: usize = 64;

/// Something that happened to the connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The server let the device in.
    Connected(Session),
    /// The connection was lost or not made; the next attempt follows.
    Lost {
        /// Why.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// It is over: trying again cannot help, or patience has run out.
    Failed(ClientError),
}

/// The events of one client, from the moment this was made.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<ConnectionEvent>,
}

impl Events {
    pub(crate) fn new(receiver: Receiver<ConnectionEvent>) -> Self {
        Self { receiver }
    }

    /// The next event, or `None` once the client is gone. The oldest are passed over if more than 64 wait.
    pub async fn next(&mut self) -> Option<ConnectionEvent> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}
