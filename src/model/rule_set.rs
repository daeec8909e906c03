//! Rules by name: sets that share what they have in common, and what one set differs from the next by.
//!
//! Must never hold: what a rule is about, or whether it makes sense.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::RULES_MAX;
use super::{Refusal, RuleName};

/// A rule with a name among those it stands with.
pub trait Named: Clone + Eq {
    /// Its name.
    fn name(&self) -> &RuleName;
}

/// Rules, in order of name. A copy holds the names again and shares the rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RuleSet<Rule>(BTreeMap<RuleName, Arc<Rule>>);

impl<Rule> Default for RuleSet<Rule> {
    fn default() -> Self {
        Self::NONE
    }
}

/// What makes one set of rules into the next. What a request sets as it is already is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChanges<Rule> {
    /// Rules under names that were not there.
    pub added: Vec<Arc<Rule>>,
    /// Rules that take the place of others of their names.
    pub replaced: Vec<Arc<Rule>>,
    /// Names of rules that are there no more.
    pub removed: Vec<RuleName>,
}

impl<Rule> Default for RuleChanges<Rule> {
    fn default() -> Self {
        Self { added: Vec::new(), replaced: Vec::new(), removed: Vec::new() }
    }
}

impl<Rule> RuleChanges<Rule> {
    /// The rules that it puts in.
    pub fn put(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.added.iter().chain(&self.replaced)
    }
}

impl<Rule> RuleSet<Rule> {
    /// None.
    pub const NONE: Self = Self(BTreeMap::new());

    /// The rules, in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Rule>> {
        self.0.values()
    }

    /// The rule of that name.
    pub fn find(&self, name: &RuleName) -> Option<&Arc<Rule>> {
        self.0.get(name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<Rule: Named> RuleSet<Rule> {
    /// What taking `remove` out and then putting `put` in changes; of two of one name the later one is put in.
    ///
    /// # Errors
    /// [`Refusal::NoRule`] for a name to remove that is not there, [`Refusal::TooLarge`] for too many rules.
    pub fn change(
        &self,
        put: Vec<Rule>,
        remove: &[RuleName],
    ) -> Result<RuleChanges<Rule>, Refusal> {
        let put: BTreeMap<RuleName, Rule> =
            put.into_iter().map(|rule| (rule.name().clone(), rule)).collect();
        let mut gone = BTreeSet::new();
        for name in remove {
            if !self.0.contains_key(name) || !gone.insert(name) {
                return Err(Refusal::NoRule { name: name.as_str().to_owned() });
            }
        }
        let mut change = RuleChanges::default();
        change.removed.extend(gone.into_iter().filter(|name| !put.contains_key(*name)).cloned());
        for (name, rule) in put {
            match self.0.get(&name) {
                None => change.added.push(Arc::new(rule)),
                Some(before) if **before != rule => change.replaced.push(Arc::new(rule)),
                Some(_) => {}
            }
        }
        let count = self.0.len() + change.added.len() - change.removed.len();
        Refusal::check_max("rules", count, RULES_MAX)?;
        Ok(change)
    }

    /// Makes the change in this set.
    pub fn apply(&mut self, change: &RuleChanges<Rule>) {
        for name in &change.removed {
            self.0.remove(name);
        }
        self.0.extend(change.put().map(|rule| (rule.name().clone(), Arc::clone(rule))));
    }

    /// The set after the change.
    #[must_use]
    pub fn after(&self, change: &RuleChanges<Rule>) -> Self {
        let mut after = self.clone();
        after.apply(change);
        after
    }

    /// The rules that only one of the two sets has, or has so.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Arc<Rule>> {
        let only = |one: &'a Self, other: &'a Self| {
            let rules = one.0.values();
            rules.filter(move |rule| {
                let same = other.0.get(rule.name());
                // Most are shared, so that nothing of them has to be compared.
                same.is_none_or(|same| !Arc::ptr_eq(same, rule) && same != *rule)
            })
        };
        only(self, other).chain(only(other, self))
    }
}

impl<Rule: Named> FromIterator<Arc<Rule>> for RuleSet<Rule> {
    fn from_iter<Rules: IntoIterator<Item = Arc<Rule>>>(rules: Rules) -> Self {
        Self(rules.into_iter().map(|rule| (rule.name().clone(), rule)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccessRule, Handling};

    fn rule(who: &str, handling: Handling) -> AccessRule {
        AccessRule::plain(who.parse().unwrap(), handling)
    }

    fn names(rules: &[Arc<AccessRule>]) -> Vec<&str> {
        rules.iter().map(|rule| rule.name.as_str()).collect()
    }

    #[test]
    fn a_change_holds_what_differs_and_nothing_else() {
        use Handling::{Allow, Block};
        let none = RuleSet::NONE;
        let first = none.change(vec![rule("@a.example", Allow), rule("@b.example", Allow)], &[]);
        let before = none.after(&first.unwrap());
        let put = vec![
            rule("@a.example", Block),
            rule("@a.example", Allow),
            rule("@b.example", Block),
            rule("@c.example", Allow),
        ];
        let change = before.change(put, &[RuleName::new("@b.example").unwrap()]).unwrap();
        assert_eq!(names(&change.added), ["@c.example"]);
        assert_eq!(names(&change.replaced), ["@b.example"], "@a.example stays as it was");
        assert!(change.removed.is_empty(), "what is taken out and put in again is replaced");
        let removal = [RuleName::new("@a.example").unwrap()];
        let change = before.change(vec![], &removal).unwrap();
        assert_eq!(change.removed, removal);
        assert_eq!(before.after(&change).iter().len(), 1);
        assert!(before.change(vec![], &[&removal[..], &removal[..]].concat()).is_err());
    }

    #[test]
    fn sets_share_the_rules_that_they_have_in_common() {
        let none = RuleSet::NONE;
        let before =
            none.after(&none.change(vec![rule("@a.example", Handling::Allow)], &[]).unwrap());
        let change = before.change(vec![rule("@b.example", Handling::Allow)], &[]).unwrap();
        let after = before.after(&change);
        let name = RuleName::new("@a.example").unwrap();
        let shared = (before.find(&name).unwrap(), after.find(&name).unwrap());
        assert!(Arc::ptr_eq(shared.0, shared.1));
        let name = RuleName::new("@b.example").unwrap();
        assert!(Arc::ptr_eq(&change.added[0], after.find(&name).unwrap()), "with the event, too");
        assert_eq!(before.differing(&after).count(), 1);
    }
}
