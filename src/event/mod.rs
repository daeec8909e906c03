//! Facts in the past tense, and their bytes.
//!
//! Holds: every event that was ever recorded, and the log entry format with its version, checksum and chain.
//! Variants and fields only grow at the end; a number once used is never used again, and a golden file in
//! `tests/golden/` pins each. Must never hold: a rule, a view, a clock or I/O.

mod administration;
mod assemble;
mod charged;
mod clock;
mod cut;
mod domain;
mod entry;
mod fact;
mod identity;
mod message;
mod named;
mod operation;
mod pack;
mod payloads;
mod place;
mod publication;
mod receipt;
mod recovery;
mod review;
mod rules;
mod store;
mod subscription;
mod watcher;

pub use administration::*;
pub use assemble::*;
pub use charged::*;
pub use clock::*;
pub use cut::*;
pub use domain::*;
pub use entry::*;
pub use fact::*;
pub use identity::*;
pub use message::*;
pub use operation::*;
pub use pack::*;
pub use payloads::*;
pub use publication::*;
pub use receipt::*;
pub use recovery::*;
pub use review::*;
pub use rules::*;
pub use store::*;
pub use subscription::*;
pub use watcher::*;
