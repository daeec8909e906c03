//! Frames: `len:u32be kind:u16be body`, `len` counting kind and body.
//!
//! The reader checks the length before it waits for that many bytes, holds only bytes that came, and consumes every
//! byte of a body. Must never hold: what a kind means.

use bytes::{Buf, Bytes, BytesMut};
use postcard::ser_flavors::Flavor;

use super::FrameFault;
use super::body::{Body, Ext};
use crate::model::limits::FRAME_BYTES_MAX;

/// From this kind on, a receiver that does not know a kind skips the frame.
pub const IGNORABLE_KIND_MIN: u16 = 0x8000;

const LENGTH_BYTES: usize = 4;
const KIND_BYTES: usize = 2;
/// A frame from this size on takes its buffer along, so that an idle stream keeps no large one.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// A frame whose body is not decoded yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Which body it carries.
    pub kind: u16,
    /// The body's bytes.
    pub body: Bytes,
}

impl Frame {
    /// Whether a receiver that does not know the kind skips the frame instead of refusing it.
    pub const fn is_ignorable(&self) -> bool {
        self.kind >= IGNORABLE_KIND_MIN
    }
}

/// Cuts a stream's bytes into frames.
///
/// Holds what was pushed and not taken out yet: take frames out until there are none before pushing more, and it is
/// at most one frame. The bytes are copied in, because those of a QUIC stream would keep whole datagrams alive.
#[derive(Debug)]
pub struct Decoder {
    buffer: BytesMut,
    bytes_max: usize,
}

impl Default for Decoder {
    /// A decoder for frames of any allowed size.
    fn default() -> Self {
        Self::new(FRAME_BYTES_MAX)
    }
}

impl Decoder {
    /// A decoder for frames whose length field says at most `bytes_max`.
    pub fn new(bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), bytes_max }
    }

    /// From now on, frames may be as long as `bytes_max`.
    pub fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
    }

    /// How many bytes the longest frame may still lack: more need not be read before a frame was taken out.
    pub fn room(&self) -> usize {
        (LENGTH_BYTES + self.bytes_max).saturating_sub(self.buffer.len()).max(1)
    }

    /// Takes the stream's next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more bytes come.
    ///
    /// # Errors
    /// [`FrameFault::TooLarge`] or [`FrameFault::TooSmall`] as soon as the length field is there, and again on every
    /// later call: what follows cannot be told apart any more.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameFault> {
        let Some(prefix) = self.buffer.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = self.check_length(u32::from_be_bytes(*prefix))?;
        if self.buffer.len() - LENGTH_BYTES < length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        let mut body = self.buffer.split_to(length).freeze();
        if length >= KEPT_BYTES_MAX && self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        let kind = body.get_u16();
        Ok(Some(Frame { kind, body }))
    }

    fn check_length(&self, announced: u32) -> Result<usize, FrameFault> {
        let found = u64::from(announced);
        let max = self.bytes_max as u64;
        if found > max {
            return Err(FrameFault::TooLarge { found, max });
        }
        if found < KIND_BYTES as u64 {
            return Err(FrameFault::TooSmall { found });
        }
        Ok(usize::try_from(announced).expect("it is not above a usize"))
    }

    /// Whether the stream may end here.
    ///
    /// # Errors
    /// [`FrameFault::Truncated`] inside a frame.
    pub fn finish(&self) -> Result<(), FrameFault> {
        if self.buffer.is_empty() { Ok(()) } else { Err(FrameFault::Truncated) }
    }
}

/// Appends a frame with `body` to `out`.
///
/// # Panics
/// If the frame is longer than any receiver takes, which the limits on documents and bodies rule out.
pub fn encode<B: Body>(body: &B, out: &mut Vec<u8>) {
    encode_with(B::KIND, out, |out| append(&(body, body.additions()), out));
}

/// Appends a frame with `body` and, in place of its own additions, those of another version.
///
/// # Panics
/// As [`encode`].
pub fn encode_extended<B: Body>(body: &B, ext: &[Ext], out: &mut Vec<u8>) {
    encode_with(B::KIND, out, |out| append(&(body, ext), out));
}

/// Lets postcard write behind what is in the buffer already.
struct Appender<'a>(&'a mut Vec<u8>);

