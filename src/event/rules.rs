//! Facts about the rules and grants of a principal.
//!
//! Must never hold: a decision that could be made again from the rules.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::model::{
    AccessRule, AccessRules, DeliveryChanged, DeliveryRules, DeviceId, InboxAddress, OperationId,
    Presentity, Principal, Rights, RuleChanges, Sequence, Timestamp, VisibilityChanged,
    VisibilityRules,
};

/// See [`Event::AccessRulesChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRulesChanged {
    /// Whose rules.
    pub presentity: Presentity,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them.
    pub rules: AccessRules,
    /// Who changed them.
    pub by: Principal,
    /// With which device.
    pub device: DeviceId,
    /// The device's name for the operation.
    pub operation: OperationId,
    /// The change before this one; zero if this is the first. Leads back through their history.
    pub previous: Sequence,
}

/// See [`Event::RulesReviewed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesReviewed {
    /// Whose rules.
    pub presentity: Presentity,
    /// The moment at which a rule began or ceased to hold.
    pub through: Timestamp,
}

/// See [`Event::DeliveryRulesChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRulesChanged {
    /// Whose rules.
    pub inbox: InboxAddress,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them.
    pub rules: DeliveryRules,
    /// Who changed them.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::VisibilityRulesChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityRulesChanged {
    /// Whose rules.
    pub watcher: Principal,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them.
    pub rules: VisibilityRules,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::AccessRulesAmended`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRulesAmended {
    /// Whose rules.
    pub presentity: Presentity,
    /// Their version from now on, from 1.
    pub version: u64,
    /// What of them changed.
    pub rules: RuleChanges<AccessRule>,
    /// Who changed them.
    pub by: Principal,
    /// With which device.
    pub device: DeviceId,
    /// The device's name for the operation.
    pub operation: OperationId,
    /// The change before this one; zero if this is the first. Leads back through their history.
    pub previous: Sequence,
}

/// See [`Event::DeliveryRulesAmended`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRulesAmended {
    /// Whose rules.
    pub inbox: InboxAddress,
    /// Their version from now on, from 1.
    pub version: u64,
    /// What of them changed.
    pub rules: DeliveryChanged,
    /// Who changed them.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::VisibilityRulesAmended`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityRulesAmended {
    /// Whose rules.
    pub watcher: Principal,
    /// Their version from now on, from 1.
    pub version: u64,
    /// What of them changed.
    pub rules: VisibilityChanged,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::GrantGiven`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantGiven {
    /// Who grants.
    pub owner: Principal,
    /// To whom.
    pub grantee: Principal,
    /// All it has from now on.
    pub rights: Rights,
    /// Who gave it: the owner or a member.
    pub by: Principal,
    /// With which device.
    pub device: DeviceId,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::GrantChanged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantChanged {
    /// Who grants.
    pub owner: Principal,
    /// To whom.
    pub grantee: Principal,
    /// All it has from now on; none takes everything back.
    pub rights: Rights,
    /// Who changed it: the owner or a member.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

impl Event {
    /// Who changed rules by this.
    pub(super) fn rules_changed_by(&self) -> Option<&Principal> {
        match self {
            Self::AccessRulesAmended(event) => Some(&event.by),
            Self::DeliveryRulesAmended(event) => Some(&event.by),
            Self::VisibilityRulesAmended(event) => Some(&event.watcher),
            Self::DomainRulesAmended(event) => Some(&event.by),
            _ => None,
        }
    }
}
