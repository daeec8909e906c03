//! The bytes of the log: a commit's events packed into entries of at most 7 KiB, checksummed and chained.
//!
//! ```text
//! key   := sequence:u64be                     whole events, or the first part of a long one
//!        | sequence:u64be part:u16be          a further part, 1 and up
//! value := version:u8=1 crc32:u32le chain:[u8;32] body       crc32 is over chain and body
//! body  := kind:u8=0 at_ms:u64le count:u16le (length:u32le event)*count
//!        | kind:u8=1 at_ms:u64le part:u16le parts:u16le bytes          one event cut into parts
//! chain := BLAKE3(chain of the entry before || key || body)            32 zero bytes before the first
//! event := postcard of `Event`
//! ```
//!
//! Must never hold: where entries are stored.

use thiserror::Error;

use super::{Event, Recorded};
use crate::model::{Sequence, Timestamp};

/// Version of the entry layout.
pub const ENTRY_VERSION: u8 = 1;

/// Largest entry value. Sixteen of them, a full sled leaf, stay under the page size that sled moves into files
/// which it never syncs (a quarter of the 512 KiB segment).
pub const ENTRY_BYTES_MAX: usize = 7 * 1024;

const HEADER_BYTES: usize = 1 + 4 + 32;
const WHOLE_BYTES: usize = 1 + 8 + 2;
const PART_BYTES: usize = 1 + 8 + 2 + 2;
const LENGTH_BYTES: usize = 4;
const CHUNK_BYTES_MAX: usize = ENTRY_BYTES_MAX - HEADER_BYTES - PART_BYTES;
const KIND_WHOLE: u8 = 0;
const KIND_PART: u8 = 1;

/// The running hash over all entries up to a place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub [u8; 32]);

impl Chain {
    /// The chain before the first entry.
    pub const START: Self = Self([0; 32]);

    fn extended(self, key: &EntryKey, body: &[u8]) -> Self {
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
    #[error(
        "entry {sequence} has format version {found}, this program reads {ENTRY_VERSION}; use the adsum that wrote it"
    )]
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

/// Packs one commit's `events`, the first at `first`, into entries, and moves `chain` on.
///
/// # Panics
/// If an event is larger than 65,535 parts, which the limits on bodies and documents rule out.
pub fn pack(chain: &mut Chain, first: Sequence, at: Timestamp, events: &[Event]) -> Vec<Entry> {
    let mut packer = Packer { chain, at, entries: Vec::new(), open: None };
    for (offset, event) in events.iter().enumerate() {
        let bytes =
            postcard::to_stdvec(event).expect("events hold no type that postcard cannot write");
        packer.push(first.plus(offset as u64), &bytes);
    }
    packer.close();
    packer.entries
}

struct Packer<'a> {
    chain: &'a mut Chain,
    at: Timestamp,
    entries: Vec<Entry>,
    open: Option<Open>,
}

/// An entry of whole events that still has room.
struct Open {
    first: Sequence,
    count: u16,
    rest: Vec<u8>,
}

impl Packer<'_> {
    fn push(&mut self, sequence: Sequence, event: &[u8]) {
        let room = ENTRY_BYTES_MAX - HEADER_BYTES - WHOLE_BYTES;
        if event.len() + LENGTH_BYTES > room {
            self.close();
            return self.push_parts(sequence, event);
        }
        let full = |open: &Open| open.rest.len() + event.len() + LENGTH_BYTES > room;
        if self.open.as_ref().is_some_and(full) {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            first: sequence,
            count: 0,
            rest: Vec::with_capacity(room),
        });
        open.count += 1;
        open.rest.extend_from_slice(&length_of(event).to_le_bytes());
        open.rest.extend_from_slice(event);
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let mut body = Vec::with_capacity(WHOLE_BYTES + open.rest.len());
        body.push(KIND_WHOLE);
        body.extend_from_slice(&self.at.as_ms().to_le_bytes());
        body.extend_from_slice(&open.count.to_le_bytes());
        body.extend_from_slice(&open.rest);
        self.finish(EntryKey { sequence: open.first, part: 0 }, &body);
    }

    fn push_parts(&mut self, sequence: Sequence, event: &[u8]) {
        let parts =
            u16::try_from(event.len().div_ceil(CHUNK_BYTES_MAX)).expect("limits keep events small");
        for (part, chunk) in (0..parts).zip(event.chunks(CHUNK_BYTES_MAX)) {
            let mut body = Vec::with_capacity(PART_BYTES + chunk.len());
            body.push(KIND_PART);
            body.extend_from_slice(&self.at.as_ms().to_le_bytes());
            body.extend_from_slice(&part.to_le_bytes());
            body.extend_from_slice(&parts.to_le_bytes());
            body.extend_from_slice(chunk);
            self.finish(EntryKey { sequence, part }, &body);
        }
    }

    fn finish(&mut self, key: EntryKey, body: &[u8]) {
        *self.chain = self.chain.extended(&key, body);
        let mut value = Vec::with_capacity(HEADER_BYTES + body.len());
        value.push(ENTRY_VERSION);
        value.extend_from_slice(&[0; 4]);
        value.extend_from_slice(&self.chain.0);
        value.extend_from_slice(body);
        let checksum = crc32fast::hash(&value[5..]);
        value[1..5].copy_from_slice(&checksum.to_le_bytes());
        assert!(value.len() <= ENTRY_BYTES_MAX, "an entry of {} bytes was packed", value.len());
        self.entries.push(Entry { key, value });
    }
}