impl Flavor for Appender<'_> {
    type Output = ();

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

pub(crate) fn append<T: serde::Serialize>(value: &T, out: &mut Vec<u8>) {
    postcard::serialize_with_flavor(value, Appender(out))
        .expect("bodies hold no type that postcard cannot write");
}

pub(crate) fn encode_with(kind: u16, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    out.extend_from_slice(&kind.to_be_bytes());
    body(out);
    let length = out.len() - start - LENGTH_BYTES;
    assert!(length <= FRAME_BYTES_MAX, "a frame of {length} bytes of kind {kind:#06x} was built");
    let length = u32::try_from(length).expect("the limit is far below 2^32");
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
}

/// Decodes a frame as the kind `B`, consuming every byte.
///
/// Memory taken is at most about 100 times the body for a moment, whatever its counts claim: no list is longer than
/// the bytes that are there, the smallest element of one byte becomes 32 in memory, and a list grows by doubling.
///
/// # Errors
/// [`FrameFault::Unexpected`] for another kind, [`FrameFault::Utf8`], [`FrameFault::Body`].
pub fn decode<B: Body>(frame: &Frame) -> Result<B, FrameFault> {
    let kind = frame.kind;
    if kind != B::KIND {
        return Err(FrameFault::Unexpected { found: kind, expected: B::NAME });
    }
    let fault = |reason: &str| FrameFault::Body { kind, reason: reason.to_owned() };
    match postcard::take_from_bytes::<(B, Vec<Ext>)>(&frame.body) {
        Ok(((mut body, ext), [])) => {
            body.take_additions(ext);
            Ok(body)
        }
        Ok(_) => Err(fault("bytes are left over behind it")),
        Err(postcard::Error::DeserializeBadUtf8) => Err(FrameFault::Utf8 { kind }),
        Err(error) => Err(fault(&error.to_string())),
    }
}

