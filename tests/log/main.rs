//! The log: one suite over every engine, and the bytes that it stores.
//!
//! Must never hold: a process of its own, because a store that is opened again at once would be locked for as long as
//! a child is being started. Tests that kill are in `tests/promises/`.

#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]
#![allow(clippy::cast_possible_truncation, reason = "test data wraps round")]

#[path = "../corpora/mod.rs"]
mod corpora;
#[path = "../events/mod.rs"]
mod events;

mod corpus;
mod cuts;
mod damage;
mod entries;
mod format_by_hand;
mod golden_carried;
mod golden_events;
mod golden_logs;
mod memory;
mod salvage;
mod seal;
mod sealing;
mod sled;
mod suite;
