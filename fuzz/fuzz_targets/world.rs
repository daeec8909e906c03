//! Worlds of chance: the check is the one that `cargo test` runs over the corpus.
//!
//! Must never hold: a check of its own.
#![no_main]

#[path = "../checks/world.rs"]
mod check;
#[allow(dead_code, unused_imports, reason = "the tests use all of it, this program a part")]
#[path = "../../tests/simulation/main.rs"]
mod simulation;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
