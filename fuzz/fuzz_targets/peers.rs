//! Peers of chance: the check is the one that `cargo test` runs over the corpus.
//!
//! Must never hold: a check of its own.
#![no_main]

#[path = "../checks/peers.rs"]
mod check;
#[path = "../../tests/looks/mod.rs"]
mod looks;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
