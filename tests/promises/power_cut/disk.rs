//! What a disk may hold after a power cut, by the journal of what was asked of it.
//!
//! Durable is what a finished sync covered: of a file its bytes and length as they were when the sync began, of a folder its
//! names. Of all else any part may be there: early, torn within a write, and out of order. A sector holds what it held
//! after some write since its last sync; a file is as long as after some write; a folder has its names as after some
//! change. Must never hold: what the files mean.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const SECTOR_BYTES: usize = 512;
const HEAD_BYTES: usize = 25;

/// What was asked of a disk, in order.
pub(super) struct Journal {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

/// A file or folder, as long as it lives; names and numbers of the system are used again.
type Inode = usize;

enum Record {
    Write {
        of: Inode,
        at: usize,
        bytes: core::ops::Range<usize>,
    },
    Length {
        of: Inode,
        length: usize,
    },
    /// A sync of all before the record `began` is done.
    Synced {
        of: Inode,
        began: usize,
    },
    Names {
        folder: Inode,
        change: Change,
    },
    Said(core::ops::Range<usize>),
    Nothing,
}

enum Change {
    Added { name: String, inode: Inode, is_folder: bool },
    Removed { name: String },
    Renamed { from: String, to: String },
}

/// What is known while the journal is read.
#[derive(Default)]
struct Reading {
    inodes: usize,
    by_number: HashMap<u64, Inode>,
    by_path: HashMap<PathBuf, Inode>,
    syncs: HashMap<u64, usize>,
}

impl Journal {
    /// Reads the journal at `path` of what was done in `root`, which is still there.
    pub(super) fn read(path: &Path, root: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let mut reading = Reading { inodes: 1, ..Reading::default() };
        reading.by_path.insert(root.to_owned(), 0);
        reading.by_number.insert(fs::metadata(root).unwrap().ino(), 0);
        let (mut records, mut place) = (Vec::new(), 0);
        // The process may have been killed while it wrote the last one.
        while let Some(head) = bytes.get(place..place + HEAD_BYTES) {
            let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
            let length = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
            let (first, second) = (length(17) as usize, length(21) as usize);
            let first = place + HEAD_BYTES..place + HEAD_BYTES + first;
            let second = first.end..first.end + second;
            place = second.end;
            if place > bytes.len() {
                break;
            }
            let path = |range: core::ops::Range<usize>| PathBuf::from(text(&bytes[range]));
            let record = match head[0] {
                b'W' => reading.known(number(1)).map(|of| {
                    let at = number(9) as usize;
                    Record::Write { of, at, bytes: first }
                }),
                b'T' => reading
                    .known(number(1))
                    .map(|of| Record::Length { of, length: number(9) as usize }),
                b'S' => {
                    reading.syncs.insert(number(9), records.len());
                    None
                }
                b'E' => reading
                    .known(number(1))
                    .map(|of| Record::Synced { of, began: reading.syncs[&number(9)] }),
                kind @ (b'C' | b'D') => Some(reading.made(&path(first), number(1), kind == b'D')),
                b'U' => reading.gone(&path(first)),
                b'R' => Some(reading.renamed(&path(first), &path(second))),
                b'L' => Some(reading.linked(&path(first), &path(second))),
                b'A' => Some(Record::Said(first)),
                kind => panic!("a record of kind {kind}"),
            };
            records.push(record.unwrap_or(Record::Nothing));
        }
        Self { bytes, records }
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// What was said to the world before the record `cut`.
    pub(super) fn said(&self, cut: usize) -> impl Iterator<Item = &str> {
        self.lines(cut).map(|(_, line)| line)
    }

    /// The same, each line with how many records there were behind it.
    pub(super) fn lines(&self, cut: usize) -> impl Iterator<Item = (usize, &str)> {
        self.records[..cut].iter().enumerate().filter_map(|(index, record)| match record {
            Record::Said(bytes) => Some((index + 1, text(&self.bytes[bytes.clone()]).trim())),
            _ => None,
        })
    }

    /// Makes in the folder `to` what the disk may hold when power is cut before the record `cut`, by chance. Returns the
    /// bytes of every file there was, also of those that have no name any more.
    pub(super) fn cut(&self, cut: usize, chance: &mut fastrand::Rng, to: &Path) -> Vec<Vec<u8>> {
        let synced = self.synced(cut);
        let mut contents: BTreeMap<Inode, Content> = BTreeMap::new();
        let mut folders: BTreeMap<Inode, Folder> = BTreeMap::new();
        for (index, record) in self.records[..cut].iter().enumerate() {
            let durable = |of: &Inode| synced.get(of).copied().unwrap_or(0);
            match record {
                Record::Write { of, at, bytes } => {
                    let new = || Content::new(durable(of), cut, chance);
                    contents.entry(*of).or_insert_with(new).write(
                        index,
                        *at,
                        &self.bytes[bytes.clone()],
                    );
                }
                Record::Length { of, length } => {
                    let new = || Content::new(durable(of), cut, chance);
                    contents.entry(*of).or_insert_with(new).set_length(index, *length);
                }
                Record::Names { folder, change } => {
                    let new = || Folder::new(durable(folder), cut, chance);
                    folders.entry(*folder).or_insert_with(new).change(index, change);
                }
                _ => {}
            }
        }
        let files: BTreeMap<Inode, Vec<u8>> =
            contents.into_iter().map(|(inode, content)| (inode, content.at_last())).collect();
        make(to, 0, &folders, &files);
        files.into_values().collect()
    }

    /// Of each inode, before which record all is durable.
    fn synced(&self, cut: usize) -> HashMap<Inode, usize> {
        let mut synced = HashMap::new();
        for record in &self.records[..cut] {
            if let Record::Synced { of, began } = record {
                let until = synced.entry(*of).or_insert(0);
                *until = (*began).max(*until);
            }
        }
        synced
    }
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).unwrap()
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Reading {
    fn known(&self, number: u64) -> Option<Inode> {
        self.by_number.get(&number).copied()
    }

    fn folder_of(&self, path: &Path) -> Inode {
        self.by_path[path.parent().unwrap()]
    }

    fn made(&mut self, path: &Path, number: u64, is_folder: bool) -> Record {
        let inode = if self.by_path.contains_key(path) { self.by_path[path] } else { self.inodes };
        self.inodes += usize::from(inode == self.inodes);
        self.by_number.insert(number, inode);
        self.by_path.insert(path.to_owned(), inode);
        if inode == 0 {
            return Record::Nothing;
        }
        let change = Change::Added { name: name_of(path), inode, is_folder };
        Record::Names { folder: self.folder_of(path), change }
    }

    fn gone(&mut self, path: &Path) -> Option<Record> {
        self.by_path.remove(path)?;
        let change = Change::Removed { name: name_of(path) };
        Some(Record::Names { folder: self.folder_of(path), change })
    }

    fn renamed(&mut self, from: &Path, to: &Path) -> Record {
        assert_eq!(from.parent(), to.parent(), "files are renamed in their folder");
        let inode = self.by_path.remove(from).unwrap();
        self.by_path.insert(to.to_owned(), inode);
        let change = Change::Renamed { from: name_of(from), to: name_of(to) };
        Record::Names { folder: self.folder_of(to), change }
    }

    fn linked(&mut self, from: &Path, to: &Path) -> Record {
        let inode = self.by_path[from];
        self.by_path.insert(to.to_owned(), inode);
        let change = Change::Added { name: name_of(to), inode, is_folder: false };
        Record::Names { folder: self.folder_of(to), change }
    }
}

/// How far what is not durable has come.
#[derive(Clone, Copy)]
enum Reached {
    /// Nothing of it, all of it, or all before some record.
    Until(usize),
    /// Each sector by itself.
    Anywhere,
}

/// One of the ways in which a disk can be behind.
fn reached(durable: usize, cut: usize, chance: &mut fastrand::Rng) -> Reached {
    match chance.u8(0..4) {
        0 => Reached::Until(durable),
        1 => Reached::Until(cut),
        2 => Reached::Until(chance.usize(durable..=cut)),
        _ => Reached::Anywhere,
    }
}

/// The bytes of a file.
struct Content {
    bytes: Vec<u8>,
    length: usize,
    /// What is before this record is durable.
    durable: usize,
    cut: usize,
    reached: Reached,
    /// Before which record the length is that of the file.
    length_until: usize,
    sectors: HashMap<usize, usize>,
    chance: fastrand::Rng,
}

impl Content {
    fn new(durable: usize, cut: usize, chance: &mut fastrand::Rng) -> Self {
        let mut chance = chance.fork();
        let reached = reached(durable, cut, &mut chance);
        let length_until = match reached {
            Reached::Until(until) => until,
            Reached::Anywhere => chance.usize(durable..=cut),
        };
        let (bytes, sectors) = (Vec::new(), HashMap::new());
        Self { bytes, length: 0, durable, cut, reached, length_until, sectors, chance }
    }

