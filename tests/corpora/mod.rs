//! The corpora of the fuzz targets. A file named in words is there for what it says, and tests change it in many ways; one
//! named by its digest was found by a fuzzer, and is run as it is.
//!
//! Must never hold: a check; those are in `fuzz/checks/`.

use std::fs;
use std::path::{Path, PathBuf};

/// What the corpus of a target holds, in order of name.
pub(crate) struct Corpus {
    pub(crate) named: Vec<Vec<u8>>,
    pub(crate) found: Vec<Vec<u8>>,
}

impl Corpus {
    /// That of `target`.
    pub(crate) fn of(target: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<PathBuf> = files.collect();
        files.sort();
        let (found, named): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| is_digest(file));
        assert!(!named.is_empty(), "the corpus of {target} holds something named in words");
        Self { named: named.iter().map(read).collect(), found: found.iter().map(read).collect() }
    }

    /// Runs `check` over each file.
    pub(crate) fn run(&self, check: fn(&[u8])) {
        self.named.iter().chain(&self.found).for_each(|file| check(file));
    }
}

fn read(file: &PathBuf) -> Vec<u8> {
    fs::read(file).unwrap()
}

/// Whether a fuzzer named `file`: by 40 hexadecimal digits.
fn is_digest(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
