//! How often the wall clock was set, and when last.
//!
//! Must never hold: where the wall clock stands; every event says that of itself.

use serde::{Deserialize, Serialize};

use crate::event::{ClockCause, ClockMoved, Event, Recorded};
use crate::model::{Sequence, Timestamp};

/// The settings of the wall clock of the server's machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockView {
    /// The last event it took.
    pub as_of: Sequence,
    /// How often it was set; drifting does not count.
    pub sets: u64,
    /// When it was set last, in elapsed time, and how.
    pub last: Option<(Timestamp, ClockMoved)>,
}

impl ClockView {
    pub(super) fn apply(&mut self, recorded: &Recorded) {
        self.as_of = recorded.sequence;
        let Event::ClockMoved(event) = &recorded.event else {
            unreachable!("only events of the clock come here")
        };
        if event.cause != ClockCause::Drifted {
            self.sets += 1;
            self.last = Some((recorded.at.timestamp(), *event));
        }
    }
}
