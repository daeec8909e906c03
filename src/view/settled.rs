//! Who there is, who settled in which domain, and how the names there look. The latter follow from the principals, and are
//! never saved.
//!
//! Must never hold: a rule for names (see `model`).

use core::ops::Bound;

use super::PrincipalView;
use super::views::Views;
use crate::model::{Principal, Timestamp};

impl Views {
    /// A principal comes for the first time.
    pub(super) fn settle(&mut self, principal: &Principal) {
        *self.populations.entry(principal.home()).or_default() += 1;
        self.looks.insert(principal.look());
    }

    /// Whether somebody who was ever enrolled looks like `principal`, or is it.
    pub fn has_look_of(&self, principal: &Principal) -> bool {
        self.looks.contains(&principal.look())
    }

    /// A principal that was ever enrolled, unless it was erased since.
    pub fn principal(&self, principal: &Principal) -> Option<&PrincipalView> {
        self.principals.get(principal).filter(|view| view.name_free_at().is_none())
    }

    /// From when on somebody may be called as a principal that was erased.
    pub fn name_free_at(&self, principal: &Principal) -> Option<Timestamp> {
        self.principals.get(principal)?.name_free_at()
    }

    /// What is left of a principal that was erased, while nobody is called so since. The last event that it took is the one
    /// that erased it.
    pub fn erased_principal(&self, principal: &Principal) -> Option<&PrincipalView> {
        self.principals.get(principal).filter(|view| view.name_free_at().is_some())
    }

    /// The principals that were erased and after whom nobody was called since.
    pub fn erased(&self) -> impl Iterator<Item = &Principal> {
        let erased = self.principals.iter().filter(|(_, view)| view.name_free_at().is_some());
        erased.map(|(principal, _)| principal)
    }

    /// How many principals were ever enrolled.
    pub fn principals_count(&self) -> usize {
        self.principals.len()
    }

    /// The principals that were ever enrolled and are not erased.
    pub fn principals(&self) -> impl Iterator<Item = (&Principal, &PrincipalView)> {
        self.principals.iter().filter(|(_, view)| view.name_free_at().is_none())
    }

    /// The principals behind `after` that were ever enrolled, in order of name; erased ones, too.
    pub fn principals_after(
        &self,
        after: Option<&Principal>,
    ) -> impl Iterator<Item = (&Principal, &PrincipalView)> {
        let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.principals.range::<Principal, _>((begin, Bound::Unbounded))
    }
}
