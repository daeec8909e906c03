//! Reads entries: puts them back together into events, and checks them as it goes.
//!
//! Must never hold: a way round an entry that is damaged or missing.

use super::entry::{
    Chain, ENTRY_VERSION, EntryFault, EntryKey, KIND_AHEAD, KIND_PART, KIND_PART_MS, KIND_WHOLE,
    KIND_WHOLE_MS,
};
use super::{Event, Recorded};
use crate::model::{Ahead, Moment, Sequence, Timestamp};

/// Puts entries, given in order of their keys, back together into events.
///
/// Started with [`Assembler::verifying`], it also follows the chain and the sequence, which is what a walk over the
/// whole log does; started with [`Assembler::reading`], it checks each entry by itself; with
/// [`Assembler::reading_between`], it leaves the events undecoded that nobody asked for.
#[derive(Debug)]
pub struct Assembler {
    chain: Option<Chain>,
    expected: Option<Sequence>,
    parts: Option<Parts>,
    /// The first and the last event that is decoded.
    asked: (Sequence, Sequence),
    /// The first event that is not complete.
    next: Sequence,
}

#[derive(Debug)]
struct Parts {
    sequence: Sequence,
    kind: u8,
    ahead: Ahead,
    at: Moment,
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
        Self { chain: Some(chain), expected: Some(first), ..Self::reading() }
    }

    /// Checks each entry by itself, starting anywhere at the first part of an entry.
    pub fn reading() -> Self {
        Self::reading_between(Sequence::ZERO, Sequence::new(u64::MAX))
    }

    /// As [`Assembler::reading`], of the events of an entry only those from `first` to `last`. The others are covered by the
    /// entry's checksum and not looked at.
    pub fn reading_between(first: Sequence, last: Sequence) -> Self {
        let (asked, next) = ((first, last), Sequence::ZERO);
        Self { chain: None, expected: None, parts: None, asked, next }
    }

    /// The event that follows those of the last entry, or that its last part is of if more parts follow.
    pub fn next(&self) -> Sequence {
        self.next
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
        let mut kind = cursor.take::<1>()?[0];
        let mut ahead = Ahead::ZERO;
        if kind == KIND_AHEAD {
            ahead = Ahead::from_ms(i64::from_le_bytes(cursor.take()?));
            kind = cursor.take::<1>()?[0];
            if !matches!(kind, KIND_WHOLE | KIND_PART) {
                return Err(EntryFault::Parts { sequence: key.sequence });
            }
        }
        let whole = matches!(kind, KIND_WHOLE | KIND_WHOLE_MS);
        let out_of_place = whole && (self.parts.is_some() || key.part > 0);
        if out_of_place || !whole && !matches!(kind, KIND_PART | KIND_PART_MS) {
            return Err(EntryFault::Parts { sequence: key.sequence });
        }
        let before = events.len();
        self.next = match kind {
            KIND_WHOLE => self.unpack_whole(&mut cursor, None, events)?,
            KIND_WHOLE_MS => {
                let commit = moment_from_ms(&mut cursor)?;
                self.unpack_whole(&mut cursor, Some(commit), events)?
            }
            _ => self.unpack_part(key, (kind, ahead), &mut cursor, events)?,
        };
        events[before..].iter_mut().for_each(|recorded| recorded.ahead = ahead);
        self.expected = self.expected.map(|_| self.next);
        Ok(())
    }

    fn is_asked(&self, sequence: Sequence) -> bool {
        (self.asked.0..=self.asked.1).contains(&sequence)
    }

    /// Takes whole events, each behind its own moment, or counted from `commit` if their commit had one time. Returns which
    /// one follows.
    fn unpack_whole(
        &self,
        cursor: &mut Cursor<'_>,
        commit: Option<Moment>,
        events: &mut Vec<Recorded>,
    ) -> Result<Sequence, EntryFault> {
        let count = u16::from_le_bytes(cursor.take()?);
        let first = cursor.sequence;
        if count == 0 || first.get().checked_add(u64::from(count)).is_none() {
            let reason = format!("an entry cannot hold {count} events here");
            return Err(EntryFault::Event { sequence: first, reason });
        }
        for offset in 0..count {
            let sequence = first.plus(u64::from(offset));
            let at = match commit {
                Some(commit) => Moment::from_us(commit.as_us().saturating_add(u64::from(offset))),
                None => moment(cursor)?,
            };
            let length = u32::from_le_bytes(cursor.take()?) as usize;
            let bytes = cursor.take_slice(length)?;
            if self.is_asked(sequence) {
                let (ahead, event) = (Ahead::ZERO, decode(sequence, bytes)?);
                events.push(Recorded { sequence, at, ahead, event });
            }
        }
        if !cursor.rest.is_empty() {
            let reason = "bytes are left over behind it".into();
            return Err(EntryFault::Event { sequence: first, reason });
        }
        Ok(first.plus(u64::from(count)))
    }

    fn unpack_part(
        &mut self,
        key: EntryKey,
        (kind, ahead): (u8, Ahead),
        cursor: &mut Cursor<'_>,
        events: &mut Vec<Recorded>,
    ) -> Result<Sequence, EntryFault> {
        let fault = EntryFault::Parts { sequence: key.sequence };
        let at = if kind == KIND_PART { moment(cursor)? } else { moment_from_ms(cursor)? };
        let part = u16::from_le_bytes(cursor.take()?);
        let count = u16::from_le_bytes(cursor.take()?);
        let mut parts = self.parts.take().unwrap_or_else(|| {
            let (sequence, bytes) = (key.sequence, Vec::new());
            Parts { sequence, kind, ahead, at, next: 0, count, bytes }
        });
        let one = (parts.sequence, parts.kind, parts.ahead, parts.at, parts.count);
        let fits = one == (key.sequence, kind, ahead, at, count);
        let last = key.sequence.get() == u64::MAX;
        if last || !fits || part != parts.next || part != key.part || part >= count {
            return Err(fault);
        }
        parts.bytes.extend_from_slice(cursor.rest);
        parts.next += 1;
        if parts.next < count {
            self.parts = Some(parts);
            return Ok(key.sequence);
        }
        if self.is_asked(key.sequence) {
            let (sequence, event) = (key.sequence, decode(key.sequence, &parts.bytes)?);
            events.push(Recorded { sequence, at, ahead, event });
        }
        Ok(key.sequence.next())
    }
}

