//! A domain: whether it was created here, what is switched off in it, and its own access rules.
//!
//! Must never hold: who is in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded};
use crate::model::{AccessRules, Sequence};

/// A domain that was created at run time or ever changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainView {
    /// The last event it took.
    pub as_of: Sequence,
    /// Whether it was created at run time and not removed since.
    pub is_created: bool,
    /// Whether presence works in it.
    pub presence: bool,
    /// Whether messaging works in it.
    pub messaging: bool,
    /// Its access rules, which may take away from what presentities grant.
    pub rules: Arc<AccessRules>,
    /// Their version; zero before the first.
    pub rules_version: u64,
}

impl Default for DomainView {
    fn default() -> Self {
        Self {
            as_of: Sequence::ZERO,
            is_created: false,
            presence: true,
            messaging: true,
            rules: Arc::default(),
            rules_version: 0,
        }
    }
}

impl DomainView {
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        self.as_of = recorded.sequence;
        match &recorded.event {
            Event::DomainCreated(_) => {
                // A domain that was removed and is created again begins anew: only its principals keep their history.
                *self = Self { as_of: recorded.sequence, is_created: true, ..Self::default() };
            }
            Event::DomainRemoved(_) => self.is_created = false,
            Event::DomainSwitched(event) => {
                (self.presence, self.messaging) = (event.presence, event.messaging);
            }
            Event::DomainRulesChanged(event) => {
                self.rules = Arc::new(event.rules.clone());
                self.rules_version = event.version;
            }
            Event::DomainRulesAmended(event) => {
                Arc::make_mut(&mut self.rules).apply(&event.rules);
                self.rules_version = event.version;
            }
            _ => unreachable!("only events of domains come here"),
        }
    }
}
