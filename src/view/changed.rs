//! Which entities changed since they were last asked for.
//!
//! Must never hold: what of them changed.

use std::collections::BTreeSet;

use super::Views;
use crate::event::EntityKey;
use crate::model::Sequence;

impl Views {
    /// The entities that changed since this was last asked, in order.
    pub fn take_changed(&mut self) -> BTreeSet<EntityKey> {
        self.taken = self.head;
        core::mem::take(&mut self.changed)
    }

    /// Notes that an entity changed whose last event was `before`.
    pub(super) fn note_changed(&mut self, before: Sequence, entity: impl FnOnce() -> EntityKey) {
        if before <= self.taken {
            self.changed.insert(entity());
        }
    }

    /// What was saved for a checkpoint that never got finished counts as changed since the one that did.
    pub(super) fn index_changed(&mut self) {
        self.taken = self.head;
        let Self { head, changed, .. } = self;
        let is_later = |as_of: Sequence| as_of > *head;
        let later = self.invites.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(invite, _)| EntityKey::Invite(*invite)));
        let later = self.principals.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(principal, _)| EntityKey::Principal(principal.clone())));
        let later = self.presentities.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(presentity, _)| EntityKey::Presentity(presentity.clone())));
        let later = self.watchers.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(watcher, _)| EntityKey::Watcher(watcher.clone())));
        let later = self.inboxes.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(inbox, _)| EntityKey::Inbox(inbox.clone())));
        let later = self.rules.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(principal, _)| EntityKey::Rules(principal.clone())));
        let later = self.audiences.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(presentity, _)| EntityKey::Audience(presentity.clone())));
        let later = self.domains.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(domain, _)| EntityKey::Domain(domain.clone())));
        let later = self.operations.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(by, _)| EntityKey::Operations(by.clone())));
        let later = self.budgets.iter().filter(|(_, view)| is_later(view.as_of));
        changed.extend(later.map(|(principal, _)| EntityKey::Budget(principal.clone())));
        changed.extend(is_later(self.store.as_of).then_some(EntityKey::Store));
        changed.extend(is_later(self.clock.as_of).then_some(EntityKey::Clock));
    }
}
