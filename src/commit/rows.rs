//! Rows of inboxes that lie on the disk: what a checkpoint lets go of, and what is put back when it is wanted.
//!
//! A chunk of rows is a few blocks. It is written before the records that say that it lies there, and removed before they say that it is
//! forgotten, which it is again if they do not come to say it.
//! Must never hold: which rows may go.

use core::ops::ControlFlow;

use crate::log::{CheckpointRecord, EventLog, LogFault};
use crate::model::InboxAddress;
use crate::view::Views;

/// What the keys of these blocks begin with. Numbers of runs, whose keys begin with them, are far below.
const ROWS: u8 = 0xff;
/// Ends an inbox's name in a key; no address holds it.
const END: u8 = 0;
/// Bytes of rows in a block.
const BLOCK_BYTES: usize = 6 * 1024;
/// Blocks removed at once.
const CLEARED_AT_ONCE: usize = 1_024;

fn key(inbox: &InboxAddress, chunk: u64, part: u8) -> Vec<u8> {
    let name = inbox.account().as_bytes();
    [&[ROWS], name, &[END], &chunk.to_be_bytes(), &[part]].concat()
}

fn damaged(inbox: &InboxAddress, chunk: u64, reason: &str) -> LogFault {
    let key = format!("of rows {chunk} of {inbox}");
    LogFault::Checkpoint { key, reason: reason.into() }
}

fn block(log: &dyn EventLog, key: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
    let found = log.block_at(key)?.filter(|(stored, _)| stored == key);
    Ok(found.map(|(_, bytes)| bytes))
}

/// How many blocks a chunk has; none if it does not lie on the disk.
fn parts(log: &dyn EventLog, inbox: &InboxAddress, chunk: u64) -> Result<u8, LogFault> {
    let first = block(log, &key(inbox, chunk, 0))?;
    Ok(first.and_then(|bytes| bytes.first().copied()).unwrap_or_default())
}

/// Puts the rows of a chunk back into `views`.
pub(super) fn recall(
    views: &mut Views,
    log: &dyn EventLog,
    (inbox, chunk): (&InboxAddress, u64),
) -> Result<(), LogFault> {
    let is_there = recall_if_there(views, log, (inbox, chunk))?;
    if is_there { Ok(()) } else { Err(damaged(inbox, chunk, "a block is missing")) }
}

/// As [`recall`]; returns false if they do not lie on the disk.
pub(super) fn recall_if_there(
    views: &mut Views,
    log: &dyn EventLog,
    (inbox, chunk): (&InboxAddress, u64),
) -> Result<bool, LogFault> {
    let missing = || damaged(inbox, chunk, "a block is missing");
    let Some(first) = block(log, &key(inbox, chunk, 0))? else { return Ok(false) };
    let (parts, first) = first.split_first().ok_or_else(missing)?;
    let mut bytes = first.to_vec();
    for part in 1..*parts {
        bytes.extend(block(log, &key(inbox, chunk, part))?.ok_or_else(missing)?);
    }
    let recalled = views.recall_rows(inbox, chunk, &bytes);
    recalled.map(|()| true).map_err(|fault| damaged(inbox, chunk, &fault.reason))
}

/// Puts all rows back.
pub(super) fn recall_all(views: &mut Views, log: &dyn EventLog) -> Result<(), LogFault> {
    let inboxes: Vec<InboxAddress> = views.inboxes().map(|(inbox, _)| inbox.clone()).collect();
    for inbox in inboxes {
        for chunk in views.chunks_elsewhere(&inbox) {
            recall(views, log, (&inbox, chunk))?;
        }
    }
    Ok(())
}

/// Lets go of the rows of up to `max` chunks of `inbox`, and removes those that are forgotten: what is to be saved of it is added to `blocks`.
/// Returns how many chunks that were; if `max`, there may be more.
pub(super) fn settle(
    views: &mut Views,
    log: &dyn EventLog,
    inbox: &InboxAddress,
    max: usize,
    blocks: &mut Vec<CheckpointRecord>,
) -> Result<usize, LogFault> {
    views.let_go_of_clean(inbox);
    let chunks = views.chunks_to_go(inbox, max);
    for (chunk, lies_elsewhere) in &chunks {
        if *lies_elsewhere {
            recall(views, log, (inbox, *chunk))?;
        }
        let before = parts(log, inbox, *chunk)?;
        let bytes = views.chunk_bytes(inbox, *chunk).unwrap_or_default();
        write((inbox, *chunk), &bytes, before, blocks);
        views.let_go(inbox, *chunk);
    }
    if chunks.len() < max {
        for chunk in views.take_dropped(inbox) {
            for part in 0..parts(log, inbox, chunk)? {
                blocks.push((key(inbox, chunk, part), None));
            }
        }
    }
    Ok(chunks.len())
}

fn write(
    (inbox, chunk): (&InboxAddress, u64),
    bytes: &[u8],
    before: u8,
    blocks: &mut Vec<CheckpointRecord>,
) {
    let parts: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES).collect();
    let count = u8::try_from(parts.len()).expect("limits keep 64 rows far below 255 blocks");
    for (part, bytes) in (0..count).zip(parts) {
        let bytes = if part == 0 { [&[count], bytes].concat() } else { bytes.to_vec() };
        blocks.push((key(inbox, chunk, part), Some(bytes)));
    }
    blocks.extend((count..before).map(|part| (key(inbox, chunk, part), None)));
}

/// Removes all rows that lie on the disk: nothing says any more which.
pub(super) fn clear(log: &mut dyn EventLog) -> Result<(), LogFault> {
    loop {
        let mut gone = Vec::new();
        log.walk_blocks(&[ROWS], &mut |key, _| {
            gone.push((key.to_vec(), None));
            let is_full = gone.len() == CLEARED_AT_ONCE;
            Ok(if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if gone.is_empty() {
            return Ok(());
        }
        log.save_blocks(&gone)?;
    }
}
