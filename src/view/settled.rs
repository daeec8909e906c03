//! Who settled in which domain, and how the names there look. It follows from the principals, and is never saved.
//!
//! Must never hold: a rule for names (see `model`).

use super::views::Views;
use crate::model::Principal;

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
}
