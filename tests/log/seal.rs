//! After an orderly end a changed byte is located, wherever it lies, without opening the store.

use std::fs;
use std::path::Path;

use crate::events::{messages, timed};
use adsum::log::{EventLog, LogFault, SledLog};
use adsum::model::Timestamp;

fn append(path: &Path, round: u64) {
    let mut log = SledLog::open(path).unwrap();
    log.append(&timed(Timestamp::from_ms(round), messages(round * 200 + 1, 200))).unwrap();
    log.sync().unwrap();
}

#[test]
fn what_was_closed_in_order_is_sealed_however_often() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..30 {
        append(folder.path(), round);
        assert!(SledLog::check_seal(folder.path()).unwrap(), "round {round}");
    }
}

#[test]
fn a_store_that_is_open_or_was_not_closed_has_no_seal() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0);
    let log = SledLog::open(folder.path()).unwrap();
    assert!(!folder.path().join("SEAL").exists());
    assert!(matches!(SledLog::check_seal(folder.path()), Err(LogFault::Locked { .. })));
    // As a kill leaves it: nothing is dropped.
    let reader = log.reader();
    drop(log);
    assert!(!folder.path().join("SEAL").exists(), "a reader still has the files open");
    drop(reader);
    assert!(SledLog::check_seal(folder.path()).unwrap());
}

#[test]
fn any_changed_byte_of_any_file_is_located() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..5 {
        append(folder.path(), round);
    }
    let mut random = fastrand::Rng::with_seed(7);
    for entry in fs::read_dir(folder.path().join("log")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let whole = fs::read(&path).unwrap();
        for _ in 0..20 {
            let place = random.usize(..whole.len());
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << random.u32(..8);
            fs::write(&path, &damaged).unwrap();
            match SledLog::check_seal(folder.path()) {
                Err(LogFault::Changed { file, from, to }) => {
                    assert!(path.ends_with(&file), "{file}");
                    assert!((from..to).contains(&(place as u64)), "{place} is not in {from}..{to}");
                }
                other => panic!("byte {place} of {} was changed: {other:?}", path.display()),
            }
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(matches!(SledLog::check_seal(folder.path()), Err(LogFault::Changed { .. })));
        fs::write(&path, &whole).unwrap();
    }
    assert!(SledLog::check_seal(folder.path()).unwrap());
    fs::write(folder.path().join("log/extra"), b"x").unwrap();
    assert!(matches!(SledLog::check_seal(folder.path()), Err(LogFault::Changed { .. })));
}
