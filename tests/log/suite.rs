//! What every log engine promises, run over the one in memory and the one on sled.
//!
//! Must never hold: a promise of one engine only.

use std::path::PathBuf;

use crate::events::{message, messages, samples, timed};
use adsum::event::{ENTRY_BYTES_MAX, Event, Recorded};
use adsum::log::memory::{MemoryDisk, MemoryLog};
use adsum::log::{Entries, EventLog, LogFault, LogReader, SledLog, verify};
use adsum::model::{Ahead, Sequence, Timestamp};

/// A place where a log can be opened again and again.
pub(crate) trait Place {
    type Log: EventLog + Entries;
    fn new() -> Self;
    fn open(&self) -> Result<Self::Log, LogFault>;
}

pub(crate) struct Memory(MemoryDisk);

impl Place for Memory {
    type Log = MemoryLog;

    fn new() -> Self {
        Self(MemoryDisk::new())
    }

    fn open(&self) -> Result<MemoryLog, LogFault> {
        self.0.open()
    }
}

pub(crate) struct Sled(tempfile::TempDir);

impl Sled {
    fn path(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

impl Place for Sled {
    type Log = SledLog;

    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Result<SledLog, LogFault> {
        SledLog::open(&self.path())
    }
}

/// Each promise becomes one test for each engine.
macro_rules! promises {
    ($($name:ident)*) => {
        mod memory {
            $(#[test] fn $name() { super::$name::<crate::suite::Memory>(); })*
        }
        mod sled {
            $(#[test] fn $name() { super::$name::<crate::suite::Sled>(); })*
        }
    };
}

pub(crate) use promises;

promises! {
    an_empty_log_has_nothing_to_read
    what_was_appended_is_read_back_in_order
    what_was_synced_is_there_after_opening_again
    a_long_event_is_read_back_whole
    an_event_that_just_fits_an_entry_and_one_that_just_does_not_are_read_back
    reading_may_begin_at_any_event
    one_event_is_found_at_every_position_and_none_beyond
    a_reader_sees_what_is_appended_later
    checkpoint_records_are_replaced_removed_and_kept_in_order
    checkpoint_records_of_any_size_are_kept
    the_last_change_of_a_checkpoint_record_wins
    a_second_opening_is_locked_out
    the_whole_chain_verifies
}

pub(crate) fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(ms)
}

pub(crate) fn sequence(value: u64) -> Sequence {
    Sequence::new(value)
}

/// Appends each commit, one millisecond apart, and returns what must be read back.
pub(crate) fn fill(log: &mut impl EventLog, commits: &[Vec<Event>]) -> Vec<Recorded> {
    let mut expected = Vec::new();
    for (ms, commit) in (1..).zip(commits) {
        for (at, event) in timed(at(ms), commit.clone()) {
            let sequence = Sequence::new(expected.len() as u64 + 1);
            expected.push(Recorded { sequence, at, ahead: Ahead::ZERO, event });
        }
        let head = log.append(&timed(at(ms), commit.clone())).unwrap();
        assert_eq!(head.get(), expected.len() as u64);
    }
    log.sync().unwrap();
    expected
}

pub(crate) fn commits() -> Vec<Vec<Event>> {
    vec![
        messages(1, 1),
        messages(2, 300),
        vec![message(302, 64 * 1024)],
        vec![message(303, 10), message(304, 30_000), message(305, 10)],
        messages(306, 2),
    ]
}

pub(crate) fn all(reader: &dyn LogReader) -> Vec<Recorded> {
    reader.read(Sequence::ZERO, usize::MAX).unwrap()
}

fn an_empty_log_has_nothing_to_read<P: Place>() {
    let place = P::new();
    let log = place.open().unwrap();
    assert_eq!(log.head(), Sequence::ZERO);
    assert_eq!(all(&*log.reader()), []);
    let fault = log.reader().read_one(sequence(1)).unwrap_err();
    assert!(matches!(fault, LogFault::Missing { sequence } if sequence.get() == 1));
    assert_eq!(verify(&log, &mut |_| ()).unwrap().events, 0);
}

fn what_was_appended_is_read_back_in_order<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let every_kind = samples().into_iter().map(|(_, event)| event).collect();
    let expected = fill(&mut log, &[every_kind]);
    assert_eq!(all(&*log.reader()), expected);
}

fn what_was_synced_is_there_after_opening_again<P: Place>() {
    let place = P::new();
    let expected = fill(&mut place.open().unwrap(), &commits());
    let mut log = place.open().unwrap();
    assert_eq!(log.head().get(), expected.len() as u64);
    assert_eq!(all(&*log.reader()), expected);
    let head = log.append(&timed(at(9), messages(400, 1))).unwrap();
    assert_eq!(head.get(), expected.len() as u64 + 1);
    log.sync().unwrap();
    verify(&log, &mut |_| ()).unwrap();
}

fn a_long_event_is_read_back_whole<P: Place>() {
    let place = P::new();
    let expected = fill(&mut place.open().unwrap(), &[vec![message(1, 64 * 1024)]]);
    let log = place.open().unwrap();
    assert_eq!(log.head().get(), 1, "the last event of the log is one of many parts");
    assert_eq!(all(&*log.reader()), expected);
}

fn an_event_that_just_fits_an_entry_and_one_that_just_does_not_are_read_back<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let sizes = ENTRY_BYTES_MAX - 300..ENTRY_BYTES_MAX + 10;
    let commits: Vec<_> =
        sizes.zip(1..).map(|(size, number)| vec![message(number, size)]).collect();
    let expected = fill(&mut log, &commits);
    assert_eq!(all(&*log.reader()), expected);
    let (mut longest, mut parts) = (0, 0);
    log.walk(&[], &mut |key, value| {
        longest = longest.max(value.len());
        parts += usize::from(key.len() > 8);
        Ok(std::ops::ControlFlow::Continue(()))
    })
    .unwrap();
    assert_eq!(longest, ENTRY_BYTES_MAX);
    assert!(0 < parts && parts < commits.len(), "{parts} of {} were cut", commits.len());
}

fn reading_may_begin_at_any_event<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let reader = log.reader();
    for from in 1..=expected.len() {
        for count in [1, 2, 40] {
            let found = reader.read(sequence(from as u64), count).unwrap();
            let end = expected.len().min(from - 1 + count);
            assert_eq!(found, expected[from - 1..end], "{count} from {from}");
        }
    }
    assert_eq!(reader.read(sequence(1), 0).unwrap(), []);
    assert_eq!(reader.read(sequence(u64::MAX), 5).unwrap(), []);
}

