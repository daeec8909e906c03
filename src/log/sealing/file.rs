//! `keys/principals.keys`: the keys that what people wrote is sealed with, one a principal.
//!
//! ```text
//! file := title slot*                  64 bytes each
//! title := "adsum keys 1\n", zeros, id:[u8;16]          tells one store's keys from another's
//! slot := id:[u8;8] owner:[u8;20] key:[u8;32] crc32:u32le        crc32 is over all before it
//! ```
//!
//! A key is appended and durable before an event that needs it is stored. A key is destroyed by putting bytes without it in
//! the place of these (`place.rs`).
//! Must never hold: the name of an owner, or a key that is destroyed.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::LogFault;
use super::cipher::{Key, KeyId, SealNonce};
use super::place::{self, InFolder, KeyPlace};
use crate::guard::Kept;
use crate::model::Principal;

const TITLE: &[u8] = b"adsum keys 1\n";
const SLOT_BYTES: usize = 64;
/// Keys the hash that stands for an owner.
const OWNER_CONTEXT: &[u8; 32] = b"adsum 2026 owner of payload keys";

/// Who a key belongs to: a hash of the account, so that the file names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Owner([u8; 20]);

impl Owner {
    /// The owner of what `principal` owns.
    pub(super) fn of(principal: &Principal) -> Self {
        let hash = blake3::keyed_hash(OWNER_CONTEXT, principal.account().as_bytes());
        Self(*hash.as_bytes().first_chunk().expect("a hash is longer than 20 bytes"))
    }
}

struct Slot {
    id: KeyId,
    owner: Owner,
    key: [u8; 32],
}

impl Slot {
    fn encode(&self) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        bytes[..8].copy_from_slice(&self.id);
        bytes[8..28].copy_from_slice(&self.owner.0);
        bytes[28..60].copy_from_slice(&self.key);
        let sum = crc32fast::hash(&bytes[..60]);
        bytes[60..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SLOT_BYTES] = bytes.try_into().ok()?;
        let slot = Self {
            id: bytes[..8].try_into().ok()?,
            owner: Owner(bytes[8..28].try_into().ok()?),
            key: bytes[28..60].try_into().ok()?,
        };
        (slot.encode() == *bytes).then_some(slot)
    }
}

/// The keys and the file that holds them.
pub(super) struct KeyFile {
    place: Box<dyn KeyPlace>,
    title: [u8; SLOT_BYTES],
    slots: Vec<Slot>,
    by_id: HashMap<KeyId, usize>,
    by_owner: HashMap<Owner, usize>,
    /// Whose key was destroyed and who was given none since, as far as this process was told.
    destroyed: BTreeSet<Owner>,
}

impl core::fmt::Debug for KeyFile {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "KeyFile({} keys)", self.slots.len())
    }
}

/// What of the store at `data` may hold keys beside the files in `keys/` that the server knows.
pub(super) fn kept(data: &Path) -> Kept {
    place::kept(data)
}

impl KeyFile {
    /// Reads the file of the store in `data`, making an empty one where there is none.
    pub(super) fn open(data: &Path) -> Result<Self, LogFault> {
        let (place, found) = InFolder::open(data)?;
        Self::at(Box::new(place), found.as_deref())
    }

    /// The keys that are `found` in `place`, which are put there if there are none yet.
    pub(super) fn at(place: Box<dyn KeyPlace>, found: Option<&[u8]>) -> Result<Self, LogFault> {
        let mut keys = Self::empty(place);
        if let Some(bytes) = found {
            keys.read(bytes)?;
        } else {
            keys.title[..TITLE.len()].copy_from_slice(TITLE);
            let id = keys.random::<16>();
            keys.title[48..].copy_from_slice(&id);
            keys.place.write(&keys.encode())?;
        }
        Ok(keys)
    }

    fn empty(place: Box<dyn KeyPlace>) -> Self {
        Self {
            place,
            title: [0; SLOT_BYTES],
            slots: Vec::new(),
            by_id: HashMap::new(),
            by_owner: HashMap::new(),
            destroyed: BTreeSet::new(),
        }
    }

    /// The keys that are whole in the file of the store in the folder `data`, and how many are not. Writes nothing.
    pub(super) fn as_it_is(data: &Path) -> Result<(Self, usize), LogFault> {
        let (place, found) = InFolder::as_it_is(data)?;
        let mut keys = Self::empty(Box::new(place));
        let bytes = found.ok_or_else(|| keys.fault("is not there"))?;
        let found: Vec<Option<Slot>> = bytes.chunks(SLOT_BYTES).skip(1).map(Slot::decode).collect();
        let damaged = found.iter().filter(|slot| slot.is_none()).count();
        found.into_iter().flatten().for_each(|slot| keys.insert(slot));
        Ok((keys, damaged))
    }

