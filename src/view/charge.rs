//! Counting events against whoever brought them about.
//!
//! Must never hold: what an event counts for (see `event::charged`).

use super::{BudgetView, Views};
use crate::event::{EntityKey, Recorded};
use crate::model::{Principal, Sequence, Window};

impl Views {
    /// What `principal` has taken of late, if it ever took anything.
    pub fn budget(&self, principal: &Principal) -> Option<&BudgetView> {
        self.budgets.get(principal)
    }

    /// Counts bytes of the log anew, for everybody, from the erasure at `sequence` on: what is erased has none any more when
    /// the log is folded again, and whose it was is not known then.
    pub(super) fn forget_bytes(&mut self, sequence: Sequence) {
        for (principal, view) in &mut self.budgets {
            if view.as_of < sequence {
                view.log_bytes = Window::default();
                self.changed.insert(EntityKey::Budget(principal.clone()));
            }
        }
    }

    /// Counts an event against whoever brought it about. Whoever has no name has bounds of its own.
    pub(super) fn charge(&mut self, recorded: &Recorded) {
        let charge = recorded.event.charge().filter(|charge| !charge.principal.is_anonymous());
        let Some(charge) = charge else { return };
        let view = self.budgets.entry(charge.principal.clone()).or_default();
        if view.as_of >= recorded.sequence {
            return;
        }
        view.as_of = recorded.sequence;
        view.add(recorded.at.timestamp(), &charge);
        self.changed.insert(EntityKey::Budget(charge.principal));
    }
}
