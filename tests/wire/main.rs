//! Frames and bodies: `docs/PROTOCOL.md` against the code that makes its examples, and against a reader that knows only the
//! document.
//!
//! Must never hold: a server.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../by_hand/mod.rs"]
mod by_hand;
#[path = "../chance/mod.rs"]
mod chance;
#[path = "../protocol/mod.rs"]
mod protocol;

mod arbitrary;
mod corpus;
mod document_alone;
mod every_kind;
mod examples;
mod machine;
#[cfg(feature = "client")]
mod resume;
mod sentences;
mod typescript;
mod vectors;
mod wrong;
mod wrong_answers;
