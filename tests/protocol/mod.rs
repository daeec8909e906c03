//! Support for the test of `docs/PROTOCOL.md`: examples made from code, and a reader of the document.
//!
//! Must never hold: a check (those are in the tests).

pub(crate) mod annotate;
pub(crate) mod document;
pub(crate) mod governance;
pub(crate) mod samples;
pub(crate) mod session;
