//! A map of few entries in as little memory as they take: most have one.
//!
//! Must never hold: so many entries that looking for one takes long.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Entries in order of their keys, without room for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Few<K, V>(Box<[(K, V)]>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<K: Ord, V> Few<K, V> {
    fn index(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }

    /// What lies under `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        Some(&self.0[self.index(key).ok()?].1)
    }

    /// As [`Few::get`], to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let index = self.index(key).ok()?;
        Some(&mut self.0[index].1)
    }

    /// Whether anything lies under `key`.
    pub fn contains_key(&self, key: &K) -> bool {
        self.index(key).is_ok()
    }

    /// Puts `value` under `key`, in the place of what lay there.
    pub fn insert(&mut self, key: K, value: V) {
        match self.index(&key) {
            Ok(index) => self.0[index].1 = value,
            Err(index) => self.change(|entries| {
                entries.reserve_exact(1);
                entries.insert(index, (key, value));
            }),
        }
    }

    /// Removes what lies under `key`.
    pub fn remove(&mut self, key: &K) {
        if let Ok(index) = self.index(key) {
            self.change(|entries| drop(entries.remove(index)));
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<(K, V)>)) {
        let mut entries = core::mem::take(&mut self.0).into_vec();
        change(&mut entries);
        self.0 = entries.into_boxed_slice();
    }
}

impl<K, V> Few<K, V> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The entries, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&K, &V)> + DoubleEndedIterator {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }

    /// As [`Few::values`], to be changed.
    pub fn values_mut(&mut self) -> impl ExactSizeIterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Few<K, V> {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        // Of two under one key the last stays, as in a map.
        let entries: BTreeMap<K, V> = entries.into_iter().collect();
        Self(entries.into_iter().collect())
    }
}

/// As a map is written.
impl<K: Serialize, V: Serialize> Serialize for Few<K, V> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Few<K, V> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(from).map(|entries: BTreeMap<K, V>| entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn few_are_as_a_map_also_when_written_and_read(
            changes in prop::collection::vec((0..8_u8, prop::option::of(any::<u32>())), 0..40),
        ) {
            let (mut few, mut map) = (Few::default(), BTreeMap::new());
            for (key, value) in changes {
                if let Some(value) = value {
                    few.insert(key, value);
                    map.insert(key, value);
                } else {
                    few.remove(&key);
                    map.remove(&key);
                }
                prop_assert!((0..8).all(|key| few.get(&key) == map.get(&key)));
                prop_assert!((0..8).all(|key| few.contains_key(&key) == map.contains_key(&key)));
                prop_assert!(few.iter().eq(map.iter()));
            }
            let bytes = postcard::to_stdvec(&few).unwrap();
            prop_assert_eq!(&bytes, &postcard::to_stdvec(&map).unwrap());
            prop_assert_eq!(postcard::from_bytes::<Few<u8, u32>>(&bytes).unwrap(), few);
        }
    }
}
