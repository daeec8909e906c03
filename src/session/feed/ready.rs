//! How a feed begins: fresh, resumed or anew, and what `FeedReady` says of it.
//!
//! Must never hold: a position that leaves without being sealed.

use crate::protocol::body::FeedReady;
use crate::session::cursor::Sealer;
use crate::wire::encode;

/// How a feed began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No cursor was given.
    Fresh,
    /// It goes on at the cursor.
    Resumed,
    /// The cursor was of no use.
    Anew,
}

impl Outcome {
    /// What a feed becomes for which `cursor` was given and `position` found in it.
    pub(super) fn of(cursor: &[u8], position: Option<u64>) -> Self {
        match (cursor.is_empty(), position) {
            (true, _) => Self::Fresh,
            (false, Some(_)) => Self::Resumed,
            (false, None) => Self::Anew,
        }
    }

    /// The word for counting.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Resumed => "resumed",
            Self::Anew => "anew",
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Fresh => 0,
            Self::Resumed => 1,
            Self::Anew => 2,
        }
    }
}

/// What `FeedReady` says.
pub(super) struct Ready {
    /// How it began.
    pub(super) outcome: Outcome,
    /// Where.
    pub(super) from: u64,
    /// Where it will be caught up.
    pub(super) to: u64,
    /// Events between.
    pub(super) pending: u64,
    /// Whether none of them is missing.
    pub(super) complete: bool,
}

impl Ready {
    /// Appends the frame.
    pub(super) fn write(&self, sealer: &Sealer, out: &mut Vec<u8>) {
        let ready = FeedReady {
            outcome: self.outcome.number(),
            from: sealer.seal(self.from),
            to: sealer.seal(self.to),
            pending: self.pending,
            complete: self.complete,
        };
        encode(&ready, out);
    }
}
