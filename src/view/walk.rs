//! All entities in order of their keys, a part after the other, each with a digest: so that a state that changes meanwhile can
//! be compared with one that is folded along.
//!
//! Must never hold: where the states come from.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::compare::hash;
use super::layout::{Checkpointed, Layout as _};
use super::{Record, StoreView, Views};
use crate::event::EntityKey;
use crate::model::Sequence;

/// Entities in one part at most.
const PART_ENTITIES: usize = 1_024;
/// Bytes of records after which a part ends: a fraction of a millisecond to hash.
const PART_BYTES: usize = 256 * 1024;

/// An entity and what it is, as a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityDigest {
    /// The entity.
    pub entity: EntityKey,
    /// BLAKE3 over its records as [`KindDigest::digest`](super::KindDigest::digest) has them. Of a budget without the bytes that count for a
    /// quota while somebody is erased: what is erased has none when the log is folded again.
    pub digest: [u8; 32],
}

impl Views {
    /// The entities behind `after`, or from the first on, with their digests, in order of their keys: all up to `until` if that is
    /// given, else a part that takes little time, which is empty behind the last.
    pub fn digests_after(
        &mut self,
        after: Option<&EntityKey>,
        until: Option<&EntityKey>,
    ) -> Vec<EntityDigest> {
        let count_max = if until.is_some() { usize::MAX } else { PART_ENTITIES };
        let (mut digests, mut bytes) = (Vec::new(), 0);
        for entity in self.entities_after(after, count_max) {
            let is_full = until.is_none() && bytes >= PART_BYTES;
            if is_full || until.is_some_and(|until| entity > *until) {
                break;
            }
            let records = self.comparable_records_of(&entity);
            let length = |(key, value): &Record| key.len() + value.as_ref().map_or(0, Vec::len);
            bytes += records.iter().map(length).sum::<usize>();
            digests.push(EntityDigest { digest: digest_of(&records), entity });
        }
        digests
    }

    /// The digest of one entity, with the rows that are held here if it is an inbox.
    pub fn digest_of(&mut self, entity: &EntityKey) -> [u8; 32] {
        digest_of(&self.comparable_records_of(entity))
    }

    fn comparable_records_of(&mut self, entity: &EntityKey) -> Vec<Record> {
        let EntityKey::Budget(principal) = entity else { return self.whole_records_of(entity) };
        let budget = self.comparable_budget(principal, self.erased().next().is_none());
        vec![(Vec::new(), budget.as_ref().map(Checkpointed::write))]
    }

    /// The next of the entities behind `after` in order of their keys, `count_max` at most.
    fn entities_after(&self, after: Option<&EntityKey>, count_max: usize) -> Vec<EntityKey> {
        let mut after = after.cloned();
        loop {
            let mut found = self.keys_after(after.as_ref(), count_max);
            let last = found.last().cloned();
            found.retain(|entity| self.is_there(entity));
            if last.is_none() || !found.is_empty() {
                return found;
            }
            after = last;
        }
    }

    /// As [`Views::entities_after`], with those of whom nothing is left.
    fn keys_after(&self, after: Option<&EntityKey>, count_max: usize) -> Vec<EntityKey> {
        let mut found = Found { after, count_max, keys: Vec::new() };
        let alone = [(EntityKey::Store, ()), (EntityKey::Clock, ())].into();
        macro_rules! kinds {
            ($($kind:ident of $map:ident)*) => {
                $(found.of_kind(&self.$map, EntityKey::$kind, |key| match key {
                    EntityKey::$kind(key) => Some(key),
                    _ => None,
                });)*
            };
        }
        kinds! { Invite of invites Principal of principals Presentity of presentities Watcher of watchers }
        kinds! { Inbox of inboxes Rules of rules Audience of audiences Domain of domains }
        found.of_kind(
            &alone,
            |key: EntityKey| key,
            |key| matches!(key, EntityKey::Store | EntityKey::Clock).then_some(key),
        );
        kinds! { Budget of budgets Operations of operations }
        found.keys
    }

