//! The fuzz target's check of a world in which bytes decide, over its corpus.
//!
//! Must never hold: a check of its own; it stands in `fuzz/checks/`.

#[path = "../corpora/mod.rs"]
mod corpora;
#[path = "../../fuzz/checks/world.rs"]
mod world;

use corpora::Corpus;

use crate as simulation;

#[test]
fn worlds_of_the_corpus_keep_their_promises() {
    let corpus = Corpus::of("world");
    assert!(corpus.named.len() >= 4, "the corpus is there");
    corpus.run(world::check);
}
