//! Backups of logs in memory: cut short at every change of the disk, damaged at every byte, and made stores again.
//!
//! Must never hold: a server, or a process (see `tests/cli/backup.rs`).

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Backup, BackupFault, Copied, Copying, NewKeys, prove, restore, stream};
use crate::backup::record::Record;
use crate::disk::planted::killed_after;
use crate::event::{EpochBegan, Event, MessageAccepted, MessageDigest, Recorded};
use crate::log::memory::{MemoryDisk, MemoryLog};
use crate::log::testing::cut;
use crate::log::{Entries, EventLog, LogFault, SledLog, Tip, state_key, tip_until, verify};
use crate::model::{
    Ahead, ContentType, DeviceId, EpochId, InboxSequence, MessageId, Moment, Payload, Principal,
    Sequence,
};
use crate::view::{self, Views};

/// Small, so that a few events fill several segments.
const SEGMENT_BYTES: usize = 2_000;
const MARKS: &[u8] = b"store.secret 0123456789abcdef\n";

fn sealed(number: u8) -> NewKeys {
    NewKeys::Sealed(vec![number; 100])
}

/// A log that grows, the same way each time it is made with the same number.
struct Growing {
    log: MemoryLog,
    number: u8,
    messages: u64,
    /// What was in it when it was last cut.
    past: Vec<Recorded>,
}

impl Growing {
    fn new(number: u8) -> Self {
        Self { log: MemoryDisk::new().open().unwrap(), number, messages: 0, past: Vec::new() }
    }

    /// `commits` more commits of a small event each, and one that is cut into parts.
    fn grow(&mut self, commits: usize) -> Tip {
        self.messages += 1;
        for commit in 0..=commits {
            let head = self.log.head().get();
            let epoch = EpochId([self.number; 8]);
            let small = Event::EpochBegan(EpochBegan { epoch });
            let event = if commit == commits { long(self.messages) } else { small };
            self.log.append(&[(Moment::from_us(head + 1), event)]).unwrap();
        }
        self.log.sync().unwrap();
        self.log.durable()
    }

    fn back_up(&self, dir: &Path, keys: &NewKeys) -> Result<Copied, BackupFault> {
        let mut copying = Copying::begin_with(dir, keys, SEGMENT_BYTES)?;
        let (since, durable) = (copying.since().head, || Ok(self.log.durable()));
        stream(&self.log, since, &durable, &mut |record| copying.take(record, "a log").map(drop))?;
        copying.finish("a log", Some(MARKS), keys)
    }
}

fn long(number: u64) -> Event {
    let bob: Principal = "bob@d.example".parse().unwrap();
    Event::MessageAccepted(MessageAccepted {
        inbox: bob.inbox(),
        sequence: InboxSequence::new(number),
        sender: "alice@d.example".parse().unwrap(),
        device: DeviceId([1; 8]),
        id: MessageId::new(&format!("m{number}")).unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::Present(vec![7; 9_000].into()),
        lifetime: None,
        digest: MessageDigest([number.to_le_bytes()[0]; 16]),
    })
}

fn tip_of(dir: &Path) -> Result<Tip, BackupFault> {
    let backup = Backup::open(dir)?;
    let verified = prove(&backup, None, &mut |_| ())?.verified;
    assert_eq!(backup.tip(), Tip { head: verified.head, chain: verified.chain });
    Ok(backup.tip())
}

fn files_in(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| !path.ends_with("LOCK"));
    files.sort();
    files
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn a_backup_goes_on_from_the_one_before_and_holds_what_the_log_does() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let dir = place.path().join("backup");
    let empty = log.back_up(&dir, &NewKeys::None).unwrap();
    assert_eq!((empty.tip, tip_of(&dir).unwrap()), (Tip::EMPTY, Tip::EMPTY));
    for round in 0..20 {
        let before = Backup::open(&dir).unwrap().tip();
        let tip = log.grow(round % 4);
        let copied = log.back_up(&dir, &NewKeys::None).unwrap();
        assert_eq!(copied.tip, tip);
        assert_eq!(copied.added.events, tip.head.get() - before.head.get());
        assert_eq!(tip_of(&dir).unwrap(), tip, "round {round}");
        let again = log.back_up(&dir, &NewKeys::None).unwrap();
        assert_eq!((again.tip, again.added.events), (tip, 0));
    }
    let mut in_backup = Vec::new();
    let mut keep = |key: &[u8], value: &[u8]| {
        in_backup.push((key.to_vec(), value.to_vec()));
        Ok(())
    };
    Backup::open(&dir).unwrap().walk(&mut keep).unwrap();
    let mut in_log = Vec::new();
    log.log
        .walk(&[], &mut |key, value| {
            in_log.push((key.to_vec(), value.to_vec()));
            Ok(core::ops::ControlFlow::Continue(()))
        })
        .unwrap();
    assert_eq!(in_backup, in_log);
    // What is not full is taken over, so there is no file for each of the twenty.
    let segments = files_in(&dir).len() - 2;
    let most = in_log.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    assert!(segments <= most / SEGMENT_BYTES, "{segments} segments of {most} bytes");
}

