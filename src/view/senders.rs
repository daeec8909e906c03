//! The messages of an inbox by who sent them.
//!
//! Must never hold: how many one sender may have there.

use super::{InboxView, RowKind, SenderKey};
use crate::model::InboxSequence;

impl InboxView {
    /// The messages of `sender` that no device has taken, in order.
    pub fn unread_of(&self, sender: SenderKey) -> impl Iterator<Item = InboxSequence> {
        self.of_sender(sender, RowKind::Message, self.read_through)
    }

    /// The quarantined messages of `sender`, in order.
    pub fn quarantined_of(&self, sender: SenderKey) -> impl Iterator<Item = InboxSequence> {
        self.of_sender(sender, RowKind::Quarantined, InboxSequence::ZERO)
    }

    /// All messages of `sender` that are there, the quarantined ones last.
    pub fn kept_of(&self, sender: SenderKey) -> impl Iterator<Item = InboxSequence> {
        let told = self.of_sender(sender, RowKind::Message, InboxSequence::ZERO);
        told.chain(self.quarantined_of(sender))
    }

    fn of_sender(
        &self,
        sender: SenderKey,
        kind: RowKind,
        after: InboxSequence,
    ) -> impl Iterator<Item = InboxSequence> {
        let last = (sender, kind, InboxSequence::new(u64::MAX));
        let places = self.of_senders.range((sender, kind, after.next())..=last);
        places.map(|(_, _, sequence)| *sequence)
    }
}
