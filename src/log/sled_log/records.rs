//! Checkpoint records in sled.
//!
//! A record is stored under its own key, and what does not fit one value in parts beside it. One more record holds
//! the count and the sum of all digests: sled may lose a page to damage without a word, and a checkpoint that lacks
//! one record, or has an old one, would fold to wrong views.
//!
//! ```text
//! key   := 0x00                                    the sum
//!        | 0x01 caller's key                       a record
//!        | 0x02 caller's key part:u16be            its further parts, 1 and up
//! value := version:u8=1 crc32:u32le rest           crc32 is over key and rest
//! rest  := count:u64le sum:u128le                  of the sum: all digests added, modulo 2^128
//!        | digest:[u8;16] parts:u16le bytes        of a record: how many further parts there are, and the first bytes
//!        | bytes                                   of a part
//! digest := the first 16 bytes of BLAKE3(length of caller's key:u64le || caller's key || whole value)
//! ```
//!
//! Must never hold: what a record means.

use core::ops::ControlFlow;
use std::collections::BTreeMap;

use super::engine::guarded;
use super::{CheckpointRecord, Each, EachRecord, LogFault};
use crate::event::ENTRY_BYTES_MAX;
use crate::log::ahead::read_ahead;

const VERSION: u8 = 1;
const SUM_KEY: [u8; 1] = [0];
const RECORD: u8 = 1;
const PART: u8 = 2;
const HEADER_BYTES: usize = 1 + 4;
const DIGEST_BYTES: usize = 16;
/// Bytes of a record in one sled value. With its header that is under [`ENTRY_BYTES_MAX`], for the same reason.
const CHUNK_BYTES_MAX: usize = 6 * 1024;

/// Records that are handed from the thread that reads them to the one that takes them, at once.
const PORTION_RECORDS: usize = 64;

const _: () = assert!(CHUNK_BYTES_MAX + HEADER_BYTES + DIGEST_BYTES + 2 <= ENTRY_BYTES_MAX);

/// The sum over all records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    count: u64,
    digests: u128,
}

impl Sum {
    fn add(&mut self, digest: [u8; DIGEST_BYTES]) {
        self.count += 1;
        self.digests = self.digests.wrapping_add(u128::from_le_bytes(digest));
    }

    fn remove(&mut self, digest: [u8; DIGEST_BYTES]) {
        self.count = self.count.saturating_sub(1);
        self.digests = self.digests.wrapping_sub(u128::from_le_bytes(digest));
    }

    fn encode(self) -> Vec<u8> {
        [&self.count.to_le_bytes()[..], &self.digests.to_le_bytes()].concat()
    }

    fn decode(rest: &[u8]) -> Option<Self> {
        let (count, digests) = rest.split_first_chunk::<8>()?;
        let digests = u128::from_le_bytes(digests.try_into().ok()?);
        Some(Self { count: u64::from_le_bytes(*count), digests })
    }
}

/// A record's first value.
struct Head {
    digest: [u8; DIGEST_BYTES],
    parts: u16,
    /// The stored value, with the first bytes at its end.
    value: sled::IVec,
}

impl Head {
    /// What stands in front of the first bytes.
    const BYTES: usize = HEADER_BYTES + DIGEST_BYTES + 2;

    /// The first value that lies under `stored_key`; a fault if it is not as it was written.
    fn open(stored_key: &[u8], value: sled::IVec) -> Result<Self, LogFault> {
        let key = &stored_key[1..];
        let rest =
            open(stored_key, &value).ok_or_else(|| damaged(key, "its checksum does not fit"))?;
        let fields = || {
            let (digest, rest) = rest.split_first_chunk::<DIGEST_BYTES>()?;
            Some((*digest, u16::from_le_bytes(*rest.first_chunk()?)))
        };
        let (digest, parts) = fields().ok_or_else(|| damaged(key, "it is cut short"))?;
        Ok(Self { digest, parts, value })
    }

    fn bytes(&self) -> &[u8] {
        &self.value[Self::BYTES..]
    }
}

