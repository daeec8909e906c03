//! The frame decoder against a second one that sees the whole stream at once.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::model::limits::FRAME_BYTES_MAX;
use adsum::wire::{Decoder, FrameFault};

/// What is left of a stream at its end.
#[derive(Debug, PartialEq)]
enum End {
    Whole,
    Inside,
    TooLarge,
    TooSmall,
}

/// The first byte says in what pieces the rest, a stream of frames, arrives. The frames must not depend on that.
pub(crate) fn check(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else { return };
    let found = by_decoder(stream, usize::from(*piece) + 1);
    assert_eq!(found, by_hand(stream));
}

fn by_decoder(stream: &[u8], piece: usize) -> (Vec<(u16, Vec<u8>)>, End) {
    let mut decoder = Decoder::default();
    let mut frames = Vec::new();
    for bytes in stream.chunks(piece) {
        decoder.push(bytes);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => frames.push((frame.kind, frame.body.to_vec())),
                Ok(None) => break,
                Err(FrameFault::TooLarge { .. }) => return (frames, End::TooLarge),
                Err(_) => return (frames, End::TooSmall),
            }
        }
    }
    let end = if decoder.finish().is_ok() { End::Whole } else { End::Inside };
    (frames, end)
}

fn by_hand(mut stream: &[u8]) -> (Vec<(u16, Vec<u8>)>, End) {
    let mut frames = Vec::new();
    while let Some((prefix, rest)) = stream.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*prefix) as usize;
        if length > FRAME_BYTES_MAX {
            return (frames, End::TooLarge);
        }
        if length < 2 {
            return (frames, End::TooSmall);
        }
        let Some((frame, rest)) = rest.split_at_checked(length) else { break };
        frames.push((u16::from_be_bytes([frame[0], frame[1]]), frame[2..].to_vec()));
        stream = rest;
    }
    (frames, if stream.is_empty() { End::Whole } else { End::Inside })
}
