//! What the server says about a session when it lets a device in.
//!
//! Must never hold: a connection.

use super::error::{ClientError, printable};
use crate::model::{DeviceId, Principal, Role, Timestamp, words};
use crate::protocol::identity::DURABILITY_SYNCED;
use crate::protocol::{Field as _, OpenRecovery, body};

words! {
    /// What an answer means.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    Durability {
        /// What was answered, and the state it was judged by, is on stable storage.
        Synced = "synced";
        /// It may yet be lost with the machine's power: the operator chose so.
        Buffered = "buffered";
    }
}

/// As whom, and on what terms, a connection acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The principal.
    pub principal: Principal,
    /// The device.
    pub device: DeviceId,
    /// What the principal may do.
    pub role: Role,
    /// Whether the device's key was enrolled by this very session.
    pub enrolled: bool,
    /// What answers mean.
    pub durability: Durability,
    /// The server's software.
    pub server: String,
    /// The server's clock when it answered.
    pub server_time: Timestamp,
    /// The recovery of the principal's name that runs: who did not ask for it refuses it.
    pub recovery: Option<OpenRecovery>,
}

impl Session {
    pub(crate) fn new(welcome: &body::Welcome) -> Result<Self, ClientError> {
        let durability = match welcome.durability {
            DURABILITY_SYNCED => Durability::Synced,
            // A mode that this version does not know promises no more than the weakest one it knows.
            _ => Durability::Buffered,
        };
        Ok(Self {
            principal: welcome.principal.parse().map_err(ClientError::protocol)?,
            device: DeviceId(welcome.device),
            role: Role::from_wire(welcome.role).map_err(ClientError::protocol)?,
            enrolled: welcome.enrolled,
            durability,
            server: printable(&welcome.server),
            server_time: Timestamp::from_ms(welcome.time_ms),
            recovery: OpenRecovery::of_welcome(welcome).map_err(ClientError::protocol)?,
        })
    }
}
