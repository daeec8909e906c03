//! Entries as they lie in sled's file, whatever sled itself makes of it.
//!
//! sled 0.34.7 gives up a whole page for one changed byte in it, and all behind one near its end. The entries in there have
//! checksums of their own, and mostly more than one copy: an older page, or the change that led to the newer one. So every
//! byte is tried as the beginning of one.
//!
//! ```text
//! message := crc32:u32le kind:u8 length:number segment:number id:number content     kind 8: content is a page, 10: a change
//! set  := 0x00 key value                                 a change of a page; no more than `prefix_bytes` of its key may be left out
//! page := next:number merging_child:number merging:u8 prefix_bytes:u8 low high 0x00 count:number key*count value*count
//! key, value, low, high := length:number bytes           keys of a page without the first `prefix_bytes` of `low`
//! number := sled's own, of 1 to 9 bytes; see `number_in`
//! ```
//!
//! What the key of a change lacks, the page with the same id tells.
//! Must never hold: which of several entries is the right one, or a write.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::disk::Fault;
use crate::event::{Chain, ENTRY_BYTES_MAX, ENTRY_VERSION, EntryKey};
use crate::log::LogFault;

/// No page or change crosses the border of a segment.
const SEGMENT_BYTES: usize = 512 * 1024;
/// A key of ours at its longest.
const KEY_BYTES_MAX: usize = 10;
/// Kinds of messages.
const PAGE: u8 = 8;
const CHANGE: u8 = 10;
/// Bytes of a value before its body, and the kinds that a body can begin with.
const HEADER_BYTES: usize = 37;
const KINDS: core::ops::RangeInclusive<u8> = 0..=4;

/// An entry whose checksum fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where its value begins in the file.
    at: u64,
    length: usize,
    /// The chain behind it.
    pub(super) chain: Chain,
}

/// From where to where the keys of a page go.
#[derive(Debug)]
struct Bounds {
    /// What the keys in it, and in its changes, lack.
    prefix: Vec<u8>,
    low: Vec<u8>,
    /// Empty in the last page.
    high: Vec<u8>,
}

impl Bounds {
    /// The key of which `rest` is left in this page, if it can be one of it.
    fn key(&self, rest: &[u8]) -> Option<EntryKey> {
        let key = [&self.prefix, rest].concat();
        let is_within = key >= self.low && (self.high.is_empty() || key < self.high);
        EntryKey::from_bytes(&key).ok().filter(|_| is_within)
    }
}

/// A change of the page `id`.
#[derive(Debug)]
struct Change {
    id: u64,
    key: Vec<u8>,
    place: Place,
}

/// What was found in a file.
#[derive(Debug)]
pub(super) struct Raw {
    path: PathBuf,
    /// Under each key every different entry.
    pub(super) entries: BTreeMap<EntryKey, Vec<Place>>,
    /// Those of which nothing tells any more under which key they stood.
    pub(super) orphans: Vec<Place>,
    /// Of each page as it was at some time.
    pages: BTreeMap<u64, Vec<Bounds>>,
    changes: Vec<Change>,
}

