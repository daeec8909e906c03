//! The fuzz targets of log entries, of exported lines and of backups, over their corpora and what is near them.
//!
//! Must never hold: a check of its own; it stands in `fuzz/checks/`.

#[path = "../../fuzz/checks/backup.rs"]
mod backup;
#[path = "../../fuzz/checks/event_entry.rs"]
mod event_entry;
#[path = "../../fuzz/checks/export_line.rs"]
mod export_line;

use crate::corpora::Corpus;

#[test]
fn every_log_entry_of_the_corpus_is_read_or_refused() {
    let corpus = Corpus::of("event_entry");
    assert!(corpus.named.len() >= 4, "the corpus is there");
    corpus.run(event_entry::check);
}

#[test]
fn backups_near_the_corpus_are_proven_or_refused() {
    let mut random = fastrand::Rng::with_seed(5);
    let corpus = Corpus::of("backup");
    corpus.run(backup::check);
    for input in corpus.named {
        for _ in 0..100 {
            let mut changed = input.clone();
            let at = random.usize(1..=changed.len());
            if random.u8(..4) == 0 {
                changed.truncate(at);
            } else if let Some(byte) = changed.get_mut(at) {
                *byte = random.u8(..);
            }
            backup::check(&changed);
        }
    }
}

#[test]
fn a_corpus_entry_that_is_cut_or_changed_is_read_or_refused() {
    let mut random = fastrand::Rng::with_seed(1);
    for input in Corpus::of("event_entry").named {
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

/// Lines of all files in another order each time, some more than once and some not at all.
#[test]
fn exported_events_fold_in_whatever_order_they_come() {
    let corpus = Corpus::of("export_line");
    corpus.run(export_line::check);
    let lines: Vec<&[u8]> =
        corpus.named.iter().flat_map(|file| file.split(|byte| *byte == b'\n')).collect();
    let mut random = fastrand::Rng::with_seed(2);
    for _ in 0..200 {
        let drawn: Vec<&[u8]> =
            (0..random.usize(1..150)).map(|_| lines[random.usize(..lines.len())]).collect();
        export_line::check(&drawn.join(&b'\n'));
    }
}
