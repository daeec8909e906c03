//! Facts about recoveries: how somebody else gets a device under a name that exists.
//!
//! How a recovery ends is the end of its invite.
//! Must never hold: a token.

use serde::{Deserialize, Serialize};

use crate::model::{
    DeviceId, Domain, InviteId, Principal, RecoveryPolicy, Role, Sequence, Timestamp,
};

/// See [`Event::RecoveryStarted`](super::Event::RecoveryStarted).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryStarted {
    /// The public name of its invite.
    pub invite: InviteId,
    /// Whose name is recovered.
    pub principal: Principal,
    /// The role it gives.
    pub role: Role,
    /// Who started it; `None` is the operator.
    pub by: Option<Principal>,
    /// With which device.
    pub device: Option<DeviceId>,
    /// From when on a device is enrolled with it.
    pub effective_at: Timestamp,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Whether that device is shown what was stored before.
    pub shows_earlier: bool,
}

/// See [`Event::DeviceConfined`](super::Event::DeviceConfined).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceConfined {
    /// Whose device it is.
    pub principal: Principal,
    /// The device.
    pub device: DeviceId,
    /// It is not shown what a message says that was recorded before this event.
    pub before: Sequence,
}

/// See [`Event::RecoveryPolicyChanged`](super::Event::RecoveryPolicyChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPolicyChanged {
    /// The domain.
    pub domain: Domain,
    /// What it wants of recoveries from now on.
    pub policy: RecoveryPolicy,
    /// What held before, and holds beside that for a while.
    pub former: RecoveryPolicy,
    /// Until when.
    pub former_until: Timestamp,
    /// Who changed it.
    pub by: Principal,
}
