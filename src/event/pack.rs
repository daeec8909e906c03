//! Writes entries: a commit's events, as many to an entry as fit.
//!
//! Must never hold: a kind of body that is only read.

use core::borrow::Borrow;

use postcard::ser_flavors::Flavor;

use super::Event;
use super::entry::{
    Chain, ENTRY_BYTES_MAX, ENTRY_VERSION, Entry, EntryKey, HEADER_BYTES, KIND_AHEAD, KIND_PART,
    KIND_WHOLE,
};
use crate::model::{Ahead, Moment, Sequence};

const PART_BYTES: usize = 1 + 8 + 2 + 2;
/// Before each of several events: its moment and its length.
const EVENT_BYTES: usize = 8 + 4;
/// What room is made for before it is known how large an event is.
const EVENT_BYTES_USUAL: usize = 512;

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
    let mut head = vec![0; HEADER_BYTES];
    if ahead != Ahead::ZERO {
        head.push(KIND_AHEAD);
        head.extend_from_slice(&ahead.as_ms().to_le_bytes());
    }
    let mut packer = Packer { chain, head, entries: Vec::new(), open: None, left: events.len() };
    for (offset, (at, event)) in events.iter().enumerate() {
        packer.push(first.plus(offset as u64), *at, event.borrow());
    }
    packer.close();
    packer.entries
}

struct Packer<'a> {
    chain: &'a mut Chain,
    /// Begins every value: room for what stands before the body, and what begins every body.
    head: Vec<u8>,
    entries: Vec<Entry>,
    open: Option<Open>,
    /// How many events are not in a closed entry yet.
    left: usize,
}

/// An entry of whole events that still has room.
struct Open {
    first: Sequence,
    count: u16,
    value: Vec<u8>,
}

impl Packer<'_> {
    fn push(&mut self, sequence: Sequence, at: Moment, event: &Event) {
        let mut open = self.open.take().unwrap_or_else(|| self.opened(sequence));
        let before = open.value.len();
        write_event(&mut open.value, at, event);
        if open.value.len() <= ENTRY_BYTES_MAX {
            open.count += 1;
            self.open = Some(open);
            return;
        }
        let bytes = open.value.split_off(before);
        self.open = (open.count > 0).then_some(open);
        self.close();
        self.push_apart(sequence, at, &bytes);
    }

    /// As [`Packer::push`], of an event that is the first of its entry, or has entries of its own.
    fn push_apart(&mut self, sequence: Sequence, at: Moment, bytes: &[u8]) {
        let mut open = self.opened(sequence);
        if open.value.len() + bytes.len() > ENTRY_BYTES_MAX {
            self.left -= 1;
            return self.push_parts(sequence, at, &bytes[EVENT_BYTES..]);
        }
        open.count = 1;
        open.value.extend_from_slice(bytes);
        self.open = Some(open);
    }

    /// An entry that holds nothing yet.
    fn opened(&self, first: Sequence) -> Open {
        // What does not fit is written behind it first.
        let bytes = ENTRY_BYTES_MAX + EVENT_BYTES_USUAL;
        let mut value = Vec::with_capacity(bytes.min(self.left * EVENT_BYTES_USUAL));
        value.extend_from_slice(&self.head);
        value.push(KIND_WHOLE);
        value.extend_from_slice(&[0; size_of::<u16>()]);
        Open { first, count: 0, value }
    }

    fn close(&mut self) {
        let Some(Open { first, count, mut value }) = self.open.take() else { return };
        let place = self.head.len() + 1;
        value[place..place + size_of::<u16>()].copy_from_slice(&count.to_le_bytes());
        self.left -= usize::from(count);
        self.finish(EntryKey { sequence: first, part: 0 }, value);
    }

    fn push_parts(&mut self, sequence: Sequence, at: Moment, event: &[u8]) {
        let most = ENTRY_BYTES_MAX - self.head.len() - PART_BYTES;
        let parts = u16::try_from(event.len().div_ceil(most)).expect("limits keep events small");
        for (part, chunk) in (0..parts).zip(event.chunks(most)) {
            let mut value = Vec::with_capacity(self.head.len() + PART_BYTES + chunk.len());
            value.extend_from_slice(&self.head);
            value.push(KIND_PART);
            value.extend_from_slice(&at.as_us().to_le_bytes());
            value.extend_from_slice(&part.to_le_bytes());
            value.extend_from_slice(&parts.to_le_bytes());
            value.extend_from_slice(chunk);
            self.finish(EntryKey { sequence, part }, value);
        }
    }

    /// Writes what stands before the body of `value`.
    fn finish(&mut self, key: EntryKey, mut value: Vec<u8>) {
        *self.chain = self.chain.extended(&key, &value[HEADER_BYTES..]);
        value[0] = ENTRY_VERSION;
        value[5..HEADER_BYTES].copy_from_slice(&self.chain.0);
        let checksum = crc32fast::hash(&value[5..]);
        value[1..5].copy_from_slice(&checksum.to_le_bytes());
        assert!(value.len() <= ENTRY_BYTES_MAX, "an entry of {} bytes was packed", value.len());
        self.entries.push(Entry { key, value });
    }
}

/// Appends an event behind its moment and its length.
fn write_event(out: &mut Vec<u8>, at: Moment, event: &Event) {
    out.extend_from_slice(&at.as_us().to_le_bytes());
    let place = out.len();
    out.extend_from_slice(&[0; size_of::<u32>()]);
    postcard::serialize_with_flavor(event, Behind(out))
        .expect("events hold no type that postcard cannot write");
    let length = length_of(&out[place + size_of::<u32>()..]);
    out[place..place + size_of::<u32>()].copy_from_slice(&length.to_le_bytes());
}

/// Has postcard write behind what is there.
struct Behind<'a>(&'a mut Vec<u8>);

impl Flavor for Behind<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

fn length_of(event: &[u8]) -> u32 {
    u32::try_from(event.len()).expect("an event that fits an entry has a small length")
}
