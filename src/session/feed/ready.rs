//! How a feed begins, and what `FeedReady` says of it.
//!
//! Must never hold: a position that leaves without being sealed.

use crate::protocol::{FeedReady, Outcome, write};
use crate::session::cursor::{Place, Sealer};

/// What a feed becomes for which `cursor` was given and `place` found in it.
pub(super) fn outcome_of(cursor: &[u8], place: Option<Place>) -> Outcome {
    match (cursor.is_empty(), place) {
        (true, _) => Outcome::Fresh,
        (false, Some(_)) => Outcome::Resumed,
        (false, None) => Outcome::Anew,
    }
}

/// What `FeedReady` says.
pub(super) struct Ready {
    /// How it began.
    pub(super) outcome: Outcome,
    /// Where.
    pub(super) from: Place,
    /// Where it will be caught up.
    pub(super) to: Place,
    /// Events between.
    pub(super) pending: u64,
    /// Whether none of them is missing.
    pub(super) complete: bool,
}

impl Ready {
    /// Appends the frame.
    pub(super) fn write(&self, sealer: &Sealer, out: &mut Vec<u8>) {
        let ready = FeedReady {
            outcome: self.outcome,
            from: sealer.seal(self.from),
            to: sealer.seal(self.to),
            pending: self.pending,
            complete: self.complete,
        };
        write(&ready, out);
    }
}
