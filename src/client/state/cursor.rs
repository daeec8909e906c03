//! How far a feed was taken, with a lock so that two processes do not move it against each other.
//!
//! Must never hold: what was taken.

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::guarded::CURSORS;
use super::{Identity, StateError, durable};
use crate::client::resume::Position;
use crate::disk;
use crate::model::{InboxAddress, InboxSequence, Presentity};

const CURE: &str =
    "remove it: presence is then shown anew, an inbox goes on from what the server knows as taken";

/// Which feed a position is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CursorName {
    file: String,
    about: Vec<String>,
}

impl CursorName {
    /// The presence feed of exactly these presentities, in any order; of all subscriptions if empty.
    pub(crate) fn presence(presentities: &[Presentity]) -> Self {
        let mut about: Vec<String> = presentities.iter().map(Presentity::to_string).collect();
        about.sort_unstable();
        about.dedup();
        if about.is_empty() {
            return Self { file: "presence-all".into(), about };
        }
        let digest = blake3::hash(about.join("\n").as_bytes()).to_hex();
        Self { file: format!("presence-{}", &digest[..32]), about }
    }

    /// The feed of `inbox`.
    pub(crate) fn inbox(inbox: &InboxAddress) -> Self {
        let digest = blake3::hash(inbox.to_string().as_bytes()).to_hex();
        Self { file: format!("inbox-{}", &digest[..32]), about: vec![inbox.to_string()] }
    }
}

/// The file of one feed's position, locked for as long as this value lives.
#[derive(Debug)]
pub(crate) struct CursorFile {
    path: PathBuf,
    about: Vec<String>,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    feed: Vec<String>,
    cursor: String,
    // Text, because TOML has no numbers of 64 bits without sign.
    sequence: String,
}

impl CursorFile {
    /// Locks the file of `name`; `None` for an identity that keeps nothing.
    ///
    /// # Errors
    /// [`StateError::Locked`] if another process, or another feed of this one, has it.
    pub(crate) fn open(identity: &Identity, name: CursorName) -> Result<Option<Self>, StateError> {
        let Some(folder) = folder_of(identity) else { return Ok(None) };
        disk::make_folder(&folder)?;
        let path = path_of(&folder, &name);
        let lock_path = path.with_extension("lock");
        // The lock is a file of its own and stays: the position's file is replaced, and a lock goes with its file.
        let lock = durable::lock(&lock_path)?;
        disk::sweep(&path);
        Ok(Some(Self { path, about: name.about, _lock: lock }))
    }

    /// How far the feed of `name` was taken, without a lock: for those who never move it.
    pub(crate) fn peek(identity: &Identity, name: &CursorName) -> Result<Position, StateError> {
        match folder_of(identity) {
            Some(folder) => read(&path_of(&folder, name), &name.about),
            None => Ok(Position::default()),
        }
    }

    /// How far the feed was taken; the beginning if nothing was stored yet.
    pub(crate) fn load(&self) -> Result<Position, StateError> {
        read(&self.path, &self.about)
    }

    /// Stores `position` in the place of the one before.
    pub(crate) fn store(&self, position: &Position) -> Result<(), StateError> {
        let cursor = BASE64URL_NOPAD.encode(&position.cursor);
        let (feed, sequence) = (self.about.clone(), position.sequence.to_string());
        durable::store(&self.path, &Stored { feed, cursor, sequence })
    }
}

fn folder_of(identity: &Identity) -> Option<PathBuf> {
    identity.folder().map(|folder| folder.join(CURSORS))
}

fn path_of(folder: &Path, name: &CursorName) -> PathBuf {
    folder.join(format!("{}.toml", name.file))
}

fn read(path: &Path, about: &[String]) -> Result<Position, StateError> {
    let Some(stored) = durable::load::<Stored>(path, CURE)? else {
        return Ok(Position::default());
    };
    let damaged = |reason: &str| StateError::Damaged {
        path: path.to_owned(),
        reason: reason.into(),
        cure: CURE,
    };
    if stored.feed != about {
        return Err(damaged("it is about another feed"));
    }
    let cursor = BASE64URL_NOPAD
        .decode(stored.cursor.as_bytes())
        .map_err(|_| damaged("its cursor is not base64url"))?;
    let sequence = stored.sequence.parse().map_err(|_| damaged("its sequence is no number"))?;
    Ok(Position { cursor: Bytes::from(cursor), sequence: InboxSequence::new(sequence) })
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::address::KeyHash;
    use crate::client::state::Home;

    fn identity(folder: &Path) -> Identity {
        let staged = Home::at(folder).stage(&"a@localhost".parse().unwrap()).unwrap();
        staged.finish(&"localhost".parse().unwrap(), KeyHash([0; 32])).unwrap()
    }

    fn open(identity: &Identity, name: CursorName) -> CursorFile {
        CursorFile::open(identity, name).unwrap().unwrap()
    }

    fn presentities(names: &[&str]) -> Vec<Presentity> {
        names.iter().map(|name| format!("pres:{name}@localhost").parse().unwrap()).collect()
    }

    fn position(cursor: &'static [u8], sequence: u64) -> Position {
        Position { cursor: Bytes::from_static(cursor), sequence: InboxSequence::new(sequence) }
    }

    #[test]
    fn a_position_reads_back_in_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let identity = identity(folder.path());
        let name = CursorName::inbox(&identity.principal.inbox());
        let file = open(&identity, name.clone());
        assert_eq!(file.load().unwrap(), Position::default());
        file.store(&position(b"\x00\xffx", 7)).unwrap();
        drop(file);
        let file = open(&identity, name);
        assert_eq!(file.load().unwrap(), position(b"\x00\xffx", 7));
    }

    #[test]
    fn who_keeps_nothing_has_no_file_and_begins_at_the_beginning() {
        let identity = Identity::anonymous("localhost".parse().unwrap(), KeyHash([0; 32]));
        let name = CursorName::presence(&presentities(&["b"]));
        assert_eq!(CursorFile::peek(&identity, &name).unwrap(), Position::default());
        assert!(CursorFile::open(&identity, name).unwrap().is_none());
    }

    #[test]
    fn two_readers_of_one_feed_do_not_fight() {
        let folder = tempfile::tempdir().unwrap();
        let identity = identity(folder.path());
        let name = CursorName::presence(&presentities(&["b", "c"]));
        let same = CursorName::presence(&presentities(&["c", "b", "b"]));
        let other = CursorName::presence(&presentities(&["c"]));
        let first = open(&identity, name);
        let error = CursorFile::open(&identity, same.clone()).unwrap_err();
        assert!(matches!(error, StateError::Locked { .. }), "{error}");
        open(&identity, other);
        drop(first);
        open(&identity, same);
    }

    #[test]
    fn a_position_of_another_feed_is_never_used() {
        let folder = tempfile::tempdir().unwrap();
        let identity = identity(folder.path());
        let file = open(&identity, CursorName::presence(&presentities(&["b"])));
        file.store(&position(b"x", 0)).unwrap();
        let other = open(&identity, CursorName::presence(&[]));
        std::fs::copy(&file.path, &other.path).unwrap();
        assert!(other.load().unwrap_err().to_string().contains("another feed"));
    }
}
