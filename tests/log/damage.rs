//! Damage to a store's files is told, never passed over: a store with one flipped byte is either refused, with what is
//! wrong, or it still holds everything.
//!
//! The places come from a fixed seed, but where sled puts what differs a little from run to run; what is promised holds
//! for each. Must never hold: a place or a message chosen because it is known to be noticed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::events::{message, messages, timed};
use adsum::log::{EventLog, LogFault, SledLog, Verified, verify};
use adsum::model::{Sequence, Timestamp};

/// A store of a few segments: small events, long ones and checkpoint records, some of them replaced.
pub(crate) fn fill(log: &mut SledLog) {
    for round in 0..40 {
        let first = round * 21 + 1;
        let mut commit = messages(first, 20);
        commit.push(message(first + 20, 30_000));
        log.append(&timed(Timestamp::from_ms(round), commit.clone())).unwrap();
        log.sync().unwrap();
        let record = |key: u64| (key.to_be_bytes().to_vec(), Some(vec![round as u8; 3_000]));
        log.save(&[record(round), record(round % 5)]).unwrap();
        log.sync().unwrap();
    }
}

pub(crate) const EVENTS: u64 = 40 * 21;

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What a store tells, with every event and every checkpoint record read, or what is wrong.
fn examine(path: &Path) -> Result<Verified, LogFault> {
    let log = SledLog::open_existing(path)?;
    let verified = verify(&log, &mut |_| ())?;
    let mut records = BTreeMap::new();
    log.load(&mut |key, value| {
        assert!(value.len() == 3_000 && value.iter().all(|byte| *byte == value[0]));
        records.insert(u64::from_be_bytes(key.try_into().unwrap()), value[0]);
        Ok(())
    })?;
    check_one_moment(&records);
    let events = log.reader().read(Sequence::new(1), usize::MAX)?;
    assert_eq!(events.len() as u64, verified.events);
    Ok(verified)
}

/// A checkpoint may be an older one, as the log that is folded on top of it is whole; it may not be of two moments.
fn check_one_moment(records: &BTreeMap<u64, u8>) {
    let Some(newest) = records.values().max() else { return };
    let mut expected = BTreeMap::new();
    for round in 0..=u64::from(*newest) {
        expected.insert(round, round as u8);
        expected.insert(round % 5, round as u8);
    }
    assert_eq!(records, &expected);
}

struct Trial {
    _folder: tempfile::TempDir,
    whole: PathBuf,
    damaged: PathBuf,
}

impl Trial {
    /// The files of a store that was closed in order, or as a kill would leave them.
    fn new(is_closed: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (live, whole) = (folder.path().join("live"), folder.path().join("whole"));
        let mut log = SledLog::open(&live).unwrap();
        fill(&mut log);
        if is_closed {
            drop(log);
            copy(&live, &whole);
        } else {
            copy(&live, &whole);
            drop(log);
        }
        let damaged = folder.path().join("damaged");
        Self { _folder: folder, whole, damaged }
    }

    fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.whole.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.retain(|path| fs::metadata(path).unwrap().len() > 0);
        files.sort();
        files
    }

    fn with(&self, file: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Result<Verified, LogFault> {
        let _ = fs::remove_dir_all(&self.damaged);
        copy(&self.whole, &self.damaged);
        let target = self.damaged.join(file.strip_prefix(&self.whole).unwrap());
        let mut bytes = fs::read(&target).unwrap();
        change(&mut bytes);
        fs::write(&target, bytes).unwrap();
        examine(&self.damaged)
    }
}

/// `NAME` from the environment as a number, to search longer or elsewhere than a plain run does.
fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a number"))
}

fn no_flipped_byte_loses_anything_in_silence(is_closed: bool) {
    let trials_per_file = number("ADSUM_DAMAGE_TRIALS", 40);
    let trial = Trial::new(is_closed);
    let expected = trial.with(&trial.whole.join("FORMAT"), |_| ()).unwrap();
    assert_eq!(expected.events, EVENTS);
    let mut random = fastrand::Rng::with_seed(number("ADSUM_SEED", 2_778));
    let (mut refused, mut whole) = (0, 0);
    let mut files = trial.files();
    // Most of what there is to damage lies in sled's one large file.
    files.extend(std::iter::repeat_n(trial.whole.join("log/db"), 3));
    for file in files {
        let length = fs::metadata(&file).unwrap().len() as usize;
        for _ in 0..trials_per_file {
            let (place, bit) = (random.usize(0..length), random.u8(0..8));
            let name = file.file_name().unwrap().to_string_lossy();
            let name = format!("bit {bit} of byte {place} of {name}");
            if let Ok(found) = trial.with(&file, |bytes| bytes[place] ^= 1 << bit) {
                assert_eq!(found, expected, "{name}");
                whole += 1;
            } else {
                refused += 1;
                // Opening a damaged store once must not make it look whole the second time.
                assert!(examine(&trial.damaged).is_err(), "{name}");
            }
        }
    }
    assert!(refused > 0 && whole > 0, "refused {refused}, whole {whole}");
}

#[test]
fn no_flipped_byte_in_a_closed_store_loses_anything_in_silence() {
    no_flipped_byte_loses_anything_in_silence(true);
}

#[test]
fn no_flipped_byte_in_a_killed_store_loses_anything_in_silence() {
    no_flipped_byte_loses_anything_in_silence(false);
}
