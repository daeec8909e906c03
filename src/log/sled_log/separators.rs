//! Separators: keys without a value that lie between what is to come, so that no full leaf is written again.
//!
//! sled 0.34 keeps up to 16 keys in a leaf and writes one that gets a seventeenth anew, as two. Entries come in ascending order,
//! so that without separators each would be written once by itself and twice with its neighbours. With them a leaf is split
//! while it holds nothing but a few bytes of keys: by the time an entry comes, there are neighbours enough on both sides
//! of it that its leaf is never full. So it is with the blocks of a run, whose keys are ascending and evenly spread.
//!
//! ```text
//! key   := sequence:u64be half:u8         among entries: half is 0 or 1; 9 bytes, as no entry's key has
//!        | the first bytes of a key       among blocks
//! value :=                                empty, as nothing else is
//! ```
//!
//! They mean nothing, are not counted and not chained, and none has to be where it was: more of them than needed, or fewer,
//! is a matter of bytes only. Must never hold: anything else that is told by a key.

use super::LogFault;
use super::engine::guarded;
use crate::model::Sequence;

const KEY_BYTES: usize = 9;
/// A separator may stand at each event, and between two.
const HALVES: u64 = 2;
/// Separators for each entry. A leaf that was split has 8 of them, and so 4 entries; it has room for twice as many, where
/// entries come to be smaller than those before.
const OF_ENTRY: u64 = 2;
/// For how many entries as the latest ones they lie ahead. The last leaf may have 16 separators, and no entry may come into it.
const ENTRIES_AHEAD: u64 = 12;

/// Keys from which it can be told how they are spread.
const SPREAD_MIN: usize = 4;

/// By how many times what is usual among keys that are evenly spread two may be apart.
const UNEVEN_MAX: u64 = 4;

/// How far they lie.
#[derive(Debug)]
pub(super) struct Separators {
    /// The last one, in halves of an event.
    last: u64,
}

impl Separators {
    /// Those of a log of which `last` is the last key, of whatever kind.
    pub(super) fn behind(last: Option<&[u8]>) -> Self {
        let half = last.and_then(|key| key.get(8)).filter(|_| last.is_some_and(is_key));
        let sequence =
            last.and_then(|key| key.first_chunk()).map_or(0, |it| u64::from_be_bytes(*it));
        Self { last: sequence * HALVES + half.copied().map_or(0, u64::from) }
    }

    /// The keys to insert before `entries` entries, which hold the events from `first` to before `next`.
    pub(super) fn before(
        &mut self,
        entries: usize,
        first: Sequence,
        next: Sequence,
    ) -> impl Iterator<Item = [u8; KEY_BYTES]> + use<'_> {
        let (first, next) = (first.get() * HALVES, next.get() * HALVES);
        let of_entry = (next - first) / (entries.max(1) as u64);
        let step = (of_entry / OF_ENTRY).max(1);
        let until = next + of_entry * ENTRIES_AHEAD;
        // Behind what is stored already they would separate nothing.
        self.last = self.last.max(first - 1);
        core::iter::from_fn(move || {
            let at = self.last + step;
            (at <= until).then(|| {
                self.last = at;
                key_at(at)
            })
        })
    }
}

/// Whether what lies under `key` separates entries and is none.
pub(super) fn is_separator(key: &[u8], value: &[u8]) -> bool {
    is_key(key) && value.is_empty()
}

fn is_key(key: &[u8]) -> bool {
    key.len() == KEY_BYTES
}

fn key_at(halves: u64) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[..8].copy_from_slice(&(halves / HALVES).to_be_bytes());
    key[8] = u8::from(halves % HALVES == 1);
    key
}

/// Puts separators into `tree` before values come under `keys`, if these are ascending.
pub(super) fn put_among(tree: &sled::Tree, keys: &[&[u8]]) -> Result<(), LogFault> {
    if !keys.is_sorted() {
        return Ok(());
    }
    guarded("separate", || {
        for key in among(keys) {
            if !tree.contains_key(&key)? {
                tree.insert(key, &[])?;
            }
        }
        Ok(())
    })
}

/// Removes the separators beside `key`, under which nothing is any more.
pub(super) fn remove_beside(tree: &sled::Tree, key: &[u8]) -> Result<(), LogFault> {
    let is_separator = |found: &sled::Result<(sled::IVec, sled::IVec)>| {
        found.as_ref().map_or(true, |(_, value)| value.is_empty())
    };
    guarded("join", || {
        let behind = tree.range(key..).take_while(is_separator);
        let before = tree.range(..key).rev().take_while(is_separator);
        let beside: Vec<_> = behind.chain(before).collect::<sled::Result<_>>()?;
        beside.iter().try_for_each(|(key, _)| tree.remove(key).map(drop))
    })
}

/// The keys to insert before values come under `keys`, which are ascending; some may be there. None if there are too few to
/// tell how they are spread. Two batches have the same where both have any, for they stand at multiples of a power of two.
fn among(keys: &[&[u8]]) -> Vec<Vec<u8>> {
    let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Vec::new() };
    let common = first.iter().zip(*last).take_while(|(one, other)| one == other).count();
    let numbers: Vec<u64> = keys.iter().map_while(|key| number_at(key, common)).collect();
    let (Some(from), Some(to)) = (numbers.first(), numbers.last()) else { return Vec::new() };
    let gap = (to - from) / (keys.len() as u64 - 1).max(1);
    let is_even = numbers.windows(2).all(|pair| (pair[1] - pair[0]) / UNEVEN_MAX <= gap);
    if numbers.len() != keys.len() || keys.len() < SPREAD_MIN || gap < OF_ENTRY || !is_even {
        return Vec::new();
    }
    let step = 1 << (gap / OF_ENTRY).ilog2();
    let until = to.saturating_add(step * OF_ENTRY * ENTRIES_AHEAD);
    let multiples =
        (from / step + 1..=until / step).map(|multiple| (multiple * step).to_be_bytes());
    multiples.map(|place| [&first[..common], without_zeros(&place)].concat()).collect()
}

