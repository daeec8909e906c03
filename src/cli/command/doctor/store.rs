//! Checks of a store and of the disk it lies on.
//!
//! Must never hold: a repair, or anything that is slow on a large store; `adsum log verify` reads all of it.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::check::Check;
use crate::cli::print::time::{now, rfc3339, span};
use crate::cli::run::cure;
use crate::event::{ClockCause, Event, Recorded};
use crate::log::{Entries as _, EventLog, LogFault, SledLog, each_event};
use crate::model::limits::{DISK_RESERVE_BYTES_DEFAULT, RETENTION_MS_DEFAULT};
use crate::model::{Sequence, Timestamp};
use crate::server::{key_faults, unsafe_files};

/// Events at the end of the log that are read.
const LAST_EVENTS: u64 = 1_000;
/// Writes that are timed; the median counts.
const PROBES: usize = 9;
const PROBE_BYTES: usize = 4_096;
/// A sync that takes longer makes every answer slow.
const SYNC_USUAL: Duration = Duration::from_millis(50);
/// Less free space than this is told: the log takes what clients send, and stops when the disk is full.
const FREE_BYTES_MIN: u64 = 1024 * 1024 * 1024;

/// Looks at the store in `data`.
pub(super) fn check(data: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    // Before the store is opened, which closes sled's files.
    let files = Check::of_files(&data.display().to_string(), &unsafe_files(data));
    match SledLog::open_existing(data) {
        Ok(log) => {
            let head = log.head();
            checks.push(Check::ok(
                "store",
                format!("{} has the right format, {head} events, nobody uses it", data.display()),
            ));
            let damaged = |fault| vec![Check::fail("log", cure::of_log(&fault))];
            checks.extend(last_events(&log).unwrap_or_else(damaged));
            checks.extend(retention(&log, now()).unwrap_or_else(damaged));
            checks.extend(keys(data, log.head()));
        }
        Err(LogFault::Locked { path }) => {
            let detail = format!("{path} is in use by another adsum process");
            let cure = "nothing, if that is the server; stop it to have the log looked at too";
            checks.push(Check::warn("store", detail, cure));
        }
        Err(fault) => checks.push(Check::fail("store", cure::of_log(&fault))),
    }
    if data.is_dir() {
        checks.extend(files);
        checks.push(free_space(data));
        checks.push(sync(data));
    }
    checks
}

/// The key files that are not those the store was used with.
fn keys(data: &Path, head: Sequence) -> Vec<Check> {
    let faults = if head > Sequence::ZERO { key_faults(data) } else { Vec::new() };
    if faults.is_empty() {
        return vec![Check::ok("keys", "those that the store was used with")];
    }
    faults.iter().map(|fault| Check::fail("keys", fault)).collect()
}

/// Whether the last events are whole, and what somebody should know of them.
fn last_events(log: &SledLog) -> Result<Vec<Check>, LogFault> {
    let head = log.head().get();
    if head == 0 {
        return Ok(vec![Check::ok("log", "empty")]);
    }
    let from = head.saturating_sub(LAST_EVENTS) + 1;
    let (mut clock, mut past) = (None, None);
    each_event(log.reader().as_ref(), (Sequence::new(from), log.head()), |recorded| {
        clock = clock_set(&recorded).or(clock.take());
        past = put_back(&recorded).or(past.take());
        Ok::<_, LogFault>(())
    })?;
    let whole = format!("events {from} to {head} are whole; `adsum log verify` checks all");
    Ok(core::iter::once(Check::ok("log", whole)).chain(clock).chain(past).collect())
}

