//! The log in memory forgets, fails and is damaged as told.
//!
//! Must never hold: what it shares with other engines; that is `log_suite`.

use crate::events::{message, messages, timed};
use adsum::commit::Commit;
use adsum::event::EntryFault;
use adsum::log::memory::MemoryDisk;
use adsum::log::{EventLog, LogFault, LogReader, verify};
use adsum::model::{Sequence, Timestamp};
use adsum::service::ServiceConfig;

const NOW: Timestamp = Timestamp::from_ms(1);

#[test]
fn a_crash_forgets_what_was_not_synced() {
    let disk = MemoryDisk::new();
    let mut log = disk.open().unwrap();
    log.append(&timed(NOW, messages(1, 3))).unwrap();
    log.save(&[(b"a".to_vec(), Some(b"1".to_vec()))]).unwrap();
    log.sync().unwrap();
    log.append(&timed(NOW, messages(4, 3))).unwrap();
    log.save(&[(b"a".to_vec(), None), (b"b".to_vec(), Some(b"2".to_vec()))]).unwrap();
    disk.crash(0);
    let log = disk.open().unwrap();
    assert_eq!(log.head(), Sequence::new(3));
    let mut keys = Vec::new();
    log.load(&mut |key, _| {
        keys.push(key.to_vec());
        Ok(())
    })
    .unwrap();
    assert_eq!(keys, [b"a"]);
}

#[test]
fn a_crash_may_keep_the_first_of_what_was_not_synced() {
    for kept in 0..=3 {
        let disk = MemoryDisk::new();
        let mut log = disk.open().unwrap();
        for number in 1..=3 {
            log.append(&timed(NOW, vec![message(2 * number, 20_000), message(2 * number + 1, 1)]))
                .unwrap();
        }
        assert_eq!(disk.unsynced_count(), 3);
        disk.crash(kept);
        let log = disk.open().unwrap();
        assert_eq!(log.head().get(), 2 * kept as u64, "a commit is there whole or not at all");
        verify(&log, &mut |_| ()).unwrap();
    }
}

#[test]
fn a_log_that_crashed_takes_nothing_more() {
    let disk = MemoryDisk::new();
    let mut dead = disk.open().unwrap();
    disk.crash(0);
    let mut log = disk.open().unwrap();
    assert!(matches!(dead.append(&timed(NOW, messages(1, 1))), Err(LogFault::Poisoned)));
    assert!(matches!(dead.sync(), Err(LogFault::Poisoned)));
    drop(dead);
    assert!(matches!(disk.open(), Err(LogFault::Locked { .. })), "the live one still has it");
    log.append(&timed(NOW, messages(1, 1))).unwrap();
}

#[test]
fn after_an_injected_fault_nothing_more_is_taken() {
    for fail in [MemoryDisk::fail_next_append, MemoryDisk::fail_next_sync] {
        let disk = MemoryDisk::new();
        let mut log = disk.open().unwrap();
        log.append(&timed(NOW, messages(1, 1))).unwrap();
        log.sync().unwrap();
        fail(&disk);
        let outcome = log.append(&timed(NOW, messages(2, 1))).and_then(|_| log.sync());
        assert!(matches!(outcome, Err(LogFault::Engine { .. })));
        assert!(matches!(log.append(&timed(NOW, messages(2, 1))), Err(LogFault::Poisoned)));
        drop(log);
        disk.crash(0);
        let mut log = disk.open().unwrap();
        assert_eq!(log.head(), Sequence::new(1));
        log.append(&timed(NOW, messages(2, 1))).unwrap();
        log.sync().unwrap();
    }
}

fn filled() -> MemoryDisk {
    let disk = MemoryDisk::new();
    let mut log = disk.open().unwrap();
    for commit in [messages(1, 100), vec![message(101, 20_000)], messages(102, 100)] {
        log.append(&timed(NOW, commit.clone())).unwrap();
    }
    log.sync().unwrap();
    disk
}

#[test]
fn a_flipped_byte_anywhere_is_found_with_its_position() {
    let places: Vec<(usize, usize)> = {
        let mut lengths = Vec::new();
        filled().damage(|entries| lengths.extend(entries.values().map(Vec::len)));
        let every_so_often = |(entry, length): (usize, &usize)| {
            (0..*length).step_by(31).map(move |place| (entry, place)).collect::<Vec<_>>()
        };
        lengths.iter().enumerate().flat_map(every_so_often).collect()
    };
    let disk = filled();
    for (entry, place) in places {
        let flip =
            || disk.damage(|entries| entries.values_mut().nth(entry).unwrap()[place] ^= 0x10);
        flip();
        let fault = verify(&disk, &mut |_| ()).unwrap_err();
        assert!(matches!(fault, LogFault::Entry(_)), "byte {place} of entry {entry}: {fault}");
        flip();
    }
    verify(&disk, &mut |_| ()).unwrap();
}

#[test]
fn a_removed_entry_is_missed_by_readers_too() {
    let count = {
        let mut count = 0;
        filled().damage(|entries| count = entries.len());
        count
    };
    for gone in 0..count - 1 {
        let disk = filled();
        disk.damage(|entries| {
            let key = entries.keys().nth(gone).unwrap().clone();
            entries.remove(&key);
        });
        assert!(verify(&disk, &mut |_| ()).is_err(), "entry {gone}");
        let fault = disk.read(Sequence::new(1), usize::MAX).unwrap_err();
        assert!(
            matches!(fault, LogFault::Entry(EntryFault::Gap { .. } | EntryFault::Parts { .. })),
            "entry {gone}: {fault}"
        );
    }
}

#[test]
fn a_missing_end_is_noticed() {
    let disk = filled();
    disk.damage(|entries| drop(entries.pop_last()));
    let fault = verify(&disk, &mut |_| ()).unwrap_err();
    assert!(matches!(fault, LogFault::Lost { durable, .. } if durable.get() == 201), "{fault}");
    assert!(matches!(disk.open(), Err(LogFault::Lost { .. })));
}

/// A log may hang together and be of somebody who wrote what no service decides.
#[test]
fn what_does_not_take_its_place_in_an_inbox_is_a_fault_at_its_position() {
    let disk = MemoryDisk::new();
    let mut log = disk.open().unwrap();
    log.append(&timed(NOW, vec![message(1, 10), message(3, 10)])).unwrap();
    let config = ServiceConfig::new(vec!["d.example".parse().unwrap()], [7; 32]);
    let opened = Commit::open(config, Box::new(log), &mut |_, _| {}).map(drop);
    let Err(LogFault::Entry(EntryFault::Event { sequence, reason })) = opened else {
        panic!("{opened:?}")
    };
    assert_eq!(sequence, Sequence::new(2));
    assert!(reason.contains("takes place 3") && reason.contains("2 must"), "{reason}");
}
