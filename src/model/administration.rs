//! What administrators see of domains, and what they do to others in the words its record keeps.
//!
//! Must never hold: anything an administrator may not do, such as reading a body.

use serde::{Deserialize, Serialize};

use super::word::words;
use super::{Domain, Principal, RecoveryPolicy, Role, Timestamp};

/// One domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRow {
    /// Its name.
    pub domain: Domain,
    /// Whether it stands in the server's configuration.
    pub is_configured: bool,
    /// Whether presence works in it.
    pub presence: bool,
    /// Whether messaging works in it.
    pub messaging: bool,
    /// Principals enrolled in it.
    pub principals: u64,
    /// On what terms a recovery would be started in it now; `None` if the server does not say.
    pub recovery: Option<RecoveryPolicy>,
    /// Whether recipients keep what somebody in it sends now when that is erased; `None` if the server does not say.
    pub recipients_keep: Option<bool>,
}

/// One principal, as administrators list them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRow {
    /// Its name.
    pub principal: Principal,
    /// What it may do.
    pub role: Role,
    /// Whether an administrator suspended it.
    pub is_suspended: bool,
    /// Whether it has a presentity.
    pub presence: bool,
    /// Whether it has an inbox.
    pub messaging: bool,
    /// Devices that are not revoked.
    pub devices: u32,
    /// When its first device was enrolled.
    pub enrolled_at: Timestamp,
}

words! {
    /// An act of an administrator that concerns a principal, who can list it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    AdministratorAct: u8, u8 {
        /// Was shown who watches the principal's presentity.
        ListedWatchers = 1, "listed-watchers";
        /// Ended a subscription to or of the principal.
        EndedSubscription = 2, "ended-subscription";
        /// Suspended the principal.
        Suspended = 3, "suspended";
        /// Lifted the suspension.
        Resumed = 4, "resumed";
        /// Revoked a device's key.
        RevokedKey = 5, "revoked-key";
        /// Gave or took the principal's presentity or inbox.
        SwitchedServices = 6, "switched-services";
        /// Started a recovery of the principal's name.
        StartedRecovery = 7, "started-recovery";
        /// Set a quota of the principal, or took one back that was set.
        SetQuota = 8, "set-quota";
        /// Erased the principal.
        Erased = 9, "erased";
    }
}
