//! How many messages of whom wait that none of their owners' devices has taken, in all inboxes together.
//!
//! It follows from the inboxes. What lies aside waits for nobody.
//! Must never hold: how many may.

use super::{InboxView, RowKind, SenderKey, Views};
use crate::model::InboxSequence;

impl InboxView {
    /// The messages that no device has taken, in order, each with who sent it.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (InboxSequence, SenderKey)> {
        let unread = self.kept_after(self.read_through());
        let sent = unread.filter(|(_, row)| row.kind == RowKind::Message);
        sent.map(|(sequence, row)| (sequence, row.sender))
    }
}

impl Views {
    /// How many messages of `sender` wait.
    pub fn waiting_of(&self, sender: SenderKey) -> u64 {
        self.waiting.get(&sender).copied().unwrap_or_default()
    }

    /// One more waits of whom `come` names, and one less of each of `gone`.
    pub(super) fn count_waiting(&mut self, come: Option<SenderKey>, gone: Vec<SenderKey>) {
        if let Some(sender) = come {
            *self.waiting.entry(sender).or_default() += 1;
        }
        for sender in gone {
            let waiting = self.waiting.get_mut(&sender).expect("what is gone was counted");
            *waiting -= 1;
            if *waiting == 0 {
                self.waiting.remove(&sender);
            }
        }
    }
}
