//! Facts about what administrators do to principals.
//!
//! Must never hold: a body, or a note that somebody wrote.

use serde::{Deserialize, Serialize};

use crate::model::{AdministratorAct, Principal, Quota};

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
