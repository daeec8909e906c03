//! PIDF and `message/cpim`, in and out: examples with what becomes of them, and properties of all documents.
//!
//! Must never hold: a service or a frame.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod charsets;
#[path = "../corpora/mod.rs"]
mod corpora;
mod corpus;
mod cpim;
mod mend;
mod mime;
mod pidf;
mod pidf_properties;
