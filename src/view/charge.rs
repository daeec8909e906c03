//! Counting events against whoever brought them about.
//!
//! Must never hold: what an event counts for (see `event::charged`).

use super::{BudgetView, Views};
use crate::event::{EntityKey, Recorded};
use crate::model::{LOG_BYTES_WINDOW_MS, Principal, Window};

impl Views {
    /// What `principal` has taken of late, if it ever took anything.
    pub fn budget(&self, principal: &Principal) -> Option<&BudgetView> {
        self.budgets.get(principal)
    }

    /// What `principal` has taken, for a comparison with another state of the same log: without what is over, and without
    /// bytes unless `with_bytes`.
    pub(super) fn comparable_budget(
        &self,
        principal: &Principal,
        with_bytes: bool,
    ) -> Option<BudgetView> {
        let mut view = self.budget(principal)?.clone();
        if !with_bytes || view.log_bytes.count(self.time(), LOG_BYTES_WINDOW_MS) == 0 {
            view.log_bytes = Window::default();
        }
        Some(view)
    }

    /// Counts an event against whoever brought it about. Whoever has no name has bounds of its own.
    pub(super) fn charge(&mut self, recorded: &Recorded) {
        let charge = recorded.event.charge().filter(|charge| !charge.principal.is_anonymous());
        let Some(charge) = charge else { return };
        let view = self.budgets.entry(charge.principal.clone()).or_default();
        if view.as_of >= recorded.sequence {
            return;
        }
        let last = core::mem::replace(&mut view.as_of, recorded.sequence);
        view.add(recorded.at.timestamp(), &charge);
        self.note_changed(last, || EntityKey::Budget(charge.principal));
    }
}
