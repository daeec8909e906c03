//! The access rules of a moment past, from those of now and the changes since, walked back from the last.
//!
//! What no change since then touched is as it is now. What one touched was put in by an earlier change, and the walk ends
//! when all of these are found.
//! Must never hold: a read of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{AccessRule, AccessRules, RuleChanges, RuleName};

/// What is known of the rules of a moment, while their changes are walked back.
pub(super) struct Rewind {
    /// The rules of now; none once a change was met that names all.
    now: Option<Arc<AccessRules>>,
    /// Names that were touched since then and whose rule is yet to be found; all others are known.
    wanted: BTreeSet<RuleName>,
    /// Names whose rule then is found; `None` where there was none.
    found: BTreeMap<RuleName, Option<Arc<AccessRule>>>,
    /// The version of the rules then, once the change that made it is met.
    version: Option<u64>,
}

impl Rewind {
    /// A walk back from the rules of now.
    pub(super) fn new(now: Arc<AccessRules>) -> Self {
        let (wanted, found) = (BTreeSet::new(), BTreeMap::new());
        Self { now: Some(now), wanted, found, version: None }
    }

    /// A change that came after the moment.
    pub(super) fn undo(&mut self, change: &RuleChanges<AccessRule>) {
        for rule in &change.added {
            self.wanted.remove(&rule.name);
            self.found.insert(rule.name.clone(), None);
        }
        let before = change.replaced.iter().map(|rule| &rule.name).chain(&change.removed);
        for name in before {
            self.found.remove(name);
            self.wanted.insert(name.clone());
        }
    }

    /// A change that came after the moment and names all rules from then on.
    pub(super) fn undo_all(&mut self) {
        self.now = None;
        self.wanted.clear();
        self.found.clear();
    }

    /// A change that stood at the moment. Says whether all is known now.
    pub(super) fn redo(&mut self, version: u64, change: &RuleChanges<AccessRule>) -> bool {
        self.version.get_or_insert(version);
        let put = change.put().map(|rule| (&rule.name, Some(rule)));
        for (name, rule) in put.chain(change.removed.iter().map(|name| (name, None))) {
            let is_news = self.wanted.remove(name) || self.now.is_none();
            if is_news && !self.found.contains_key(name) {
                self.found.insert(name.clone(), rule.cloned());
            }
        }
        self.now.is_some() && self.wanted.is_empty()
    }

    /// Version and rules of the moment. All that is not found yet stood so in `first`, the oldest that is known.
    pub(super) fn finish(self, version: u64, first: &AccessRules) -> (u64, AccessRules) {
        let version = self.version.unwrap_or(version);
        let Self { now, wanted, found, .. } = self;
        let rest = now.as_deref().unwrap_or(first).iter();
        let rest =
            rest.filter(|rule| !found.contains_key(&rule.name) && !wanted.contains(&rule.name));
        let sought = wanted.iter().filter_map(|name| first.find(name));
        let known = found.values().flatten();
        (version, rest.chain(sought).chain(known).cloned().collect())
    }
}
