//! Frames and bodies: `docs/PROTOCOL.md` against the code that makes its examples, and against a reader that knows only the
//! document.
//!
//! Must never hold: a server.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../protocol/mod.rs"]
mod protocol;

mod by_hand;
mod corpus;
mod examples;
