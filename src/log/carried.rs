//! What is carried forward of the beginning of a log that was cut away: records of state, and single events.
//!
//! Must never hold: what is carried, or how it is stored.

use serde::{Deserialize, Serialize};

use super::LogFault;
use crate::event::Recorded;
use crate::model::Sequence;

/// Which version of what is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The one that counts.
    Counting,
    /// The one of the cut that is staged.
    Staged,
}

impl Carried {
    /// The cut that it is of, where so many were made.
    pub(super) fn number(self, made: u64) -> u64 {
        made + u64::from(self == Self::Staged)
    }
}

/// What a record is under: the version that counts, and the one of a cut that is being made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    counts: Option<bytes::Bytes>,
    /// From the cut of this number on.
    staged: Option<(u64, Option<bytes::Bytes>)>,
}

impl Slot {
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Its bytes; `None` if nothing is left of it.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let bytes = || postcard::to_stdvec(self).expect("a slot is numbers and bytes");
        (*self != Self::default()).then(bytes)
    }

    /// The version that counts for the cut `number`.
    pub(super) fn at(&self, number: u64) -> Option<&[u8]> {
        match &self.staged {
            Some((from, staged)) if *from <= number => staged.as_deref(),
            _ => self.counts.as_deref(),
        }
    }

    /// As it is once a version is staged for the cut behind `number`.
    pub(super) fn stage(&self, number: u64, value: Option<&[u8]>) -> Self {
        let bytes = |value: &[u8]| bytes::Bytes::copy_from_slice(value);
        let counts = self.at(number).map(bytes);
        Self { counts, staged: Some((number + 1, value.map(bytes))) }
    }

    /// As it is once only what counts for the cut `number` is left.
    pub(super) fn swept(&self, number: u64) -> Self {
        Self { counts: self.at(number).map(bytes::Bytes::copy_from_slice), staged: None }
    }
}

/// In front of the keys of events that are carried as they are; their position follows, big-endian.
const EVENT: u8 = 0;
/// In front of the keys of records of state.
const STATE: u8 = 1;

/// The key under which the event at `sequence` is carried.
pub fn event_key(sequence: Sequence) -> Vec<u8> {
    [&[EVENT][..], &sequence.get().to_be_bytes()].concat()
}

/// The key under which the record `key` of state is carried.
pub fn state_key(key: &[u8]) -> Vec<u8> {
    [&[STATE], key].concat()
}

/// An event that is carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedEvent {
    /// Whether something that lives is there; else it is of the past and goes when its time is over.
    pub lives: bool,
    /// The event in its place.
    pub recorded: Recorded,
}

impl CarriedEvent {
    /// Its bytes.
    ///
    /// # Panics
    /// Never: events hold no type that postcard cannot write.
    pub fn to_bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("events hold no type that postcard cannot write")
    }

    /// The event that is carried in `bytes`.
    ///
    /// # Errors
    /// [`LogFault::Carried`] if it does not read.
    pub fn from_bytes(key: &[u8], bytes: &[u8]) -> Result<Self, LogFault> {
        postcard::from_bytes(bytes).map_err(|error| damaged(key, &error.to_string()))
    }
}

pub(super) fn damaged(key: &[u8], reason: &str) -> LogFault {
    LogFault::Carried { key: key.escape_ascii().to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staged_version_counts_from_its_cut_on_and_not_before() {
        let none = Slot::default();
        let first = none.stage(0, Some(b"one"));
        assert_eq!((first.at(0), first.at(1)), (None, Some(&b"one"[..])));
        let second = first.stage(1, None);
        assert_eq!((second.at(1), second.at(2)), (Some(&b"one"[..]), None));
        assert_eq!(second.swept(1), first.swept(1), "a cut that was never made leaves nothing");
        assert_eq!(second.swept(2).encode(), None, "what is gone leaves no bytes");
        let read = Slot::decode(&second.encode().unwrap()).unwrap();
        assert_eq!(read, second);
    }
}