#[test]
fn a_backup_that_is_cut_short_anywhere_is_the_old_or_the_new_one() {
    for holds_one in [false, true] {
        let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
        let first = place.path().join("first");
        let old = log.grow(2);
        if holds_one {
            log.back_up(&first, &sealed(1)).unwrap();
        }
        let new = log.grow(30);
        for step in 0.. {
            let dir = place.path().join(format!("{holds_one}-{step}"));
            if holds_one {
                copy_dir(&first, &dir);
            }
            let made = killed_after(step, || log.back_up(&dir, &sealed(2)));
            match tip_of(&dir) {
                Ok(tip) => assert!(tip == new || made.is_err() && tip == old, "step {step}: {tip}"),
                Err(BackupFault::None { .. }) if !holds_one && made.is_err() => {}
                Err(fault) => panic!("step {step}: {fault}"),
            }
            fs::write(dir.join(".MANIFEST.0123abcd.tmp"), "cut").unwrap_or_default();
            fs::write(dir.join(".segment-1-2.0123abcd.tmp"), "cut").unwrap_or_default();
            assert_eq!(log.back_up(&dir, &sealed(2)).unwrap().tip, new, "step {step}");
            assert_eq!(tip_of(&dir).unwrap(), new, "step {step}");
            let listed = fs::read_to_string(dir.join("MANIFEST")).unwrap().lines().count() - 3;
            assert_eq!(files_in(&dir).len(), listed + 1, "step {step}: something is left over");
            if made.is_ok() {
                assert!(step > 20, "few steps were taken: {step}");
                break;
            }
        }
    }
}

