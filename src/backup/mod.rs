//! Copies of a log that are kept elsewhere: made piece by piece, proven by replay, and made a store again.
//!
//! ```text
//! <dir>/MANIFEST                  which parts belong to the backup, and digests of them; replaced last
//! <dir>/segment-<first>-<last>    entries of the log as they are stored; never changed
//! <dir>/carried-<number>-<digest> what is carried forward of a log that was cut
//! <dir>/marks-<digest>            the store's `KEYS`, which tells its keys apart
//! <dir>/keys-<digest>             the store's keys, sealed by whoever made the backup
//! <dir>/LOCK                      empty; locked by whoever makes the backup
//! ```
//!
//! `docs/LOG_FORMAT.md` has every byte. Must never hold: how keys are sealed, or which files they are in.

mod copy;
mod error;
mod manifest;
mod place;
mod read;
mod record;
mod restore;
#[cfg(test)]
mod tests;
mod verify;
mod write;

pub use copy::back_up;
pub(crate) use copy::{EachRecord, copied};
pub use error::BackupFault;
pub use place::Place;
pub use read::Backup;
pub(crate) use record::{Record, length as record_length, stream};
pub use restore::{NewStore, fill, restore};
pub use verify::{Proven, prove};
pub(crate) use write::Copying;
pub use write::{Copied, NewKeys};

/// Bytes of a segment, but for the last entry in it: what is in memory at once, and how closely a damage is located.
const SEGMENT_BYTES: usize = 16 * 1024 * 1024;
