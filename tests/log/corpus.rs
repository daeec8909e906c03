//! The fuzz target of log entries, over its corpus and over every corpus file cut and changed in simple ways.
//!
//! Must never hold: a check of its own; it stands in `fuzz/checks/`.

#[path = "../../fuzz/checks/event_entry.rs"]
mod event_entry;

use std::fs;
use std::path::Path;

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/event_entry");
    fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

#[test]
fn every_log_entry_of_the_corpus_is_read_or_refused() {
    let corpus = corpus();
    assert!(corpus.len() >= 4, "the corpus is there");
    for input in corpus {
        event_entry::check(&input);
    }
}

#[test]
fn a_corpus_entry_that_is_cut_or_changed_is_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(1);
    for input in corpus() {
        for _ in 0..200 {
            let mut changed = input.clone();
            for _ in 0..random.usize(1..4) {
                // Most of a file is the body of some message: changes near its beginning tell more.
                let end = changed.len().min(random.usize(1..2_000)).max(1);
                if let Some(byte) = changed.get_mut(random.usize(0..end)) {
                    *byte = random.u8(..);
                }
            }
            if random.bool() {
                changed.truncate(random.usize(0..=changed.len()));
            }
            event_entry::check(&changed);
        }
    }
}
