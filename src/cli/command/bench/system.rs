//! What the system says that a process used: processor time and bytes written, to tell where the time of a request goes.
//!
//! Must never hold: a figure that is guessed where the system does not tell.

use std::path::Path;

/// Ticks a second in `/proc`: 100 on every Linux, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time that process `id` has used so far, or `None` where there is no `/proc`.
pub(super) fn cpu_seconds(id: Option<u32>) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", id?)).ok()?;
    used(&text)
}

/// Seconds this process has used so far.
pub(super) fn own_cpu_seconds() -> Option<f64> {
    cpu_seconds(Some(std::process::id()))
}

/// Bytes that process `id` has made the system write to its disks, or `None` where there is no `/proc`.
pub(super) fn written_bytes(id: Option<u32>) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{}/io", id?)).ok()?;
    written(&text)
}

/// Bytes of memory that process `id` has, or `None` where there is no `/proc`.
pub(super) fn resident_bytes(id: Option<u32>) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{}/status", id?)).ok()?;
    resident(&text)
}

fn resident(status: &str) -> Option<u64> {
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(kib.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

/// Bytes of all files below `folder`, as far as they can be read: what `ls` says, without what is set apart behind their ends.
pub(super) fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let bytes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => folder_bytes(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    bytes.sum()
}

fn written(io: &str) -> Option<f64> {
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.trim().parse().ok())
}

/// User and system time, fields 14 and 15. The name before them is in parentheses and may hold anything.
fn used(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(|field| field.parse::<f64>().ok());
    Some((times.next()?? + times.next()??) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_behind_any_name() {
        let stat = "1 (a) b) S 1 1 1 0 -1 4194304 1 2 3 4 250 50 5 6 20 0 9 0";
        assert_eq!(used(stat), Some(3.0));
        assert_eq!(used("nonsense"), None);
    }

    #[test]
    fn bytes_that_never_reached_a_disk_do_not_count() {
        let io = "rchar: 9\nwchar: 8\nread_bytes: 7\nwrite_bytes: 4096\ncancelled_write_bytes: 5\n";
        assert_eq!(written(io), Some(4_096.0));
        assert_eq!(written(""), None);
    }

    #[test]
    fn the_memory_of_a_process_is_read_in_bytes() {
        assert_eq!(resident("VmPeak:  9 kB\nVmRSS:\t    300 kB\n"), Some(307_200));
        assert_eq!(resident(""), None);
    }
}
