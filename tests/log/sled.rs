//! What only the engine on sled promises: its folder, its files, its sizes.
//!
//! Must never hold: what every engine promises; that is `log_suite`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::events::{message, messages, timed};
use adsum::log::{EventLog, LogFault, SledLog, stat, verify};
use adsum::model::{Sequence, Timestamp};

const NOW: Timestamp = Timestamp::from_ms(1_000);

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    (folder, path)
}

#[test]
fn an_offline_command_makes_no_store() {
    let (_folder, path) = place();
    assert!(matches!(SledLog::open_existing(&path), Err(LogFault::NoStore { .. })));
    assert!(!path.exists());
    fs::create_dir(&path).unwrap();
    assert!(matches!(SledLog::open_existing(&path), Err(LogFault::NoStore { .. })));
    assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    drop(SledLog::open(&path).unwrap());
    SledLog::open_existing(&path).unwrap();
}

#[test]
fn a_store_of_another_format_is_refused_before_anything_is_touched() {
    let (_folder, path) = place();
    drop(SledLog::open(&path).unwrap());
    fs::write(path.join("FORMAT"), "adsum store\nformat 2\n").unwrap();
    let fault = SledLog::open(&path).unwrap_err();
    assert!(
        matches!(&fault, LogFault::Format { found, expected: 1, .. } if found == "2"),
        "{fault}"
    );
    fs::remove_file(path.join("FORMAT")).unwrap();
    assert!(matches!(SledLog::open(&path), Err(LogFault::Format { .. })));
    assert!(matches!(SledLog::open_existing(&path), Err(LogFault::Format { .. })));
    assert!(!path.join("FORMAT").exists());
}

#[test]
fn a_start_that_was_cut_short_is_begun_again() {
    for made in [
        &["LOCK"][..],
        &["LOCK", "FORMAT.new"],
        &["LOCK", ".FORMAT.a1b2c3.tmp"],
        &["LOCK", "FORMAT"],
        &["LOCK", "FORMAT", ".HEAD.a1b2c3.tmp"],
        &["LOCK", "FORMAT", "HEAD"],
    ] {
        let (_folder, path) = place();
        let (_other, whole) = place();
        drop(SledLog::open(&whole).unwrap());
        fs::create_dir(&path).unwrap();
        for name in made {
            let bytes = fs::read(whole.join(name)).unwrap_or_default();
            fs::write(path.join(name), bytes).unwrap();
        }
        let mut log = SledLog::open(&path).unwrap();
        log.append(&timed(NOW, messages(1, 1))).unwrap();
        log.sync().unwrap();
        assert!(!made.iter().any(|name| name.starts_with('.') && path.join(name).exists()));
    }
}

#[test]
fn what_sled_did_not_finish_at_a_start_does_not_stop_the_next_one() {
    for written in [0, 5, 13, 200] {
        let (_folder, path) = place();
        let mut log = SledLog::open(&path).unwrap();
        log.append(&timed(NOW, messages(1, 5))).unwrap();
        log.sync().unwrap();
        drop(log);
        let unfinished = path.join("log/snap.00000000FFFFFFFF.generating");
        fs::write(&unfinished, vec![7; written]).unwrap();
        let log = SledLog::open(&path).unwrap();
        assert_eq!(log.head(), Sequence::new(5), "{written} bytes");
        assert!(!unfinished.exists());
    }
}

#[test]
fn a_store_whose_log_is_gone_is_damaged_and_not_new() {
    let (_folder, path) = place();
    let mut log = SledLog::open(&path).unwrap();
    log.append(&timed(NOW, messages(1, 5))).unwrap();
    log.sync().unwrap();
    drop(log);
    fs::remove_dir_all(path.join("log")).unwrap();
    let fault = SledLog::open_existing(&path).unwrap_err();
    assert!(
        matches!(fault, LogFault::Lost { durable, .. } if durable == Sequence::new(5)),
        "{fault}"
    );
}

#[test]
fn a_reader_keeps_the_store_locked() {
    let (_folder, path) = place();
    let reader = SledLog::open(&path).unwrap().reader();
    assert!(matches!(SledLog::open(&path), Err(LogFault::Locked { .. })));
    drop(reader);
    SledLog::open(&path).unwrap();
}

fn blobs(path: &Path) -> usize {
    fs::read_dir(path.join("log/blobs")).unwrap().count()
}

#[test]
fn no_file_that_sled_never_syncs_is_made_by_large_messages_and_records() {
    let (_folder, path) = place();
    let mut log = SledLog::open(&path).unwrap();
    for number in 1..=200 {
        log.append(&timed(NOW, vec![message(number, 64 * 1024)])).unwrap();
        let record = vec![number as u8; 100_000];
        log.save(&[(number.to_be_bytes().to_vec(), Some(record))]).unwrap();
        log.sync().unwrap();
        assert_eq!(blobs(&path), 0, "after message {number}");
    }
    drop(log);
    let log = SledLog::open(&path).unwrap();
    assert_eq!(blobs(&path), 0);
    let stat = stat(&log, log.path()).unwrap();
    assert_eq!((stat.events, stat.blobs), (200, 0));
    assert!(stat.stored_bytes > 200 * 64 * 1024 && stat.disk_bytes > stat.stored_bytes, "{stat:?}");
}

#[test]
fn sizes_and_times_are_told() {
    let (_folder, path) = place();
    let mut log = SledLog::open(&path).unwrap();
    let empty = stat(&log, &path).unwrap();
    assert_eq!((empty.events, empty.entries, empty.first_at, empty.last_at), (0, 0, None, None));
    log.append(&timed(Timestamp::from_ms(7), messages(1, 3))).unwrap();
    log.append(&timed(Timestamp::from_ms(9), vec![message(4, 20_000)])).unwrap();
    log.sync().unwrap();
    let full = stat(&log, &path).unwrap();
    assert_eq!((full.events, full.entries), (4, 1 + 3));
    assert_eq!(full.first_at, Some(Timestamp::from_ms(7)));
    assert_eq!(full.last_at, Some(Timestamp::from_ms(9)));
    let verified = verify(&log, &mut |_| ()).unwrap();
    assert_eq!((full.entries, full.stored_bytes), (verified.entries, verified.bytes));
}

#[test]
fn a_discarded_checkpoint_leaves_the_events() {
    let (_folder, path) = place();
    let mut log = SledLog::open(&path).unwrap();
    log.append(&timed(NOW, messages(1, 2))).unwrap();
    log.save(&[(b"a".to_vec(), Some(vec![0; 20_000])), (b"b".to_vec(), Some(vec![]))]).unwrap();
    log.discard_checkpoint().unwrap();
    log.sync().unwrap();
    drop(log);
    let mut log = SledLog::open(&path).unwrap();
    assert_eq!(log.head(), Sequence::new(2));
    log.load(&mut |key, _| panic!("{key:?} is still there")).unwrap();
    log.save(&[(b"a".to_vec(), Some(b"new".to_vec()))]).unwrap();
    let mut count = 0;
    log.load(&mut |_, _| {
        count += 1;
        Ok(())
    })
    .unwrap();
    assert_eq!(count, 1);
}
