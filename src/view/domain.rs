//! A domain: whether it was created here, what is switched off in it, and its own access rules.
//!
//! Must never hold: who is in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::budget::set;
use crate::event::{Event, Recorded};
use crate::model::{AccessRules, QuotasSet, RecoveryPolicy, Sequence, Timestamp};

/// A domain that was created at run time or ever changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
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
    /// What it wants of recoveries.
    pub recovery: RecoveryPolicy,
    /// What held before that, and until when it holds beside it.
    pub recovery_former: (RecoveryPolicy, Timestamp),
    /// The quotas of those in it that have none of their own.
    pub quotas: QuotasSet,
    /// Whether recipients keep what somebody in it sends when that is erased.
    #[serde(default)]
    pub recipients_keep: bool,
    /// The event that says so; zero if that is how it always was.
    #[serde(default)]
    pub erasure_at: Sequence,
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
            recovery: RecoveryPolicy::default(),
            recovery_former: (RecoveryPolicy::default(), Timestamp::default()),
            quotas: QuotasSet::new(),
            recipients_keep: false,
            erasure_at: Sequence::ZERO,
        }
    }
}

impl DomainView {
    /// What holds for a recovery that is started `now`: what was there before holds on for its own delay, so that nobody
    /// makes it shorter and uses that before somebody sees it.
    pub fn recovery_at(&self, now: Timestamp) -> RecoveryPolicy {
        let (former, until) = self.recovery_former;
        if now < until { self.recovery.and(former) } else { self.recovery }
    }

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
            Event::RecoveryPolicyChanged(event) => {
                self.recovery = event.policy;
                self.recovery_former = (event.former, event.former_until);
            }
            Event::ErasurePolicyChanged(event) => {
                (self.recipients_keep, self.erasure_at) =
                    (event.recipients_keep, recorded.sequence);
            }
            Event::DomainQuotaSet(event) => set(&mut self.quotas, event.quota, event.max),
            _ => unreachable!("only events of domains come here"),
        }
    }
}
