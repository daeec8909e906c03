//! The fuzz targets' checks of what comes from a peer, over the checked-in corpus and its nearest neighbours.
//!
//! Must never hold: a check (those are in `fuzz/checks`).

#[path = "../../fuzz/checks/address.rs"]
mod address;
#[path = "../../fuzz/checks/bodies.rs"]
mod bodies;
#[path = "../../fuzz/checks/checkpoint.rs"]
mod checkpoint;
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

use std::path::PathBuf;

use adsum::protocol::body::KINDS;

use super::by_hand;

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<Vec<u8>> = files.map(|file| std::fs::read(file).unwrap()).collect();
    assert!(!found.is_empty(), "the corpus of {target} is empty");
    found
}

/// Runs `check` over each file, everything it begins with, and each change of one byte to a few others.
fn check_near(target: &str, check: fn(&[u8])) {
    for file in corpus(target) {
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
    for file in corpus("checkpoint") {
        checkpoint::check(&file);
    }
}

#[test]
fn a_server_that_says_what_is_near_the_corpus_does_no_harm() {
    check_near("server_frames", server_frames::check);
}

#[test]
fn peers_of_the_corpus_do_no_harm() {
    for file in corpus("peers") {
        peers::check(&file);
    }
}

#[test]
fn the_corpus_of_bodies_holds_every_kind() {
    let found = corpus("bodies");
    for (kind, name) in KINDS {
        let there = found.iter().any(|file| file.starts_with(&kind.to_be_bytes()));
        assert!(there, "no file in fuzz/corpus/bodies begins with {kind:#06x}, {name}");
    }
}