fn moment(cursor: &mut Cursor<'_>) -> Result<Moment, EntryFault> {
    Ok(Moment::from_us(u64::from_le_bytes(cursor.take()?)))
}

fn moment_from_ms(cursor: &mut Cursor<'_>) -> Result<Moment, EntryFault> {
    Ok(Moment::of(Timestamp::from_ms(u64::from_le_bytes(cursor.take()?))))
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
///
/// # Errors
/// [`EntryFault`] if the key or the entry is not one that was written whole.
pub fn chain_of(key: &[u8], value: &[u8]) -> Result<Chain, EntryFault> {
    open(EntryKey::from_bytes(key)?, value).map(|fields| fields.chain)
}

/// Whether an entry follows from the entries that lead to `chain`.
pub fn follows(chain: Chain, key: EntryKey, value: &[u8]) -> bool {
    open(key, value).is_ok_and(|fields| chain.extended(&key, fields.body) == fields.chain)
}

/// The key of the entry that comes after this one.
///
/// # Errors
/// [`EntryFault`] if the entry is not one that was written whole.
pub fn key_after(key: EntryKey, value: &[u8]) -> Result<EntryKey, EntryFault> {
    let mut cursor = Cursor { sequence: key.sequence, rest: open(key, value)?.body };
    let mut kind = cursor.take::<1>()?[0];
    if kind == KIND_AHEAD {
        cursor.take::<8>()?;
        kind = cursor.take::<1>()?[0];
    }
    if kind != KIND_WHOLE {
        cursor.take::<8>()?;
    }
    let mut number = || Ok(u16::from_le_bytes(cursor.take()?));
    let behind = |events: u16| EntryKey { sequence: key.sequence.plus(events.into()), part: 0 };
    match kind {
        KIND_WHOLE | KIND_WHOLE_MS => Ok(behind(number()?)),
        KIND_PART | KIND_PART_MS => {
            let (part, parts) = (number()?, number()?);
            let is_last = part.checked_add(1).is_none_or(|next| next >= parts);
            Ok(if is_last { behind(1) } else { EntryKey { part: part + 1, ..key } })
        }
        _ => Err(EntryFault::Parts { sequence: key.sequence }),
    }
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