fn length_of(event: &[u8]) -> u32 {
    u32::try_from(event.len()).expect("an event that fits an entry has a small length")
}

/// Puts entries, given in order of their keys, back together into events.
///
/// Started with [`Assembler::verifying`], it also follows the chain and the sequence, which is what a walk over the
/// whole log does; started with [`Assembler::reading`], it checks each entry by itself.
#[derive(Debug)]
pub struct Assembler {
    chain: Option<Chain>,
    expected: Option<Sequence>,
    parts: Option<Parts>,
}

#[derive(Debug)]
struct Parts {
    sequence: Sequence,
    at: Timestamp,
    next: u16,
    count: u16,
    bytes: Vec<u8>,
}

struct Fields<'a> {
    chain: Chain,
    body: &'a [u8],
}

impl Assembler {
    /// Follows chain and sequence from `chain`, the first event being `first`.
    pub fn verifying(chain: Chain, first: Sequence) -> Self {
        Self { chain: Some(chain), expected: Some(first), parts: None }
    }

    /// Checks each entry by itself, starting anywhere at the first part of an entry.
    pub fn reading() -> Self {
        Self { chain: None, expected: None, parts: None }
    }

    /// The chain after the last entry, if it is followed.
    pub fn chain(&self) -> Option<Chain> {
        self.chain
    }

    /// Takes the next entry and appends the events that it completes to `events`.
    ///
    /// # Errors
    /// [`EntryFault`] with the position; the assembler is of no use afterwards.
    pub fn push(
        &mut self,
        key: &[u8],
        value: &[u8],
        events: &mut Vec<Recorded>,
    ) -> Result<(), EntryFault> {
        let key = EntryKey::from_bytes(key)?;
        let fields = open(key, value)?;
        self.follow(key, &fields)?;
        self.unpack(key, fields.body, events)
    }

    /// Whether the last entry completed its event.
    ///
    /// # Errors
    /// [`EntryFault::Parts`] if parts are missing.
    pub fn finish(&self) -> Result<(), EntryFault> {
        match &self.parts {
            Some(parts) => Err(EntryFault::Parts { sequence: parts.sequence }),
            None => Ok(()),
        }
    }

    fn follow(&mut self, key: EntryKey, fields: &Fields<'_>) -> Result<(), EntryFault> {
        if let Some(expected) = self.expected.filter(|expected| *expected != key.sequence) {
            return Err(EntryFault::Gap { found: key.sequence, expected });
        }
        if let Some(chain) = self.chain {
            let found = chain.extended(&key, fields.body);
            if found != fields.chain {
                return Err(EntryFault::Chain {
                    sequence: key.sequence,
                    found,
                    expected: fields.chain,
                });
            }
            self.chain = Some(found);
        }
        Ok(())
    }

