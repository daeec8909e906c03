//! What every log engine promises of a cut: what goes, what stays, and that a crash at any moment leaves one or the other.
//!
//! Must never hold: what is carried forward of a real store; that is the service's.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::suite::{Place, all, commits, fill, promises, sequence};
use adsum::event::{Chain, CutStatement, Event, LogCut, Recorded};
use adsum::log::{
    Carried, CarriedEvent, CheckpointRecord, CutMark, Cutter, Entries, EventLog, LogFault, Tip,
    carried_sum, check_cut, check_noted, event_key, state_key, tip_until, verify,
};
use adsum::model::{Sequence, Timestamp};

promises! {
    what_was_cut_is_gone_and_what_is_carried_keeps_its_position
    a_cut_that_was_never_made_leaves_nothing
    a_cut_that_was_made_is_finished_after_a_crash
    another_record_than_was_stated_is_noticed
    a_cut_behind_any_entry_takes_that_and_all_before_and_none_behind
    no_more_is_removed_at_once_than_was_asked_for
    what_was_staged_last_of_a_record_counts
    a_cut_looks_at_what_was_staged_and_at_nothing_else_that_is_carried
    what_a_sweep_left_when_another_cut_was_made_is_removed_behind_that
    a_cut_that_is_not_the_next_is_a_mistake_and_changes_nothing
}

/// Stages one event and one record of state, and returns what is to be stated.
fn staged(
    log: &impl Entries,
    cutter: &mut dyn Cutter,
    carried: &Recorded,
    state: &[u8],
) -> CutStatement {
    let event = (
        event_key(carried.sequence),
        Some(CarriedEvent { lives: true, recorded: carried.clone() }.to_bytes()),
    );
    cutter.stage(&[event, (state_key(b"state"), Some(state.to_vec()))]).unwrap();
    statement(log, cutter, 150)
}

/// What is to be stated of a cut through the last entry until `at`.
fn statement(log: &impl Entries, cutter: &dyn Cutter, at: u64) -> CutStatement {
    let before = cutter.entries().mark().base;
    let through = tip_until(log, sequence(at)).unwrap();
    let sum = carried_sum(cutter.entries(), Carried::Staged).unwrap();
    CutStatement {
        from: before.head.next(),
        through: through.head,
        until: Timestamp::from_ms(2),
        before: before.chain,
        after: through.chain,
        bytes: 0,
        records: sum.records,
        carried_bytes: sum.bytes,
        carried: sum.digest,
    }
}

/// States a cut in the log and has it count.
fn make(log: &mut impl EventLog, cutter: &mut dyn Cutter, cut: CutStatement) {
    let signature = vec![0; 64].into();
    let event = Event::LogCut(LogCut { cut, key: vec![1; 91].into(), signature });
    let statement = log.append(&[(adsum::model::Moment::from_us(9_000_000), event)]).unwrap();
    log.sync().unwrap();
    let base = Tip { head: cut.through, chain: cut.after };
    let number = cutter.entries().mark().number + 1;
    let carried_bytes = cut.carried_bytes;
    cutter.cut(CutMark { base, until: cut.until, statement, number, carried_bytes }).unwrap();
}

fn states(cutter: &dyn Cutter, of: Carried) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut add = |key: &[u8], value: &[u8]| {
        found.insert(key.to_vec(), value.to_vec());
        Ok(core::ops::ControlFlow::Continue(()))
    };
    cutter.entries().walk_carried(of, &state_key(b""), &mut add).unwrap();
    found
}

fn sweep(cutter: &mut dyn Cutter) {
    while cutter.sweep(3).unwrap() {}
}

fn first_entry(log: &impl Entries) -> Vec<u8> {
    entries(log).swap_remove(0)
}

/// The keys of all entries.
fn entries(log: &impl Entries) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    log.walk(&[], &mut |key, _| {
        all.push(key.to_vec());
        Ok(core::ops::ControlFlow::Continue(()))
    })
    .unwrap();
    all
}

fn record(number: u64, value: Option<u8>) -> CheckpointRecord {
    (state_key(&number.to_be_bytes()), value.map(|value| vec![value]))
}

/// Stages so many records with `value`.
fn stage(cutter: &mut dyn Cutter, count: u64, value: Option<u8>) {
    let records: Vec<_> = (0..count).map(|number| record(number, value)).collect();
    cutter.stage(&records).unwrap();
}

/// How many sweeps of so many steps it takes until nothing is left, the one that finds nothing not counted.
fn sweeps(cutter: &mut dyn Cutter, steps: usize) -> usize {
    core::iter::repeat_with(|| cutter.sweep(steps).unwrap()).take_while(|more| *more).count()
}