    fn is_there(&self, entity: &EntityKey) -> bool {
        match entity {
            EntityKey::Store => self.store != StoreView::default(),
            EntityKey::Clock => self.clock.as_of > Sequence::ZERO,
            EntityKey::Operations(by) => self.remembered(by).is_some(),
            _ => true,
        }
    }
}

/// What was found behind `after`.
struct Found<'a> {
    after: Option<&'a EntityKey>,
    count_max: usize,
    keys: Vec<EntityKey>,
}

impl Found<'_> {
    /// Looks among the entities of one kind, which come behind those of the kinds before.
    fn of_kind<K: Ord + Clone, V>(
        &mut self,
        map: &BTreeMap<K, V>,
        entity: impl Fn(K) -> EntityKey,
        key: impl Fn(&EntityKey) -> Option<&K>,
    ) {
        let Some((first, _)) = map.first_key_value() else { return };
        let from = match self.after {
            None => Bound::Unbounded,
            Some(after) => match key(after) {
                Some(after) => Bound::Excluded(after),
                None if entity(first.clone()) > *after => Bound::Unbounded,
                None => return,
            },
        };
        let left = self.count_max - self.keys.len();
        let keys = map.range((from, Bound::Unbounded)).take(left);
        self.keys.extend(keys.map(|(key, _)| entity(key.clone())));
    }
}

/// BLAKE3 over `records`, see [`KindDigest::digest`](super::KindDigest::digest).
fn digest_of(records: &[Record]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for record in records {
        hash(&mut hasher, record);
    }
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Event, Recorded, WatchRequested};
    use crate::model::{Ahead, Moment, Timestamp};

    /// Some thousand watchers of one presentity.
    fn views() -> Views {
        let mut views = Views::default();
        for number in 1..=2_500_u64 {
            let event = Event::WatchRequested(WatchRequested {
                watcher: format!("w{number:04}@b").parse().unwrap(),
                presentity: "pres:alice@b".parse().unwrap(),
                expires_at: Timestamp::from_ms(1 << 40),
            });
            let (sequence, at) = (Sequence::new(number), Moment::from_us(number));
            views.apply(&Recorded { sequence, at, ahead: Ahead::ZERO, event });
        }
        views
    }

    fn all(views: &mut Views) -> Vec<EntityDigest> {
        let mut all: Vec<EntityDigest> = Vec::new();
        loop {
            let after = all.last().map(|last| last.entity.clone());
            let part = views.digests_after(after.as_ref(), None);
            let Some(last) = part.last().map(|last| last.entity.clone()) else { return all };
            assert_eq!(views.digests_after(after.as_ref(), Some(&last)), part);
            all.extend(part);
        }
    }

    #[test]
    fn the_parts_together_are_all_entities_in_order() {
        let mut views = views();
        let parts = all(&mut views);
        let mut entities = views.entities();
        entities.sort();
        assert!(parts.iter().map(|part| &part.entity).eq(&entities));
        assert!(parts.len() > 2 * PART_ENTITIES);
        assert_eq!(all(&mut Views::default()), []);
    }

    #[test]
    fn a_digest_is_another_where_an_entity_is() {
        let (mut views, mut other) = (views(), views());
        assert_eq!(all(&mut views), all(&mut other));
        let watcher = "w1999@b".parse().unwrap();
        other.watchers.get_mut(&watcher).unwrap().as_of = Sequence::ZERO;
        let (parts, others) = (all(&mut views), all(&mut other));
        let differ = parts.iter().zip(&others).filter(|(one, other)| one != other);
        let entities: Vec<&EntityKey> = differ.map(|(one, _)| &one.entity).collect();
        assert_eq!(entities, [&EntityKey::Watcher(watcher)]);
    }
}
