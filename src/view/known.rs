//! The ids of all inboxes together, as they are asked for, put elsewhere and put back.
//!
//! Must never hold: where else they lie.

use std::ops::Bound;

use super::ids::{Held, first_remembered_day};
use super::{KnownMessage, MessageKey, Views};
use crate::event::MessageDigest;
use crate::model::{Sequence, Timestamp};

impl Views {
    /// What the message of this key says, if its id is remembered at `now`.
    pub fn message(&self, key: &MessageKey, now: Timestamp) -> Option<MessageDigest> {
        self.ids.get(key).filter(|known| known.is_remembered(now)).map(|known| known.digest)
    }

    /// What is held here of the id of this key: if there is nothing, it has to be looked for elsewhere.
    pub fn held_message(&self, key: &MessageKey) -> Option<KnownMessage> {
        self.ids.held(key).copied()
    }

    /// Notes what was found of the id of `key`, here or elsewhere, until another one is noted.
    pub fn recall_message(&mut self, key: MessageKey, known: Option<KnownMessage>) {
        self.ids.recalled = Some((key, known));
    }

    /// Begins to give out the ids that are held here, to be put elsewhere. They stay until [`Views::ids_settled`]. Returns of
    /// which days they are, and how many of each; without those that are not remembered any more.
    pub fn settle_ids(&mut self) -> Vec<(u64, u64)> {
        self.ids.settling = core::mem::take(&mut self.ids.new);
        let first = first_remembered_day(self.time());
        let days = self.ids.settling.days.range(first..);
        days.map(|(day, ids)| (*day, ids.len() as u64)).collect()
    }

    /// The ids of `day` that are given out, behind `after`, in order.
    pub fn settling_ids(
        &self,
        day: u64,
        after: Option<&MessageKey>,
    ) -> impl Iterator<Item = (&MessageKey, &KnownMessage)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.ids.settling.days.get(&day).into_iter();
        ids.flat_map(move |ids| ids.range::<MessageKey, _>((from, Bound::Unbounded)))
    }

    /// All ids that were given out lie elsewhere now.
    pub fn ids_settled(&mut self) {
        self.ids.settling = Held::default();
    }

    /// All ids that are held here and are remembered at the moment of the last event.
    pub fn held_ids(&self) -> impl Iterator<Item = (MessageKey, KnownMessage)> {
        let now = self.time();
        let all = self.ids.settling.days.values().chain(self.ids.new.days.values()).flatten();
        all.filter(move |(_, known)| known.is_remembered(now)).map(|(key, known)| (*key, *known))
    }

    /// Holds the ids of all rows of events behind `after`.
    pub(super) fn index_ids(&mut self, after: Sequence) {
        let now = self.time();
        let rows = self.inboxes.values().flat_map(|view| view.rows.values());
        let sent = rows.filter(|row| row.kind.is_sent() && row.at > after);
        let known = sent.map(|row| {
            let known = KnownMessage { digest: row.digest, accepted_at: row.accepted_at };
            (row.key, known)
        });
        let known = known.filter(|(_, known)| known.is_remembered(now));
        let known: Vec<_> = known.collect();
        self.ids.set(known);
    }
}
