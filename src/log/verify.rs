//! Walking the whole log: every checksum, the chain from the first entry to the last, every event decoded.
//!
//! Must never hold: a repair.

use core::ops::ControlFlow;

use super::scan::{self, Tip, check_durable};
use super::{Entries, LogFault};
use crate::event::{Assembler, Chain};
use crate::model::Sequence;

/// A log that was found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Events in the log.
    pub events: u64,
    /// Entries they are packed into.
    pub entries: u64,
    /// Bytes of all keys and values.
    pub bytes: u64,
    /// The first event; zero if there is none.
    pub first: Sequence,
    /// The last event; zero if there is none.
    pub head: Sequence,
    /// The chain after the last entry. Kept elsewhere, it shows later whether anything up to `head` was changed.
    pub chain: Chain,
}

/// Reads every entry of `source` from the first to the last and checks checksum, chain, sequence and decoding, and
/// that the log does not end before what was durable. Calls `progress` with the number of events checked so far.
///
/// # Errors
/// [`LogFault::Entry`] with the position of the first damage, [`LogFault::Lost`] if the end is missing,
/// [`LogFault::Engine`] if the engine cannot read on.
///
/// # Panics
/// Never: the assembler is told to follow the chain.
pub fn verify(source: &dyn Entries, progress: &mut dyn FnMut(u64)) -> Result<Verified, LogFault> {
    let first = Sequence::new(1);
    let mut assembler = Assembler::verifying(Chain::START, first);
    let mut verified = Verified {
        events: 0,
        entries: 0,
        bytes: 0,
        first: Sequence::ZERO,
        head: Sequence::ZERO,
        chain: Chain::START,
    };
    let mut events = Vec::new();
    source.walk(&[], &mut |key, value| {
        assembler.push(key, value, &mut events)?;
        verified.entries += 1;
        verified.bytes += (key.len() + value.len()) as u64;
        verified.events += events.len() as u64;
        verified.head = events.last().map_or(verified.head, |last| last.sequence);
        events.clear();
        progress(verified.events);
        Ok(ControlFlow::Continue(()))
    })?;
    assembler.finish()?;
    check_durable(source)?;
    verified.chain = assembler.chain().expect("the assembler was told to follow the chain");
    verified.first = first.min(verified.head);
    Ok(verified)
}

/// Checks that `source`, which was found whole, goes on from what was noted of it elsewhere: a copy of an earlier state that
/// was put back, or another log, is as whole by itself.
///
/// # Errors
/// [`LogFault::Shorter`] if it ends before, [`LogFault::Differs`] if it is another log there, else as [`verify`].
pub fn check_noted(source: &dyn Entries, noted: Tip) -> Result<(), LogFault> {
    let head = scan::tip(source)?.head;
    if head < noted.head {
        let (path, noted) = (source.name(), noted.to_string());
        return Err(LogFault::Shorter { path, found: head, noted });
    }
    let found = scan::tip_at(source, noted.head)?;
    if found == noted {
        return Ok(());
    }
    let (found, noted) = (found.to_string(), noted.to_string());
    Err(LogFault::Differs { path: source.name(), found, noted })
}
