//! The fuzz target's check of files that say how a server or a client is set up, over the checked-in corpus and its neighbours.
//!
//! Must never hold: a check of its own; it stands in `fuzz/checks/`.

#[path = "../../fuzz/checks/configuration.rs"]
mod configuration;

use crate::corpora::Corpus;

#[test]
fn configuration_near_the_corpus_reads_back_or_is_refused() {
    let corpus = Corpus::of("configuration");
    assert!(corpus.named.len() >= 4, "the corpus is there");
    corpus.run(configuration::check);
    let files = &corpus.named;
    let mut random = fastrand::Rng::with_seed(4);
    for file in files {
        for _ in 0..100 {
            let other = &files[random.usize(..files.len())];
            let (at, from) = (random.usize(1..file.len()), random.usize(1..other.len()));
            let until = other.len().min(from + random.usize(..60));
            let skip = file.len().min(at + random.usize(..20));
            configuration::check(&[&file[..at], &other[from..until], &file[skip..]].concat());
        }
    }
}
