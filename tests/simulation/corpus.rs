//! The fuzz target's check of a world in which bytes decide, over its corpus.
//!
//! Must never hold: a check of its own; it stands in `fuzz/checks/`.

#[path = "../../fuzz/checks/world.rs"]
mod world;

use std::fs;
use std::path::Path;

use crate as simulation;

#[test]
fn worlds_of_the_corpus_keep_their_promises() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/world");
    let files = fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap());
    let files: Vec<_> = files.collect();
    assert!(files.len() >= 4, "the corpus is there");
    for file in &files {
        world::check(file);
    }
}