    /// Bytes that nobody can guess.
    pub(super) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.place.fill(&mut bytes);
        bytes
    }

    /// So many nonces, drawn at once.
    pub(super) fn nonces(&self, count: usize) -> Vec<SealNonce> {
        let mut nonces = vec![SealNonce::default(); count];
        self.place.fill(nonces.as_flattened_mut());
        nonces
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), LogFault> {
        let (title, slots) = bytes
            .split_first_chunk::<SLOT_BYTES>()
            .filter(|(title, _)| title.starts_with(TITLE))
            .ok_or_else(|| self.fault("does not begin as it must"))?;
        self.title = *title;
        let slots: Vec<Option<Slot>> = slots.chunks(SLOT_BYTES).map(Slot::decode).collect();
        // A write that was cut short has left its end: no event was stored that needs a key of it.
        let good = slots.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let whole = slots.len() == good;
        for slot in slots.into_iter().take(good) {
            let slot = slot.ok_or_else(|| self.fault("holds a key with a wrong checksum"))?;
            self.insert(slot);
        }
        if whole { Ok(()) } else { self.place.write(&self.encode()) }
    }

    fn insert(&mut self, slot: Slot) {
        self.by_id.insert(slot.id, self.slots.len());
        self.by_owner.insert(slot.owner, self.slots.len());
        self.slots.push(slot);
    }

    fn encode(&self) -> Vec<u8> {
        let slots = self.slots.iter().flat_map(Slot::encode);
        self.title.iter().copied().chain(slots).collect()
    }

    /// The key called `id`.
    pub(super) fn get(&self, id: KeyId) -> Option<[u8; 32]> {
        self.by_id.get(&id).map(|place| self.slots[*place].key)
    }

    /// The key of `owner`.
    pub(super) fn of(&self, owner: &Owner) -> Option<Key> {
        self.by_owner.get(owner).map(|place| (self.slots[*place].id, self.slots[*place].key))
    }

    /// Makes a key for each of `owners` who has none and whose key was not destroyed. They are durable when this returns.
    pub(super) fn add(&mut self, mut owners: BTreeSet<Owner>) -> Result<(), LogFault> {
        // Another thread may have made one since it was missed, and two of one owner would not both be destroyed.
        owners.retain(|owner| !self.by_owner.contains_key(owner) && !self.is_destroyed(owner));
        if owners.is_empty() {
            return Ok(());
        }
        let made: Vec<Slot> = owners
            .into_iter()
            .map(|owner| Slot { id: self.random(), owner, key: self.random() })
            .collect();
        let bytes: Vec<u8> = made.iter().flat_map(Slot::encode).collect();
        self.place.append(SLOT_BYTES * (1 + self.slots.len()), &bytes)?;
        for slot in made {
            self.insert(slot);
        }
        Ok(())
    }

    /// Whether the key of `owner` was destroyed, and it may not have another one yet.
    pub(super) fn is_destroyed(&self, owner: &Owner) -> bool {
        self.destroyed.contains(owner)
    }

    /// From now on `owner` is somebody else, who may have a key.
    pub(super) fn begin_anew(&mut self, owner: &Owner) {
        self.destroyed.remove(owner);
    }

    /// Destroys the key of `owner`, who is given no other one until it begins anew. Returns what it was called if there was
    /// one; no file holds it when this returns.
    pub(super) fn destroy(&mut self, owner: &Owner) -> Result<Option<KeyId>, LogFault> {
        self.destroyed.insert(*owner);
        let Some(place) = self.by_owner.remove(owner) else { return Ok(None) };
        let mut slot = self.slots.swap_remove(place);
        slot.key = [0; 32];
        self.by_id.remove(&slot.id);
        if let Some(moved) = self.slots.get(place) {
            self.by_id.insert(moved.id, place);
            self.by_owner.insert(moved.owner, place);
        }
        self.place.replace(&self.encode())?;
        Ok(Some(slot.id))
    }

    /// A fault of the file.
    pub(super) fn fault(&self, reason: &'static str) -> LogFault {
        LogFault::Keys { path: self.place.name(), reason }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::place::{FOLDER, NAME, OLD};
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner::of(&format!("{name}@localhost").parse().unwrap())
    }

    fn filled(data: &Path, count: usize) -> Vec<Owner> {
        let owners: Vec<Owner> = (0..count).map(|number| owner(&format!("p{number}"))).collect();
        let mut keys = KeyFile::open(data).unwrap();
        keys.add(owners.iter().copied().collect()).unwrap();
        owners
    }

    fn path(data: &Path) -> PathBuf {
        data.join(FOLDER).join(NAME)
    }

    /// All files that hold `key`.
    fn holding(data: &Path, key: &[u8; 32]) -> usize {
        let files = fs::read_dir(data.join(FOLDER)).unwrap().map(|entry| entry.unwrap().path());
        let holds = |path: &PathBuf| fs::read(path).unwrap().windows(32).any(|bytes| bytes == key);
        files.filter(holds).count()
    }

    #[test]
    fn keys_are_kept_and_each_is_another() {
        let data = tempfile::tempdir().unwrap();
        let owners = filled(data.path(), 150);
        let keys = KeyFile::open(data.path()).unwrap();
        let found: BTreeSet<Key> = owners.iter().map(|owner| keys.of(owner).unwrap()).collect();
        assert_eq!(found.len(), 150);
        assert!(found.iter().all(|(id, key)| keys.get(*id).as_ref() == Some(key)));
        assert_eq!(keys.of(&owner("other")), None);
    }

    #[test]
    fn a_key_that_is_destroyed_lies_nowhere_and_all_others_stay() {
        let data = tempfile::tempdir().unwrap();
        let owners = filled(data.path(), 5);
        let mut keys = KeyFile::open(data.path()).unwrap();
        let (id, key) = keys.of(&owners[1]).unwrap();
        assert_eq!(holding(data.path(), &key), 1);
        assert_eq!(keys.destroy(&owners[1]).unwrap(), Some(id));
        assert_eq!(keys.destroy(&owners[1]).unwrap(), None);
        for keys in [keys, KeyFile::open(data.path()).unwrap()] {
            assert_eq!((keys.of(&owners[1]), keys.get(id)), (None, None));
            let others = [0, 2, 3, 4].map(|place| keys.of(&owners[place]).unwrap());
            assert!(others.iter().all(|(id, key)| keys.get(*id).as_ref() == Some(key)));
        }
        assert_eq!(holding(data.path(), &key), 0);
        assert_eq!(fs::read_dir(data.path().join(FOLDER)).unwrap().count(), 1);
    }

    #[test]
    fn who_has_a_key_or_had_one_that_was_destroyed_is_made_none() {
        let data = tempfile::tempdir().unwrap();
        let owners = filled(data.path(), 2);
        let mut keys = KeyFile::open(data.path()).unwrap();
        let before = keys.of(&owners[0]);
        keys.destroy(&owners[1]).unwrap();
        keys.add(owners.iter().copied().collect()).unwrap();
        assert_eq!((keys.of(&owners[0]), keys.of(&owners[1])), (before, None));
        assert_eq!(keys.slots.len(), 1);
        keys.begin_anew(&owners[1]);
        keys.add(owners.iter().copied().collect()).unwrap();
        assert!(keys.of(&owners[1]).is_some());
    }

    #[test]
    fn a_destruction_that_was_cut_short_did_not_happen_or_is_finished() {
        let data = tempfile::tempdir().unwrap();
        let owners = filled(data.path(), 3);
        let (_, key) = KeyFile::open(data.path()).unwrap().of(&owners[0]).unwrap();
        let (path, before) = (path(data.path()), fs::read(path(data.path())).unwrap());
        let old = path.with_file_name(OLD);
        // The second name is there, the new file not yet, or only beside it.
        fs::hard_link(&path, &old).unwrap();
        fs::write(path.with_file_name(".principals.keys.x.tmp"), &before[..128]).unwrap();
        assert!(KeyFile::open(data.path()).unwrap().of(&owners[0]).is_some());
        assert_eq!((holding(data.path(), &key), fs::read(&path).unwrap()), (1, before.clone()));
        // The new file has taken the place, and the old one is not or half overwritten.
        KeyFile::open(data.path()).unwrap().destroy(&owners[0]).unwrap();
        for overwritten in [0, 100] {
            let mut left = before.clone();
            left[..overwritten].fill(0);
            fs::write(&old, left).unwrap();
            let other_name = data.path().join("other");
            fs::hard_link(&old, &other_name).unwrap();
            assert!(KeyFile::open(data.path()).unwrap().of(&owners[0]).is_none());
            assert!(!old.exists(), "nothing is left");
            assert!(fs::read(&other_name).unwrap().iter().all(|byte| *byte == 0), "overwritten");
            fs::remove_file(other_name).unwrap();
        }
    }

    #[test]
    fn keys_that_were_not_written_whole_are_left_out_and_a_damaged_one_is_found() {
        let data = tempfile::tempdir().unwrap();
        let owners = filled(data.path(), 3);
        let (path, whole) = (path(data.path()), fs::read(path(data.path())).unwrap());
        for extra in [1, 63, 64, 100] {
            fs::write(&path, [&whole[..], &vec![7; extra]].concat()).unwrap();
            assert!(KeyFile::open(data.path()).unwrap().of(&owners[2]).is_some(), "{extra} bytes");
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
        for place in [0, 3, 64, 64 + 30, 128 + 63] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let fault = KeyFile::open(data.path()).unwrap_err();
            assert!(matches!(fault, LogFault::Keys { .. }), "byte {place}: {fault}");
            assert_eq!(fs::read(&path).unwrap(), damaged, "nothing is repaired");
        }
    }
}