fn what_was_cut_is_gone_and_what_is_carried_keeps_its_position<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    let cut = staged(&log, cutter.as_mut(), &expected[6], b"one");
    assert!(log.reader().read_one(sequence(1)).is_ok(), "nothing counts before the cut");
    make(&mut log, cutter.as_mut(), cut);
    sweep(cutter.as_mut());
    let through = cut.through.get();
    assert!(through > 100 && through <= 150, "{through}");
    let check = |log: &P::Log| {
        let kept = all(&*log.reader());
        assert_eq!(kept[0], expected[6], "what is carried stands first");
        let there = usize::try_from(through).unwrap();
        assert_eq!(kept[1..=expected.len() - there], expected[there..]);
        assert_eq!(log.reader().read_one(sequence(7)).unwrap(), expected[6]);
        let fault = log.reader().read_one(sequence(8)).unwrap_err();
        assert!(matches!(fault, LogFault::OlderThanKept { .. }), "{fault}");
        let verified = verify(log, &mut |_| ()).unwrap();
        assert_eq!((verified.first.get(), verified.head), (through + 1, log.head()));
        assert_eq!(first_entry(log), (through + 1).to_be_bytes());
        let stated = check_cut(log).unwrap().unwrap();
        assert_eq!(stated.cut, cut);
        let older = Tip { head: sequence(through - 1), chain: Chain([3; 32]) };
        assert!(matches!(check_noted(log, older), Err(LogFault::OlderThanKept { .. })));
        check_noted(log, Tip { head: cut.through, chain: cut.after }).unwrap();
        let wrong = Tip { head: cut.through, chain: Chain([3; 32]) };
        assert!(matches!(check_noted(log, wrong), Err(LogFault::Differs { .. })));
    };
    check(&log);
    drop((log, cutter));
    check(&place.open().unwrap());
}

fn a_cut_that_was_never_made_leaves_nothing<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    let first = staged(&log, cutter.as_mut(), &expected[6], b"one");
    make(&mut log, cutter.as_mut(), first);
    sweep(cutter.as_mut());
    let before = states(cutter.as_ref(), Carried::Counting);
    cutter.stage(&[(state_key(b"state"), None), (state_key(b"other"), Some(vec![2]))]).unwrap();
    assert_ne!(states(cutter.as_ref(), Carried::Staged), before);
    assert_eq!(states(cutter.as_ref(), Carried::Counting), before);
    drop((log, cutter));
    let log = place.open().unwrap();
    let mut cutter = log.cutter().unwrap();
    check_cut(cutter.entries()).unwrap();
    sweep(cutter.as_mut());
    assert_eq!(states(cutter.as_ref(), Carried::Staged), before);
    // Also in a process that knows what it staged.
    cutter.stage(&[(state_key(b"other"), Some(vec![3]))]).unwrap();
    sweep(cutter.as_mut());
    assert_eq!(states(cutter.as_ref(), Carried::Staged), before);
    check_cut(cutter.entries()).unwrap();
}

fn a_cut_that_was_made_is_finished_after_a_crash<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    let cut = staged(&log, cutter.as_mut(), &expected[6], b"one");
    make(&mut log, cutter.as_mut(), cut);
    assert!(cutter.sweep(1).unwrap(), "one entry is removed, the others are left");
    drop((log, cutter));
    let log = place.open().unwrap();
    assert_eq!(verify(&log, &mut |_| ()).unwrap().first, cut.through.next());
    assert_eq!(log.reader().read_one(sequence(7)).unwrap(), expected[6]);
    let fault = log.reader().read_one(cut.through).unwrap_err();
    assert!(
        matches!(fault, LogFault::OlderThanKept { .. }),
        "also while its entry is there: {fault}"
    );
    let mut cutter = log.cutter().unwrap();
    sweep(cutter.as_mut());
    assert_eq!(first_entry(&log), cut.through.next().get().to_be_bytes());
    check_cut(cutter.entries()).unwrap();
}

fn another_record_than_was_stated_is_noticed<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    let expected = fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    let cut = staged(&log, cutter.as_mut(), &expected[6], b"one");
    cutter.stage(&[(state_key(b"state"), Some(b"two".to_vec()))]).unwrap();
    make(&mut log, cutter.as_mut(), cut);
    let fault = check_cut(cutter.entries()).unwrap_err();
    assert!(matches!(fault, LogFault::CutDiffers { .. }), "{fault}");
    assert_eq!(Sequence::ZERO, CutMark::NONE.statement);
}

fn a_cut_behind_any_entry_takes_that_and_all_before_and_none_behind<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    // An entry of one event, one of many, one of many parts, and two that are short.
    for through in [1, 301, 302, 303, 304] {
        let mut left = entries(&log);
        let cut = statement(&log, cutter.as_ref(), through);
        assert_eq!(cut.through, sequence(through));
        make(&mut log, cutter.as_mut(), cut);
        sweep(cutter.as_mut());
        let behind = cut.through.next().get().to_be_bytes();
        left.retain(|key| key[..] >= behind[..]);
        let found = entries(&log);
        assert_eq!(found[..left.len()], left, "{through}");
        assert!(found.len() > left.len(), "and those that state it");
        verify(&log, &mut |_| ()).unwrap();
    }
}

