//! The secrets a store keeps beside its log, each in a file of `keys/` that only its owner can read.
//!
//! All of them must outlive the process: tags, tuple ids and cursors that clients hold are made with them, and a
//! killed server can tell its clients so only with the reset and connection-id keys it had before.
//! Must never hold: a key of a principal or device, or one that is shared by two servers.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use thiserror::Error;

use super::{ServerError, files};
use crate::backup::BackupFault;
use crate::disk;
use crate::guard::Kept;
use crate::random;

/// Every key file of a store, and what it means when it is lost or another one. The last one is the certificate's.
const FILES: [(&str, &str); 7] = [
    ("principals.keys", "what people wrote before reads as erased"),
    ("store.secret", "no client can change what it has published, and tuple ids change"),
    ("cursor.secret", "every feed begins anew with a full snapshot"),
    ("reset.secret", "clients notice late that the server was restarted"),
    ("connection.secret", "clients notice late that the server was restarted"),
    ("token.secret", "each client needs one round trip more at its next connection"),
    (
        "server-key.pem",
        "every client says that the server's key has changed, and connects no more until that is confirmed",
    ),
];
/// The certificate around the last of them, in the same folder.
pub(super) const CERTIFICATE: &str = "server.pem";
/// Certificates for pages with their keys, made anew every few days: no backup needs them, and none is missed.
pub(super) const PAGE_CERTIFICATES: &str = "pages.pem";
/// The file beside the log that tells the keys apart, by a digest of each.
pub(super) const MARKS: &str = "KEYS";
/// In front of the hash of the key that clients pin, which may be one of the operator's own files.
const SHOWN: &str = "shown";

/// A key file that is not the one the store was used with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the key file {} {what}, but the log is not new: {loss}; restore it from a backup before a server runs", .path.display())]
pub struct KeyFault {
    /// The file.
    pub path: PathBuf,
    what: &'static str,
    loss: &'static str,
}

/// The files and folders of the store in `data` that hold keys.
pub(super) fn kept(data: &Path) -> Vec<Kept> {
    let folder = data.join(FOLDER);
    let names = FILES.map(|(name, _)| name).into_iter().chain([CERTIFICATE, PAGE_CERTIFICATES]);
    let mut kept = vec![Kept::folder(&folder), Kept::file(data.join(MARKS))];
    kept.extend(names.map(|name| Kept::file(folder.join(name))));
    kept
}

/// What packed keys begin with.
const PACKED: &str = "adsum keys 1";

/// All key files of the store in `data`, as lines of text: the first says what this is, each other one has a file's name
/// below the store's folder and its bytes in base64. To be sealed, and to be unpacked by [`restore_store`](super::restore_store).
///
/// # Errors
/// [`ServerError::File`] if one cannot be read.
pub fn pack(data: &Path) -> Result<Vec<u8>, ServerError> {
    Ok(packed(data)?)
}

/// As [`pack`].
pub(super) fn packed(data: &Path) -> Result<Vec<u8>, disk::Fault> {
    let mut text = format!("{PACKED}\n");
    for name in names() {
        if let Some(bytes) = disk::read(&data.join(&name))? {
            text.extend([&name, " ", &BASE64.encode(&bytes), "\n"]);
        }
    }
    Ok(text.into_bytes())
}

/// The files that [`pack`] packed, each by its name below the store's folder.
pub(super) fn unpack(packed: &[u8]) -> Result<Vec<(PathBuf, Vec<u8>)>, BackupFault> {
    let unknown = |reason: &str| BackupFault::Keys { reason: reason.to_owned() };
    let text = core::str::from_utf8(packed).map_err(|_| unknown("they are no text"))?;
    let lines = text.strip_prefix(PACKED).and_then(|lines| lines.strip_prefix('\n'));
    let file = |line: &str| {
        let (name, bytes) = line.split_once(' ')?;
        let name = names().find(|known| known == name)?;
        Some((PathBuf::from(name), BASE64.decode(bytes.as_bytes()).ok()?))
    };
    let files = lines.ok_or_else(|| unknown("they have another title"))?.lines();
    files.map(|line| file(line).ok_or_else(|| unknown("one of them is not known"))).collect()
}

/// The key files, by their names below the store's folder.
fn names() -> impl Iterator<Item = String> {
    let names = FILES.map(|(name, _)| name).into_iter().chain([CERTIFICATE]);
    names.map(|name| format!("{FOLDER}/{name}"))
}

