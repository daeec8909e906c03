//! Facts about what administrators do to principals.
//!
//! Must never hold: a body, or a note that somebody wrote.

use serde::{Deserialize, Serialize};

use crate::model::{AdministratorAct, Principal, Quota, Timestamp};

/// See [`Event::ServicesSwitched`](super::Event::ServicesSwitched).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesSwitched {
    /// Whose.
    pub principal: Principal,
    /// Whether it has a presentity.
    pub presence: bool,
    /// Whether it has an inbox.
    pub messaging: bool,
    /// Who switched.
    pub by: Principal,
}

/// See [`Event::PrincipalSuspended`](super::Event::PrincipalSuspended).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalSuspended {
    /// Who.
    pub principal: Principal,
    /// Whether it is from now on.
    pub is_suspended: bool,
    /// By which administrator.
    pub by: Principal,
}

/// See [`Event::AdministratorActed`](super::Event::AdministratorActed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdministratorActed {
    /// Whom it concerns, who may list it.
    pub principal: Principal,
    /// Which administrator.
    pub by: Principal,
    /// What it did.
    pub act: AdministratorAct,
    /// To what, such as the other end of a subscription; may be empty.
    pub about: String,
}

/// See [`Event::QuotaSet`](super::Event::QuotaSet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaSet {
    /// Whose.
    pub principal: Principal,
    /// Of what.
    pub quota: Quota,
    /// How much it may take from now on; `None` for what its domain or the operator says.
    pub max: Option<u64>,
    /// By which administrator.
    pub by: Principal,
}

/// See [`Event::PrincipalErased`](super::Event::PrincipalErased).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalErased {
    /// Who.
    pub principal: Principal,
    /// Who erased it: itself or an administrator; `None` is the operator.
    pub by: Option<Principal>,
    /// From when on somebody else may be called so.
    pub name_free_at: Timestamp,
    /// What ended together with it.
    pub ended: Ended,
}

/// How much of a principal ended when it was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Devices that could act for it.
    pub devices: u64,
    /// What it published, or others for it.
    pub publications: u64,
    /// Its subscriptions to others.
    pub subscriptions: u64,
    /// Others' subscriptions to it.
    pub watchers: u64,
    /// What it granted, and what was granted to it.
    pub grants: u64,
    /// Invites that it made, and recoveries of its name.
    pub invites: u64,
    /// Rules of its presentity, its inbox and itself as a watcher.
    pub rules: u64,
    /// Messages and receipts that lay in its inbox.
    pub received: u64,
    /// Messages by it that nobody had taken from others' inboxes.
    pub sent: u64,
}