/// A record that is whole.
struct Whole {
    stored_key: sled::IVec,
    digest: [u8; DIGEST_BYTES],
    bytes: Bytes,
}

/// Where the bytes of a record are.
enum Bytes {
    /// In its first value.
    First(Head),
    /// Put together.
    All(Vec<u8>),
}

impl Whole {
    fn key(&self) -> &[u8] {
        &self.stored_key[1..]
    }

    fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::First(head) => head.bytes(),
            Bytes::All(bytes) => bytes,
        }
    }
}

/// See [`EventLog::save`](crate::log::EventLog::save).
pub(super) fn save(tree: &sled::Tree, records: &[CheckpointRecord]) -> Result<(), LogFault> {
    let mut sum = load_sum(tree)?;
    let mut batch = sled::Batch::default();
    // Later ones win, as they would if they were written one by one; the sum must count each key once.
    let newest: BTreeMap<_, _> = records.iter().map(|(key, value)| (key, value)).collect();
    for (key, value) in newest {
        let before = load_head(tree, key)?;
        if let Some(head) = &before {
            sum.remove(head.digest);
        }
        let parts_before = before.as_ref().map_or(0, |head| head.parts);
        let parts = if let Some(value) = value {
            put(&mut batch, &mut sum, key, value)
        } else {
            batch.remove(record_key(key));
            0
        };
        for part in parts + 1..=parts_before {
            batch.remove(part_key(key, part));
        }
    }
    batch.insert(&SUM_KEY, seal(&SUM_KEY, &sum.encode()));
    guarded("save a checkpoint", || tree.apply_batch(batch))
}

/// Writes one record and returns how many further parts it has.
fn put(batch: &mut sled::Batch, sum: &mut Sum, key: &[u8], value: &[u8]) -> u16 {
    let digest = digest_of(key, value);
    sum.add(digest);
    let (first, rest) = value.split_at(value.len().min(CHUNK_BYTES_MAX));
    let parts = u16::try_from(rest.len().div_ceil(CHUNK_BYTES_MAX))
        .expect("the limits of an entity keep its record far below 400 MB");
    let head = [&digest[..], &parts.to_le_bytes(), first].concat();
    let head_key = record_key(key);
    let head_value = seal(&head_key, &head);
    batch.insert(head_key, head_value);
    for (part, bytes) in (1..=parts).zip(rest.chunks(CHUNK_BYTES_MAX)) {
        let key = part_key(key, part);
        let value = seal(&key, bytes);
        batch.insert(key, value);
    }
    parts
}

/// See [`EventLog::load`](crate::log::EventLog::load). The sum is compared after the last record, so an error at the end
/// takes back everything `each` was given.
pub(super) fn load(tree: &sled::Tree, each: EachRecord<'_>) -> Result<(), LogFault> {
    let expected = load_sum(tree)?;
    let mut found = Sum::default();
    // Records are read and checked on one processor while another one makes of them what they mean.
    let read = |hand_out: &mut dyn FnMut(Vec<Whole>) -> ControlFlow<()>| {
        let mut portion = Vec::with_capacity(PORTION_RECORDS);
        walk_whole(tree, &[], &mut |record| {
            portion.push(record);
            if portion.len() < PORTION_RECORDS {
                return Ok(ControlFlow::Continue(()));
            }
            Ok(hand_out(core::mem::replace(&mut portion, Vec::with_capacity(PORTION_RECORDS))))
        })?;
        let _ = hand_out(portion);
        Ok(())
    };
    read_ahead(read, |portion: Vec<Whole>| {
        portion.iter().try_for_each(|record| {
            found.add(record.digest);
            each(record.key(), record.bytes())
        })
    })?;
    if found == expected {
        return Ok(());
    }
    let reason = format!("{} records are there, {} were written last", found.count, expected.count);
    Err(damaged(b"of all records", &reason))
}

/// Calls `each` with the records from the key `from` on, in order, until it breaks off. Whether one is gone only
/// [`load`] tells.
pub(super) fn walk(tree: &sled::Tree, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
    walk_whole(tree, from, &mut |record| each(record.key(), record.bytes()))
}

