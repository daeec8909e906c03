//! The server's two clocks: the wall clock, and elapsed time by the clock that runs since the machine was booted, also while
//! it sleeps. Nothing sets that one.
//!
//! Elapsed time goes on where the log ended. How it follows from the boot clock stands in the file `CLOCK` beside the log,
//! so that a restart on the same boot knows how long the server was down, whatever the wall clock did meanwhile.
//! Must never hold: a decision about what a clock that was set means; that is the service's.

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tracing::warn;

use super::{ServerError, files};
use crate::disk;
use crate::event::{ClockCause, Event};
use crate::model::{Ahead, Lifetime, Now, Timestamp};
use crate::service::resumed_at;
use crate::uptime;
use crate::view::Views;

/// Name of the file in the data folder: `adsum clock`, the boot, and how many milliseconds elapsed time is ahead of its clock.
pub(super) const FILE: &str = "CLOCK";
const MAGIC: &str = "adsum clock 1";

/// Where a server reads the time. A test gives it another than the system's.
pub trait Clock: Debug + Send + Sync {
    /// What the wall clock shows.
    fn wall(&self) -> Timestamp;

    /// How long ago the machine was booted, with the time that it slept.
    fn since_boot(&self) -> Lifetime;

    /// Names the boot; `None` if the system does not tell, so that a restart has to believe the wall clock.
    fn boot(&self) -> Option<String>;
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        wall()
    }

    /// Where the system does not tell, a clock that need not run while the machine sleeps: since the first reading.
    fn since_boot(&self) -> Lifetime {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let passed =
            uptime::since_boot().unwrap_or_else(|| FIRST.get_or_init(Instant::now).elapsed());
        Lifetime::from_ms(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
    }

    /// Boot and time namespace: a container may have a boot clock of its own.
    fn boot(&self) -> Option<String> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/time").unwrap_or_default();
        Some(format!("{} {}", boot.trim(), namespace.display()))
    }
}

/// The wall clock of the machine. One set before 1970 reads as 1970.
pub(super) fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Both clocks of a running server.
#[derive(Clone, Debug)]
pub struct Timekeeper {
    clock: Arc<dyn Clock>,
    /// How far elapsed time is ahead of the boot clock.
    ahead: Ahead,
}

impl Timekeeper {
    /// Goes on where the log that made `views` ended, and notes in the folder `data` how.
    pub(super) fn open(
        clock: Arc<dyn Clock>,
        data: &Path,
        views: &Views,
    ) -> Result<Self, ServerError> {
        let path = data.join(FILE);
        let noted = disk::read(&path)?;
        let (keeper, note) = Self::resume(clock, noted.as_deref(), views);
        if noted.as_deref() != Some(note.as_bytes()) {
            files::write_private(&path, note.as_bytes())?;
        }
        Ok(keeper)
    }

    /// Goes on where the log that made `views` ended, by what was `noted` at the last start. Returns the note for the next.
    pub fn resume(clock: Arc<dyn Clock>, noted: Option<&[u8]>, views: &Views) -> (Self, String) {
        let since_boot = by_boot(clock.as_ref());
        let boot = clock.boot().map(|boot| boot.replace('\n', " "));
        let known = noted.zip(boot.as_deref());
        let known = known.and_then(|(noted, boot)| known_ahead(noted, boot));
        let boot_says = known.map(|ahead| ahead.shown(since_boot));
        let now = resumed_at(views.time(), views.ahead(), clock.wall(), boot_says);
        let ahead = Ahead::between(since_boot, now);
        let note = format!("{MAGIC}\n{}\n{}\n", boot.unwrap_or_default(), ahead.as_ms());
        (Self { clock, ahead }, note)
    }

    /// What both clocks say.
    pub fn now(&self) -> Now {
        Now { elapsed: self.ahead.shown(by_boot(self.clock.as_ref())), wall: self.clock.wall() }
    }
}

/// The boot clock as a time.
fn by_boot(clock: &dyn Clock) -> Timestamp {
    Timestamp::from_ms(clock.since_boot().as_ms())
}

/// How far elapsed time is ahead of the boot clock by what was noted, if that was on the same boot.
fn known_ahead(noted: &[u8], boot: &str) -> Option<Ahead> {
    let mut lines = core::str::from_utf8(noted).ok()?.lines();
    let is_known = lines.next() == Some(MAGIC) && lines.next() == Some(boot);
    lines.next().filter(|_| is_known)?.parse().ok().map(Ahead::from_ms)
}

/// Tells the operator of an event that says that the wall clock was set.
pub(super) fn tell(event: &Event) {
    let Event::ClockMoved(moved) = event else { return };
    let (direction, by) = moved.before.set_to(moved.after);
    let by_ms = by.as_ms();
    let meanwhile = match moved.cause {
        ClockCause::Drifted => return,
        ClockCause::Set => "while the server runs",
        ClockCause::SetWhileDown => "while the server was down",
    };
    warn!(
        by_ms,
        direction,
        "the wall clock was set {meanwhile}; lifetimes go on by elapsed time, times are shown as it has them; keep it right by NTP"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Stopped {
        wall: u64,
        since_boot: u64,
        boot: Option<&'static str>,
    }

    impl Clock for Stopped {
        fn wall(&self) -> Timestamp {
            Timestamp::from_ms(self.wall)
        }

        fn since_boot(&self) -> Lifetime {
            Lifetime::from_ms(self.since_boot)
        }

        fn boot(&self) -> Option<String> {
            self.boot.map(str::to_owned)
        }
    }

    /// Elapsed time at a start on `folder`, with an empty log.
    fn start(folder: &Path, (wall, since_boot): (u64, u64), boot: Option<&'static str>) -> u64 {
        let clock = Arc::new(Stopped { wall, since_boot, boot });
        let keeper = Timekeeper::open(clock, folder, &Views::default()).unwrap();
        keeper.now().elapsed.as_ms()
    }

    #[test]
    fn a_restart_on_the_same_boot_goes_by_its_clock_and_any_other_by_the_wall_clock() {
        let folder = tempfile::tempdir().unwrap();
        let start = |clocks, boot| start(folder.path(), clocks, boot);
        assert_eq!(start((1_000_000, 50), Some("a")), 1_000_000);
        assert_eq!(start((7, 80), Some("a")), 1_000_030, "the wall clock was set back meanwhile");
        assert_eq!(start((2_000_000, 90), Some("b")), 2_000_000, "another boot");
        assert_eq!(start((3_000_000, 95), None), 3_000_000, "nobody knows which boot");
        std::fs::write(folder.path().join(FILE), b"\xffadsum").unwrap();
        assert_eq!(start((4_000_000, 96), Some("b")), 4_000_000, "what does not read is no clock");
    }

    #[test]
    fn the_boot_clock_runs_and_the_boot_has_a_name() {
        let first = SystemClock.since_boot();
        assert!(SystemClock.since_boot() >= first);
        assert_eq!(SystemClock.boot(), SystemClock.boot());
    }
}
