//! Whatever lies in a log, reading it ends with events or a fault, and the events it ends with can be stored again.
//!
//! Input: entries, each `key length:u8 key value length:u16le value`; what is too short is taken as far as it goes.
//! Must never hold: anything that needs more than the input.

use adsum::event::{Assembler, Chain, Recorded, pack};
use adsum::model::Sequence;

/// Reads the entries in `input` as they are, and once more with their checksums mended: without that a fuzzer would
/// see little behind the checksum.
///
/// # Panics
/// If reading crashes, or what was read does not survive being stored again.
pub(crate) fn check(input: &[u8]) {
    let (mut as_it_is, mut mending) = (Some(Assembler::reading()), Assembler::reading());
    let mut verifying = Some(Assembler::verifying(Chain::START, Sequence::new(1)));
    let mut rest = input;
    while let Some((key, value)) = next_entry(&mut rest) {
        let (mended, mut events) = (mended(value), Vec::new());
        let reads = mending.push(key, &mended, &mut events).is_ok();
        let found = pushed(&mut as_it_is, key, value);
        assert!(found.is_none() || value == mended, "a wrong checksum is taken");
        let verified = pushed(&mut verifying, key, &mended);
        for same in [found, verified].into_iter().flatten() {
            assert!(reads && same == events, "an entry reads as something else");
        }
        events.iter().for_each(check_stored_again);
        if !reads {
            return;
        }
    }
}

/// The events that an entry completes. An assembler that refused one is of no use any more.
fn pushed(assembler: &mut Option<Assembler>, key: &[u8], value: &[u8]) -> Option<Vec<Recorded>> {
    let mut events = Vec::new();
    if assembler.as_mut()?.push(key, value, &mut events).is_err() {
        *assembler = None;
        return None;
    }
    Some(events)
}

fn check_stored_again(recorded: &Recorded) {
    let (mut chain, mut events) = (Chain::START, Vec::new());
    let mut assembler = Assembler::verifying(chain, recorded.sequence);
    let event = [(recorded.at, recorded.event.clone())];
    for entry in pack(&mut chain, recorded.sequence, recorded.ahead, &event) {
        let key = entry.key.to_bytes();
        assembler.push(&key, &entry.value, &mut events).expect("what was packed is good");
    }
    assembler.finish().expect("what was packed is whole");
    assert_eq!(events, core::slice::from_ref(recorded));
    assert_eq!(assembler.chain(), Some(chain));
}

fn next_entry<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (&key_length, after) = rest.split_first()?;
    let (key, after) = after.split_at(after.len().min(key_length.into()));
    let (value_length, after) = after.split_first_chunk::<2>()?;
    let (value, after) = after.split_at(after.len().min(u16::from_le_bytes(*value_length).into()));
    *rest = after;
    Some((key, value))
}

fn mended(value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if let Some((header, rest)) = value.split_first_chunk_mut::<5>() {
        header[0] = 1;
        header[1..].copy_from_slice(&crc32(rest).to_le_bytes());
    }
    value
}

/// The checksum of zlib, by another way than the library that is checked.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(!0, step)
}

/// What each byte adds to a checksum.
const TABLE: [u32; 256] = {
    let (mut table, mut at) = ([0; 256], 0_u32);
    while at < 256 {
        let (mut crc, mut bit) = (at, 0);
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[at as usize] = crc;
        at += 1;
    }
    table
};