    fn write(&mut self, index: usize, at: usize, bytes: &[u8]) {
        let end = at + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if index < self.durable.max(self.length_until) {
            self.length = self.length.max(end);
        }
        let (durable, cut) = (self.durable, self.cut);
        match self.reached {
            _ if index < durable => self.bytes[at..end].copy_from_slice(bytes),
            Reached::Until(until) if index < until => self.bytes[at..end].copy_from_slice(bytes),
            Reached::Until(_) => {}
            Reached::Anywhere => {
                let mut from = at;
                while from < end {
                    let sector = from / SECTOR_BYTES;
                    let to = end.min((sector + 1) * SECTOR_BYTES);
                    let chance = &mut self.chance;
                    let until =
                        *self.sectors.entry(sector).or_insert_with(|| chance.usize(durable..=cut));
                    if index < until {
                        self.bytes[from..to].copy_from_slice(&bytes[from - at..to - at]);
                    }
                    from = to;
                }
            }
        }
    }

    fn set_length(&mut self, index: usize, length: usize) {
        if index < self.durable.max(self.length_until) {
            self.length = length;
            self.bytes.truncate(length);
        }
    }

    fn at_last(mut self) -> Vec<u8> {
        self.bytes.resize(self.length, 0);
        self.bytes
    }
}

/// The names in a folder.
struct Folder {
    names: BTreeMap<String, (Inode, bool)>,
    until: usize,
}

impl Folder {
    fn new(durable: usize, cut: usize, chance: &mut fastrand::Rng) -> Self {
        let until = match reached(durable, cut, chance) {
            Reached::Until(until) => until,
            Reached::Anywhere => chance.usize(durable..=cut),
        };
        Self { names: BTreeMap::new(), until }
    }

    fn change(&mut self, index: usize, change: &Change) {
        if index >= self.until {
            return;
        }
        match change {
            Change::Added { name, inode, is_folder } => {
                self.names.insert(name.clone(), (*inode, *is_folder));
            }
            Change::Removed { name } => drop(self.names.remove(name)),
            Change::Renamed { from, to } => {
                let found = self.names.remove(from).expect("what is before it is there");
                self.names.insert(to.clone(), found);
            }
        }
    }
}

/// Makes the folder `inode` with all in it at `path`.
fn make(
    path: &Path,
    inode: Inode,
    folders: &BTreeMap<Inode, Folder>,
    files: &BTreeMap<Inode, Vec<u8>>,
) {
    fs::DirBuilder::new().mode(0o700).recursive(true).create(path).unwrap();
    for (name, (inode, is_folder)) in folders.get(&inode).map(|it| &it.names).into_iter().flatten()
    {
        let path = path.join(name);
        if *is_folder {
            make(&path, *inode, folders, files);
        } else {
            let mut options = fs::File::options();
            let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
            let bytes = files.get(inode).map_or(&[][..], |bytes| bytes);
            std::io::Write::write_all(&mut file, bytes).unwrap();
        }
    }
}