/// The request number a request body begins with, so that even one that does not decode can be answered.
pub fn request_number(frame: &Frame) -> Option<u64> {
    postcard::take_from_bytes::<u64>(&frame.body).ok().map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::body::{End, FeedAck, Unsubscribed};

    fn bytes_of<B: Body>(body: &B) -> Vec<u8> {
        let mut out = Vec::new();
        encode(body, &mut out);
        out
    }

    fn only_frame(bytes: &[u8]) -> Frame {
        let mut decoder = Decoder::default();
        decoder.push(bytes);
        let frame = decoder.next_frame().unwrap().unwrap();
        assert_eq!(decoder.next_frame(), Ok(None));
        decoder.finish().unwrap();
        frame
    }

    #[test]
    fn a_frame_is_length_kind_body() {
        let bytes = bytes_of(&Unsubscribed { request: 300 });
        assert_eq!(bytes, [0, 0, 0, 5, 0x01, 0x12, 0xac, 0x02, 0]);
        assert_eq!(only_frame(&bytes).kind, Unsubscribed::KIND);
    }

    #[test]
    fn encoding_leaves_what_is_in_the_buffer_alone() {
        let mut out = b"before".to_vec();
        encode(&End {}, &mut out);
        assert_eq!(out, [b"before".as_slice(), &bytes_of(&End {})].concat());
    }

    #[test]
    fn a_frame_is_given_out_only_when_its_last_byte_is_there() {
        let bytes = bytes_of(&FeedAck { cursor: Bytes::from_static(b"cursor") });
        for end in 0..bytes.len() {
            let mut decoder = Decoder::default();
            decoder.push(&bytes[..end]);
            assert_eq!(decoder.next_frame(), Ok(None), "after {end} bytes");
            assert_eq!(decoder.finish().is_ok(), end == 0);
            decoder.push(&bytes[end..]);
            assert!(decoder.next_frame().unwrap().is_some());
            assert_eq!(decoder.finish(), Ok(()));
        }
    }

    #[test]
    fn a_length_is_judged_before_any_of_it_is_waited_for() {
        let announce = |length: u32| {
            let mut decoder = Decoder::new(100);
            decoder.push(&length.to_be_bytes());
            decoder.next_frame()
        };
        assert_eq!(announce(100), Ok(None));
        assert_eq!(announce(101), Err(FrameFault::TooLarge { found: 101, max: 100 }));
        let found = u64::from(u32::MAX);
        assert_eq!(announce(u32::MAX), Err(FrameFault::TooLarge { found, max: 100 }));
        assert_eq!(announce(1), Err(FrameFault::TooSmall { found: 1 }));
        assert_eq!(announce(0), Err(FrameFault::TooSmall { found: 0 }));
    }

    #[test]
    fn an_announced_length_takes_no_memory() {
        let mut decoder = Decoder::default();
        decoder.push(&u32::try_from(FRAME_BYTES_MAX).unwrap().to_be_bytes());
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(decoder.buffer.capacity() < 100, "{} bytes", decoder.buffer.capacity());
    }

    #[test]
    fn there_is_room_for_what_the_longest_frame_lacks() {
        let mut decoder = Decoder::new(10);
        assert_eq!(decoder.room(), 14);
        decoder.push(&[0, 0, 0, 10, 0x80]);
        assert_eq!(decoder.room(), 9);
        decoder.push(&[0; 9]);
        assert!(decoder.next_frame().unwrap().is_some());
        assert_eq!(decoder.room(), 14);
    }

    #[test]
    fn the_limit_can_be_raised_once_the_peer_is_known() {
        let bytes = bytes_of(&FeedAck { cursor: vec![7; 50].into() });
        let mut decoder = Decoder::new(10);
        decoder.push(&bytes);
        assert!(decoder.next_frame().is_err());
        decoder.set_bytes_max(100);
        assert!(decoder.next_frame().unwrap().is_some());
    }

    #[test]
    fn a_large_frame_leaves_no_large_buffer_behind() {
        let mut decoder = Decoder::default();
        decoder.push(&bytes_of(&FeedAck { cursor: vec![7; 60_000].into() }));
        drop(decoder.next_frame().unwrap().unwrap());
        assert_eq!(decoder.buffer.capacity(), 0);
        decoder.push(&bytes_of(&End {}));
        assert_eq!(decoder.next_frame().unwrap().unwrap().kind, End::KIND);
    }

    #[test]
    fn an_empty_body_is_a_frame() {
        let frame = only_frame(&[0, 0, 0, 2, 0x80, 0x01]);
        assert_eq!(frame, Frame { kind: 0x8001, body: Bytes::new() });
        assert!(frame.is_ignorable());
        assert!(!Frame { kind: 0x7fff, body: Bytes::new() }.is_ignorable());
    }

    #[test]
    #[should_panic(expected = "was built")]
    fn a_frame_that_no_receiver_takes_is_never_built() {
        bytes_of(&FeedAck { cursor: vec![0; FRAME_BYTES_MAX].into() });
    }

    #[test]
    fn a_request_that_does_not_decode_can_still_be_answered() {
        let frame = |body: &'static [u8]| Frame { kind: 0x10, body: Bytes::from_static(body) };
        assert_eq!(request_number(&frame(&[0xac, 0x02, 0xff, 0xff])), Some(300));
        assert_eq!(request_number(&frame(&[0xac])), None);
        assert_eq!(request_number(&frame(&[])), None);
        assert_eq!(request_number(&frame(&[0xff; 11])), None);
    }

    proptest! {
        #[test]
        fn frames_come_out_the_same_however_the_bytes_come_in(
            parts in prop::collection::vec((any::<u8>(), 0_usize..40_000), 1..5),
            cut in 1_usize..20_000,
        ) {
            let bodies: Vec<Vec<u8>> =
                parts.into_iter().map(|(fill, length)| vec![fill; length]).collect();
            let mut bytes = Vec::new();
            for body in &bodies {
                encode_with(7, &mut bytes, |out| out.extend_from_slice(body));
            }
            let mut decoder = Decoder::default();
            let mut found = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.push(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    found.push(frame.body.to_vec());
                }
            }
            prop_assert_eq!(found, bodies);
            prop_assert_eq!(decoder.finish(), Ok(()));
        }

        #[test]
        fn random_bytes_never_make_a_frame_over_the_limit(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            bytes_max in 0_usize..150,
        ) {
            let mut decoder = Decoder::new(bytes_max);
            decoder.push(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                prop_assert!(frame.body.len() + KIND_BYTES <= bytes_max);
            }
        }
    }
}
