//! That the beginning of the log was cut away, and what stands for it from then on.
//!
//! Must never hold: what was cut, or how a signature is made.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::entry::Chain;
use crate::model::{Sequence, Timestamp};

/// In front of what is signed, so that a signature over it is one over nothing else.
const CONTEXT: &[u8] = b"adsum/1 log cut\0";

/// What was cut and what is carried forward, as it is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutStatement {
    /// The first event that is cut.
    pub from: Sequence,
    /// The last one.
    pub through: Sequence,
    /// When that was, in elapsed time: what happened until then can be told from the log no more.
    pub until: Timestamp,
    /// The chain in front of the first.
    pub before: Chain,
    /// The chain behind the last, from which the log goes on.
    pub after: Chain,
    /// How many bytes of entries are cut.
    pub bytes: u64,
    /// How many records are carried forward.
    pub records: u64,
    /// How many bytes they have, with their keys.
    pub carried_bytes: u64,
    /// BLAKE3 over all of them in order, see `docs/LOG_FORMAT.md`.
    pub carried: Chain,
}

impl CutStatement {
    /// What is signed.
    ///
    /// # Panics
    /// Never: a statement holds no type that postcard cannot write.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let statement = postcard::to_stdvec(self).expect("a statement is numbers and bytes");
        [CONTEXT, &statement].concat()
    }
}

/// See [`Event::LogCut`](super::Event::LogCut).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCut {
    /// What was cut and what is carried.
    pub cut: CutStatement,
    /// The key that tells who cut it, a `SubjectPublicKeyInfo`: the server's own, which clients pin.
    pub key: Bytes,
    /// Its signature over [`CutStatement::signed_bytes`]: ECDSA with P-256 and SHA-256.
    pub signature: Bytes,
}
