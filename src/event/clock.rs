//! The fact that the wall clock moved against elapsed time.
//!
//! Must never hold: a lifetime; those are counted by elapsed time, whatever the wall clock does.

use serde::{Deserialize, Serialize};

use crate::model::Ahead;

/// See [`Event::ClockMoved`](super::Event::ClockMoved).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockMoved {
    /// How far the wall clock was ahead of elapsed time.
    pub before: Ahead,
    /// How far it is ahead now.
    pub after: Ahead,
    /// How it came there.
    pub cause: ClockCause,
}

/// How the wall clock moved against elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockCause {
    /// It was set while the server ran.
    Set,
    /// It was set while the server was down.
    SetWhileDown,
    /// It drifted, as smearing makes it: too slowly to be told, but a restart has to know.
    Drifted,
}