/// `bytes` up to the last one that is not zero: by how many bytes a place is told depends on what keys have in common.
fn without_zeros(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)]
}

/// The eight bytes behind the first `at` of `key`.
fn number_at(key: &[u8], at: usize) -> Option<u64> {
    key.get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(separators: &mut Separators, entries: usize, events: [u64; 2]) -> Vec<[u8; 9]> {
        let [first, next] = events.map(Sequence::new);
        separators.before(entries, first, next).collect()
    }

    #[test]
    fn two_of_them_lie_ahead_for_each_entry_and_none_comes_twice() {
        let mut separators = Separators::behind(None);
        // Ten entries of 16 events: one every 8 events, for 10 entries and 12 more.
        let keys = before(&mut separators, 10, [1, 161]);
        assert_eq!(keys.len(), 2 * (10 + 12));
        assert!(keys.is_sorted() && keys.iter().all(|key| is_separator(key, b"")));
        let more = before(&mut separators, 10, [161, 321]);
        assert_eq!(more.len(), 2 * 10);
        assert!(more[0] > keys[43]);
    }

    #[test]
    fn they_lie_between_the_entries_of_one_event_each() {
        let mut separators = Separators::behind(None);
        let keys = before(&mut separators, 1, [7, 8]);
        assert_eq!(keys[..2], [key_at(14), key_at(15)]);
        assert_eq!(keys.len(), 2 * (1 + 12) + 1);
        let entry = |sequence: u64| sequence.to_be_bytes().to_vec();
        assert!(entry(7) < keys[0].to_vec() && keys[1].to_vec() < entry(8));
        // Within a long event, whose parts follow its first one.
        assert!(keys[0][..] < [&entry(7)[..], &[0, 1]].concat()[..]);
    }

    #[test]
    fn a_log_that_is_opened_again_goes_on_behind_the_last_one() {
        let mut separators = Separators::behind(None);
        let keys = before(&mut separators, 1, [1, 2]);
        let mut again = Separators::behind(keys.last().map(|key| &key[..]));
        assert_eq!(before(&mut again, 1, [2, 3]), before(&mut separators, 1, [2, 3]));
        // One of a version that knew none has only entries.
        let mut old = Separators::behind(Some(&999_u64.to_be_bytes()));
        assert!(
            before(&mut old, 1, [1_000, 1_001])
                .iter()
                .all(|key| key[..] > 999_u64.to_be_bytes()[..])
        );
    }

    #[test]
    fn two_lie_among_keys_that_are_evenly_spread_and_so_they_do_for_the_next_ones() {
        let key =
            |at: u64| [b"run".to_vec(), (at << 40).to_be_bytes().to_vec(), vec![7; 8]].concat();
        let keys: Vec<_> = (1..=96_u64).map(|at| key(at * 999)).collect();
        let found = |part: &[Vec<u8>]| among(&part.iter().map(|key| &key[..]).collect::<Vec<_>>());
        let mut separators: Vec<_> = keys.chunks(32).flat_map(found).collect();
        separators.sort();
        separators.dedup();
        assert!(separators.iter().all(|it| it.starts_with(b"run") && it.len() < keys[0].len()));
        for pair in keys.windows(2) {
            let between = separators.iter().filter(|it| pair[0] < **it && **it < pair[1]).count();
            assert!((1..=4).contains(&between), "{between}");
        }
        let ahead = separators.iter().filter(|it| **it > keys[95]).count();
        assert!((12..=48).contains(&ahead), "{ahead}");
    }

    #[test]
    fn nothing_is_put_among_keys_of_which_nobody_can_tell_how_they_are_spread() {
        let long = [&b"run"[..], &[9; 16]].concat();
        for keys in
            [vec![], vec![&b"a"[..], b"b"], vec![&long[..]; 9], vec![b"a", b"b", b"c", b"d", &long]]
        {
            assert!(among(&keys).is_empty(), "{keys:?}");
        }
        let key_at = |place: &u64| [&(place << 48).to_be_bytes()[..], &[7; 8]].concat();
        let found = |places: &[u64]| {
            let keys: Vec<_> = places.iter().map(key_at).collect();
            among(&keys.iter().map(|key| &key[..]).collect::<Vec<_>>()).len()
        };
        assert!(found(&[100, 200, 290, 400, 510, 610]) > 0);
        assert_eq!(found(&[100, 200, 290, 400, 510, 9_610]), 0);
        // At the end of what can be told by eight bytes there is nothing ahead.
        let last = [u64::MAX - 30, u64::MAX - 20, u64::MAX - 10, u64::MAX].map(u64::to_be_bytes);
        let last: Vec<_> = last.iter().map(|key| &key[..]).collect();
        assert!(among(&last).len() < 32);
    }

    #[test]
    fn what_has_bytes_is_no_separator_and_neither_is_an_entry() {
        assert!(is_separator(&key_at(3), b""));
        assert!(!is_separator(&key_at(3), b"x") && !is_separator(&3_u64.to_be_bytes(), b""));
    }
}
