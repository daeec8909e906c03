//! What a command is run with: arguments that several take, as whom it acts, its connection, signals, input and its end.
//!
//! Must never hold: what a command asks, or a line of its result.

pub(super) mod as_whom;
pub(super) mod cure;
pub(super) mod digits;
pub(super) mod failure;
pub(super) mod folder;
pub(super) mod input;
pub(super) mod invocation;
pub(super) mod passphrase;
pub(super) mod progress;
pub(super) mod reaper;
pub(super) mod repeat;
pub(super) mod session;
pub(super) mod signals;
pub(super) mod switch;
