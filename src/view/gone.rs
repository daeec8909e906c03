//! Rows of an inbox that lie elsewhere: what is known of those of each chunk.
//!
//! They are rows of what is gone, and of messages and receipts that some device has taken and that do not run out by themselves.
//! Must never hold: where they lie.

use serde::{Deserialize, Serialize};

use crate::model::{InboxSequence, Timestamp};

/// Rows in one chunk: a few kilobytes, so that a new message costs little to save.
pub(super) const CHUNK_ROWS: u64 = 64;

/// The chunk a message's row is saved in.
pub(super) fn chunk_of(sequence: InboxSequence) -> u64 {
    sequence.get() / CHUNK_ROWS
}

/// Chunks that are told of in one record.
const GROUP_CHUNKS: u64 = 64;

/// The record that tells of a chunk.
pub(super) fn group_of(chunk: u64) -> u64 {
    chunk / GROUP_CHUNKS
}

/// The chunks that are told of in one record.
pub(super) fn chunks_of(group: u64) -> core::ops::Range<u64> {
    group * GROUP_CHUNKS..(group + 1) * GROUP_CHUNKS
}

fn place(chunk: u64, bit: u32) -> InboxSequence {
    InboxSequence::new(chunk * CHUNK_ROWS + u64::from(bit))
}

/// The place in its chunk, as a bit.
pub(super) fn bit_of(sequence: InboxSequence) -> u64 {
    1 << (sequence.get() % CHUNK_ROWS)
}

/// What is known of the rows of a chunk that lie elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gone {
    chunk: u32,
    /// How many seconds before the last of them the first was accepted, or a little more.
    span: u32,
    /// Those of them of what is there: a bit for each place of the chunk.
    pub(super) kept: u64,
    /// When the last of them was accepted.
    pub(super) until: Timestamp,
}

/// There is one for every 64 messages that were ever read.
const _: () = assert!(size_of::<Gone>() == 24);

impl Gone {
    /// Of rows that are given in order with their time and whether what they are of is there.
    pub(super) fn of(
        chunk: u64,
        rows: impl IntoIterator<Item = (InboxSequence, Timestamp, bool)>,
    ) -> Option<Self> {
        let chunk = u32::try_from(chunk).expect("nobody ever gets 2^38 messages");
        let (mut kept, mut times) = (0, None);
        for (sequence, at, is_kept) in rows {
            kept |= if is_kept { bit_of(sequence) } else { 0 };
            times = Some((times.map_or(at, |(first, _)| first), at));
        }
        times.map(|(first, until): (Timestamp, Timestamp)| {
            let span = first.until(until).as_ms().div_ceil(1_000);
            Self { chunk, span: u32::try_from(span).unwrap_or(u32::MAX), kept, until }
        })
    }

    /// The chunk.
    pub(super) fn chunk(&self) -> u64 {
        self.chunk.into()
    }

    /// No row was accepted before.
    pub(super) fn since(&self) -> Timestamp {
        let before = u64::from(self.span).saturating_mul(1_000);
        Timestamp::from_ms(self.until.as_ms().saturating_sub(before))
    }

    /// Whether what the row of `sequence`, which lies elsewhere, is of is there.
    pub(super) fn is_kept(&self, sequence: InboxSequence) -> bool {
        self.kept & bit_of(sequence) != 0
    }

    /// The places of what is there, in order.
    pub(super) fn places(self) -> impl Iterator<Item = InboxSequence> {
        let bits = (0..u64::BITS).filter(move |bit| self.kept & (1 << bit) != 0);
        bits.map(move |bit| place(self.chunk(), bit))
    }

    /// As it is without the places up to `after`.
    fn behind(self, after: InboxSequence) -> Self {
        let kept = match chunk_of(after).cmp(&self.chunk()) {
            core::cmp::Ordering::Less => self.kept,
            core::cmp::Ordering::Equal => self.kept & !(bit_of(after) | (bit_of(after) - 1)),
            core::cmp::Ordering::Greater => 0,
        };
        Self { kept, ..self }
    }
}

