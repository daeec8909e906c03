//! Whether an event of a log can be folded: what comes into an inbox takes the next place there. In a log that this program
//! wrote it does; one that hangs together may have been made by another.
//!
//! Must never hold: a fold.

use super::Views;
use crate::event::{EntryFault, Recorded};

impl Views {
    /// As [`Views::apply`], of an event that was read.
    ///
    /// # Errors
    /// [`EntryFault::Event`] if what it brings to an inbox does not take the next place there.
    pub fn take(&mut self, recorded: &Recorded) -> Result<(), EntryFault> {
        self.check_place(recorded)
            .map_err(|reason| EntryFault::Event { sequence: recorded.sequence, reason })?;
        self.apply(recorded);
        Ok(())
    }

    /// Whether what an event brings to an inbox takes the next place there.
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
        if place.get() == next {
            return Ok(());
        }
        Err(format!("it takes place {place} of {inbox}, and {next} must be taken"))
    }
}
