//! Support for the tests of `docs/PROTOCOL.md` and `docs/PROTOCOL_EXAMPLES.md`: the samples of the nouns told byte
//! by byte, proofs, a session, and a reader of both.
//!
//! Must never hold: a check (those are in the tests).

pub(crate) mod annotate;
pub(crate) mod document;
pub(crate) mod limits;
pub(crate) mod proof;
pub(crate) mod samples;
pub(crate) mod schema;
pub(crate) mod session;
