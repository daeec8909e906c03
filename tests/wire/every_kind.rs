//! What holds for every kind: each promise is run over all of them, by way of `visit_kind`.
//!
//! Must never hold: a list of kinds.

use std::collections::BTreeSet;

use adsum::protocol::body::{KINDS, Presence, PresenceEvent, Subscribe, visit_kind};
use adsum::protocol::feed::{encode_presence_event, encode_presence_suffix};
use adsum::wire::{
    Body, CloseCode, Decoder, Ext, Frame, FrameFault, KindVisitor, ResetCode, StreamType, decode,
    encode, encode_extended,
};
use bytes::Bytes;
use proptest::prelude::*;

use super::arbitrary::{MARK, arbitrary};

fn frame_of<B: Body>(body: &B) -> Frame {
    let mut out = Vec::new();
    encode(body, &mut out);
    let mut decoder = Decoder::default();
    decoder.push(&out);
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!(decoder.finish(), Ok(()));
    frame
}

/// Chance that makes every text, list and option hold something.
const FULL: [u8; 2_000] = [3; 2_000];

/// Runs a check for one kind over a body made from chance.
trait Check {
    fn check<B: Body>(body: B);
}

struct With<'a, C>(&'a [u8], C);

impl<C: Check> KindVisitor for With<'_, C> {
    type Output = ();

    fn visit<B: Body>(self) {
        C::check(arbitrary::<B>(self.0));
    }
}

fn for_every_kind<C: Check + Copy>(chance: &[u8], check: C) {
    for (kind, _) in KINDS {
        visit_kind(*kind, With(chance, check)).unwrap();
    }
}

#[derive(Clone, Copy)]
struct ReadsBack;

impl Check for ReadsBack {
    fn check<B: Body>(body: B) {
        let frame = frame_of(&body);
        assert_eq!(frame.kind, B::KIND);
        assert_eq!(decode::<B>(&frame), Ok(body));
    }
}

#[derive(Clone, Copy)]
struct EveryPrefixFails;

impl Check for EveryPrefixFails {
    fn check<B: Body>(body: B) {
        let whole = frame_of(&body);
        for end in 0..whole.body.len() {
            let cut = Frame { kind: B::KIND, body: whole.body.slice(..end) };
            let fault = decode::<B>(&cut).unwrap_err();
            assert!(matches!(fault, FrameFault::Body { .. }), "{} at {end}: {fault}", B::NAME);
        }
    }
}

#[derive(Clone, Copy)]
struct TrailingByteFails;

impl Check for TrailingByteFails {
    fn check<B: Body>(body: B) {
        let longer = [frame_of(&body).body.as_ref(), &[0]].concat();
        let fault = decode::<B>(&Frame { kind: B::KIND, body: longer.into() }).unwrap_err();
        assert!(fault.to_string().contains("left over"), "{}: {fault}", B::NAME);
    }
}

#[derive(Clone, Copy)]
struct BrokenTextFails;

impl Check for BrokenTextFails {
    fn check<B: Body>(body: B) {
        let whole = frame_of(&body).body;
        let mark = MARK.to_string();
        for at in 0..whole.len() {
            if whole[at..].starts_with(mark.as_bytes()) {
                let mut broken = whole.to_vec();
                broken[at] = 0xff;
                let fault = decode::<B>(&Frame { kind: B::KIND, body: broken.into() });
                assert_eq!(fault, Err(FrameFault::Utf8 { kind: B::KIND }), "{} at {at}", B::NAME);
            }
        }
    }
}

#[derive(Clone, Copy)]
struct OtherKindsFail;

impl Check for OtherKindsFail {
    fn check<B: Body>(body: B) {
        let frame = Frame { kind: B::KIND ^ 0x4000, ..frame_of(&body) };
        let fault = FrameFault::Unexpected { found: frame.kind, expected: B::NAME };
        assert_eq!(decode::<B>(&frame), Err(fault));
    }
}

/// Puts a huge number where any count, length or number may stand. A decoder that believed one would abort.
#[derive(Clone, Copy)]
struct ClaimsAreNotBelieved;

impl Check for ClaimsAreNotBelieved {
    fn check<B: Body>(body: B) {
        let whole = frame_of(&body).body;
        for claim in [1_u64 << 20, 1 << 32, 1 << 40, 1 << 62, u64::MAX] {
            let claim = postcard::to_stdvec(&claim).unwrap();
            for at in 0..whole.len() {
                let body = [&whole[..at], &claim, &whole[at + 1..]].concat();
                drop(decode::<B>(&Frame { kind: B::KIND, body: body.into() }));
            }
        }
    }
}

struct Survives<'a>(&'a [u8]);

