//! What every log engine promises of a cut: what goes, what stays, and that a crash at any moment leaves one or the other.
//!
//! Must never hold: what is carried forward of a real store; that is the service's.

use std::collections::BTreeMap;

use crate::suite::{Place, all, commits, fill, promises, sequence};
use adsum::event::{Chain, CutStatement, Event, LogCut, Recorded};
use adsum::log::{
    Carried, CarriedEvent, CutMark, Cutter, Entries, EventLog, LogFault, Tip, carried_sum,
    check_cut, check_noted, event_key, state_key, tip_until, verify,
};
use adsum::model::{Sequence, Timestamp};

promises! {
    what_was_cut_is_gone_and_what_is_carried_keeps_its_position
    a_cut_that_was_never_made_leaves_nothing
    a_cut_that_was_made_is_finished_after_a_crash
    another_record_than_was_stated_is_noticed
}

/// Stages one event and one record of state, and returns what is to be stated.
fn staged(
    log: &impl Entries,
    cutter: &mut dyn Cutter,
    carried: &Recorded,
    state: &[u8],
) -> CutStatement {
    let before = cutter.entries().mark().base;
    let through = tip_until(log, sequence(150)).unwrap();
    let event = (
        event_key(carried.sequence),
        Some(CarriedEvent { lives: true, recorded: carried.clone() }.to_bytes()),
    );
    cutter.stage(&[event, (state_key(b"state"), Some(state.to_vec()))]).unwrap();
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
    let mut first = Vec::new();
    log.walk(&[], &mut |key, _| {
        first = key.to_vec();
        Ok(core::ops::ControlFlow::Break(()))
    })
    .unwrap();
    first
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
