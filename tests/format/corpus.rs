//! The fuzz targets' checks of presence documents and messages, over the checked-in corpus and its neighbours.
//!
//! Must never hold: a check (those are in `fuzz/checks`).

#[path = "../../fuzz/checks/cpim.rs"]
mod cpim;
#[path = "../../fuzz/checks/pidf.rs"]
mod pidf;

use crate::corpora::Corpus;

/// Runs `check` over each file, and for those named in words over everything they begin with, and each change of one byte
/// to a few others.
fn check_near(target: &str, check: fn(&[u8])) {
    let corpus = Corpus::of(target);
    assert!(corpus.named.len() >= 5, "the corpus of {target} is there");
    corpus.run(check);
    for file in corpus.named {
        (0..=file.len()).for_each(|end| check(&file[..end]));
        for at in 0..file.len() {
            for change in [0x02, 0x10] {
                let mut changed = file.clone();
                changed[at] ^= change;
                check(&changed);
            }
        }
    }
}

/// Puts pieces of files of the corpus together: well-formed parts in places where nobody expects them.
fn check_mixed(target: &str, check: fn(&[u8])) {
    let files = Corpus::of(target).named;
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..1_000 {
        let base = &files[random.usize(..files.len())];
        let other = &files[random.usize(..files.len())];
        let begin = random.usize(..other.len());
        let end = (begin + random.usize(1..120)).min(other.len());
        let at = random.usize(..=base.len());
        let skip = if random.bool() { 0 } else { random.usize(0..40) };
        let mut mixed = base[..at].to_vec();
        mixed.extend_from_slice(&other[begin..end]);
        mixed.extend_from_slice(base.get(at + skip..).unwrap_or_default());
        check(&mixed);
    }
}

#[test]
fn documents_near_the_corpus_are_read_back_or_refused() {
    check_near("pidf", pidf::check);
    check_mixed("pidf", pidf::check);
}

#[test]
fn messages_near_the_corpus_are_kept_or_refused() {
    check_near("cpim", cpim::check);
    check_mixed("cpim", cpim::check);
}