fn walk_whole(
    tree: &sled::Tree,
    from: &[u8],
    each: &mut dyn FnMut(Whole) -> Result<ControlFlow<()>, LogFault>,
) -> Result<(), LogFault> {
    let mut records = tree.range(record_key(from)..vec![PART]);
    while let Some((stored_key, value)) =
        guarded("load a checkpoint", || records.next().transpose())?
    {
        let head = Head::open(&stored_key, value)?;
        let Some(record) = settled(tree, stored_key, head)? else { continue };
        if each(record)? == ControlFlow::Break(()) {
            return Ok(());
        }
    }
    Ok(())
}

/// The record under `key`.
pub(super) fn get(tree: &sled::Tree, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
    let Some(head) = load_head(tree, key)? else { return Ok(None) };
    let record = settled(tree, record_key(key).into(), head)?;
    Ok(record.map(|record| record.bytes().to_vec()))
}

/// All of a record that began with `head`: as it is by now, if it is replaced while its parts are read; `None` if it is gone
/// then.
fn settled(
    tree: &sled::Tree,
    stored_key: sled::IVec,
    mut head: Head,
) -> Result<Option<Whole>, LogFault> {
    loop {
        let (key, digest) = (&stored_key[1..], head.digest);
        let fault = match whole(tree, key, head) {
            Ok(bytes) => return Ok(Some(Whole { stored_key, digest, bytes })),
            Err(fault) => fault,
        };
        match load_head(tree, key)? {
            None => return Ok(None),
            Some(now) if now.digest == digest => return Err(fault),
            Some(now) => head = now,
        }
    }
}

/// All bytes of a record that begins with `head`.
fn whole(tree: &sled::Tree, key: &[u8], head: Head) -> Result<Bytes, LogFault> {
    let digest = head.digest;
    let bytes = if head.parts == 0 {
        Bytes::First(head)
    } else {
        Bytes::All(with_parts(tree, key, &head)?)
    };
    let found = match &bytes {
        Bytes::First(head) => digest_of(key, head.bytes()),
        Bytes::All(bytes) => digest_of(key, bytes),
    };
    if found == digest { Ok(bytes) } else { Err(damaged(key, "its parts do not fit together")) }
}

fn with_parts(tree: &sled::Tree, key: &[u8], head: &Head) -> Result<Vec<u8>, LogFault> {
    let mut bytes = head.bytes().to_vec();
    for part in 1..=head.parts {
        let stored_key = part_key(key, part);
        let value = guarded("load a checkpoint", || tree.get(&stored_key))?;
        let rest = value.as_ref().and_then(|value| open(&stored_key, value));
        bytes.extend_from_slice(rest.ok_or_else(|| damaged(key, "a part is missing or changed"))?);
    }
    Ok(bytes)
}

/// Removes all records.
pub(super) fn discard(tree: &sled::Tree) -> Result<(), LogFault> {
    guarded("discard the checkpoint", || tree.clear())
}

fn load_sum(tree: &sled::Tree) -> Result<Sum, LogFault> {
    let Some(value) = guarded("load a checkpoint", || tree.get(SUM_KEY))? else {
        return Ok(Sum::default());
    };
    let sum = open(&SUM_KEY, &value).and_then(Sum::decode);
    sum.ok_or_else(|| damaged(b"of all records", "its checksum does not fit"))
}

fn load_head(tree: &sled::Tree, key: &[u8]) -> Result<Option<Head>, LogFault> {
    let stored_key = record_key(key);
    let value = guarded("load a checkpoint", || tree.get(&stored_key))?;
    value.map(|value| Head::open(&stored_key, value)).transpose()
}

fn damaged(key: &[u8], reason: &str) -> LogFault {
    LogFault::Checkpoint { key: key.escape_ascii().to_string(), reason: reason.into() }
}

fn record_key(key: &[u8]) -> Vec<u8> {
    [&[RECORD], key].concat()
}

fn part_key(key: &[u8], part: u16) -> Vec<u8> {
    [&[PART], key, &part.to_be_bytes()].concat()
}