fn one_event_is_found_at_every_position_and_none_beyond<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let reader = log.reader();
    for recorded in expected.iter().chain(expected.iter().rev()) {
        assert_eq!(&reader.read_one(recorded.sequence).unwrap(), recorded);
    }
    for beyond in [0, expected.len() as u64 + 1, u64::MAX] {
        let fault = reader.read_one(sequence(beyond)).unwrap_err();
        assert!(matches!(fault, LogFault::Missing { .. }), "{beyond}: {fault}");
    }
}

fn a_reader_sees_what_is_appended_later<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let reader = log.reader();
    assert!(reader.read_one(sequence(1)).is_err());
    for number in 1..50 {
        log.append(&timed(at(number), messages(number, 1))).unwrap();
        assert_eq!(reader.read_one(sequence(number)).unwrap().at.timestamp(), at(number));
    }
}

type Records = Vec<(Vec<u8>, Vec<u8>)>;

fn records(log: &impl EventLog) -> Records {
    let mut found = Vec::new();
    log.load(&mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        Ok(())
    })
    .unwrap();
    found
}

fn record(key: &[u8], value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (key.to_vec(), value.to_vec())
}

fn put(key: &[u8], value: &[u8]) -> (Vec<u8>, Option<Vec<u8>>) {
    (key.to_vec(), Some(value.to_vec()))
}

fn checkpoint_records_are_replaced_removed_and_kept_in_order<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    log.save(&[put(b"b", b"1"), put(b"", b"empty key"), put(b"a", b"")]).unwrap();
    log.save(&[put(b"b", b"2"), (b"a".to_vec(), None), (b"never there".to_vec(), None)]).unwrap();
    log.sync().unwrap();
    let expected = vec![record(b"", b"empty key"), record(b"b", b"2")];
    assert_eq!(records(&log), expected);
    drop(log);
    let log = place.open().unwrap();
    assert_eq!(records(&log), expected);
    assert_eq!(log.head(), Sequence::ZERO, "records are no events");
}

fn checkpoint_records_of_any_size_are_kept<P: Place>() {
    let place = P::new();
    let value =
        |length: usize| -> Vec<u8> { (0..length).map(|place| (place % 251) as u8).collect() };
    let sizes = [0, 1, 6 * 1024 - 1, 6 * 1024, 6 * 1024 + 1, 12 * 1024, 12 * 1024 + 1, 300_000];
    // Each size is written over each other, so that records grow and shrink by parts.
    for (round, &size) in sizes.iter().chain(sizes.iter().rev()).enumerate() {
        let mut log = place.open().unwrap();
        let other = value(round);
        log.save(&[put(b"key", &value(size)), put(b"key\0\x01", &other)]).unwrap();
        assert_eq!(records(&log), [record(b"key", &value(size)), record(b"key\0\x01", &other)]);
    }
}

fn the_last_change_of_a_checkpoint_record_wins<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    log.save(&[put(b"a", b"1"), put(b"a", b"2"), put(b"b", b"1"), (b"b".to_vec(), None)]).unwrap();
    assert_eq!(records(&log), [record(b"a", b"2")]);
}

fn a_second_opening_is_locked_out<P: Place>() {
    let place = P::new();
    let log = place.open().unwrap();
    assert!(matches!(place.open().err(), Some(LogFault::Locked { .. })));
    drop(log);
    place.open().unwrap();
}

fn the_whole_chain_verifies<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let mut progress = Vec::new();
    let verified = verify(&log, &mut |events| progress.push(events)).unwrap();
    assert_eq!(verified.events, expected.len() as u64);
    assert_eq!((verified.first.get(), verified.head), (1, log.head()));
    assert_eq!(progress.last(), Some(&verified.events));
    assert_eq!(progress.len() as u64, verified.entries);
    assert_eq!(log.durable().chain, verified.chain);
    drop(log);
    assert_eq!(verify(&place.open().unwrap(), &mut |_| ()).unwrap(), verified);
}
