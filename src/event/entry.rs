//! The bytes of the log: a commit's events packed into entries of at most 7 KiB, checksummed and chained.
//!
//! ```text
//! key   := sequence:u64be                     whole events, or the first part of a long one
//!        | sequence:u64be part:u16be          a further part, 1 and up
//! value := version:u8=1 crc32:u32le chain:[u8;32] body       crc32 is over chain and body
//! body  := kind:u8=2 count:u16le (at_us:u64le length:u32le event)*count
//!        | kind:u8=3 at_us:u64le part:u16le parts:u16le bytes          one event cut into parts
//!        | kind:u8=4 ahead_ms:i64le body          kind 2 or 3, and how far the wall clock was ahead of `at_us`
//!        | kind:u8=0 at_ms:u64le count:u16le (length:u32le event)*count     as 2, only read
//!        | kind:u8=1 at_ms:u64le part:u16le parts:u16le bytes               as 3, only read
//! chain := BLAKE3(chain of the entry before || key || body)            32 zero bytes before the first
//! event := postcard of `Event`
//! ```
//!
//! Written by `pack`, read by `assemble`. Must never hold: where entries are stored.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::Sequence;

/// Version of the entry layout.
pub const ENTRY_VERSION: u8 = 1;

/// Largest entry value. Sixteen of them, a full sled leaf, stay under the page size that sled moves into files
/// which it never syncs (a quarter of the 512 KiB segment).
pub const ENTRY_BYTES_MAX: usize = 7 * 1024;

/// Bytes of an entry before its body.
pub(super) const HEADER_BYTES: usize = 1 + 4 + 32;

/// Kind of a body: whole events, each with its moment.
pub(super) const KIND_WHOLE: u8 = 2;
/// Kind of a body: a part of one event, with its moment.
pub(super) const KIND_PART: u8 = 3;
/// Kind of a body: one of the two kinds above, behind how far the wall clock was ahead of its moments. Without it that is zero.
pub(super) const KIND_AHEAD: u8 = 4;
/// Kind of a body that is only read: whole events with the millisecond of their commit.
pub(super) const KIND_WHOLE_MS: u8 = 0;
/// Kind of a body that is only read: a part of one event, with the millisecond of its commit.
pub(super) const KIND_PART_MS: u8 = 1;

/// The running hash over all entries up to a place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chain(#[serde(with = "crate::model::readable::hex")] pub [u8; 32]);

impl Chain {
    /// The chain before the first entry.
    pub const START: Self = Self([0; 32]);

    /// The chain after one more entry.
    pub(super) fn extended(self, key: &EntryKey, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(&key.to_bytes()).update(body);
        Self(*hasher.finalize().as_bytes())
    }
}

impl core::fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Chain({self})")
    }
}

impl core::fmt::Display for Chain {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Where an entry lies: its first event, and which part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// The first event in the entry.
    pub sequence: Sequence,
    /// 0, or the part of a long event.
    pub part: u16,
}

impl EntryKey {
    /// The key's bytes; they sort as the keys do.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.sequence.get().to_be_bytes().to_vec();
        if self.part > 0 {
            bytes.extend_from_slice(&self.part.to_be_bytes());
        }
        bytes
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`EntryFault::Key`] unless it has 8 bytes, or 10 with a part above 0.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryFault> {
        let fault = || EntryFault::Key { length: bytes.len() };
        let (sequence, rest) = bytes.split_first_chunk::<8>().ok_or_else(fault)?;
        let sequence = Sequence::new(u64::from_be_bytes(*sequence));
        if rest.is_empty() {
            return Ok(Self { sequence, part: 0 });
        }
        let part = u16::from_be_bytes(rest.try_into().map_err(|_| fault())?);
        if part == 0 { Err(fault()) } else { Ok(Self { sequence, part }) }
    }
}

/// One entry, ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it lies.
    pub key: EntryKey,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// What is wrong with a stored entry. Positions are event sequences.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryFault {
    /// The key has no sensible length.
    #[error("a log key has {length} bytes, expected 8 or 10")]
    Key {
        /// Its length.
        length: usize,
    },
    /// The entry is too short to be one.
    #[error("entry {sequence} is cut short: {found} bytes, expected at least {expected}")]
    Short {
        /// Where.
        sequence: Sequence,
        /// Its length.
        found: usize,
        /// The least it must have.
        expected: usize,
    },
    /// The entry was written by another version.
    #[error("entry {sequence} has format version {found}, this program reads {ENTRY_VERSION}")]
    Version {
        /// Where.
        sequence: Sequence,
        /// The version found.
        found: u8,
    },
    /// The entry's bytes changed.
    #[error("entry {sequence} has checksum {found:08x}, expected {expected:08x}")]
    Checksum {
        /// Where.
        sequence: Sequence,
        /// The checksum of the bytes.
        found: u32,
        /// The checksum stored.
        expected: u32,
    },
    /// The entry does not follow from the one before: something was changed, removed or put in.
    #[error(
        "entry {sequence} breaks the hash chain: it carries {expected}, the entries before it lead to {found}"
    )]
    Chain {
        /// Where.
        sequence: Sequence,
        /// The chain that follows from the log so far.
        found: Chain,
        /// The chain stored.
        expected: Chain,
    },
    /// An entry is missing or out of place.
    #[error("entry {found} stands where entry {expected} must be")]
    Gap {
        /// The sequence found.
        found: Sequence,
        /// The sequence that must come next.
        expected: Sequence,
    },
    /// A long event's parts do not belong together.
    #[error("the parts of event {sequence} do not fit together")]
    Parts {
        /// Where.
        sequence: Sequence,
    },
    /// An event does not decode.
    #[error("event {sequence} does not decode: {reason}")]
    Event {
        /// Where.
        sequence: Sequence,
        /// Why.
        reason: String,
    },
}
