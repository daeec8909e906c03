//! Writes entries: a commit's events, as many to an entry as fit.
//!
//! Must never hold: a kind of body that is only read.

use core::borrow::Borrow;

use super::Event;
use super::entry::{
    Chain, ENTRY_BYTES_MAX, ENTRY_VERSION, Entry, EntryKey, HEADER_BYTES, KIND_AHEAD, KIND_PART,
    KIND_WHOLE,
};
use crate::model::{Ahead, Moment, Sequence};

const WHOLE_BYTES: usize = 1 + 2;
const PART_BYTES: usize = 1 + 8 + 2 + 2;
/// Before each of several events: its moment and its length.
const EVENT_BYTES: usize = 8 + 4;

/// Packs one commit's `events`, the first at `first`, into entries, and moves `chain` on. The wall clock was `ahead`.
///
/// # Panics
/// If an event is larger than 65,535 parts, which the limits on bodies and documents rule out.
pub fn pack<E: Borrow<Event>>(
    chain: &mut Chain,
    first: Sequence,
    ahead: Ahead,
    events: &[(Moment, E)],
) -> Vec<Entry> {
    let mut prefix = Vec::new();
    if ahead != Ahead::ZERO {
        prefix.push(KIND_AHEAD);
        prefix.extend_from_slice(&ahead.as_ms().to_le_bytes());
    }
    let mut packer = Packer { chain, prefix, entries: Vec::new(), open: None };
    for (offset, (at, event)) in events.iter().enumerate() {
        let bytes = postcard::to_stdvec(event.borrow())
            .expect("events hold no type that postcard cannot write");
        packer.push(first.plus(offset as u64), *at, &bytes);
    }
    packer.close();
    packer.entries
}

struct Packer<'a> {
    chain: &'a mut Chain,
    /// Begins every body.
    prefix: Vec<u8>,
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
    /// What a body has room for behind its prefix.
    fn room(&self) -> usize {
        ENTRY_BYTES_MAX - HEADER_BYTES - self.prefix.len()
    }

    fn push(&mut self, sequence: Sequence, at: Moment, event: &[u8]) {
        let room = self.room() - WHOLE_BYTES;
        if event.len() + EVENT_BYTES > room {
            self.close();
            return self.push_parts(sequence, at, event);
        }
        let full = |open: &Open| open.rest.len() + event.len() + EVENT_BYTES > room;
        if self.open.as_ref().is_some_and(full) {
            self.close();
        }
        let open = self.open.get_or_insert_with(|| Open {
            first: sequence,
            count: 0,
            rest: Vec::with_capacity(room),
        });
        open.count += 1;
        open.rest.extend_from_slice(&at.as_us().to_le_bytes());
        open.rest.extend_from_slice(&length_of(event).to_le_bytes());
        open.rest.extend_from_slice(event);
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let mut body = Vec::with_capacity(WHOLE_BYTES + open.rest.len());
        body.push(KIND_WHOLE);
        body.extend_from_slice(&open.count.to_le_bytes());
        body.extend_from_slice(&open.rest);
        self.finish(EntryKey { sequence: open.first, part: 0 }, &body);
    }

    fn push_parts(&mut self, sequence: Sequence, at: Moment, event: &[u8]) {
        let most = self.room() - PART_BYTES;
        let parts = u16::try_from(event.len().div_ceil(most)).expect("limits keep events small");
        for (part, chunk) in (0..parts).zip(event.chunks(most)) {
            let mut body = Vec::with_capacity(PART_BYTES + chunk.len());
            body.push(KIND_PART);
            body.extend_from_slice(&at.as_us().to_le_bytes());
            body.extend_from_slice(&part.to_le_bytes());
            body.extend_from_slice(&parts.to_le_bytes());
            body.extend_from_slice(chunk);
            self.finish(EntryKey { sequence, part }, &body);
        }
    }

    fn finish(&mut self, key: EntryKey, rest: &[u8]) {
        let body = [&self.prefix, rest].concat();
        *self.chain = self.chain.extended(&key, &body);
        let mut value = Vec::with_capacity(HEADER_BYTES + body.len());
        value.push(ENTRY_VERSION);
        value.extend_from_slice(&[0; 4]);
        value.extend_from_slice(&self.chain.0);
        value.extend_from_slice(&body);
        let checksum = crc32fast::hash(&value[5..]);
        value[1..5].copy_from_slice(&checksum.to_le_bytes());
        assert!(value.len() <= ENTRY_BYTES_MAX, "an entry of {} bytes was packed", value.len());
        self.entries.push(Entry { key, value });
    }
}

fn length_of(event: &[u8]) -> u32 {
    u32::try_from(event.len()).expect("an event that fits an entry has a small length")
}
