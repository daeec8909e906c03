//! The operations of all together: what is added with each event, and what is forgotten when.
//!
//! Must never hold: what is remembered of one device or principal.

use super::Views;
use crate::event::{EntityKey, Operation, Operator, Recorded};
use crate::model::{Sequence, Timestamp};

impl Views {
    /// Adds the operation that the event names to those of whoever did it.
    pub(super) fn remember(&mut self, recorded: &Recorded) {
        let Some((Operation { by, key }, outcome)) = recorded.operation() else { return };
        let view = self.operations.entry(by.clone()).or_default();
        if view.as_of >= recorded.sequence {
            return;
        }
        let last = core::mem::replace(&mut view.as_of, recorded.sequence);
        let before = view.forget_at();
        view.add(&by, key, (recorded.at.timestamp(), outcome));
        let after = view.forget_at();
        self.note_changed(last, || EntityKey::Operations(by.clone()));
        self.reschedule_forgetting(by, before, after);
    }

    /// Forgets operations whose time is over at the moment of the last event, `max` at most: what is left of them is
    /// remembered no more than what is gone.
    pub(super) fn forget_operations(&mut self, max: usize) {
        let now = self.time();
        for _ in 0..max {
            let first = self.forgetting.first().filter(|(at, _)| *at <= now);
            let Some((at, by)) = first.cloned() else { return };
            let view = self.operations.get_mut(&by).expect("what is to be forgotten is there");
            view.forget_oldest();
            let after = view.forget_at();
            if after.is_none() {
                self.operations.remove(&by);
            }
            self.changed.insert(EntityKey::Operations(by.clone()));
            self.reschedule_forgetting(by, Some(at), after);
        }
    }

    /// Forgets all operations of `by` up to `sequence`.
    pub(super) fn forget_operator(&mut self, by: Operator, sequence: Sequence) {
        let Some(view) = self.operations.get(&by).filter(|view| view.as_of < sequence) else {
            return;
        };
        let before = view.forget_at();
        self.operations.remove(&by);
        self.changed.insert(EntityKey::Operations(by.clone()));
        self.reschedule_forgetting(by, before, None);
    }

    fn reschedule_forgetting(
        &mut self,
        by: Operator,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
    ) {
        if before == after {
            return;
        }
        if let Some(before) = before {
            self.forgetting.remove(&(before, by.clone()));
        }
        if let Some(after) = after {
            self.forgetting.insert((after, by));
        }
    }
}
