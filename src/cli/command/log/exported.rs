//! The lines of an exported log: `docs/LOG_FORMAT.md` has each field.
//!
//! Must never hold: how a line is read or written, or a field that another version has.

use serde::{Deserialize, Serialize};

use crate::event::{Event, Recorded};
use crate::model::{Ahead, Moment, Sequence};

/// The version of the lines. Another set of fields is another version; kinds of events are added without.
pub(super) const VERSION: u32 = 1;

/// Characters of one line at most. The longest event holds rules or a message of less than 400 KB, each byte of which JSON may
/// write as six.
pub(super) const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first.
    AdsumExport {
        version: u32,
        /// What wrote it.
        program: String,
        /// How many events follow.
        events: u64,
    },
    /// One event.
    Event { sequence: Sequence, at_us: Moment, ahead_ms: Ahead, event: Event },
    /// The last.
    End { events: u64 },
}

impl Line {
    pub(super) fn header(events: u64) -> Self {
        let program = env!("CARGO_PKG_VERSION").to_owned();
        Self::AdsumExport { version: VERSION, program, events }
    }

    pub(super) fn of(recorded: Recorded) -> Self {
        let Recorded { sequence, at: at_us, ahead: ahead_ms, event } = recorded;
        Self::Event { sequence, at_us, ahead_ms, event }
    }
}
