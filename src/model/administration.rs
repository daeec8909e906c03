//! What administrators see of domains, and what they do to others in the words its record keeps.
//!
//! Must never hold: anything an administrator may not do, such as reading a body.

use serde::{Deserialize, Serialize};

use super::Domain;

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
}

/// An act of an administrator that concerns a principal, who can list it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum AdministratorAct {
    /// Was shown who watches the principal's presentity.
    ListedWatchers,
    /// Ended a subscription to or of the principal.
    EndedSubscription,
    /// Suspended the principal.
    Suspended,
    /// Lifted the suspension.
    Resumed,
    /// Revoked a device's key.
    RevokedKey,
    /// Gave or took the principal's presentity or inbox.
    SwitchedServices,
}

impl AdministratorAct {
    /// Every act.
    pub const ALL: [Self; 6] = [
        Self::ListedWatchers,
        Self::EndedSubscription,
        Self::Suspended,
        Self::Resumed,
        Self::RevokedKey,
        Self::SwitchedServices,
    ];

    /// The word for listings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListedWatchers => "listed-watchers",
            Self::EndedSubscription => "ended-subscription",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::RevokedKey => "revoked-key",
            Self::SwitchedServices => "switched-services",
        }
    }

    /// Its number on the wire, from 1.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The act of a number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.number() == number)
    }
}
