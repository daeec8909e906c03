//! The clock that runs since the machine was booted, also while it sleeps, and that nothing sets.
//!
//! The lowest layer that reads a clock; the client notices sleeps by it, the server counts lifetimes by it.
//! Must never hold: what a time means, or what serves where a system has no such clock.

use core::time::Duration;

/// How long ago the machine was booted, with the time that it slept; `None` where the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
pub(crate) fn since_boot() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    // Neither is negative, and there are fewer nanoseconds than fill a second.
    Some(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default()))
}

/// How long ago the machine was booted, with the time that it slept; `None` where the system does not tell.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn since_boot() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_and_never_back() {
        let (first, second) = (since_boot(), since_boot());
        assert!(first <= second);
        assert_eq!(first.is_some(), cfg!(any(target_os = "linux", target_os = "android")));
    }
}