fn digest_of(key: &[u8], value: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_le_bytes()).update(key).update(value);
    let digest = hasher.finalize();
    *digest.as_bytes().first_chunk().expect("a digest is longer than 16 bytes")
}

/// `rest` as a value under `key`, with a checksum over both.
pub(super) fn seal(key: &[u8], rest: &[u8]) -> Vec<u8> {
    [&[VERSION][..], &checksum(key, rest).to_le_bytes(), rest].concat()
}

/// The rest of a value that was sealed under `key`; `None` if it was not.
pub(super) fn open<'a>(key: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    let (header, rest) = value.split_first_chunk::<HEADER_BYTES>()?;
    let fits = header[0] == VERSION && header[1..] == checksum(key, rest).to_le_bytes();
    fits.then_some(rest)
}

fn checksum(key: &[u8], rest: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(rest);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> sled::Tree {
        let db = sled::Config::new().temporary(true).open().unwrap();
        db.open_tree("views").unwrap()
    }

    fn record(key: &[u8], value: &[u8]) -> CheckpointRecord {
        (key.to_vec(), Some(value.to_vec()))
    }

    /// Three records, the middle one in three values, each written twice.
    fn filled() -> sled::Tree {
        let tree = tree();
        for fill in [1, 2] {
            let long = vec![fill; 2 * CHUNK_BYTES_MAX + 1];
            let records = [record(b"a", &[fill]), record(b"b", &long), record(b"c", &[fill; 9])];
            save(&tree, &records).unwrap();
        }
        load(&tree, &mut |_, _| Ok(())).unwrap();
        tree
    }

    fn loads(tree: &sled::Tree) -> bool {
        match load(tree, &mut |_, _| Ok(())) {
            Ok(()) => true,
            Err(LogFault::Checkpoint { .. }) => false,
            Err(other) => panic!("{other}"),
        }
    }

    fn keys() -> Vec<sled::IVec> {
        filled().iter().keys().map(Result::unwrap).collect()
    }

    #[test]
    fn a_record_or_part_that_is_gone_is_missed() {
        assert_eq!(keys().len(), 1 + 3 + 2);
        for key in keys() {
            let tree = filled();
            tree.remove(&key).unwrap();
            assert!(!loads(&tree), "{key:?}");
        }
    }

    #[test]
    fn a_record_or_part_of_an_older_save_is_noticed() {
        for key in keys() {
            let tree = filled();
            let older = tree.get(&key).unwrap().unwrap();
            let long = vec![3; 2 * CHUNK_BYTES_MAX + 1];
            save(&tree, &[record(b"a", &[3]), record(b"b", &long), record(b"c", &[3])]).unwrap();
            assert!(loads(&tree));
            tree.insert(&key, older).unwrap();
            assert!(!loads(&tree), "{key:?}");
        }
    }

    #[test]
    fn a_flipped_byte_is_noticed_and_so_is_a_value_under_another_key() {
        let tree = filled();
        for (key, value) in tree.iter().map(Result::unwrap) {
            for place in (0..value.len()).step_by(97) {
                let mut flipped = value.to_vec();
                flipped[place] ^= 4;
                tree.insert(&key, flipped).unwrap();
                assert!(!loads(&tree), "byte {place} of {key:?}");
            }
            tree.insert(&key, &value).unwrap();
        }
        let other = tree.get(record_key(b"c")).unwrap().unwrap();
        tree.insert(record_key(b"a"), other).unwrap();
        assert!(!loads(&tree));
    }

    #[test]
    fn no_value_is_too_large_for_sled_and_none_is_left_behind() {
        let tree = filled();
        assert!(tree.iter().values().all(|value| value.unwrap().len() <= ENTRY_BYTES_MAX));
        save(&tree, &[record(b"b", b"short")]).unwrap();
        assert_eq!(tree.len(), 1 + 3);
        save(&tree, &[b"a", b"b", b"c"].map(|key| (key.to_vec(), None))).unwrap();
        assert_eq!(tree.len(), 1, "only the sum is left");
        assert!(loads(&tree));
    }
}