#[test]
fn every_byte_of_a_backup_that_changes_is_found_and_its_file_named() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let dir = place.path().join("backup");
    log.grow(3);
    log.back_up(&dir, &sealed(1)).unwrap();
    log.grow(1);
    log.back_up(&dir, &sealed(1)).unwrap();
    let tip = tip_of(&dir).unwrap();
    assert!(files_in(&dir).len() >= 5, "segments, marks, keys and the manifest");
    for path in files_in(&dir) {
        let whole = fs::read(&path).unwrap();
        let found = |how: &str| {
            let fault = tip_of(&dir).expect_err(&format!("{}: {how}", path.display())).to_string();
            let is_none = how == "gone" && path.ends_with("MANIFEST");
            let named = if is_none { &dir } else { &path };
            assert!(fault.contains(&named.display().to_string()), "{how}: {fault}");
        };
        // Of the long ones every byte of what frames them, and some of what is in them.
        let step = if whole.len() > 4_000 { 37 } else { 1 };
        for at in (0..whole.len()).filter(|at| *at < 300 || at % step == 0) {
            for bit in [1, 0x20, 0x80] {
                let mut bytes = whole.clone();
                bytes[at] ^= bit;
                fs::write(&path, bytes).unwrap();
                found(&format!("byte {at} by {bit}"));
            }
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        found("cut");
        fs::write(&path, [&whole[..], b"\n"].concat()).unwrap();
        found("longer");
        fs::write(&path, "").unwrap();
        found("empty");
        fs::remove_file(&path).unwrap();
        found("gone");
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(tip_of(&dir).unwrap(), tip);
}

#[test]
fn a_backup_of_another_log_is_left_alone() {
    let (place, mut log, mut other) =
        (tempfile::tempdir().unwrap(), Growing::new(1), Growing::new(2));
    let dir = place.path().join("backup");
    let shorter = Growing::new(1);
    let tip = log.grow(5);
    log.back_up(&dir, &NewKeys::None).unwrap();
    other.grow(9);
    for wrong in [&other, &shorter] {
        let fault = wrong.back_up(&dir, &NewKeys::None).unwrap_err();
        assert!(matches!(&fault, BackupFault::OtherLog { had, .. } if *had == tip.to_string()));
        assert!(fault.to_string().contains("in an empty folder"), "{fault}");
        assert_eq!(tip_of(&dir).unwrap(), tip);
    }
}

#[test]
fn a_copy_that_breaks_off_or_is_damaged_on_its_way_makes_no_backup() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let dir = place.path().join("backup");
    let old = log.grow(2);
    log.back_up(&dir, &NewKeys::None).unwrap();
    log.grow(2);
    let mut records = Vec::new();
    stream(&log.log, old.head, &|| Ok(log.log.durable()), &mut |record| {
        let mut bytes = Vec::new();
        record.put(&mut bytes);
        records.push(bytes);
        Ok::<_, LogFault>(())
    })
    .unwrap();
    for left_out in 1..records.len() {
        let mut copying = Copying::begin(&dir, &NewKeys::None).unwrap();
        let taken = records.iter().enumerate().filter(|(at, _)| *at != left_out).try_for_each(
            |(_, bytes)| copying.take(Record::split(bytes).unwrap().0, "a log").map(drop),
        );
        let made = taken.and_then(|()| copying.finish("a log", None, &NewKeys::None));
        assert!(made.is_err(), "without record {left_out}");
        assert_eq!(tip_of(&dir).unwrap(), old);
    }
    let mut copying = Copying::begin(&dir, &NewKeys::None).unwrap();
    let mut damaged = records[1].clone();
    *damaged.last_mut().unwrap() ^= 1;
    copying.take(Record::split(&records[0]).unwrap().0, "a log").unwrap();
    let fault = copying.take(Record::split(&damaged).unwrap().0, "a log").unwrap_err();
    assert!(matches!(fault, BackupFault::Log(LogFault::Entry(_))), "{fault}");
    let told = copying.take(Record::Fault("the disk is gone"), "/d").unwrap_err().to_string();
    assert!(told.contains("the disk is gone") && told.contains("/d"), "{told}");
}

impl Growing {
    /// Cuts the log through about the middle of what it has, and removes `swept` entries and records.
    fn cut(&mut self, swept: usize) {
        let middle = u64::midpoint(self.log.mark().base.head.get(), self.log.head().get());
        let at = tip_until(&self.log, Sequence::new(middle)).unwrap().head;
        let known = self.past.last().map_or(Sequence::ZERO, |last| last.sequence);
        self.past.extend(self.log.reader().read(known.next(), usize::MAX).unwrap());
        let mut views = Views::default();
        let before = self.past.iter().take_while(|recorded| recorded.sequence <= at);
        before.for_each(|recorded| views.apply(recorded));
        let (moment, ahead) = (views.moment(), Ahead::ZERO);
        let mut records = vec![Views::meta_record::<view::Carried>(at, moment, ahead)];
        for entity in views.entities() {
            let found = views.records_of::<view::Carried, LogFault>(&entity, |_, _| Ok(()));
            records.extend(found.unwrap());
        }
        for (key, _) in &mut records {
            *key = state_key(key);
        }
        cut(&mut self.log, at, (&[], &records), swept);
    }
}

