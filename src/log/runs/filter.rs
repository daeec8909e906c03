//! The filter of a run: says of a key that it is surely not in the run, or that it may be.
//!
//! It lies beside the blocks, so that a start reads it and makes none. One that is not whole is as good as none: everything may
//! then be in the run.
//! Must never hold: a key.

use fastbloom::BloomFilter;

use super::block::prefix;
use super::run::RunKey;
use crate::log::{CheckpointRecord, EventLog, LogFault};

/// In a key, behind the run: a part of the filter.
const PART: u8 = 0;
/// Words in a part: 6 KiB.
const PART_WORDS: usize = 768;
/// Bits that each key sets where there is plenty of room: more would be looked up more slowly and be hardly surer.
const HASHES_MAX: u64 = 6;

/// A Bloom filter.
#[derive(Debug)]
pub(super) struct Filter(BloomFilter);

impl Filter {
    /// An empty one for `count` keys, with so many `bits` for each; `None` if that is none.
    pub(super) fn new(count: u64, bits: u64) -> Option<Self> {
        // What tells hardly any key from another is not worth its place.
        let hashes = u32::try_from((bits * 7 / 10).min(HASHES_MAX)).ok().filter(|it| *it > 0)?;
        let bits = usize::try_from(count.max(1) * bits).ok()?;
        Some(Self(BloomFilter::with_num_bits(bits).hashes(hashes)))
    }

    /// 64-bit words that it has, and bits that each key sets.
    pub(super) fn shape(&self) -> (u32, u8) {
        let words = u32::try_from(self.0.as_slice().len()).unwrap_or(u32::MAX);
        (words, u8::try_from(self.0.num_hashes()).unwrap_or(u8::MAX))
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> u64 {
        size_of_val(self.0.as_slice()) as u64
    }

    pub(super) fn insert(&mut self, key: &RunKey) {
        self.0.insert_hash(hash_of(key));
    }

    /// False if `key` was surely not inserted.
    pub(super) fn may_have(&self, key: &RunKey) -> bool {
        self.0.contains_hash(hash_of(key))
    }

    /// The part `number` of it as a block of `run`; `None` behind the last.
    pub(super) fn part(&self, run: u32, number: u16) -> Option<CheckpointRecord> {
        let words = self.0.as_slice().chunks(PART_WORDS).nth(number.into())?;
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        Some((part_key(run, number), Some(bytes)))
    }

    /// The filter of `run` that has so many words; `None` if it is not whole.
    pub(super) fn load(
        log: &dyn EventLog,
        run: u32,
        words: u32,
        hashes: u8,
    ) -> Result<Option<Self>, LogFault> {
        let mut read = Vec::with_capacity(words as usize);
        for number in 0..=u16::MAX {
            if read.len() >= words as usize {
                break;
            }
            let key = part_key(run, number);
            let part = log.block_at(&key)?.filter(|(stored, _)| *stored == key);
            let Some((_, bytes)) = part else { break };
            let (words, _) = bytes.as_chunks();
            read.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
        }
        let is_whole = words > 0 && read.len() == words as usize;
        Ok(is_whole.then(|| Self(BloomFilter::from_vec(read).hashes(hashes.into()))))
    }
}

fn part_key(run: u32, number: u16) -> Vec<u8> {
    [&prefix(run)[..], &[PART], &number.to_be_bytes()].concat()
}

/// A key is a hash already.
fn hash_of(key: &RunKey) -> u64 {
    key.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> RunKey {
        *blake3::hash(&number.to_le_bytes()).as_bytes().first_chunk().unwrap()
    }

    #[test]
    fn a_filter_knows_what_was_inserted_and_is_rarely_wrong_about_the_rest() {
        let mut filter = Filter::new(10_000, 12).unwrap();
        (0..10_000).for_each(|number| filter.insert(&key(number)));
        assert!((0..10_000).all(|number| filter.may_have(&key(number))));
        let wrong = (10_000..60_000).filter(|number| filter.may_have(&key(*number))).count();
        assert!(wrong < 500, "{wrong} of 50,000");
        assert!(filter.bytes() <= 15_008, "{}", filter.bytes());
        assert!(Filter::new(10_000, 1).is_none(), "it would tell hardly any key from another");
    }
}
