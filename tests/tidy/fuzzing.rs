//! Every fuzz target is whole: it is built, checks something, has a corpus, is run by the tests, and is told of.
//!
//! Must never hold: a check of what a target asserts.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::root;

/// All corpora together: they are copied with the source, and run by every `cargo test`.
const CORPORA_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// The names of what lies in `folder`, without their extensions.
fn stems(folder: &str) -> BTreeSet<String> {
    let files = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// What stands in `file` between `begin` and `end`, line by line.
fn named(file: &Path, begin: &str, end: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let found = text.lines().filter_map(|line| line.strip_prefix(begin)?.split_once(end));
    found.map(|(name, _)| name.to_owned()).collect()
}

/// The checks that test programs run.
fn tested() -> BTreeSet<String> {
    let programs = fs::read_dir(root().join("tests")).unwrap().map(|entry| entry.unwrap().path());
    let corpora = programs.map(|program| program.join("corpus.rs")).filter(|file| file.exists());
    corpora.flat_map(|file| named(&file, "#[path = \"../../fuzz/checks/", ".rs\"]")).collect()
}

#[test]
fn every_fuzz_target_is_whole() {
    let root = root();
    let built = named(&root.join("fuzz/Cargo.toml"), "path = \"fuzz_targets/", ".rs\"");
    assert!(built.len() >= 10, "{built:?}");
    assert_eq!(built, stems("fuzz/fuzz_targets"));
    assert_eq!(built, stems("fuzz/checks"));
    assert_eq!(built, stems("fuzz/corpus"));
    assert_eq!(built, tested(), "each check is run over its corpus by a test");
    let rows = named(&root.join("docs/FUZZING.md"), "| `", "` |");
    assert_eq!(built, rows, "each target has a row");
    for target in &built {
        let corpus = root.join("fuzz/corpus").join(target);
        assert!(fs::read_dir(corpus).unwrap().next().is_some(), "{target} has an empty corpus");
    }
}

#[test]
fn the_corpora_stay_small() {
    let corpora = fs::read_dir(root().join("fuzz/corpus")).unwrap();
    let files = corpora.flat_map(|corpus| fs::read_dir(corpus.unwrap().path()).unwrap());
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes <= CORPORA_BYTES_MAX, "{bytes} bytes; what covers nothing new goes");
}
