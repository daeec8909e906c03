//! A server in this process against peers that do not keep to the protocol, its HTTP side, and its end.
//!
//! Must never hold: a server that is killed; those are in `tests/promises/`.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../support/mod.rs"]
mod support;

mod bad_hello;
mod bad_peer;
mod bad_stream;
mod http;
mod shutdown;