#[test]
fn a_log_that_is_cut_while_it_is_copied_makes_a_whole_backup() {
    for (cuts_before, is_begun) in [(0, false), (1, false), (0, true)] {
        let mut restarts = 0;
        for cut_at in 0.. {
            let place = tempfile::tempdir().unwrap();
            let (dir, mut log) = (place.path().join("backup"), Growing::new(1));
            log.grow(4);
            (0..cuts_before).for_each(|_| log.cut(1_000));
            if is_begun {
                // What it holds goes further than what is cut away.
                log.grow(20);
                log.back_up(&dir, &NewKeys::None).unwrap();
            }
            log.grow(4);
            let (disk, log) = (log.log.disk(), RefCell::new(log));
            let mut copying = Copying::begin_with(&dir, &NewKeys::None, SEGMENT_BYTES).unwrap();
            let (since, mut taken, mut begins) = (copying.since().head, 0, 0);
            let durable = || Ok(log.borrow().log.durable());
            stream(&disk, since, &durable, &mut |record| {
                begins += usize::from(matches!(record, Record::Begins(_)));
                copying.take(record, "a log")?;
                if taken == cut_at {
                    log.borrow_mut().cut(cut_at % 5 * 2);
                }
                taken += 1;
                Ok::<_, BackupFault>(())
            })
            .unwrap();
            copying.finish("a log", Some(MARKS), &NewKeys::None).unwrap();
            let proven = tip_of(&dir).unwrap();
            let found = log.borrow().log.durable();
            let is_restarted = begins > cuts_before;
            restarts += usize::from(is_restarted);
            // One that did not begin again holds what was durable when it began.
            assert!(proven == found || !is_restarted && proven.head < found.head, "at {cut_at}");
            if cut_at % 9 == 4 {
                let to = place.path().join("store");
                restored(&dir, &to).unwrap();
                let store = SledLog::open_existing(&to).unwrap();
                assert_eq!(verify(&store, &mut |_| ()).unwrap().head, proven.head);
            }
            assert!(taken > cut_at || !is_restarted);
            if taken <= cut_at {
                break;
            }
        }
        // What is copied lies behind the cut if the backup was begun.
        assert_eq!(restarts > 1, !is_begun, "{restarts}");
    }
}

#[test]
fn a_backup_goes_on_from_a_log_that_was_put_back_to_before_it_was_cut() {
    for cuts_before in [0, 1] {
        let grown = || {
            let mut log = Growing::new(1);
            log.grow(20);
            (0..cuts_before).for_each(|_| log.cut(1_000));
            log.grow(20);
            log
        };
        let place = tempfile::tempdir().unwrap();
        let (dir, mut log, mut put_back) = (place.path().join("backup"), grown(), grown());
        log.cut(1_000);
        log.back_up(&dir, &NewKeys::None).unwrap();
        // It has the statement of the cut, which does not count there.
        let stated = log.log.reader().read_one(log.log.head()).unwrap();
        assert_eq!(stated.sequence, put_back.log.head().next());
        put_back.log.append_at(stated.ahead, &[(stated.at, stated.event)]).unwrap();
        let tip = put_back.grow(3);
        let copied = put_back.back_up(&dir, &NewKeys::None).unwrap();
        assert_eq!((copied.tip, tip_of(&dir).unwrap()), (tip, tip));
        let to = place.path().join("store");
        restored(&dir, &to).unwrap();
        let store = SledLog::open_existing(&to).unwrap();
        assert_eq!(store.mark().base, log.log.mark().base, "it begins where the backup did");
        assert_eq!(verify(&store, &mut |_| ()).unwrap().head, tip.head);
    }
}

#[test]
fn keys_are_in_a_backup_only_as_long_as_they_are_asked_for() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let dir = place.path().join("backup");
    log.grow(1);
    let keys = |dir: &Path| Backup::open(dir).unwrap().keys().unwrap();
    assert!(!log.back_up(&dir, &NewKeys::None).unwrap().keys);
    assert!(log.back_up(&dir, &sealed(1)).unwrap().keys);
    assert_eq!(keys(&dir), Some(vec![1; 100]));
    let fault = log.back_up(&dir, &NewKeys::None).unwrap_err();
    assert!(matches!(fault, BackupFault::HoldsKeys { .. }), "{fault}");
    log.back_up(&dir, &sealed(2)).unwrap();
    assert_eq!(keys(&dir), Some(vec![2; 100]));
    assert!(!log.back_up(&dir, &NewKeys::Removed).unwrap().keys);
    assert_eq!(keys(&dir), None);
    assert!(files_in(&dir).iter().all(|path| !path.to_str().unwrap().contains("keys-")));
}

