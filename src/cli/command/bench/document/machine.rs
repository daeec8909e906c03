//! On which machine figures were taken, as far as it tells.
//!
//! Must never hold: a figure that was measured.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::cli::print::time::{now, rfc3339};

/// What is told of the machine.
#[derive(Clone, Debug)]
pub(in crate::cli::command::bench) struct Machine {
    taken_at: String,
    cores: usize,
    processor: Option<String>,
    memory: Option<String>,
    kernel: Option<String>,
    file_system: Option<String>,
}

impl Machine {
    /// This one, with the disk that `folder` is on.
    pub(in crate::cli::command::bench) fn of(folder: &Path) -> Self {
        let read = |path| fs::read_to_string(path).ok();
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self {
            taken_at: rfc3339(now()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            processor: read("/proc/cpuinfo").and_then(|text| field(&text, "model name")),
            memory: read("/proc/meminfo").and_then(|text| field(&text, "MemTotal")),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
            file_system: read("/proc/self/mounts").and_then(|text| mounted(&text, &folder)),
        }
    }
}

/// The value of the first line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(found, _)| found.trim() == name);
    values.next().map(|(_, value)| value.trim().to_owned())
}

/// The kind of file system that `folder` is on, and its options.
fn mounted(mounts: &str, folder: &Path) -> Option<String> {
    let rows = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?, words.next()?))
    });
    let holding = rows.filter(|(at, ..)| folder.starts_with(at));
    // Of two at the same place the later one is in force.
    let nearest = holding.max_by_key(|(at, ..)| at.len())?;
    Some(format!("{} ({})", nearest.1, nearest.2))
}

impl fmt::Display for Machine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = "it does not tell";
        let told = |fact: &Option<String>| fact.as_deref().unwrap_or(unknown).to_owned();
        let version = concat!("adsum ", env!("CARGO_PKG_VERSION"));
        writeln!(formatter, "| machine | |\n|---|---|")?;
        for (name, fact) in [
            ("taken", format!("{}, {version}", self.taken_at)),
            ("cores", self.cores.to_string()),
            ("processor", told(&self.processor)),
            ("memory", told(&self.memory)),
            ("kernel", told(&self.kernel)),
            ("file system", told(&self.file_system)),
        ] {
            writeln!(formatter, "| {name} | {fact} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_is_the_one_that_holds_a_folder() {
        let mounts = "/dev/a / ext4 rw 0 0\n/dev/b /data xfs rw,noatime 0 0\n/dev/c /database btrfs rw 0 0\n";
        assert_eq!(mounted(mounts, Path::new("/data/x")).unwrap(), "xfs (rw,noatime)");
        assert_eq!(mounted(mounts, Path::new("/tmp")).unwrap(), "ext4 (rw)");
        assert_eq!(mounted("", Path::new("/tmp")), None);
    }

    #[test]
    fn the_first_processor_speaks_for_all() {
        let text = "processor\t: 0\nmodel name\t: A\nmodel name\t: B\n";
        assert_eq!(field(text, "model name").unwrap(), "A");
        assert_eq!(field(text, "cores"), None);
    }
}
