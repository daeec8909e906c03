//! A server in this process, over real QUIC: what peers ask of it, peers that do not keep to the protocol, its HTTP side, and
//! its end. A rule is tested where it is decided.
//!
//! Must never hold: a server that is killed; those are in `tests/promises/`.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

#[path = "../by_hand/mod.rs"]
mod by_hand;
#[path = "../support/mod.rs"]
mod support;

mod bad_hello;
mod bad_peer;
mod bad_stream;
mod beat;
mod client_by_hand;
mod clock;
mod connections;
mod feeds;
mod http;
mod load;
mod past;
mod requests;
mod rules;
mod said;
mod shutdown;
mod store;
mod vectors;
mod web;
mod web_socket;
