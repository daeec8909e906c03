//! Files that notice damage, and locks.
//!
//! A checked file is TOML behind a first line `# adsum <checksum>`, the CRC-32 of the rest in hexadecimal.
//! Must never hold: what a file means.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Serialize, de::DeserializeOwned};

use super::StateError;
use crate::disk;

const MARK: &str = "# adsum ";
/// How long to wait for a lock: who has just dropped a feed may still be saving its position.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Locks the file at `path`, which is made if need be, until what is returned is dropped or the process ends. Waits a
/// moment for who has it.
pub(super) fn lock(path: &Path) -> Result<File, StateError> {
    let file = disk::private().create(true).truncate(false).open(path);
    let file = file.map_err(StateError::io("open", path))?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Locked { path: path.to_owned() });
            }
            Err(TryLockError::Error(cause)) => return Err(StateError::io("lock", path)(cause)),
        }
    }
}

/// Replaces a checked file.
pub(super) fn store<T: Serialize>(path: &Path, value: &T) -> Result<(), StateError> {
    let text = toml::to_string(value).expect("state holds only text, numbers and lists of them");
    let checked = format!("{MARK}{:08x}\n{text}", crc32fast::hash(text.as_bytes()));
    Ok(disk::replace(path, checked.as_bytes())?)
}

/// Reads a checked file, or `None` if there is none. `cure` is what to do should it be damaged.
pub(super) fn load<T: DeserializeOwned>(
    path: &Path,
    cure: &'static str,
) -> Result<Option<T>, StateError> {
    let Some(bytes) = disk::read(path)? else { return Ok(None) };
    let damaged = |reason: String| StateError::Damaged { path: path.to_owned(), reason, cure };
    let text = String::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8".into()))?;
    let (found, rest) = text
        .strip_prefix(MARK)
        .and_then(|rest| rest.split_once('\n'))
        .ok_or_else(|| damaged("its first line is not a checksum".into()))?;
    let expected = format!("{:08x}", crc32fast::hash(rest.as_bytes()));
    if found != expected {
        return Err(damaged(format!("its checksum is {found}, expected {expected}")));
    }
    toml::from_str(rest).map(Some).map_err(|error| damaged(error.message().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Sample {
        value: String,
    }

    fn sample(value: &str) -> Sample {
        Sample { value: value.into() }
    }

    fn load_sample(path: &Path) -> Result<Option<Sample>, StateError> {
        load(path, "remove it")
    }

    #[test]
    fn a_checked_file_reads_back_and_a_missing_one_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        assert_eq!(load_sample(&path).unwrap(), None);
        store(&path, &sample("a")).unwrap();
        store(&path, &sample("b")).unwrap();
        assert_eq!(load_sample(&path).unwrap(), Some(sample("b")));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        store(&path, &sample("value")).unwrap();
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 0x01;
            fs::write(&path, &flipped).unwrap();
            assert!(matches!(load_sample(&path), Err(StateError::Damaged { .. })), "byte {at}");
            fs::write(&path, &good[..at]).unwrap();
            assert!(matches!(load_sample(&path), Err(StateError::Damaged { .. })), "cut {at}");
        }
    }
}
