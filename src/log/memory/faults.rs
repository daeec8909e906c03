//! What fails on a disk in memory because it is to fail.
//!
//! Must never hold: when that is.

use crate::log::LogFault;

/// The fault of an `action` that was to fail.
pub(super) fn injected(action: &'static str) -> LogFault {
    LogFault::Engine { action, reason: "a fault was injected".into() }
}
