//! Blocks in sled: each a value of its own, with a checksum over key and value.
//!
//! ```text
//! value := version:u8=1 crc32:u32le bytes          crc32 is over key and bytes
//!        |                                         of a separator
//! ```
//!
//! Must never hold: what a block means.

use core::ops::ControlFlow;

use super::engine::guarded;
use super::records::{open, seal};
use super::{Block, CheckpointRecord, Each, LogFault, separators};

/// See [`EventLog::save_blocks`](crate::log::EventLog::save_blocks).
pub(super) fn save(tree: &sled::Tree, blocks: &[CheckpointRecord]) -> Result<(), LogFault> {
    let (written, gone): (Vec<_>, Vec<_>) = blocks.iter().partition(|(_, bytes)| bytes.is_some());
    let written: Vec<&[u8]> = written.iter().map(|(key, _)| &key[..]).collect();
    separators::put_among(tree, &written)?;
    apply(tree, blocks)?;
    gone.iter().try_for_each(|(key, _)| separators::remove_beside(tree, key))
}

fn apply(tree: &sled::Tree, blocks: &[CheckpointRecord]) -> Result<(), LogFault> {
    let mut batch = sled::Batch::default();
    for (key, bytes) in blocks {
        match bytes {
            Some(bytes) => batch.insert(&key[..], seal(key, bytes)),
            None => batch.remove(&key[..]),
        }
    }
    guarded("save blocks", || tree.apply_batch(batch))
}

/// See [`EventLog::block_at`](crate::log::EventLog::block_at).
pub(super) fn at(tree: &sled::Tree, key: &[u8]) -> Result<Option<Block>, LogFault> {
    let mut before = tree.range(..=key).rev();
    let mut found = guarded("read a block", || before.next().transpose())?;
    while found.as_ref().is_some_and(|(_, value)| value.is_empty()) {
        found = guarded("read a block", || before.next().transpose())?;
    }
    let block = |(key, value): (sled::IVec, sled::IVec)| {
        let bytes = open(&key, &value).ok_or_else(|| damaged(&key))?;
        Ok((key.to_vec(), bytes.to_vec()))
    };
    found.map(block).transpose()
}

/// See [`EventLog::walk_blocks`](crate::log::EventLog::walk_blocks).
pub(super) fn walk(tree: &sled::Tree, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
    let mut blocks = tree.range(from..);
    while let Some((key, value)) = guarded("read a block", || blocks.next().transpose())? {
        if value.is_empty() {
            continue;
        }
        let bytes = open(&key, &value).ok_or_else(|| damaged(&key))?;
        if each(&key, bytes)? == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

fn damaged(key: &[u8]) -> LogFault {
    let key = format!("of block {}", key.escape_ascii());
    LogFault::Checkpoint { key, reason: "its checksum does not fit".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key of a run: ascending, evenly spread.
    fn key_at(place: u8) -> Vec<u8> {
        [&b"\0\0\0\x01\x01"[..], &(u16::from(place) * 300).to_be_bytes(), &[7; 14]].concat()
    }

    fn run(places: core::ops::Range<u8>) -> Vec<CheckpointRecord> {
        places.map(|place| (key_at(place), Some(vec![place; 6_000]))).collect()
    }

    fn walked(tree: &sled::Tree) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        walk(tree, b"", &mut |key, _| {
            keys.push(key.to_vec());
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        keys
    }

    #[test]
    fn what_separates_blocks_is_none_and_goes_with_them() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let tree = db.open_tree("blocks").unwrap();
        for part in [1..33, 33..65, 65..97] {
            save(&tree, &run(part)).unwrap();
        }
        assert!(tree.len() > 2 * 96, "{} keys", tree.len());
        let keys: Vec<_> = (1..97).map(key_at).collect();
        assert_eq!(walked(&tree), keys);
        for place in 1..97 {
            let between = [&key_at(place)[..], b"+"].concat();
            let found = at(&tree, &between).unwrap().unwrap();
            assert_eq!((found.0, found.1[0]), (key_at(place), place));
        }
        assert_eq!(at(&tree, b"").unwrap(), None);
        let gone: Vec<_> = keys.iter().map(|key| (key.clone(), None)).collect();
        for part in gone.chunks(7) {
            save(&tree, part).unwrap();
        }
        assert_eq!(tree.len(), 0);
    }

    #[test]
    fn the_greatest_block_up_to_a_key_is_found_and_a_changed_byte_noticed() {
        let db = sled::Config::new().temporary(true).open().unwrap();
        let tree = db.open_tree("blocks").unwrap();
        let block = |key: &[u8], fill| (key.to_vec(), Some(vec![fill; 6_000]));
        save(&tree, &[block(b"b", 1), block(b"d", 2), block(b"f", 3)]).unwrap();
        save(&tree, &[(b"f".to_vec(), None), block(b"d", 4)]).unwrap();
        let found =
            |key: &[u8]| at(&tree, key).map(|block| block.map(|(key, bytes)| (key, bytes[0])));
        assert_eq!(found(b"a").unwrap(), None);
        for (asked, key, fill) in
            [(b"b", b"b", 1), (b"c", b"b", 1), (b"d", b"d", 4), (b"z", b"d", 4)]
        {
            assert_eq!(found(asked).unwrap(), Some((key.to_vec(), fill)));
        }
        let mut walked = Vec::new();
        walk(&tree, b"c", &mut |key, bytes| {
            walked.push((key.to_vec(), bytes[0]));
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        assert_eq!(walked, [(b"d".to_vec(), 4)]);
        let value = tree.get(b"d").unwrap().unwrap();
        for place in (0..value.len()).step_by(97) {
            let mut flipped = value.to_vec();
            flipped[place] ^= 4;
            tree.insert(b"d", flipped).unwrap();
            assert!(
                found(b"d").is_err()
                    && walk(&tree, b"c", &mut |_, _| Ok(ControlFlow::Continue(()))).is_err()
            );
        }
        // A value under another key is none of its.
        tree.insert(b"b", value).unwrap();
        assert!(found(b"b").is_err());
    }
}