impl Raw {
    /// Reads the file at `path`, and tells `progress` how many bytes so far and how many there are.
    pub(super) fn read(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, LogFault> {
        let failed = Fault::of("read", path);
        let mut file = File::open(path).map_err(&failed)?;
        let length = file.metadata().map_err(&failed)?.len();
        let mut raw = Self::nothing(path);
        let (mut segment, mut at) = (Vec::with_capacity(SEGMENT_BYTES), 0);
        loop {
            segment.clear();
            let taken = file.by_ref().take(SEGMENT_BYTES as u64).read_to_end(&mut segment);
            taken.map_err(&failed)?;
            if segment.is_empty() {
                break;
            }
            raw.search(&segment, at);
            at += segment.len() as u64;
            progress(at, length);
        }
        raw.name_changes();
        let known: HashSet<Chain> =
            raw.entries.values().flatten().map(|place| place.chain).collect();
        raw.orphans.retain(|orphan| !known.contains(&orphan.chain));
        Ok(raw)
    }

    fn nothing(path: &Path) -> Self {
        let (entries, orphans) = (BTreeMap::new(), Vec::new());
        Self {
            path: path.to_owned(),
            entries,
            orphans,
            pages: BTreeMap::new(),
            changes: Vec::new(),
        }
    }

    /// The value at `place`.
    pub(super) fn value(&self, place: &Place) -> Result<Vec<u8>, LogFault> {
        let mut value = vec![0; place.length];
        let mut read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(place.at))?;
            file.read_exact(&mut value)
        };
        read().map_err(Fault::of("read", &self.path))?;
        Ok(value)
    }

    fn search(&mut self, segment: &[u8], begin: u64) {
        for at in 0..segment.len() {
            let rest = &segment[at..];
            let place = |value: &[u8], from: usize| Place {
                at: begin + (at + from) as u64,
                length: value.len(),
                chain: chain_in(value),
            };
            self.search_message(rest, begin + at as u64);
            if let Some((key, value, from)) = set_in(rest) {
                self.add(key, place(value, from));
            } else if let Some(pairs) = page_in(rest) {
                for (key, value, from) in pairs {
                    self.add(key, place(value, from));
                }
            } else if let Some((value, after)) = bytes_in(rest).filter(|(it, _)| is_entry(it)) {
                self.orphans.push(place(value, after - value.len()));
            }
        }
    }

    /// Looks whether a message begins at `at`, where `bytes` lie.
    fn search_message(&mut self, bytes: &[u8], at: u64) {
        let Some((kind, id, begin)) = message_in(bytes) else { return };
        let content = &bytes[begin..];
        if kind == PAGE
            && let Some((bounds, _)) = bounds_in(content)
        {
            self.pages.entry(id).or_default().push(bounds);
        } else if kind == CHANGE
            && let Some((key, value, from)) = change_in(content)
        {
            let (at, length) = (at + (begin + from) as u64, value.len());
            let place = Place { at, length, chain: chain_in(value) };
            self.changes.push(Change { id, key: key.to_vec(), place });
        }
    }

    /// Adds the entries in changes under every key that they may have had.
    fn name_changes(&mut self) {
        let (pages, changes) =
            (core::mem::take(&mut self.pages), core::mem::take(&mut self.changes));
        for Change { id, key, place } in changes {
            for bounds in pages.get(&id).into_iter().flatten() {
                if let Some(key) = bounds.key(&key) {
                    self.add(key, place);
                }
            }
        }
    }

    fn add(&mut self, key: EntryKey, place: Place) {
        let places = self.entries.entry(key).or_default();
        if places.iter().all(|known| known.chain != place.chain) {
            places.push(place);
        }
    }
}

fn chain_in(value: &[u8]) -> Chain {
    Chain(value[5..HEADER_BYTES].try_into().expect("32 bytes lie there"))
}

/// Whether `value` is an entry with the right checksum.
fn is_entry(value: &[u8]) -> bool {
    (HEADER_BYTES + 1..=ENTRY_BYTES_MAX).contains(&value.len())
        && value[0] == ENTRY_VERSION
        && KINDS.contains(&value[HEADER_BYTES])
        && crc32fast::hash(&value[5..]).to_le_bytes() == value[1..5]
}

/// A message that begins here: its kind, which page it is about, and where its content begins.
fn message_in(bytes: &[u8]) -> Option<(u8, u64, usize)> {
    let kind = *bytes.get(4).filter(|kind| matches!(**kind, PAGE | CHANGE))?;
    let (mut at, mut id) = (5, 0);
    for _ in ["length", "segment", "id"] {
        let (number, bytes) = number_in(bytes.get(at..)?)?;
        (at, id) = (at + bytes, number);
    }
    (at < bytes.len()).then_some((kind, id, at))
}