#[test]
fn what_is_no_backup_is_not_touched_and_one_is_made_by_one_process_alone() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    log.grow(1);
    fs::write(place.path().join("letter"), "x").unwrap();
    let fault = log.back_up(place.path(), &NewKeys::None).unwrap_err();
    assert!(matches!(fault, BackupFault::Foreign { .. }), "{fault}");
    assert_eq!(files_in(place.path()).len(), 1);
    let dir = place.path().join("backup");
    log.back_up(&dir, &NewKeys::None).unwrap();
    let making = Copying::begin(&dir, &NewKeys::None).unwrap();
    for fault in [
        Copying::begin(&dir, &NewKeys::None).map(drop).unwrap_err(),
        Backup::open(&dir).map(drop).unwrap_err(),
    ] {
        assert!(matches!(fault, BackupFault::Locked { .. }), "{fault}");
    }
    drop(making);
    let reading = Backup::open(&dir).unwrap();
    Backup::open(&dir).unwrap();
    assert!(Copying::begin(&dir, &NewKeys::None).is_err(), "somebody reads it");
    drop(reading);
}

fn restored(dir: &Path, to: &Path) -> Result<(), BackupFault> {
    let files = [(PathBuf::from("keys/store.secret"), b"secret".to_vec())];
    restore(&Backup::open(dir)?, (to, "KEYS"), &files, &mut |_, _| ()).map(drop)
}

#[test]
fn a_restored_store_is_the_log_and_one_that_was_cut_short_is_none() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let dir = place.path().join("backup");
    let tip = log.grow(12);
    log.back_up(&dir, &NewKeys::None).unwrap();
    for step in 0.. {
        let to = place.path().join(format!("store-{step}"));
        let made = killed_after(step, || restored(&dir, &to));
        if made.is_ok() {
            let store = SledLog::open_existing(&to).unwrap();
            let verified = verify(&store, &mut |_| ()).unwrap();
            assert_eq!(Tip { head: verified.head, chain: verified.chain }, tip);
            assert_eq!(fs::read(to.join("keys/store.secret")).unwrap(), b"secret");
            assert_eq!(fs::read(to.join("KEYS")).unwrap(), MARKS);
            assert!(step > 20, "few steps were taken: {step}");
            break;
        }
        let names = fs::read_dir(&to).map_or(0, |names| names.flatten().count());
        let is_nothing = !to.join("RESTORING").exists() && names <= 1;
        let refused = SledLog::open(&to).map(drop);
        let is_half = matches!(refused, Err(LogFault::HalfRestored { .. }));
        // Once the mark of the half is gone, all is there.
        let is_whole = !to.join("RESTORING").exists()
            && refused.is_ok()
            && SledLog::durable_tip(&to).unwrap() == tip;
        assert!(is_half || is_nothing || is_whole, "step {step}");
    }
}

#[test]
fn a_restore_changes_nothing_where_something_is_and_of_a_backup_that_is_broken() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let (dir, to) = (place.path().join("backup"), place.path().join("store"));
    log.grow(3);
    log.back_up(&dir, &NewKeys::None).unwrap();
    fs::create_dir(&to).unwrap();
    fs::write(to.join("letter"), "x").unwrap();
    let fault = restored(&dir, &to).unwrap_err();
    assert!(matches!(fault, BackupFault::Taken { .. }), "{fault}");
    assert_eq!(fs::read_dir(&to).unwrap().count(), 1);
    let last = files_in(&dir).pop().unwrap();
    let mut bytes = fs::read(&last).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&last, bytes).unwrap();
    let fresh = place.path().join("fresh");
    assert!(matches!(restored(&dir, &fresh), Err(BackupFault::Damaged { .. })));
    assert!(!fresh.exists());
    let none = restored(&place.path().join("nowhere"), &fresh).unwrap_err();
    assert!(matches!(none, BackupFault::None { .. }), "{none}");
}

#[test]
fn what_a_newer_program_wrote_is_told_from_damage() {
    let (place, mut log) = (tempfile::tempdir().unwrap(), Growing::new(1));
    let dir = place.path().join("backup");
    log.grow(1);
    log.back_up(&dir, &NewKeys::None).unwrap();
    let path = dir.join("MANIFEST");
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.rsplit_once("sum ").unwrap().0;
    for newer in [
        lines.replace("adsum backup 1", "adsum backup 2"),
        lines.replace("segment segment", "archive archive"),
        lines.replace("segment segment", "segment ../segment"),
    ] {
        let sum = blake3::hash(newer.as_bytes());
        fs::write(&path, format!("{newer}sum {}\n", sum.to_hex())).unwrap();
        let fault = tip_of(&dir).unwrap_err();
        assert!(matches!(fault, BackupFault::Version { .. }), "{fault}");
    }
}
