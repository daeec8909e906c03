//! Backups: whatever lies in a folder that is taken for one ends in a log that is proven or in a fault, and what is proven
//! becomes a store that folds to the same.
//!
//! Input: a byte that says what is mended and whether a store is made of it, then parts, each `kind:u8 length:u16le bytes`; what is
//! too short is taken as far as it goes. Must never hold: a panic of its own for any input, except when a promise is broken.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use adsum::backup::{Backup, Proven, prove, restore};
use adsum::commit::Commit;
use adsum::event::Chain;
use adsum::log::{Entries, SledLog, Tip, Verifier, verify};
use adsum::model::Sequence;
use adsum::service::ServiceConfig;

/// Entries get the checksums and the chain that their bytes ask for.
const MENDS_ENTRIES: u8 = 1;
/// A manifest is written of the parts; without it one of the parts may be one.
const WRITES_MANIFEST: u8 = 2;
/// What is proven is made a store: all three, because that takes a hundred times as long.
const RESTORES: u8 = 4 + 8 + 16;

const TITLE: &[u8] = b"adsum segment 1\n";
const TITLE_CARRIED: &[u8] = b"adsum carried 1\n";
const KINDS: [&str; 4] = ["segment", "carried", "marks", "keys"];

/// Reads what `data` puts into a folder.
pub(crate) fn check(data: &[u8]) {
    let Some((&wanted, mut rest)) = data.split_first() else { return };
    let mut parts = Vec::new();
    while let Some(part) = next_part(&mut rest) {
        parts.push(part);
    }
    let tip = if wanted & MENDS_ENTRIES > 0 { mend_entries(&mut parts) } else { Tip::EMPTY };
    let place = tempfile::tempdir().expect("there is room for a folder");
    let dir = place.path().join("backup");
    fs::create_dir(&dir).expect("there is room for a folder");
    put(&dir, &parts, (wanted & WRITES_MANIFEST > 0).then_some(tip));
    let Ok(backup) = Backup::open(&dir) else { return };
    let Ok(proven) = prove(&backup, None, &mut |_| ()) else { return };
    let found = Tip { head: proven.verified.head, chain: proven.verified.chain };
    assert_eq!(found, backup.tip(), "another end is proven than the manifest names");
    if wanted & RESTORES == RESTORES {
        becomes_a_store(&backup, proven, &place.path().join("store"));
    }
}

fn becomes_a_store(backup: &Backup, mut proven: Proven, path: &Path) {
    restore(backup, (path, "KEYS"), &[], &mut |_, _| ()).expect("what is proven is restored");
    let log = SledLog::open_existing(path).expect("it is a store");
    assert_eq!(log.durable(), backup.tip());
    let verified = verify(&log, &mut |_| ()).expect("what is proven verifies");
    assert_eq!(verified, proven.verified);
    let domain = "example.com".parse().expect("it is a domain");
    let config = ServiceConfig::new(vec![domain], [7; 32]);
    let store = Commit::rebuild(config, Box::new(log), &mut |_, _| {});
    let store = store.expect("what is proven folds").fingerprint();
    assert!(store == proven.views.all_records(), "a store folds to something else than was proven");
}

/// A file of the backup: which of [`KINDS`] it is, or its manifest, and what is in it.
type Part = (usize, Vec<u8>);

fn next_part(rest: &mut &[u8]) -> Option<Part> {
    let (&kind, after) = rest.split_first()?;
    let (length, after) = after.split_first_chunk::<2>()?;
    let (bytes, after) = after.split_at(after.len().min(u16::from_le_bytes(*length).into()));
    *rest = after;
    Some((usize::from(kind) % (KINDS.len() + 1), bytes.to_vec()))
}

/// Writes `parts`, and of a log that ends at `tip` a manifest that names them.
fn put(dir: &Path, parts: &[Part], tip: Option<Tip>) {
    let mut manifest = tip.map(|tip| format!("adsum backup 1\nlog {tip}\n"));
    for (number, (kind, bytes)) in parts.iter().enumerate() {
        let word = KINDS.get(*kind).copied();
        let name =
            word.map_or_else(|| "MANIFEST".to_owned(), |word| format!("{word}-{number}-{number}"));
        fs::write(dir.join(&name), bytes).expect("there is room for a file");
        if let (Some(manifest), Some(word)) = (&mut manifest, word) {
            let (length, digest) = (bytes.len(), blake3::hash(bytes).to_hex());
            writeln!(manifest, "{word} {name} {length} {digest}").expect("a text takes what comes");
        }
    }
    if let Some(manifest) = manifest {
        let sum = blake3::hash(manifest.as_bytes()).to_hex();
        let text = format!("{manifest}sum {sum}\n");
        fs::write(dir.join("MANIFEST"), text).expect("there is room for a file");
    }
}

/// Gives every entry of the segments the checksum and the chain that it must have. Returns where their log ends then.
fn mend_entries(parts: &mut [Part]) -> Tip {
    let base = parts.iter().find_map(|(kind, bytes)| if *kind == 1 { begins(bytes) } else { None });
    let base = base.unwrap_or(Tip::EMPTY);
    let (mut chain, mut checks) = (base.chain, Verifier::since(base));
    for (_, bytes) in parts.iter_mut().filter(|(kind, _)| *kind == 0) {
        let Some(records) = bytes.strip_prefix(TITLE) else { continue };
        let mut at = bytes.len() - records.len();
        while let Some(entry) = next_entry(bytes, &mut at) {
            let (key, value) = entry;
            mend(&mut bytes[key.start..value.end], key.len(), &mut chain);
            let _ = checks.push(&bytes[key], &bytes[value]);
        }
    }
    let verified = checks.so_far();
    Tip { head: verified.head, chain: verified.chain }
}

/// Where the log begins of which a part carries something forward.
fn begins(bytes: &[u8]) -> Option<Tip> {
    let (head, rest) = bytes.strip_prefix(TITLE_CARRIED)?.get(5..)?.split_first_chunk::<8>()?;
    let chain = Chain(*rest.first_chunk()?);
    Some(Tip { head: Sequence::new(u64::from_le_bytes(*head)), chain })
}

type Span = core::ops::Range<usize>;

/// Where the key and the value of the entry at `at` are, if it is one; goes on behind it.
fn next_entry(bytes: &[u8], at: &mut usize) -> Option<(Span, Span)> {
    let (head, own) = bytes.get(*at..)?.split_first_chunk::<5>()?;
    let [1, length @ ..] = head else { return None };
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let own = own.get(..length)?;
    let key = *at + 6..*at + 6 + usize::from(*own.first()?);
    let value = key.end..*at + 5 + length;
    *at = value.end;
    (key.end + 37 <= value.end).then_some((key, value))
}

/// Mends an entry, of which the key comes first.
fn mend(entry: &mut [u8], key_length: usize, chain: &mut Chain) {
    let (key, value) = entry.split_at_mut(key_length);
    let (head, body) = value.split_at_mut(37);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&chain.0).update(key).update(body);
    *chain = Chain(*hasher.finalize().as_bytes());
    head[0] = 1;
    head[5..].copy_from_slice(&chain.0);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[5..]);
    crc.update(body);
    head[1..5].copy_from_slice(&crc.finalize().to_le_bytes());
}
