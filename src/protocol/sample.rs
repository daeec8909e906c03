//! A frame to show: what a noun makes its examples of, and the people, places and moments that examples share.
//!
//! Must never hold: a value that changes from run to run, or an example (each stands with its noun).

use bytes::Bytes;

use super::command::Command;
use super::framed::Framed;
use super::request::Answer;
use crate::wire::{Body, Ext, encode_extended};

/// One frame of some kind, as `docs/PROTOCOL_EXAMPLES.md` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its title there: the name of its kind, and perhaps what is special about it.
    pub title: &'static str,
    /// Its bytes.
    pub frame: Vec<u8>,
    /// What stands in its `ext`.
    pub ext: Vec<Ext>,
}

/// The sample of `body` under `title`.
pub(super) fn sample<B: Body>(title: &'static str, body: &B) -> Sample {
    extended(title, body, body.additions())
}

/// The sample of `body` with other additions than its own under `title`.
pub(super) fn extended<B: Body>(title: &'static str, body: &B, ext: Vec<Ext>) -> Sample {
    let mut frame = Vec::new();
    encode_extended(body, &ext, &mut frame);
    Sample { title, frame, ext }
}

/// The sample of an answer to the request of this number under `title`.
pub(super) fn answered(title: &'static str, request: u64, answer: &Answer) -> Sample {
    let (mut frame, ext) = (Vec::new(), Vec::new());
    answer.encode(request, &mut frame);
    Sample { title, frame, ext }
}

/// The typed value of `body`.
fn typed<T: Framed>(body: T::Body) -> T {
    T::from_body(body).expect("what is shown to others is valid")
}

/// The sample of `body`, as its typed value writes it, under `title`.
///
/// # Panics
/// If it is not valid.
pub(super) fn through<T: Framed>(title: &'static str, body: T::Body) -> Sample {
    sample(title, &typed::<T>(body).to_body())
}

/// As [`through`], for a request: under the number that it has on its connection.
///
/// # Panics
/// If it is not valid.
pub(super) fn asked<T>(title: &'static str, number: u64, body: T::Body) -> Sample
where
    T: Framed + Into<Command>,
{
    let value = typed::<T>(body);
    let (ext, mut frame) = (value.to_body().additions(), Vec::new());
    value.into().encode(number, &mut frame);
    Sample { title, frame, ext }
}

/// Whose examples these are.
pub(super) const BOB: &str = "bob@example.com";
/// What bob publishes for.
pub(super) const BOBS: &str = "pres:bob@example.com";
/// His inbox.
pub(super) const INBOX: &str = "im:bob@example.com";
/// Whom bob watches.
pub(super) const ALICE: &str = "pres:alice@example.com";
/// Who watches bob.
pub(super) const CAROL: &str = "carol@example.com";
/// Bob's device: the name of the key in his `Hello`.
pub(super) const DEVICE: [u8; 8] = [0x95, 0x04, 0x8e, 0xb7, 0xe7, 0xf0, 0x89, 0x2b];
/// A tag of a publication of his.
pub(super) const TAG: [u8; 16] = [0xa9; 16];
/// 2026-11-22T09:30:00Z.
pub(super) const TIME_MS: u64 = 1_795_339_800_000;
/// An hour.
pub(super) const HOUR_MS: u64 = 3_600_000;
/// A day.
pub(super) const DAY_MS: u64 = 24 * HOUR_MS;
/// A week.
pub(super) const WEEK_MS: u64 = 7 * DAY_MS;

/// An operation of bob's.
pub(super) const fn operation(number: u8) -> [u8; 16] {
    [number << 4 | 0x0f; 16]
}

/// A cursor as a client sees it: bytes that mean nothing.
pub(super) fn cursor(first: u8) -> Bytes {
    (0..12).map(|step| first.wrapping_add(step * 7)).collect::<Vec<u8>>().into()
}

/// What somebody wrote.
#[expect(clippy::unnecessary_wraps, reason = "what may be erased is optional in a body")]
pub(super) fn written(text: &'static str) -> Option<Bytes> {
    Some(Bytes::from_static(text.as_bytes()))
}
