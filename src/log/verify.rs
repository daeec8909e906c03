//! Walking the whole log: every checksum, the chain from the first entry to the last, every event decoded.
//!
//! Must never hold: a repair.

use core::ops::ControlFlow;

use super::scan::{self, check_durable};
use super::tip::Tip;
use super::{Entries, LogFault};
use crate::event::{Assembler, Chain, EntryFault, EntryKey, Recorded};
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
    /// The first event, 1 unless the log was cut; zero if there is none.
    pub first: Sequence,
    /// The last event; zero if there is none.
    pub head: Sequence,
    /// The chain after the last entry. Kept elsewhere, it shows later whether anything up to `head` was changed.
    pub chain: Chain,
}

/// Checks entries one by one: checksum, chain, sequence and decoding.
#[derive(Debug)]
pub struct Verifier {
    assembler: Assembler,
    verified: Verified,
    events: Vec<Recorded>,
}

impl Verifier {
    /// Of the entries that come after `since`.
    pub fn since(since: Tip) -> Self {
        let Tip { head, chain } = since;
        let (assembler, events) = (Assembler::verifying(chain, head.next()), Vec::new());
        let first = Sequence::ZERO;
        let verified = Verified { events: 0, entries: 0, bytes: 0, first, head, chain };
        Self { assembler, verified, events }
    }

    /// Takes the next entry and returns the events that it completes.
    ///
    /// # Errors
    /// [`EntryFault`] with the position; this is of no use afterwards.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> Result<&[Recorded], EntryFault> {
        self.events.clear();
        self.assembler.push(key, value, &mut self.events)?;
        let verified = &mut self.verified;
        verified.entries += 1;
        verified.bytes += (key.len() + value.len()) as u64;
        verified.events += self.events.len() as u64;
        if let [first, ..] = &self.events[..] {
            let is_first = verified.first == Sequence::ZERO;
            verified.first = if is_first { first.sequence } else { verified.first };
            verified.head = verified.head.plus(self.events.len() as u64);
        }
        Ok(&self.events)
    }

    /// What was found of the entries that were taken so far, but for the chain.
    pub fn so_far(&self) -> &Verified {
        &self.verified
    }

    /// What was found of all entries that were taken.
    ///
    /// # Errors
    /// [`EntryFault::Parts`] if the last event is not whole.
    ///
    /// # Panics
    /// Never: the assembler is told to follow the chain.
    pub fn finish(&self) -> Result<Verified, EntryFault> {
        self.assembler.finish()?;
        let chain = self.assembler.chain().expect("the assembler was told to follow the chain");
        Ok(Verified { chain, ..self.verified })
    }
}

/// Reads every entry of `source` from the first to the last and checks checksum, chain, sequence and decoding, and
/// that the log does not end before what was durable. Calls `progress` with the number of events checked so far.
///
/// # Errors
/// [`LogFault::Entry`] with the position of the first damage, [`LogFault::Lost`] if the end is missing,
/// [`LogFault::Engine`] if the engine cannot read on.
pub fn verify(source: &dyn Entries, progress: &mut dyn FnMut(u64)) -> Result<Verified, LogFault> {
    let mut checks = Verifier::since(source.mark().base);
    let first = EntryKey { sequence: source.mark().base.head.next(), part: 0 };
    source.walk(&first.to_bytes(), &mut |key, value| {
        checks.push(key, value)?;
        progress(checks.verified.events);
        Ok(ControlFlow::Continue(()))
    })?;
    let verified = checks.finish()?;
    check_durable(source)?;
    Ok(verified)
}

/// Checks that `source`, which was found whole, goes on from what was noted of it elsewhere: a copy of an earlier state that
/// was put back, or another log, is as whole by itself.
///
/// # Errors
/// [`LogFault::Shorter`] if it ends before, [`LogFault::OlderThanKept`] if that was cut away, [`LogFault::Differs`] if it is another log there, else as [`verify`].
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
