//! Blocks in sled: each a value of its own, with a checksum over key and value.
//!
//! ```text
//! value := version:u8=1 crc32:u32le bytes          crc32 is over key and bytes
//! ```
//!
//! Must never hold: what a block means.

use core::ops::ControlFlow;

use super::engine::guarded;
use super::records::{open, seal};
use super::{Block, CheckpointRecord, Each, LogFault};

/// See [`EventLog::save_blocks`](crate::log::EventLog::save_blocks).
pub(super) fn save(tree: &sled::Tree, blocks: &[CheckpointRecord]) -> Result<(), LogFault> {
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
    let found = guarded("read a block", || tree.range(..=key).next_back().transpose())?;
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
