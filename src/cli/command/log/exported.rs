//! The lines of an exported log: `docs/LOG_FORMAT.md` has each field.
//!
//! Must never hold: how a line is read or written, or a field that another version has.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::event::{Chain, Event, Recorded};
use crate::log::{CarriedEvent, CutMark, Tip};
use crate::model::{Ahead, Moment, Sequence, Timestamp};
use crate::view::{Layout, Record, RecordFault};

/// The version of the lines. Another set of fields is another version; kinds of events are added without.
pub(super) const VERSION: u32 = 1;
/// The version of those of a log that was cut: what is carried forward of it stands before its events.
pub(super) const VERSION_CUT: u32 = 2;

/// Characters of one line at most. The longest event holds rules or a message of less than 400 KB, each byte of which JSON may
/// write as six.
pub(super) const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where a log begins that was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Base {
    /// The last event that was cut away.
    through: Sequence,
    /// When that was recorded, by the wall clock then.
    until: Timestamp,
    /// The chain behind it, in the log that was exported.
    chain: Chain,
}

impl Base {
    pub(super) fn of(mark: CutMark) -> Option<Self> {
        let CutMark { base: Tip { head: through, chain }, until, .. } = mark;
        (mark != CutMark::NONE).then_some(Self { through, until, chain })
    }

    pub(super) fn mark(self) -> CutMark {
        let Self { through: head, until, chain } = self;
        CutMark { base: Tip { head, chain }, until, ..CutMark::NONE }
    }
}

/// State as JSON.
#[derive(Clone, Copy, Debug)]
pub(super) enum Json {}

impl Layout for Json {
    const VERSION: u16 = 1;
    const IS_WHOLE: bool = true;
    const IS_PACKED: bool = false;

    fn write<T: Serialize>(value: &T) -> Vec<u8> {
        serde_json::to_vec(value).expect("all that views are made of has a form in JSON")
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordFault> {
        serde_json::from_slice(bytes).map_err(|error| RecordFault { reason: error.to_string() })
    }
}

/// A line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Line {
    /// The first.
    AdsumExport {
        version: u32,
        /// What wrote it.
        program: String,
        /// The last event.
        events: u64,
        /// Where the log begins, if it was cut.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cut: Option<Base>,
    },
    /// An event that is carried forward of what was cut away.
    Carried { lives: bool, sequence: Sequence, at_us: Moment, ahead_ms: Ahead, event: Event },
    /// The state of an entity after the last event that was cut away, or a part of it. The record's key is written as hexadecimal digits.
    State { key: String, value: Value },
    /// One event.
    Event { sequence: Sequence, at_us: Moment, ahead_ms: Ahead, event: Event },
    /// The last.
    End { events: u64 },
}

impl Line {
    pub(super) fn header(events: u64, mark: CutMark) -> Self {
        let (program, cut) = (env!("CARGO_PKG_VERSION").to_owned(), Base::of(mark));
        let version = if cut.is_some() { VERSION_CUT } else { VERSION };
        Self::AdsumExport { version, program, events, cut }
    }

    pub(super) fn carried(CarriedEvent { lives, recorded }: CarriedEvent) -> Self {
        let Recorded { sequence, at: at_us, ahead: ahead_ms, event } = recorded;
        Self::Carried { lives, sequence, at_us, ahead_ms, event }
    }

    /// A record that [`Json`] wrote; `None` if it is to be removed.
    pub(super) fn state((key, value): Record) -> Option<Self> {
        let value = serde_json::from_slice(&value?).expect("it was written as JSON");
        Some(Self::State { key: HEXLOWER.encode(&key), value })
    }

    pub(super) fn of(recorded: Recorded) -> Self {
        let Recorded { sequence, at: at_us, ahead: ahead_ms, event } = recorded;
        Self::Event { sequence, at_us, ahead_ms, event }
    }
}
