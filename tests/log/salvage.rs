//! What is salvaged of a damaged log is what was written, at its place; what is lost is told, and nothing else is missing.
//!
//! Must never hold: a damage chosen because it is known to be harmless.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::damage::{EVENTS, copy, fill};
use adsum::event::{EpochBegan, Event, Recorded};
use adsum::log::{Erasures, EventLog, LostEvents, Salvaged, SledLog, rewrite, verify};
use adsum::model::Sequence;

const FLIPS: usize = 12;

/// A store, what is in it, and a copy of it to be damaged.
struct Trial {
    folder: tempfile::TempDir,
    written: Vec<Recorded>,
    damaged: PathBuf,
}

impl Trial {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let whole = folder.path().join("whole");
        let mut log = SledLog::open(&whole).unwrap();
        fill(&mut log);
        let written = log.reader().read(Sequence::new(1), usize::MAX).unwrap();
        drop(log);
        assert_eq!(written.len() as u64, EVENTS);
        let damaged = folder.path().join("damaged");
        Self { folder, written, damaged }
    }

    fn db(&self) -> PathBuf {
        self.damaged.join("log/db")
    }

    /// Damages a copy, salvages it, and returns what is lost by its own word, which all else proves right.
    fn lost_by(&self, damage: impl FnOnce(&mut Vec<u8>), name: &str) -> Vec<LostEvents> {
        let new = self.folder.path().join("new");
        for folder in [&self.damaged, &new] {
            let _ = fs::remove_dir_all(folder);
        }
        copy(&self.folder.path().join("whole"), &self.damaged);
        let mut bytes = fs::read(self.db()).unwrap();
        damage(&mut bytes);
        fs::write(self.db(), bytes).unwrap();
        let before = files(&self.damaged);
        let salvaged = Salvaged::of(&self.damaged, &mut |_, _| ()).unwrap();
        let mut log = SledLog::open(&new).unwrap();
        let gone = Erasures::of(&salvaged, salvaged.head()).unwrap();
        rewrite((&salvaged, salvaged.head()), &mut log, &gone, &mut |_| ()).unwrap();
        let verified = verify(&log, &mut |_| ()).unwrap();
        assert_eq!((verified.head.get(), salvaged.keys_lost()), (EVENTS, 0), "{name}");
        self.check(&log.reader().read(Sequence::new(1), usize::MAX).unwrap(), &salvaged, name);
        let lost = salvaged.lost().to_vec();
        drop(salvaged);
        assert!(files(&self.damaged) == before, "{name}: the old store is as it was");
        lost
    }

    fn check(&self, found: &[Recorded], salvaged: &Salvaged, name: &str) {
        let (lost, epoch) = (salvaged.lost(), salvaged.epoch());
        for (written, found) in self.written.iter().zip(found) {
            let at = written.sequence;
            if lost.iter().any(|lost| (lost.first..=lost.last).contains(&at)) {
                let stands_in = Event::EpochBegan(EpochBegan { epoch });
                assert_eq!((found.sequence, &found.event), (at, &stands_in), "{name}");
            } else {
                assert_eq!(found, written, "{name}");
            }
        }
    }
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

fn count(lost: &[LostEvents]) -> u64 {
    lost.iter().map(|lost| lost.last.get() - lost.first.get() + 1).sum()
}

#[test]
fn of_a_whole_log_nothing_is_lost() {
    assert_eq!(Trial::new().lost_by(|_| (), "whole"), []);
}

#[test]
fn a_flipped_byte_costs_at_most_the_entries_it_is_in() {
    let trial = Trial::new();
    let mut random = fastrand::Rng::with_seed(2_778);
    for _ in 0..FLIPS {
        let mut name = String::new();
        let flip = |bytes: &mut Vec<u8>| {
            let place = random.usize(0..bytes.len());
            bytes[place] ^= 1 << random.u8(0..8);
            name = format!("byte {place}");
        };
        let lost = trial.lost_by(flip, "a flip");
        assert!(count(&lost) <= 21, "{name}: {lost:?}");
    }
}

#[test]
fn behind_a_hole_the_log_is_taken_up_again_and_a_lost_end_is_told() {
    let trial = Trial::new();
    // Where in the file which events lie is the engine's business.
    let is_taken_up = (1..16).any(|part| {
        let hole = |bytes: &mut Vec<u8>| {
            let middle = bytes.len() * part / 16;
            let end = bytes.len().min(middle + 400_000);
            bytes[middle.saturating_sub(400_000)..end].fill(0);
        };
        let lost = trial.lost_by(hole, "a hole");
        !lost.is_empty() && lost.iter().all(|lost| lost.last.get() < EVENTS)
    });
    assert!(is_taken_up, "what lies behind a hole is found");
    let ends_lost = (1..16).rev().any(|part| {
        let torn = trial.lost_by(|bytes| bytes.truncate(bytes.len() * part / 16), "a torn end");
        torn.last().is_some_and(|lost| lost.last.get() == EVENTS) && count(&torn) < EVENTS
    });
    assert!(ends_lost, "they were durable");
    let nothing = trial.lost_by(|bytes| bytes.fill(0), "nothing is left");
    assert_eq!(count(&nothing), EVENTS);
}
