//! A digest of sled's files, left behind at an orderly end, so that verifying notices a changed byte anywhere.
//!
//! sled keeps bytes that no event needs any more: a change there is harmless and invisible to the chain, but it tells
//! that somebody or something writes to the store. And sled overwrites what lies behind a damage as soon as it opens,
//! so that a look before opening is also the one that keeps the evidence.
//! Must never hold: a reason to refuse a start; a store that was killed has no seal, and the chain speaks for it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::LogFault;
use crate::disk::Fault;

/// The seal's file in the store's folder.
pub(super) const NAME: &str = "SEAL";
const TITLE: &[u8] = b"adsum seal 1\n";
/// Bytes of a file under one digest: how closely a change is located.
const CHUNK_BYTES: usize = 64 * 1024;
const DIGEST_BYTES: usize = 16;

/// One of sled's files as it was.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SealedFile {
    name: String,
    length: u64,
    digests: Vec<[u8; DIGEST_BYTES]>,
}

/// What the seal holds for the files in `log`, sled's folder.
pub(super) fn of(log: &Path) -> Result<Vec<u8>, LogFault> {
    let mut bytes = TITLE.to_vec();
    bytes.extend(postcard::to_stdvec(&look(log)?).expect("names and digests are written"));
    let sum = blake3::hash(&bytes);
    bytes.extend_from_slice(sum.as_bytes());
    Ok(bytes)
}

/// Compares the files in `log`, sled's folder, with the seal of `bytes`.
pub(super) fn check(bytes: &[u8], log: &Path) -> Result<(), LogFault> {
    let sealed = read(bytes).ok_or_else(|| changed(NAME, 0, bytes.len() as u64))?;
    let found = look(log)?;
    for sealed in &sealed {
        let Some(found) = found.iter().find(|found| found.name == sealed.name) else {
            return Err(changed(&format!("log/{}", sealed.name), 0, sealed.length));
        };
        compare(sealed, found)?;
    }
    match found.iter().find(|found| sealed.iter().all(|sealed| sealed.name != found.name)) {
        Some(added) => Err(changed(&format!("log/{}", added.name), 0, added.length)),
        None => Ok(()),
    }
}

fn read(bytes: &[u8]) -> Option<Vec<SealedFile>> {
    let (signed, sum) = bytes.split_last_chunk::<32>()?;
    if blake3::hash(signed).as_bytes() != sum {
        return None;
    }
    postcard::from_bytes(signed.strip_prefix(TITLE)?).ok()
}

fn compare(sealed: &SealedFile, found: &SealedFile) -> Result<(), LogFault> {
    let name = format!("log/{}", sealed.name);
    let differs =
        sealed.digests.iter().zip(&found.digests).position(|(sealed, found)| sealed != found);
    if let Some(chunk) = differs {
        let from = (chunk * CHUNK_BYTES) as u64;
        let to = (from + CHUNK_BYTES as u64).min(sealed.length.max(found.length));
        return Err(changed(&name, from, to));
    }
    if sealed.length != found.length {
        let (from, to) = (sealed.length.min(found.length), sealed.length.max(found.length));
        return Err(changed(&name, from, to));
    }
    Ok(())
}

fn changed(file: &str, from: u64, to: u64) -> LogFault {
    LogFault::Changed { file: file.to_owned(), from, to }
}

/// Every file below sled's folder, in order of name.
fn look(folder: &Path) -> Result<Vec<SealedFile>, LogFault> {
    let mut paths = Vec::new();
    list(folder, &mut paths)?;
    paths.sort();
    paths.iter().map(|path| digest(folder, path)).collect()
}

fn list(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), LogFault> {
    let failed = Fault::of("list", folder);
    for entry in fs::read_dir(folder).map_err(&failed)? {
        let path = entry.map_err(&failed)?.path();
        if path.is_dir() {
            list(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

fn digest(folder: &Path, path: &Path) -> Result<SealedFile, LogFault> {
    let failed = Fault::of("read", path);
    let below = path.strip_prefix(folder).expect("the path was found below the folder");
    let mut file = File::open(path).map_err(&failed)?;
    let mut sealed =
        SealedFile { name: below.to_string_lossy().into_owned(), length: 0, digests: Vec::new() };
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    loop {
        chunk.clear();
        let taken =
            file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut chunk).map_err(&failed)?;
        if taken == 0 {
            return Ok(sealed);
        }
        sealed.length += taken as u64;
        let digest = blake3::hash(&chunk);
        let short = digest.as_bytes().first_chunk().expect("a digest is longer than its beginning");
        sealed.digests.push(*short);
    }
}
