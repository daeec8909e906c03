//! Where a log ends.
//!
//! Must never hold: how that is found out (see `scan`).

use serde::{Deserialize, Serialize};

use crate::event::Chain;
use crate::model::Sequence;

/// The end of a log, or of the part of it up to some event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tip {
    /// The last event.
    pub head: Sequence,
    /// The chain after its last entry.
    pub chain: Chain,
}

impl Tip {
    /// The end of a log without events.
    pub const EMPTY: Self = Self { head: Sequence::ZERO, chain: Chain::START };
}

/// `POSITION:CHAIN`, to be kept elsewhere.
impl core::fmt::Display for Tip {
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(to, "{}:{}", self.head, self.chain)
    }
}

impl Default for Tip {
    fn default() -> Self {
        Self::EMPTY
    }
}
