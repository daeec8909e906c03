//! Whether an event of a log can be folded: what comes into an inbox takes the next place there, or a later one if events
//! between were lost. In a log that this program wrote it does; one that hangs together may have been made by another.
//!
//! Must never hold: a fold.

use super::Views;
use crate::event::{EntryFault, Recorded};

/// Places that one inbox may lack in a row: more than are lost of a store that is worth salvaging, and few enough to hold.
const PLACES_LOST_MAX: u64 = 1 << 20;

impl Views {
    /// As [`Views::apply`], of an event that was read.
    ///
    /// # Errors
    /// [`EntryFault::Event`] as [`Views::check_place`].
    pub fn take(&mut self, recorded: &Recorded) -> Result<(), EntryFault> {
        self.check_place(recorded)
            .map_err(|reason| EntryFault::Event { sequence: recorded.sequence, reason })?;
        self.apply(recorded);
        Ok(())
    }

    /// Whether what an event brings to an inbox takes a place there that it can have: the next one, or a later one if the log is what
    /// was salvaged of another. Each place is of an event of its own.
    ///
    /// # Errors
    /// Which place it takes, and which it must.
    pub fn check_place(&self, recorded: &Recorded) -> Result<(), String> {
        let Some((inbox, place)) = recorded.event.place() else { return Ok(()) };
        let view = self.inbox(inbox);
        // A checkpoint may have an inbox as it was after this event.
        if view.is_some_and(|view| view.as_of >= recorded.sequence) {
            return Ok(());
        }
        let next = view.map_or(0, |view| view.head().get()).saturating_add(1);
        let last = recorded.sequence.get().min(next.saturating_add(PLACES_LOST_MAX));
        if (next..=last).contains(&place.get()) {
            return Ok(());
        }
        Err(format!("it takes place {place} of {inbox}, and {next} must be taken"))
    }
}
