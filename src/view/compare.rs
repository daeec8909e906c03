//! What two states have in common: digests by kind of entity, the first entity that differs, and an entity's fields.
//!
//! Must never hold: where the states come from.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::{InboxView, ReceiptRequest, Record, Row, Views};
use crate::event::EntityKey;
use crate::model::{DeviceId, InboxSequence, Sequence};

/// All entities of one kind as a number and a digest: equal for equal states, and tells nothing of what is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindDigest {
    /// The word of [`EntityKey::kind`].
    pub kind: &'static str,
    /// How many there are.
    pub count: u64,
    /// BLAKE3 over their records, in order of the entities: length of the key, key, length of the value, value; the lengths
    /// as `u64`, little-endian.
    pub digest: [u8; 32],
}

/// An inbox with what is in it, for its fields.
#[derive(Serialize)]
struct WholeInbox<'a> {
    as_of: Sequence,
    head: InboxSequence,
    acknowledged: &'a BTreeMap<DeviceId, InboxSequence>,
    rows: BTreeMap<InboxSequence, &'a Row>,
    receipt_requests: &'a BTreeMap<InboxSequence, ReceiptRequest>,
}

impl<'a> WholeInbox<'a> {
    fn of(view: &'a InboxView) -> Self {
        Self {
            as_of: view.as_of,
            head: view.head,
            acknowledged: &view.acknowledged,
            rows: view.numbered_rows().collect(),
            receipt_requests: &view.receipt_requests,
        }
    }
}

/// Takes one record into a digest, as [`KindDigest::digest`] says.
pub(super) fn hash(hasher: &mut blake3::Hasher, (key, value): &Record) {
    for bytes in [&key[..], value.as_deref().unwrap_or_default()] {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
}

impl Views {
    /// A digest of each kind of entity there is, in the order of [`Views::entities`].
    pub fn digests(&mut self) -> Vec<KindDigest> {
        let mut digests: Vec<(KindDigest, blake3::Hasher)> = Vec::new();
        for entity in self.entities() {
            let kind = entity.kind();
            if digests.last().is_none_or(|(last, _)| last.kind != kind) {
                let none = KindDigest { kind, count: 0, digest: [0; 32] };
                digests.push((none, blake3::Hasher::new()));
            }
            let (of_kind, hasher) = digests.last_mut().expect("one was pushed");
            of_kind.count += 1;
            self.whole_records_of(&entity).iter().for_each(|record| hash(hasher, record));
        }
        let finished = digests.into_iter();
        finished
            .map(|(of, hasher)| KindDigest { digest: *hasher.finalize().as_bytes(), ..of })
            .collect()
    }

    /// The first entity that is not the same in `other`, another state of the same log, or not there. Bytes that count for a quota
    /// are not compared while somebody is erased: what is erased has none when the log is folded again.
    pub fn first_difference(&mut self, other: &mut Self) -> Option<EntityKey> {
        let both: BTreeSet<_> = self.entities().into_iter().chain(other.entities()).collect();
        let with_bytes = self.erased().next().is_none();
        let differs = |entity: &EntityKey| match entity {
            EntityKey::Budget(principal) => {
                let of = |views: &Self| views.comparable_budget(principal, with_bytes);
                of(self) != of(other)
            }
            _ => self.whole_records_of(entity) != other.whole_records_of(entity),
        };
        both.into_iter().find(differs)
    }

    /// Gives an entity to `to`, nothing if it is not there.
    ///
    /// # Errors
    /// What `to` says.
    pub fn fields_of<S: Serializer>(&self, entity: &EntityKey, to: S) -> Result<S::Ok, S::Error> {
        match entity {
            EntityKey::Invite(invite) => self.invites.get(invite).serialize(to),
            EntityKey::Principal(principal) => self.principals.get(principal).serialize(to),
            EntityKey::Presentity(presentity) => self.presentities.get(presentity).serialize(to),
            EntityKey::Watcher(watcher) => self.watchers.get(watcher).serialize(to),
            EntityKey::Inbox(inbox) => self.inboxes.get(inbox).map(WholeInbox::of).serialize(to),
            EntityKey::Rules(principal) => self.rules.get(principal).serialize(to),
            EntityKey::Audience(presentity) => self.audiences.get(presentity).serialize(to),
            EntityKey::Domain(domain) => self.domains.get(domain).serialize(to),
            EntityKey::Store => self.store.serialize(to),
            EntityKey::Clock => self.clock.serialize(to),
            EntityKey::Operations(by) => self.remembered(by).as_deref().serialize(to),
            EntityKey::Budget(principal) => self.budgets.get(principal).serialize(to),
        }
    }
}
