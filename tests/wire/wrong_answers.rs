//! Frames that a client must not take for good.
//!
//! Must never hold: a frame for a server.

use adsum::protocol::body::{Body, KindVisitor, visit_kind};
use adsum::wire::{CloseCode as Close, Frame, decode};
use serde_json::json;

use super::wrong::{Wrong, close, wrong};
use crate::by_hand::{counted, frame as built, raw_frame, varint};

/// Frames that a client must not take: it closes with `protocol-violation`, or skips them.
pub(crate) fn to_client() -> Vec<Wrong> {
    let violation = || close(Close::ProtocolViolation);
    let client = |name, state, bytes: &[u8], expect| Wrong {
        to: "client",
        ..wrong(state, name, bytes, expect)
    };
    let published = built(0x0110, &[varint(77), vec![9; 16], varint(1_000), varint(0)]);
    let ended = |tail: &[u8]| raw_frame(0x0110, &[&published[6..], tail].concat());
    vec![
        client(
            "an answer that is cut",
            "control",
            &raw_frame(0x0110, &published[6..published.len() - 1]),
            violation(),
        ),
        client("bytes behind ext", "control", &ended(b"more"), violation()),
        client("a length over the limit", "control", &[0, 1, 0x10, 1], violation()),
        client("a length under 2", "control", &[0, 0, 0, 1], violation()),
        client("an unknown kind", "control", &raw_frame(0x01f0, &[77]), violation()),
        client(
            "a kind that is skipped",
            "control",
            &raw_frame(0x8abc, b"later"),
            json!({"skipped": true}),
        ),
        client(
            "text that is not UTF-8",
            "control",
            &built(0x01ff, &[varint(77), varint(6), counted(b"\xff"), vec![0], varint(0)]),
            violation(),
        ),
        client("an answer to a request that was not made", "control", &published, violation()),
        client(
            "an unknown addition",
            "control",
            &built(0x0112, &[varint(77), varint(1), varint(9), counted(b"?")]),
            json!({"decodes": true}),
        ),
        client(
            "an event whose number does not follow",
            "fed",
            &raw_frame(0x0131, &encoded_event()),
            violation(),
        ),
    ]
}

/// The body of an event with the number 3, where 1 is due.
fn encoded_event() -> Vec<u8> {
    let presence = [counted(b"pres:bob@example.com"), vec![1, 0], varint(0), varint(0), varint(0)];
    [varint(3), counted(b"cursor"), presence.concat(), varint(0)].concat()
}

#[test]
fn wrong_frames_for_a_client_are_wrong_for_the_codec_too() {
    for vector in to_client().into_iter().filter(|vector| vector.state == "control") {
        let frame = data_encoding::HEXLOWER.decode(vector.bytes.as_bytes()).unwrap();
        let mut cutter = adsum::wire::Decoder::default();
        cutter.push(&frame);
        let decodes = match cutter.next_frame() {
            Ok(frame) => visit_kind(frame.as_ref().unwrap().kind, Decodes(frame.as_ref().unwrap())),
            Err(_) => Some(false),
        };
        let is_whole = vector.name.contains("not made") || vector.expect.get("decodes").is_some();
        assert_eq!(decodes.unwrap_or(false), is_whole, "{}", vector.name);
    }
}

struct Decodes<'a>(&'a Frame);

impl KindVisitor for Decodes<'_> {
    type Output = bool;

    fn visit<B: Body>(self) -> bool {
        decode::<B>(self.0).is_ok()
    }
}