/// How far back the log goes, and whether that is further than a server keeps unless told otherwise.
fn retention(log: &SledLog, now: Timestamp) -> Result<Vec<Check>, LogFault> {
    let mark = log.mark();
    if log.head() <= mark.base.head {
        return Ok(Vec::new());
    }
    let oldest = log.reader().read_one(mark.base.head.next())?;
    let age = oldest.shown_at().until(now);
    let cuts = match mark.number {
        0 => "it was never cut".to_owned(),
        made => format!(
            "it was cut {made} times, the last time through event {} of {}",
            mark.base.head,
            rfc3339(mark.until)
        ),
    };
    let detail =
        format!("the log begins with event {}, {} old; {cuts}", oldest.sequence, span(age));
    if age.as_ms() <= RETENTION_MS_DEFAULT / 4 * 5 {
        return Ok(vec![Check::ok("retention", detail)]);
    }
    let cure = "nothing, if `[retention]` of its server keeps all of it longer than 30d, or if no server ran on it; else look for `adsum_log_cut_failed` and the server's lines of level ERROR";
    Ok(vec![Check::warn("retention", detail, cure)])
}

/// What an event says of a wall clock that was set.
fn clock_set(recorded: &Recorded) -> Option<Check> {
    let Event::ClockMoved(moved) = &recorded.event else { return None };
    if moved.cause == ClockCause::Drifted {
        return None;
    }
    let (direction, by) = moved.before.set_to(moved.after);
    let detail = format!(
        "the wall clock was set {direction} by {} at event {}; lifetimes went on by elapsed time",
        span(by),
        recorded.sequence
    );
    let cure = "keep the clock right by NTP, and start the server only once it is";
    Some(Check::warn("clock", detail, cure))
}

/// What an event says of a store that was put back to an earlier state, as a device has noticed.
fn put_back(recorded: &Recorded) -> Option<Check> {
    let Event::RestoreNoticed(notice) = &recorded.event else { return None };
    let detail = format!(
        "this store was put back to an earlier state: {} noticed it at {}, as device {} had been told of {}",
        notice.principal,
        rfc3339(recorded.shown_at()),
        notice.device,
        notice.by.told(rfc3339)
    );
    let cure =
        "tell its users from when on to send and publish again; `adsum log cat` lists who noticed";
    Some(Check::warn("past", detail, cure))
}

/// Asks `df`: the standard library has no call for it, and this is the only place that needs one.
fn free_space(data: &Path) -> Check {
    let told = Command::new("df").arg("-Pk").arg("--").arg(data).output();
    judged(told.ok().and_then(|told| free_of(&String::from_utf8_lossy(&told.stdout))))
}

fn judged(free: Option<u64>) -> Check {
    let cure = "make room on that disk, or move the store to a larger one";
    match free {
        Some(free) if free < DISK_RESERVE_BYTES_DEFAULT => {
            let detail = "MiB free, too little for the reserve of a server, which takes nothing new (storage-full)";
            Check::fail("disk space", format!("{} {detail}; {cure}", free / 1024 / 1024))
        }
        Some(free) if free < FREE_BYTES_MIN => {
            Check::warn("disk space", format!("{} MiB free", free / 1024 / 1024), cure)
        }
        Some(free) => Check::ok("disk space", format!("{} MiB free", free / 1024 / 1024)),
        None => Check::warn("disk space", "unknown: `df` did not tell", "look for yourself"),
    }
}

/// The bytes free in the output of `df -Pk`: the fourth column of the second line, in KiB.
fn free_of(told: &str) -> Option<u64> {
    let kib: u64 = told.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    kib.checked_mul(1024)
}

fn sync(data: &Path) -> Check {
    match sync_time(data) {
        Ok(took) => {
            let detail = format!(
                "{PROBE_BYTES} bytes written and synced in {:.2} ms",
                took.as_secs_f64() * 1_000.0
            );
            if took > SYNC_USUAL {
                let cure =
                    "every answer waits for a sync: use a faster disk, or one that is less busy";
                return Check::warn("disk sync", detail, cure);
            }
            Check::ok("disk sync", detail)
        }
        Err(error) => {
            let cause = format!("cannot write to {}: {error}; make it writable", data.display());
            Check::fail("disk sync", cause)
        }
    }
}

