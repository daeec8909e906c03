//! Which parts belong to a backup, and how far it goes.
//!
//! ```text
//! adsum backup 1
//! log POSITION:CHAIN                   the end of the log in it, as `adsum log head` prints it
//! KIND NAME BYTES DIGEST               a part, those of the log in order; KIND is segment, carried, marks or keys
//! sum DIGEST                           of all lines before
//! ```
//!
//! A digest is BLAKE3 in hexadecimal digits. Must never hold: a part.

use std::path::Path;

use data_encoding::HEXLOWER;

use super::BackupFault;
use crate::event::Chain;
use crate::log::Tip;
use crate::model::Sequence;

/// The manifest's name.
pub(super) const NAME: &str = "MANIFEST";
/// Beside it; locked by whoever makes the backup, shared by whoever reads it.
pub(super) const LOCK: &str = "LOCK";
const TITLE: &str = "adsum backup";
const VERSION: &str = "1";

/// What a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Segment,
    /// What is carried forward of a log that was cut.
    Carried,
    Marks,
    Keys,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Segment, Self::Carried, Self::Marks, Self::Keys];

    /// Its word, with which the names of its parts begin, too.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Carried => "carried",
            Self::Marks => "marks",
            Self::Keys => "keys",
        }
    }
}

/// One file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) length: u64,
    pub(super) digest: [u8; 32],
}

impl Part {
    pub(super) fn of(kind: Kind, name: String, bytes: &[u8]) -> Self {
        let digest = *blake3::hash(bytes).as_bytes();
        Self { kind, name, length: bytes.len() as u64, digest }
    }

    /// The first and the last event of a segment, which its name tells.
    pub(super) fn span(&self) -> Option<(Sequence, Sequence)> {
        let (_, span) = self.name.split_once('-')?;
        let (first, last) = span.split_once('-')?;
        Some((Sequence::new(first.parse().ok()?), Sequence::new(last.parse().ok()?)))
    }

    fn line(&self) -> String {
        let Self { kind, name, length, digest } = self;
        format!("{} {name} {length} {}\n", kind.word(), HEXLOWER.encode(digest))
    }
}

/// Whether a file called `name` may be a part of a backup.
pub(super) fn is_part(name: &str) -> bool {
    let is_of = |kind: Kind| {
        name.strip_prefix(kind.word()).is_some_and(|rest| {
            let is_plain = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
            rest.starts_with('-') && rest.bytes().all(is_plain)
        })
    };
    Kind::ALL.into_iter().any(is_of)
}

/// A backup as its manifest tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) tip: Tip,
    pub(super) parts: Vec<Part>,
}

impl Manifest {
    /// The part of `kind`, of which there is at most one.
    pub(super) fn only(&self, kind: Kind) -> Option<&Part> {
        self.parts.iter().find(|part| part.kind == kind)
    }

    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{TITLE} {VERSION}\nlog {}\n", self.tip);
        text.extend(self.parts.iter().map(Part::line));
        let sum = blake3::hash(text.as_bytes());
        text + &format!("sum {}\n", sum.to_hex())
    }

    /// Reads what lies in the file at `path`.
    pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Self, BackupFault> {
        let damaged = |reason| BackupFault::damaged(path, reason);
        let text =
            summed(bytes).ok_or_else(|| damaged("its bytes are not those that were written"))?;
        let unknown =
            |found: &str| BackupFault::Version { path: path.to_owned(), found: found.to_owned() };
        let (title, lines) = text.split_once('\n').unwrap_or((text, ""));
        if title != format!("{TITLE} {VERSION}") {
            return Err(unknown(title));
        }
        let mut manifest = Self::default();
        for line in lines.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["log", end] => manifest.tip = tip(end).ok_or_else(|| unknown(line))?,
                _ => manifest.parts.push(part(&words).ok_or_else(|| unknown(line))?),
            }
        }
        Ok(manifest)
    }
}

/// The lines that the last one, their sum, is of.
fn summed(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes).ok()?;
    let (lines, sum) = text.split_at(text.strip_suffix('\n')?.rfind('\n')? + 1);
    (sum == format!("sum {}\n", blake3::hash(lines.as_bytes()).to_hex())).then_some(lines)
}

fn tip(end: &str) -> Option<Tip> {
    let (head, chain) = end.split_once(':')?;
    let chain = Chain(HEXLOWER.decode(chain.as_bytes()).ok()?.try_into().ok()?);
    Some(Tip { head: Sequence::new(head.parse().ok()?), chain })
}

fn part(words: &[&str]) -> Option<Part> {
    let [word, name, length, digest] = words else { return None };
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == *word)?;
    if !is_part(name) || !name.starts_with(word) {
        return None;
    }
    let digest = HEXLOWER.decode(digest.as_bytes()).ok()?.try_into().ok()?;
    Some(Part { kind, name: (*name).to_owned(), length: length.parse().ok()?, digest })
}