/// What is known of all chunks of an inbox of which rows lie elsewhere, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct GoneChunks {
    chunks: Vec<Gone>,
    kept: u64,
}

impl GoneChunks {
    fn index(&self, chunk: u64) -> Result<usize, usize> {
        self.chunks.binary_search_by_key(&chunk, Gone::chunk)
    }

    pub(super) fn get(&self, chunk: u64) -> Option<&Gone> {
        self.chunks.get(self.index(chunk).ok()?)
    }

    /// How much is there of which the rows lie elsewhere.
    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    pub(super) fn insert(&mut self, gone: Gone) {
        self.remove(gone.chunk());
        self.kept += u64::from(gone.kept.count_ones());
        match self.index(gone.chunk()) {
            Ok(index) => self.chunks[index] = gone,
            Err(index) => {
                // There are many inboxes, and few chunks come at a time: no more room than a part of what there is.
                if self.chunks.len() == self.chunks.capacity() {
                    self.chunks.reserve_exact(self.chunks.len() / 16 + 1);
                }
                self.chunks.insert(index, gone);
            }
        }
    }

    pub(super) fn remove(&mut self, chunk: u64) -> Option<Gone> {
        let gone = self.index(chunk).ok().map(|index| self.chunks.remove(index))?;
        self.kept -= u64::from(gone.kept.count_ones());
        Some(gone)
    }

    /// What the row of `sequence` is of has ended; false if it was not there, or the row does not lie elsewhere.
    pub(super) fn end(&mut self, sequence: InboxSequence) -> bool {
        let Ok(index) = self.index(chunk_of(sequence)) else { return false };
        let gone = &mut self.chunks[index];
        let was_kept = gone.is_kept(sequence);
        gone.kept &= !bit_of(sequence);
        self.kept -= u64::from(was_kept);
        was_kept
    }

    /// Those with anything of what is there behind `after`, without what is before.
    pub(super) fn behind(&self, after: InboxSequence) -> impl Iterator<Item = Gone> {
        let from = self.index(chunk_of(after)).unwrap_or_else(|index| index);
        let chunks = self.chunks[from..].iter().map(move |gone| gone.behind(after));
        chunks.filter(|gone| gone.kept != 0)
    }

    /// The first place behind `after` of what is there.
    pub(super) fn first_behind(&self, after: InboxSequence) -> Option<InboxSequence> {
        self.behind(after).next().and_then(|gone| gone.places().next())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Gone> {
        self.chunks.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known of rows in these places, all of what is there.
    fn gone(places: &[u64]) -> Gone {
        let rows = places
            .iter()
            .map(|place| (InboxSequence::new(*place), Timestamp::from_ms(*place), true));
        Gone::of(places[0] / CHUNK_ROWS, rows).unwrap()
    }

    #[test]
    fn what_is_there_behind_a_place_is_told_in_order_and_counted_once() {
        let (mut chunks, all) = (GoneChunks::default(), [1, 63, 128, 129, 191]);
        // In any order, and once more.
        for places in [&all[2..], &all[..2], &all[2..]] {
            chunks.insert(gone(places));
        }
        for after in 0..=200 {
            let behind = chunks.behind(InboxSequence::new(after));
            let found: Vec<u64> = behind.flat_map(Gone::places).map(InboxSequence::get).collect();
            let expected: Vec<u64> = all.into_iter().filter(|place| *place > after).collect();
            assert_eq!(found, expected, "{after}");
            let first = chunks.first_behind(InboxSequence::new(after));
            assert_eq!(first.map(InboxSequence::get), expected.first().copied());
        }
        assert_eq!(chunks.kept(), 5);
        assert!(chunks.end(InboxSequence::new(129)) && !chunks.end(InboxSequence::new(129)));
        assert!(!chunks.end(InboxSequence::new(2)) && !chunks.end(InboxSequence::new(64)));
        assert_eq!(chunks.kept(), 4);
        assert!(chunks.remove(2).is_some() && chunks.remove(1).is_none());
        assert_eq!(chunks.kept(), 2);
    }
}
