//! Facts about invites and the keys of devices.
//!
//! Must never hold: a token, or a private key.

use serde::{Deserialize, Serialize};

use crate::model::{
    DeviceId, DeviceLabel, InviteId, Payload, Principal, PublicKey, Role, Timestamp,
};

/// See [`Event::InviteCreated`](super::Event::InviteCreated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCreated {
    /// Its public name.
    pub invite: InviteId,
    /// Who may use it; `None` lets its holder choose a free name in `domain`.
    pub principal: Option<Principal>,
    /// The domain it is good for, in ASCII.
    pub domain: String,
    /// The role it gives.
    pub role: Role,
    /// Who made it; `None` is the server itself, at its first start.
    pub by: Option<Principal>,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// See [`Event::InviteIssued`](super::Event::InviteIssued).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteIssued {
    /// Its public name.
    pub invite: InviteId,
    /// Who may use it; `None` lets its holder choose a free name in `domain`.
    pub principal: Option<Principal>,
    /// The domain it is good for, in ASCII.
    pub domain: String,
    /// The role it gives.
    pub role: Role,
    /// Who made it; `None` is the operator, or the server by itself.
    pub by: Option<Principal>,
    /// With which device.
    pub device: Option<DeviceId>,
    /// Whether it is the server's own for whoever comes first, and so ends as soon as anybody is enrolled.
    pub is_first: bool,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// See [`Event::InviteEnded`](super::Event::InviteEnded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteEnded {
    /// Its public name.
    pub invite: InviteId,
    /// How it ended.
    pub cause: InviteCause,
}

/// How an invite ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteCause {
    /// A device was enrolled with it.
    Spent,
    /// Its time was over.
    Expired,
    /// Its maker or an administrator withdrew it.
    Withdrawn {
        /// Who.
        by: Principal,
    },
    /// The device that made it was revoked, or its maker suspended.
    Revoked,
    /// It was the server's own, and somebody has been enrolled since.
    Superseded,
    /// Its domain was removed.
    Homeless,
    /// It was a recovery, and the principal refused it.
    Refused {
        /// The principal.
        by: Principal,
        /// With which of its devices.
        device: DeviceId,
    },
}

/// See [`Event::KeyEnrolled`](super::Event::KeyEnrolled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEnrolled {
    /// Whose device it is.
    pub principal: Principal,
    /// Its key, which also names the device.
    pub key: PublicKey,
    /// What its owner calls it.
    pub label: DeviceLabel,
    /// The principal's role from now on; an existing principal keeps the higher one.
    pub role: Role,
    /// The invite used; `None` under open enrollment.
    pub invite: Option<InviteId>,
}

/// See [`Event::DeviceEnrolled`](super::Event::DeviceEnrolled).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceEnrolled {
    /// Whose device it is.
    pub principal: Principal,
    /// Its key, which also names the device.
    pub key: PublicKey,
    /// What its owner calls it: a [`DeviceLabel`] as text.
    pub label: Payload,
    /// The principal's role from now on; an existing principal keeps the higher one.
    pub role: Role,
    /// The invite used; `None` under open enrollment.
    pub invite: Option<InviteId>,
}

/// See [`Event::KeyRevoked`](super::Event::KeyRevoked).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRevoked {
    /// Whose device it was.
    pub principal: Principal,
    /// The device.
    pub device: DeviceId,
    /// Who revoked it.
    pub by: Principal,
}
