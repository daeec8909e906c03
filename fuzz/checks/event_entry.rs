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
    let mut reading = [
        Assembler::reading(),
        Assembler::reading(),
        Assembler::verifying(Chain::START, Sequence::new(1)),
    ];
    let mut rest = input;
    while let Some((key, value)) = next_entry(&mut rest) {
        let mended = mended(value);
        let values = [value, &mended, &mended];
        let mut still_good = false;
        for (assembler, value) in reading.iter_mut().zip(values) {
            let mut events = Vec::new();
            still_good |= assembler.push(key, value, &mut events).is_ok();
            events.iter().for_each(check_stored_again);
        }
        if !still_good {
            return;
        }
    }
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

/// The checksum of zlib, bit by bit: the inputs are small, and a second one shows that the first is what it says.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}
