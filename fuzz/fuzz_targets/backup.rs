//! Backups of chance: the check is the one that `cargo test` runs over the corpus.
//!
//! Must never hold: a check of its own.
#![no_main]

#[path = "../checks/backup.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
