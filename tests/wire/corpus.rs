//! The fuzz targets' checks of what comes from a peer, over the checked-in corpus and its nearest neighbours.
//!
//! Must never hold: a check (those are in `fuzz/checks`).

#[path = "../../fuzz/checks/address.rs"]
mod address;
#[path = "../../fuzz/checks/bodies.rs"]
mod bodies;
#[path = "../../fuzz/checks/checkpoint.rs"]
mod checkpoint;
#[path = "../corpora/mod.rs"]
mod corpora;
#[path = "../../fuzz/checks/cursor.rs"]
mod cursor;
#[path = "../../fuzz/checks/frame.rs"]
mod frame;
#[path = "../looks/mod.rs"]
mod looks;
#[path = "../../fuzz/checks/peers.rs"]
mod peers;
#[path = "../../fuzz/checks/server_frames.rs"]
mod server_frames;

use adsum::protocol::body::KINDS;
use corpora::Corpus;

use super::by_hand;

/// Runs `check` over each file, and for those named in words over everything they begin with, and each change of one byte
/// to a few others.
fn check_near(target: &str, check: fn(&[u8])) {
    let corpus = Corpus::of(target);
    corpus.run(check);
    for file in corpus.named {
        (0..=file.len()).for_each(|end| check(&file[..end]));
        for at in 0..file.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[at] ^= change;
                check(&changed);
            }
        }
    }
}

#[test]
fn frames_near_the_corpus_are_cut_alike() {
    check_near("frame", frame::check);
}

#[test]
fn bodies_near_the_corpus_read_back() {
    check_near("bodies", bodies::check);
}

#[test]
fn addresses_near_the_corpus_read_back() {
    check_near("address", address::check);
}

#[test]
fn cursors_near_the_corpus_are_not_made_up() {
    check_near("cursor", cursor::check);
}

#[test]
fn checkpoints_near_the_corpus_load_or_do_not() {
    Corpus::of("checkpoint").run(checkpoint::check);
}

#[test]
fn a_server_that_says_what_is_near_the_corpus_does_no_harm() {
    check_near("server_frames", server_frames::check);
}

#[test]
fn peers_of_the_corpus_do_no_harm() {
    Corpus::of("peers").run(peers::check);
}

#[test]
fn the_corpus_of_bodies_holds_every_kind() {
    let named = Corpus::of("bodies").named;
    for (kind, name) in KINDS {
        let there = named.iter().any(|file| file.starts_with(&kind.to_be_bytes()));
        assert!(there, "no file in fuzz/corpus/bodies begins with {kind:#06x}, {name}");
    }
}
