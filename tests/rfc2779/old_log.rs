//! A log as the first version of its format has it, from a file that is never written again.
//!
//! Must never hold: a way to write it.

use adsum::event::{Assembler, Chain, Event};
use adsum::model::Sequence;
use data_encoding::HEXLOWER;

/// The bodies of the messages in the log of the first format, read by this version with its chain followed.
pub fn messages() -> Vec<Vec<u8>> {
    let text = include_str!("../golden/log/format-1.hex");
    let mut assembler = Assembler::verifying(Chain::START, Sequence::new(1));
    let mut events = Vec::new();
    for section in text.split('[').skip(1) {
        let (key, value) = section.split_once(']').unwrap();
        let value: String = value.split_whitespace().collect();
        let (key, value) = (HEXLOWER.decode(key.as_bytes()), HEXLOWER.decode(value.as_bytes()));
        assembler.push(&key.unwrap(), &value.unwrap(), &mut events).unwrap();
    }
    assembler.finish().unwrap();
    let bodies = events.into_iter().filter_map(|recorded| match recorded.event {
        Event::MessageAccepted(message) => message.body.bytes().map(|body| body.to_vec()),
        _ => None,
    });
    bodies.collect()
}