/// The median time of a small write with its sync, in a file that is gone afterwards.
fn sync_time(data: &Path) -> std::io::Result<Duration> {
    let mut file = tempfile::Builder::new().prefix("doctor-").tempfile_in(data)?;
    let mut times = Vec::with_capacity(PROBES);
    for _ in 0..PROBES {
        let began = Instant::now();
        file.write_all(&[0; PROBE_BYTES])?;
        file.as_file().sync_data()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[PROBES / 2])
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;
    use crate::event::ClockMoved;
    use crate::model::{Ahead, Moment};

    fn verdicts(checks: &[Check]) -> Vec<(&str, Verdict)> {
        checks.iter().map(|check| (check.name.as_str(), check.result)).collect()
    }

    #[test]
    fn a_good_store_passes_and_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        drop(SledLog::open(folder.path()).unwrap());
        let before = std::fs::read_dir(folder.path()).unwrap().count();
        let checks = check(folder.path());
        assert_eq!(
            verdicts(&checks).iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["store", "log", "keys", "files", "disk space", "disk sync"]
        );
        assert!(checks.iter().all(|check| check.result != Verdict::Fail), "{checks:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before);
    }

    #[test]
    fn a_wall_clock_that_was_set_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SledLog::open(folder.path()).unwrap();
        for (us, after, cause) in
            [(1, -120_000, ClockCause::Set), (2, -120_500, ClockCause::Drifted)]
        {
            let (before, after) = (Ahead::ZERO, Ahead::from_ms(after));
            let event = Event::ClockMoved(ClockMoved { before, after, cause });
            log.append(&[(Moment::from_us(us), event)]).unwrap();
        }
        log.sync().unwrap();
        drop(log);
        let checks = check(folder.path());
        let clock = checks.iter().find(|check| check.name == "clock").unwrap();
        assert_eq!(clock.result, Verdict::Warn);
        assert!(
            clock.detail.starts_with("the wall clock was set back by 2m at event 1;"),
            "{clock}"
        );
        let cure = "keep the clock right by NTP, and start the server only once it is";
        assert_eq!(clock.cure.as_deref(), Some(cure));
    }

    #[test]
    fn a_log_that_goes_back_further_than_a_server_keeps_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SledLog::open(folder.path()).unwrap();
        assert!(
            retention(&log, Timestamp::from_ms(0)).unwrap().is_empty(),
            "an empty one has no age"
        );
        let (before, after) = (Ahead::ZERO, Ahead::from_ms(9));
        let event = Event::ClockMoved(ClockMoved { before, after, cause: ClockCause::Drifted });
        log.append(&[(Moment::from_us(1), event)]).unwrap();
        let day = 24 * 60 * 60 * 1_000;
        for (days, verdict) in [(37, Verdict::Ok), (38, Verdict::Warn)] {
            let told = retention(&log, Timestamp::from_ms(days * day)).unwrap();
            assert_eq!(verdicts(&told), [("retention", verdict)]);
            let begins = format!("the log begins with event 1, {days}d old; it was never cut");
            assert_eq!(told[0].detail, begins);
        }
    }

    #[test]
    fn a_store_in_use_is_a_warning_and_none_at_all_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let log = SledLog::open(folder.path()).unwrap();
        assert_eq!(verdicts(&check(folder.path()))[0], ("store", Verdict::Warn));
        drop(log);
        let nowhere = folder.path().join("nowhere");
        assert_eq!(verdicts(&check(&nowhere)), [("store", Verdict::Fail)]);
    }

    #[test]
    fn a_disk_on_which_a_server_would_take_nothing_new_is_a_fault() {
        let told = [10 << 20, 500 << 20, 2 << 30].map(|free| judged(Some(free)).result);
        assert_eq!(told, [Verdict::Fail, Verdict::Warn, Verdict::Ok]);
        let full = judged(Some(10 << 20)).to_string();
        assert!(full.contains("10 MiB free") && full.contains("storage-full"), "{full}");
    }

    #[test]
    fn free_space_is_the_fourth_column() {
        let told = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 100 40 60 40% /\n";
        assert_eq!(free_of(told), Some(60 * 1024));
        assert_eq!(free_of("df: no such file"), None);
    }
}
