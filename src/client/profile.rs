//! As whom a client connects, how, and when it gives up.
//!
//! Must never hold: a connection.

use core::time::Duration;

use super::connection::KEEP_ALIVE;
use super::state::Identity;

/// How long a command waits for the answer to a change before it says that it is not known whether it was made.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long one attempt to connect may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// When a client gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// An attempt to connect that takes longer than [`CONNECT_TIMEOUT`] ends it; so does the third lost connection. For
    /// commands that somebody waits for.
    Once,
    /// Never, unless trying again cannot help.
    Forever,
}

/// As whom and how to connect.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Who.
    pub identity: Identity,
    /// When to give up.
    pub patience: Patience,
    /// How often a silent connection shows that it lives. A silent client notices that its server was killed at the next
    /// one.
    pub keep_alive: Duration,
    /// How long the answer to a change may take, over all connections, before
    /// [`ClientError::OutcomeUnknown`](super::ClientError) is told; as long as it takes if `None`. The change is then not
    /// asked for again on a later connection. A connection over which nothing at all comes back for so long (10 s if `None`)
    /// is given up, and another one made.
    pub answer_within: Option<Duration>,
    /// What the operator reads about this software.
    pub software: String,
}

impl Profile {
    /// A profile that never gives up.
    pub fn new(identity: Identity) -> Self {
        let software = concat!("adsum/", env!("CARGO_PKG_VERSION")).to_owned();
        let (patience, keep_alive, answer_within) = (Patience::Forever, KEEP_ALIVE, None);
        Self { identity, patience, keep_alive, answer_within, software }
    }

    /// A profile for a command: gives up soon.
    pub fn once(identity: Identity) -> Self {
        let answer_within = Some(ANSWER_WITHIN);
        Self { patience: Patience::Once, answer_within, ..Self::new(identity) }
    }
}
