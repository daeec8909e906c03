//! Arbitrary bytes as log entries. Must never hold: a check of its own; it stands in `checks/`.

#![no_main]

#[path = "../checks/event_entry.rs"]
mod event_entry;

libfuzzer_sys::fuzz_target!(|input: &[u8]| event_entry::check(input));
