//! That a change of rules is being carried to the subscriptions that it is about, and that it was.
//!
//! Must never hold: what becomes of a subscription; that is an event of its own.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{AccessRules, Domain, Presentity, Timestamp};

/// Whose rules changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RulesSubject {
    /// A presentity's.
    Presentity(Presentity),
    /// A domain's, which hold for all presentities in it.
    Domain(Domain),
}

/// The rules by which the subscriptions to a presentity were judged until they changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesBefore {
    /// The presentity's; none if its domain's changed.
    pub own: Arc<AccessRules>,
    /// Its domain's.
    pub domain: Arc<AccessRules>,
    /// At which time of the wall clock.
    pub now: Timestamp,
}

/// See [`Event::ReviewBegan`](super::Event::ReviewBegan).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewBegan {
    /// Whose rules changed.
    pub of: RulesSubject,
    /// What held before.
    pub before: RulesBefore,
}

/// See [`Event::ReviewEnded`](super::Event::ReviewEnded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewEnded {
    /// Whose rules changed.
    pub of: RulesSubject,
}