fn no_more_is_removed_at_once_than_was_asked_for<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    // In a process that does not know what was staged before it, and in one that does.
    for value in [1, 2] {
        stage(cutter.as_mut(), 9, Some(value));
        let mut left = 9;
        while cutter.sweep(2).unwrap() {
            let now = states(cutter.as_ref(), Carried::Staged).len();
            assert!(now + 2 >= left, "{now} of {left} are left");
            left = now;
        }
        assert_eq!(left, 0);
    }
    stage(cutter.as_mut(), 9, Some(1));
    let cut = statement(&log, cutter.as_ref(), 302);
    make(&mut log, cutter.as_mut(), cut);
    let mut before = entries(&log).len();
    let gone = entries(&log).iter().filter(|key| key[..8] <= 302_u64.to_be_bytes()[..]).count();
    // In one step both entries and records go.
    let steps = (3..9).find(|steps| !gone.is_multiple_of(*steps)).unwrap();
    let all = before;
    let mut sweeps = 0;
    while cutter.sweep(steps).unwrap() {
        let now = entries(&log).len();
        assert!(now + steps >= before, "{now} of {before} are left");
        (before, sweeps) = (now, sweeps + 1);
    }
    assert_eq!((all - before, sweeps), (gone, (gone + 9).div_ceil(steps)));
}

fn what_was_staged_last_of_a_record_counts<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    cutter.stage(&[record(1, Some(1)), record(2, Some(1)), record(3, Some(1))]).unwrap();
    let cut = statement(&log, cutter.as_ref(), 1);
    make(&mut log, cutter.as_mut(), cut);
    sweep(cutter.as_mut());
    // There and back, and on.
    cutter.stage(&[record(1, Some(2)), record(2, None), record(4, Some(2))]).unwrap();
    cutter.stage(&[record(1, Some(1)), record(2, Some(1)), record(4, None)]).unwrap();
    cutter.stage(&[record(3, Some(2))]).unwrap();
    let expected = |third| [(1, 1), (2, 1), (3, third)].map(|(of, is)| record(of, Some(is)));
    let are = |cutter: &dyn Cutter, of, third| {
        let found = states(cutter, of).into_iter().map(|(key, value)| (key, Some(value)));
        assert_eq!(found.collect::<Vec<_>>(), expected(third));
    };
    are(cutter.as_ref(), Carried::Staged, 2);
    are(cutter.as_ref(), Carried::Counting, 1);
    assert_eq!(cutter.carried(&record(3, None).0).unwrap(), Some(vec![2]));
    let cut = statement(&log, cutter.as_ref(), 301);
    make(&mut log, cutter.as_mut(), cut);
    are(cutter.as_ref(), Carried::Counting, 2);
    sweep(cutter.as_mut());
    are(cutter.as_ref(), Carried::Counting, 2);
    check_cut(cutter.entries()).unwrap();
}

fn a_cut_looks_at_what_was_staged_and_at_nothing_else_that_is_carried<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    sweep(cutter.as_mut());
    stage(cutter.as_mut(), 30, Some(1));
    let cut = statement(&log, cutter.as_ref(), 1);
    make(&mut log, cutter.as_mut(), cut);
    assert_eq!(sweeps(cutter.as_mut(), 1), 31, "an entry, and what was staged");
    // What is as it was takes nothing, and what is staged for a cut that is never made is looked at once.
    stage(cutter.as_mut(), 30, Some(1));
    assert_eq!(sweeps(cutter.as_mut(), 1), 0);
    stage(cutter.as_mut(), 2, Some(2));
    assert_eq!(sweeps(cutter.as_mut(), 1), 2);
    assert_eq!(sweeps(cutter.as_mut(), 1), 0);
    assert_eq!(states(cutter.as_ref(), Carried::Staged).len(), 30);
}

fn what_a_sweep_left_when_another_cut_was_made_is_removed_behind_that<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    fill(&mut log, &commits());
    stage(log.cutter().unwrap().as_mut(), 9, Some(1));
    let mut cutter = log.cutter().unwrap();
    assert!(cutter.sweep(5).unwrap(), "it does not look at all of them");
    stage(cutter.as_mut(), 9, Some(2));
    stage(cutter.as_mut(), 2, None);
    let cut = statement(&log, cutter.as_ref(), 1);
    make(&mut log, cutter.as_mut(), cut);
    sweep(cutter.as_mut());
    let found = states(cutter.as_ref(), Carried::Counting);
    assert!(found.len() == 7 && found.values().all(|value| value == &[2]), "{found:?}");
    assert_eq!(states(cutter.as_ref(), Carried::Staged), found);
    check_cut(cutter.entries()).unwrap();
}

fn a_cut_that_is_not_the_next_is_a_mistake_and_changes_nothing<P: Place>() {
    let place = P::new();
    let mut log = place.open().unwrap();
    fill(&mut log, &commits());
    let mut cutter = log.cutter().unwrap();
    for number in [0, 2] {
        let mark = CutMark { number, ..CutMark::NONE };
        let cut = catch_unwind(AssertUnwindSafe(|| cutter.cut(mark)));
        assert!(cut.is_err(), "{number}");
    }
    assert_eq!(cutter.entries().mark(), CutMark::NONE);
}
