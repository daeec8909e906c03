//! What the service does while there is no room to record anything new.
//!
//! Must never hold: how much room there is, or a refusal that depends on who asks.

use super::case::Verdict;
use super::core::Service;
use crate::model::Refusal;

impl Service {
    /// Says whether there is no room to record anything new. As long as that is so, what would record something is refused
    /// and fetches are not counted. What ends by itself ends, and what was read is acknowledged: that is little, and whoever
    /// says this keeps room for it.
    pub fn storage_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    /// Refuses what would record something while there is no room for it.
    pub(super) fn check_room(&self, verdict: Verdict) -> Result<Verdict, Refusal> {
        let is_recorded = !verdict.events.is_empty();
        if self.is_full && is_recorded { Err(Refusal::StorageFull) } else { Ok(verdict) }
    }
}
