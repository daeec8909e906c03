//! Facts about the store itself.
//!
//! Must never hold: what somebody wrote.

use serde::{Deserialize, Serialize};

use crate::model::{DeviceId, EpochId, PastPlace, Principal};

/// See [`Event::EpochBegan`](super::Event::EpochBegan).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochBegan {
    /// The epoch that this event and all after it are of, until the next one.
    pub epoch: EpochId,
}

/// See [`Event::RestoreNoticed`](super::Event::RestoreNoticed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreNoticed {
    /// Whose device noticed it.
    pub principal: Principal,
    /// Which device.
    pub device: DeviceId,
    /// By what.
    pub by: PastPlace,
}
