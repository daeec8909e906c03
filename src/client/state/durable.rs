//! Files that are there whole or not at all, and that notice damage.
//!
//! A checked file is TOML behind a first line `# adsum <checksum>`, the CRC-32 of the rest in hexadecimal.
//! Must never hold: what a file means.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde::{Serialize, de::DeserializeOwned};

use super::StateError;
use crate::client::random;

const MARK: &str = "# adsum ";
const TEMPORARY: &str = ".tmp";
/// How long to wait for a lock: who has just dropped a feed may still be saving its position.
const LOCK_WAIT: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Makes a folder that only its owner may read, with all above it.
pub(super) fn make_folder(path: &Path) -> Result<(), StateError> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    above.map_or(Ok(()), make_folder)?;
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
            Err(StateError::io("make the folder", path)(cause))
        }
        _ => sync_folder(above.unwrap_or(Path::new("."))),
    }
}

/// Makes names in a folder durable. Elsewhere than on Unix a folder cannot be opened, and a rename is durable.
pub(super) fn sync_folder(path: &Path) -> Result<(), StateError> {
    if cfg!(unix) {
        let synced = File::open(path).and_then(|folder| folder.sync_all());
        synced.map_err(StateError::io("sync the folder", path))?;
    }
    Ok(())
}

/// Puts `bytes` in the place of the file at `path`, for its owner's eyes only. After a crash at any moment the file
/// holds what it held before or `bytes`.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let (Some(folder), Some(name)) =
        (path.parent(), path.file_name().and_then(|name| name.to_str()))
    else {
        let cause = io::Error::from(io::ErrorKind::InvalidInput);
        return Err(StateError::io("write", path)(cause));
    };
    let unique = HEXLOWER.encode(&random::bytes::<8>());
    let temporary = folder.join(format!(".{name}.{unique}{TEMPORARY}"));
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    if let Err(cause) = written {
        // The rest of a failed write is of no use; that it cannot be removed either changes nothing.
        let _ = fs::remove_file(&temporary);
        return Err(StateError::io("write", path)(cause));
    }
    sync_folder(folder)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Locks the file at `path`, which is made if need be, until what is returned is dropped or the process ends. Waits a
/// moment for who has it.
pub(super) fn lock(path: &Path) -> Result<File, StateError> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
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

/// The bytes of a file, or `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(StateError::io("read", path)(cause)),
    }
}

/// Removes a file for good; one that is not there is removed already.
pub(super) fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_folder),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(StateError::io("remove", path)(cause)),
    }
}

/// Removes what writes of `path` that were cut short have left. Only for a file that this process has locked.
pub(super) fn sweep(path: &Path) {
    let Some((folder, name)) = path.parent().zip(path.file_name().and_then(|name| name.to_str()))
    else {
        return;
    };
    let prefix = format!(".{name}.");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let Some(found) = found.to_str() else { continue };
        if found.starts_with(&prefix) && found.ends_with(TEMPORARY) {
            // Left-overs are never read, so failing to remove one does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Replaces a checked file.
pub(super) fn store<T: Serialize>(path: &Path, value: &T) -> Result<(), StateError> {
    let text = toml::to_string(value).expect("state holds only text, numbers and lists of them");
    let checked = format!("{MARK}{:08x}\n{text}", crc32fast::hash(text.as_bytes()));
    replace(path, checked.as_bytes())
}

/// Reads a checked file, or `None` if there is none. `cure` is what to do should it be damaged.
pub(super) fn load<T: DeserializeOwned>(
    path: &Path,
    cure: &'static str,
) -> Result<Option<T>, StateError> {
    let Some(bytes) = read(path)? else { return Ok(None) };
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
    fn a_write_cut_short_leaves_the_old_value_and_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        store(&path, &sample("old")).unwrap();
        let torn = folder.path().join(".x.toml.0123456789abcdef.tmp");
        fs::write(&torn, "# adsum 00").unwrap();
        let neighbour = folder.path().join(".y.toml.0123456789abcdef.tmp");
        fs::write(&neighbour, "").unwrap();
        assert_eq!(load_sample(&path).unwrap(), Some(sample("old")));
        sweep(&path);
        assert!(!torn.exists());
        assert!(neighbour.exists());
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

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_folder(&inner).unwrap();
        replace(&inner.join("key"), b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("key"))), (0o700, 0o600));
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir_all(path.join("inner")).unwrap();
        assert!(matches!(replace(&path, b"x"), Err(StateError::Io { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
