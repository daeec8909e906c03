//! The one place of the server that reads the wall clock.
//!
//! Must never hold: anything but the reading; time reaches the service as a value.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::Timestamp;

/// Now. A clock set before 1970 reads as 1970; the writer takes a clock that went back as standing still.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
