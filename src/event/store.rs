//! Facts about the store itself.
//!
//! Must never hold: anything about a principal.

use serde::{Deserialize, Serialize};

use crate::model::EpochId;

/// See [`Event::EpochBegan`](super::Event::EpochBegan).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochBegan {
    /// The epoch that this event and all after it are of, until the next one.
    pub epoch: EpochId,
}