/// A change of a page that begins here: what is told of its key, its value, and where the value begins.
fn change_in(bytes: &[u8]) -> Option<(&[u8], &[u8], usize)> {
    let rest = bytes.strip_prefix(&[0])?;
    if rest.first().is_none_or(|length| usize::from(*length) > KEY_BYTES_MAX) {
        return None;
    }
    let (key, after_key) = bytes_in(rest)?;
    let (value, after) = bytes_in(&rest[after_key..])?;
    is_entry(value).then_some((key, value, 1 + after_key + after - value.len()))
}

/// A change of a page that begins here and tells the whole key: it, the value, and where the value begins.
fn set_in(bytes: &[u8]) -> Option<(EntryKey, &[u8], usize)> {
    let (key, value, from) = change_in(bytes)?;
    Some((EntryKey::from_bytes(key).ok()?, value, from))
}

/// The bounds of a page that begins here, and where its keys are counted.
fn bounds_in(bytes: &[u8]) -> Option<(Bounds, usize)> {
    let (_next, mut at) = number_in(bytes)?;
    at += number_in(bytes.get(at..)?)?.1;
    let (merging, prefix) = (*bytes.get(at)?, usize::from(*bytes.get(at + 1)?));
    if merging > 1 || prefix > KEY_BYTES_MAX {
        return None;
    }
    at += 2;
    let low = key_in(bytes, &mut at)?;
    let high = key_in(bytes, &mut at)?;
    let prefix = low.get(..prefix).filter(|_| bytes.get(at) == Some(&0))?;
    let [prefix, low, high] = [prefix, low, high].map(<[u8]>::to_vec);
    Some((Bounds { prefix, low, high }, at + 1))
}

/// The key or the part of one that lies behind its length at `at`, which is moved behind it.
fn key_in<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let (found, after) = bytes_in(bytes.get(*at..)?).filter(|(it, _)| it.len() <= KEY_BYTES_MAX)?;
    *at += after;
    Some(found)
}

/// The entries of a page that begins here, as many as can be told.
fn page_in(bytes: &[u8]) -> Option<Vec<(EntryKey, &[u8], usize)>> {
    let (bounds, mut at) = bounds_in(bytes)?;
    let (count, after_count) = number_in(bytes.get(at..)?)?;
    if !(1..=4_096).contains(&count) {
        return None;
    }
    at += after_count;
    let keys = (0..count).map(|_| key_in(bytes, &mut at)).collect::<Option<Vec<_>>>()?;
    let mut pairs = Vec::new();
    for key in keys {
        let Some((value, after)) = bytes.get(at..).and_then(bytes_in) else { break };
        at += after;
        let key = EntryKey::from_bytes(&[&bounds.prefix, key].concat()).ok();
        pairs.extend(key.filter(|_| is_entry(value)).map(|key| (key, value, at - value.len())));
    }
    (!pairs.is_empty()).then_some(pairs)
}

/// Bytes behind their length, and where they end.
fn bytes_in(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (length, begin) = number_in(bytes)?;
    let end = begin.checked_add(usize::try_from(length).ok()?)?;
    Some((bytes.get(begin..end)?, end))
}

/// A number as sled writes it, and how many bytes it takes.
fn number_in(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let byte = |at: usize| bytes.get(at).copied().map(u64::from);
    Some(match first {
        0..=240 => (first.into(), 1),
        241..=248 => (240 + 256 * (u64::from(first) - 241) + byte(1)?, 2),
        249 => (2_288 + 256 * byte(1)? + byte(2)?, 3),
        _ => {
            let size = usize::from(first) - 247;
            let mut number = [0; 8];
            number[..size].copy_from_slice(bytes.get(1..=size)?);
            (u64::from_le_bytes(number), size + 1)
        }
    })
}
