//! Which entities changed since they were last asked for.
//!
//! Must never hold: what of them changed.

use std::collections::{BTreeMap, BTreeSet};

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
        let head = self.head;
        let is_later = |as_of: Sequence| as_of > head;
        let mut changed = core::mem::take(&mut self.changed);
        changed.extend(those(&self.invites, |view| is_later(view.as_of), EntityKey::Invite));
        changed.extend(those(&self.principals, |view| is_later(view.as_of), EntityKey::Principal));
        changed.extend(those(
            &self.presentities,
            |view| is_later(view.as_of),
            EntityKey::Presentity,
        ));
        changed.extend(those(&self.watchers, |view| is_later(view.as_of), EntityKey::Watcher));
        changed.extend(those(&self.inboxes, |view| is_later(view.as_of), EntityKey::Inbox));
        changed.extend(those(&self.rules, |view| is_later(view.as_of), EntityKey::Rules));
        changed.extend(those(&self.audiences, |view| is_later(view.as_of), EntityKey::Audience));
        changed.extend(those(&self.domains, |view| is_later(view.as_of), EntityKey::Domain));
        changed.extend(those(&self.operations, |view| is_later(view.as_of), EntityKey::Operations));
        changed.extend(those(&self.budgets, |view| is_later(view.as_of), EntityKey::Budget));
        changed.extend(is_later(self.store.as_of).then_some(EntityKey::Store));
        changed.extend(is_later(self.clock.as_of).then_some(EntityKey::Clock));
        self.changed = changed;
    }
}

/// The entities of `all` that are `wanted`.
fn those<K: Clone, V>(
    all: &BTreeMap<K, V>,
    wanted: impl Fn(&V) -> bool,
    key: fn(K) -> EntityKey,
) -> impl Iterator<Item = EntityKey> {
    let wanted = all.iter().filter(move |(_, view)| wanted(view));
    wanted.map(move |(name, _)| key(name.clone()))
}
