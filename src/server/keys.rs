//! The secrets a store keeps beside its log, each in a file of `keys/` that only its owner can read.
//!
//! All of them must outlive the process: tags, tuple ids and cursors that clients hold are made with them, and a
//! killed server can tell its clients so only with the reset and connection-id keys it had before.
//! Must never hold: a key of a principal or device, or one that is shared by two servers.

use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use super::{ServerError, files};
use crate::disk;

/// Name of the folder in the data folder.
pub(super) const FOLDER: &str = "keys";

/// The secrets of one store.
pub(super) struct Keys {
    /// Keys the tags and tuple ids of the service.
    pub(super) store: [u8; 32],
    /// Seals the cursors.
    pub(super) cursor: [u8; 32],
    /// Makes the stateless-reset tokens, RFC 9000 §10.3.
    pub(super) reset: [u8; 64],
    /// Marks the connection ids, so that packets for a former process are recognised.
    pub(super) connection: u64,
    /// Seals address-validation tokens, RFC 9000 §8.1.
    pub(super) token: [u8; 64],
}

impl Keys {
    /// Reads the keys of the store in `data`, making those that are missing.
    pub(super) fn open(data: &Path) -> Result<Self, ServerError> {
        let folder = data.join(FOLDER);
        disk::make_folder(&folder)?;
        Ok(Self {
            store: keep(folder.join("store.secret"))?,
            cursor: keep(folder.join("cursor.secret"))?,
            reset: keep(folder.join("reset.secret"))?,
            connection: u64::from_be_bytes(keep(folder.join("connection.secret"))?),
            token: keep(folder.join("token.secret"))?,
        })
    }
}

/// The key in `path`, made at random if there is none.
fn keep<const N: usize>(path: PathBuf) -> Result<[u8; N], ServerError> {
    if let Some(bytes) = disk::read(&path)? {
        let cure = "restore it from a backup, or delete it and clients begin their feeds anew";
        return bytes.try_into().map_err(|bytes: Vec<u8>| ServerError::BadFile {
            path,
            reason: format!("has {} bytes where a key of {N} must be", bytes.len()),
            cure,
        });
    }
    let key = random::<N>();
    files::write_private(&path, &key)?;
    Ok(key)
}

/// Bytes from the system's random source.
///
/// # Panics
/// If the system has no randomness to give, without which nothing here is safe.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system's random source works");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_kept() {
        let data = tempfile::tempdir().unwrap();
        let first = Keys::open(data.path()).unwrap();
        let second = Keys::open(data.path()).unwrap();
        assert_eq!(first.store, second.store);
        assert_eq!(first.cursor, second.cursor);
        assert_eq!(first.reset, second.reset);
        assert_eq!(first.connection, second.connection);
        assert_eq!(first.token, second.token);
        assert_ne!(first.store, first.cursor);
    }

    #[test]
    fn two_stores_have_different_keys() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert_ne!(Keys::open(one.path()).unwrap().store, Keys::open(other.path()).unwrap().store);
    }

    #[test]
    fn a_key_of_the_wrong_length_is_named_and_left_alone() {
        let data = tempfile::tempdir().unwrap();
        Keys::open(data.path()).unwrap();
        let path = data.path().join(FOLDER).join("cursor.secret");
        std::fs::write(&path, b"short").unwrap();
        let fault = Keys::open(data.path()).err().unwrap().to_string();
        assert!(fault.contains("cursor.secret") && fault.contains("5 bytes"), "{fault}");
        assert_eq!(std::fs::read(&path).unwrap(), b"short");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_key() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        Keys::open(data.path()).unwrap();
        for entry in std::fs::read_dir(data.path().join(FOLDER)).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
