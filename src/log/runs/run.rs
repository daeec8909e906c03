//! What a run is, and what its records are.
//!
//! Must never hold: how it is stored.

use serde::{Deserialize, Serialize};

use crate::log::LogFault;

/// The key of a record: evenly spread, such as a hash.
pub type RunKey = [u8; 16];

/// The value of a record.
pub type RunValue = [u8; 20];

/// A run, as whoever owns it lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Names it; never given again while anything of it is stored.
    pub number: u32,
    /// The day of its records, counted from the epoch.
    pub day: u64,
    /// How often its records were merged.
    pub level: u8,
    /// How many records it has.
    pub count: u64,
    /// 64-bit words of its filter; zero if it has none.
    pub(super) words: u32,
    /// Bits of the filter that each record sets.
    pub(super) hashes: u8,
}

/// Something of a run is not what was written.
pub(super) fn damaged(run: u32, reason: &str) -> LogFault {
    LogFault::Checkpoint { key: format!("of run {run} of message ids"), reason: reason.into() }
}