impl KindVisitor for Survives<'_> {
    type Output = ();

    fn visit<B: Body>(self) {
        let frame = Frame { kind: B::KIND, body: Bytes::copy_from_slice(self.0) };
        if let Ok(body) = decode::<B>(&frame) {
            ReadsBack::check(body);
        }
    }
}

#[test]
fn kinds_ascend() {
    assert!(KINDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn an_unknown_kind_is_not_visited() {
    assert_eq!(visit_kind(0x7fff, Survives(&[])), None);
}

#[test]
fn a_body_cut_short_does_not_decode() {
    for_every_kind(&FULL, EveryPrefixFails);
    for_every_kind(&[], EveryPrefixFails);
}

#[test]
fn a_byte_too_many_does_not_decode() {
    for_every_kind(&FULL, TrailingByteFails);
    for_every_kind(&[], TrailingByteFails);
}

#[test]
fn text_that_is_not_utf8_is_told_apart_from_other_faults() {
    for_every_kind(&FULL, BrokenTextFails);
}

#[test]
fn a_body_is_not_taken_for_another_kind() {
    for_every_kind(&FULL, OtherKindsFail);
}

#[test]
fn a_claimed_length_takes_no_memory_before_the_bytes_are_there() {
    for_every_kind(&FULL, ClaimsAreNotBelieved);
    for_every_kind(&[], ClaimsAreNotBelieved);
}

#[test]
fn a_presence_event_from_its_parts_is_the_event_encoded_whole() {
    for seed in 0..=u8::MAX {
        let chance: Vec<u8> = (0..=u8::MAX).map(|step| seed.wrapping_mul(step)).collect();
        let event: PresenceEvent = arbitrary(&chance);
        let (presence, left_out) = (event.presence.clone(), event.left_out.clone());
        let suffix = encode_presence_suffix(&Presence { presence, left_out });
        let mut out = Vec::new();
        encode_presence_event(event.number, &event.cursor, &suffix, &mut out);
        assert_eq!(out[6..], frame_of(&event).body[..]);
    }
}

#[test]
fn an_addition_is_written_by_its_tag_and_found_among_others() {
    let ext = |tag, value: &'static [u8]| Ext { tag, value: Bytes::from_static(value) };
    let plain: Subscribe = arbitrary(&[]);
    assert_eq!(plain.additions(), []);
    let named = Subscribe { operation: Some(Bytes::from_static(b"name")), ..plain.clone() };
    assert_eq!(named.additions(), [ext(1, b"name")]);
    let mut out = Vec::new();
    encode_extended(&plain, &[ext(9, b"x"), ext(1, b"name"), ext(1, b"later")], &mut out);
    let frame = Frame { kind: Subscribe::KIND, body: out.split_off(6).into() };
    assert_eq!(decode::<Subscribe>(&frame), Ok(named));
}

#[test]
fn codes_and_stream_types_read_back() {
    for code in CloseCode::ALL {
        assert_eq!(CloseCode::from_number(u64::from(code.number())), Some(*code));
    }
    for code in ResetCode::ALL {
        assert_eq!(ResetCode::from_number(u64::from(code.number())), Some(*code));
    }
    for stream in StreamType::ALL {
        assert_eq!(StreamType::from_byte(stream.byte()), Some(stream));
    }
    assert_eq!(StreamType::from_byte(3), None);
    assert_eq!(CloseCode::from_number(u64::MAX), None);
}

#[test]
fn close_and_reset_codes_share_no_number_and_0_means_nothing_on_a_stream() {
    assert!(CloseCode::ALL.iter().all(|code| code.number() < 0x100));
    assert!(ResetCode::ALL.iter().all(|code| code.number() >= 0x100));
}

#[test]
fn no_word_stands_for_two_codes() {
    let distinct = |words: Vec<&str>| words.iter().collect::<BTreeSet<_>>().len() == words.len();
    assert!(distinct(CloseCode::ALL.iter().map(|code| code.as_str()).collect()));
    assert!(distinct(ResetCode::ALL.iter().map(|code| code.as_str()).collect()));
    assert!(distinct(KINDS.iter().map(|(_, name)| *name).collect()));
}

proptest! {
    #[test]
    fn every_body_reads_back(chance in prop::collection::vec(any::<u8>(), 0..300)) {
        for_every_kind(&chance, ReadsBack);
    }

    #[test]
    fn random_bytes_decode_or_fail_and_nothing_else(
        bytes in prop::collection::vec(prop_oneof![3 => 0_u8..4, 1 => any::<u8>()], 0..200),
    ) {
        for (kind, _) in KINDS {
            visit_kind(*kind, Survives(&bytes)).unwrap();
        }
    }
}
