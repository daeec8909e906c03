//! Facts about domains.
//!
//! Must never hold: who is in one.

use serde::{Deserialize, Serialize};

use crate::model::{AccessRule, AccessRules, Domain, OperationId, Principal, Quota, RuleChanges};

/// See [`Event::DomainCreated`](super::Event::DomainCreated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCreated {
    /// The domain.
    pub domain: Domain,
    /// Who created it.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::DomainRemoved`](super::Event::DomainRemoved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRemoved {
    /// The domain.
    pub domain: Domain,
    /// Who removed it.
    pub by: Principal,
}

/// See [`Event::DomainSwitched`](super::Event::DomainSwitched).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSwitched {
    /// The domain.
    pub domain: Domain,
    /// Whether presence works in it.
    pub presence: bool,
    /// Whether messaging works in it.
    pub messaging: bool,
    /// Who switched.
    pub by: Principal,
}

/// See [`Event::DomainRulesChanged`](super::Event::DomainRulesChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRulesChanged {
    /// The domain.
    pub domain: Domain,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them. A watcher gets no more than both these and the presentity's own grant.
    pub rules: AccessRules,
    /// Who changed them.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::DomainRulesAmended`](super::Event::DomainRulesAmended).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRulesAmended {
    /// The domain.
    pub domain: Domain,
    /// Their version from now on, from 1.
    pub version: u64,
    /// What of them changed. A watcher gets no more than both these and the presentity's own grant.
    pub rules: RuleChanges<AccessRule>,
    /// Who changed them.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::ErasurePolicyChanged`](super::Event::ErasurePolicyChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasurePolicyChanged {
    /// The domain.
    pub domain: Domain,
    /// Whether recipients keep what somebody of the domain sends from then on when that is erased.
    pub recipients_keep: bool,
    /// Who changed it.
    pub by: Principal,
}

/// See [`Event::DomainQuotaSet`](super::Event::DomainQuotaSet).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainQuotaSet {
    /// The domain.
    pub domain: Domain,
    /// Of what.
    pub quota: Quota,
    /// How much everybody in it may take from now on who has no quota of its own; `None` for what the operator says.
    pub max: Option<u64>,
    /// Who set it.
    pub by: Principal,
}
