//! Sorted runs: many short records of one length, written once, found by their keys, and dropped by the day.
//!
//! A run is a row of blocks of some KiB in order of key, and a filter that lies in memory and says of nearly every key that it
//! is not in the run. Runs of one day are merged, so that a key is looked for in few; when their day is over they are dropped
//! whole. Which runs there are is written by whoever owns them; what nobody lists is removed.
//! Must never hold: what a record means.

mod block;
mod filter;
mod list;
mod merge;
mod run;
mod writer;

pub use list::Runs;
pub use merge::Merge;
pub use run::{Run, RunKey, RunValue};
pub use writer::RunWriter;