    fn unpack(
        &mut self,
        key: EntryKey,
        body: &[u8],
        events: &mut Vec<Recorded>,
    ) -> Result<(), EntryFault> {
        let mut cursor = Cursor { sequence: key.sequence, rest: body };
        let kind = cursor.take::<1>()?[0];
        let at = Timestamp::from_ms(u64::from_le_bytes(cursor.take()?));
        let out_of_place = kind == KIND_WHOLE && (self.parts.is_some() || key.part > 0);
        if out_of_place || kind > KIND_PART {
            return Err(EntryFault::Parts { sequence: key.sequence });
        }
        let before = events.len();
        if kind == KIND_WHOLE {
            unpack_whole(&mut cursor, at, events)?;
        } else {
            self.unpack_part(key, at, &mut cursor, events)?;
        }
        if let Some(expected) = &mut self.expected {
            *expected = expected.plus((events.len() - before) as u64);
        }
        Ok(())
    }

    fn unpack_part(
        &mut self,
        key: EntryKey,
        at: Timestamp,
        cursor: &mut Cursor<'_>,
        events: &mut Vec<Recorded>,
    ) -> Result<(), EntryFault> {
        let fault = EntryFault::Parts { sequence: key.sequence };
        let part = u16::from_le_bytes(cursor.take()?);
        let count = u16::from_le_bytes(cursor.take()?);
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => Parts { sequence: key.sequence, at, next: 0, count, bytes: Vec::new() },
        };
        let fits = parts.sequence == key.sequence && parts.at == at && parts.count == count;
        let last = key.sequence.get() == u64::MAX;
        if last || !fits || part != parts.next || part != key.part || part >= count {
            return Err(fault);
        }
        parts.bytes.extend_from_slice(cursor.rest);
        parts.next += 1;
        if parts.next == count {
            events.push(Recorded {
                sequence: key.sequence,
                at,
                event: decode(key.sequence, &parts.bytes)?,
            });
        } else {
            self.parts = Some(parts);
        }
        Ok(())
    }
}

fn unpack_whole(
    cursor: &mut Cursor<'_>,
    at: Timestamp,
    events: &mut Vec<Recorded>,
) -> Result<(), EntryFault> {
    let count = u16::from_le_bytes(cursor.take()?);
    let first = cursor.sequence;
    if count == 0 || first.get().checked_add(u64::from(count)).is_none() {
        let reason = format!("an entry cannot hold {count} events here");
        return Err(EntryFault::Event { sequence: first, reason });
    }
    for offset in 0..count {
        let sequence = first.plus(u64::from(offset));
        let length = u32::from_le_bytes(cursor.take()?) as usize;
        let bytes = cursor.take_slice(length)?;
        events.push(Recorded { sequence, at, event: decode(sequence, bytes)? });
    }
    if !cursor.rest.is_empty() {
        return Err(EntryFault::Event {
            sequence: first,
            reason: "bytes are left over behind it".into(),
        });
    }
    Ok(())
}

/// Splits an entry into its fields and checks version and checksum.
fn open(key: EntryKey, value: &[u8]) -> Result<Fields<'_>, EntryFault> {
    let sequence = key.sequence;
    let mut cursor = Cursor { sequence, rest: value };
    let version = cursor.take::<1>()?[0];
    if version != ENTRY_VERSION {
        return Err(EntryFault::Version { sequence, found: version });
    }
    let expected = u32::from_le_bytes(cursor.take()?);
    let found = crc32fast::hash(cursor.rest);
    if found != expected {
        return Err(EntryFault::Checksum { sequence, found, expected });
    }
    let chain = Chain(cursor.take()?);
    Ok(Fields { chain, body: cursor.rest })
}

/// Reads the chain an entry carries, after checking the entry by itself.
pub(crate) fn chain_of(key: &[u8], value: &[u8]) -> Result<Chain, EntryFault> {
    open(EntryKey::from_bytes(key)?, value).map(|fields| fields.chain)
}

fn decode(sequence: Sequence, bytes: &[u8]) -> Result<Event, EntryFault> {
    let fault = |reason: String| EntryFault::Event { sequence, reason };
    let (event, rest) =
        postcard::take_from_bytes(bytes).map_err(|error| fault(error.to_string()))?;
    if rest.is_empty() { Ok(event) } else { Err(fault("bytes are left over behind it".into())) }
}

struct Cursor<'a> {
    sequence: Sequence,
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], EntryFault> {
        let slice = self.take_slice(N)?;
        Ok(slice.try_into().expect("the slice has the length asked for"))
    }

    fn take_slice(&mut self, length: usize) -> Result<&'a [u8], EntryFault> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            return Err(EntryFault::Short {
                sequence: self.sequence,
                found: self.rest.len(),
                expected: length,
            });
        };
        self.rest = rest;
        Ok(taken)
    }
}
