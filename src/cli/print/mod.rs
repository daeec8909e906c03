//! How answers look: lines for people and JSON objects for programs, and how text and times are written and read.
//!
//! Must never hold: a question to the server, or a decision what to print.

pub(super) mod changed;
pub(super) mod colour;
pub(super) mod composing;
pub(super) mod content;
pub(super) mod cpim;
pub(super) mod delivery;
pub(super) mod direction;
pub(super) mod domain;
pub(super) mod line;
pub(super) mod message;
mod note;
pub(super) mod output;
pub(super) mod presence;
pub(super) mod quota;
pub(super) mod receipt;
pub(super) mod recovery;
mod rich;
pub(super) mod rule;
pub(super) mod table;
pub(super) mod text;
pub(super) mod time;
pub(super) mod watcher;
