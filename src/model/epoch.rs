//! Epochs: what tells one past of a log from another.
//!
//! Must never hold: when an epoch began; that is a view.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Names the stretch of a log that one process wrote: 8 bytes, drawn at random by that process.
///
/// Two logs with a common past part where another process began to write, as after a restored backup. From there on
/// the same places lie in different epochs.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EpochId(pub [u8; 8]);

impl EpochId {
    /// The stretch before the first epoch that was recorded.
    pub const NONE: Self = Self([0; 8]);
}

impl fmt::Display for EpochId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for EpochId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EpochId({self})")
    }
}