/// What is wrong with the key files of the store in `data`, whose log holds events.
pub fn key_faults(data: &Path) -> Vec<KeyFault> {
    let marks = fs::read_to_string(data.join(MARKS)).ok();
    let fault = |(name, loss): (&str, &'static str)| {
        let path = data.join(FOLDER).join(name);
        let known = marks.as_ref().map(|marks| mark_of(marks, name));
        let what = match (known, digest(&path)) {
            (Some(Some(known)), Some(found)) if known != found => "was replaced",
            // A store that tells no keys apart yet has them all, but for the certificate's, which may be the operator's.
            (Some(Some(_)), None) => "is gone",
            (None, None) if name.ends_with(".secret") => "is gone",
            _ => return None,
        };
        Some(KeyFault { path, what, loss })
    };
    FILES.into_iter().filter_map(fault).collect()
}

/// Remembers which keys the store in `data` is used with from now on, and the hash of the one that clients pin.
pub(super) fn remember(data: &Path, key_hash: &[u8; 32]) -> Result<(), ServerError> {
    let mark = |(name, _): &(&str, &str)| {
        digest(&data.join(FOLDER).join(name)).map(|digest| format!("{name} {digest}\n"))
    };
    let mut marks: String = FILES.iter().filter_map(mark).collect();
    marks.extend([SHOWN, " ", &HEXLOWER.encode(key_hash), "\n"]);
    Ok(files::write_private(&data.join(MARKS), marks.as_bytes())?)
}

/// The hash of the key that the last server on the store in `data` showed, if it is remembered.
pub(super) fn shown_key_hash(data: &Path) -> Option<[u8; 32]> {
    let marks = fs::read_to_string(data.join(MARKS)).ok()?;
    HEXLOWER.decode(mark_of(&marks, SHOWN)?.as_bytes()).ok()?.try_into().ok()
}

fn mark_of<'a>(marks: &'a str, name: &str) -> Option<&'a str> {
    marks.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

/// Tells two keys apart and nothing else of them.
fn digest(path: &Path) -> Option<String> {
    let mut bytes = fs::read(path).ok()?;
    if path.extension().is_some_and(|end| end == "keys") {
        // Behind its title it changes with each principal that comes and goes.
        bytes.truncate(64);
    }
    Some(blake3::hash(&bytes).to_hex()[..16].to_owned())
}

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

impl Keys {
    /// The token of the invite for whoever comes first, which each start tells until somebody is enrolled. It follows from
    /// the store's secret and is kept nowhere.
    pub(super) fn first_invite(&self) -> [u8; 32] {
        blake3::derive_key("adsum 2026 first invite", &self.store)
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
    let key = random::bytes::<N>();
    files::write_private(&path, &key)?;
    Ok(key)
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
        fs::write(&path, b"short").unwrap();
        let fault = Keys::open(data.path()).err().unwrap().to_string();
        assert!(fault.contains("cursor.secret") && fault.contains("5 bytes"), "{fault}");
        assert_eq!(fs::read(&path).unwrap(), b"short");
    }

    #[test]
    fn a_key_that_is_gone_or_another_one_is_told_with_what_that_means() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join(FOLDER);
        Keys::open(data.path()).unwrap();
        assert_eq!(key_faults(data.path()), [], "a store of an older version");
        fs::write(folder.join("server-key.pem"), "key").unwrap();
        fs::write(folder.join("principals.keys"), [7; 128]).unwrap();
        remember(data.path(), &[7; 32]).unwrap();
        assert_eq!(shown_key_hash(data.path()), Some([7; 32]));
        fs::write(folder.join("principals.keys"), [7; 192]).unwrap();
        assert_eq!(key_faults(data.path()), [], "one more principal");
        for (name, loss) in FILES {
            let path = folder.join(name);
            let good = fs::read(&path).unwrap();
            for (bytes, what) in [(None, "is gone"), (Some(b"other"), "was replaced")] {
                match bytes {
                    None => fs::remove_file(&path).unwrap(),
                    Some(bytes) => fs::write(&path, bytes).unwrap(),
                }
                let [fault] = &key_faults(data.path())[..] else { panic!("{name}") };
                let told = fault.to_string();
                assert!(
                    told.contains(name) && told.contains(what) && told.contains(loss),
                    "{told}"
                );
            }
            fs::write(&path, good).unwrap();
        }
        fs::remove_file(data.path().join(MARKS)).unwrap();
        fs::remove_file(folder.join("cursor.secret")).unwrap();
        assert_eq!(key_faults(data.path()).len(), 1, "a store of an older version");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_a_key() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();
        Keys::open(data.path()).unwrap();
        for entry in fs::read_dir(data.path().join(FOLDER)).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
