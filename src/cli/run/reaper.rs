//! What the first process of a container owes to the others in it: to take note that they ended.
//!
//! Whoever started them may be gone, and then they are children of the first process. One that nobody takes note of stays in
//! the system's table, which has an end.
//! Must never hold: a process that this one started and waits for itself.

use rustix::process::{WaitOptions, wait};
use tokio::signal::unix::SignalKind;

use super::failure::Failure;
use super::signals;

/// The number of the first process.
const FIRST: u32 = 1;

/// Takes note of every child that ends, if this is the first process. Needs a runtime.
pub(in crate::cli) fn reap_if_first() -> Result<(), Failure> {
    if std::process::id() != FIRST {
        return Ok(());
    }
    let mut ended = signals::listen(SignalKind::child())?;
    tokio::spawn(async move {
        // One signal may stand for several, and some may have ended before.
        loop {
            while matches!(wait(WaitOptions::NOHANG), Ok(Some(_))) {}
            if ended.recv().await.is_none() {
                return;
            }
        }
    });
    Ok(())
}
