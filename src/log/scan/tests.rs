//! Reading a log that is cut between any two looks at it: what is found is as it was before the cut or as it is after it.
//!
//! Must never hold: a thread; a cut comes where the test says.

use core::cell::{Cell, RefCell};
use core::ops::ControlFlow;

use super::{Each, Entries, neighbours, read, stored_event, tip, tip_at};
use crate::event::{EpochBegan, Event};
use crate::log::memory::{MemoryDisk, MemoryLog};
use crate::log::testing::cut;
use crate::log::{Carried, CutMark, EventLog, LogFault, Tip};
use crate::model::{EpochId, Moment, Sequence};

/// Events in the log, and in one entry of it.
const EVENTS: u64 = 60;
const IN_ENTRY: u64 = 3;
const THROUGH: u64 = 30;

/// A log that is cut at the `at`th look.
struct Interrupted {
    disk: MemoryDisk,
    log: RefCell<MemoryLog>,
    looks: Cell<usize>,
    at: usize,
    swept: usize,
}

impl Interrupted {
    fn new(at: usize, swept: usize) -> Self {
        let disk = MemoryDisk::new();
        let mut log = disk.open().unwrap();
        for first in (0..EVENTS / IN_ENTRY).map(|entry| entry * IN_ENTRY + 1) {
            let event = |number: u64| {
                let epoch = EpochId(number.to_be_bytes());
                (Moment::from_us(number), Event::EpochBegan(EpochBegan { epoch }))
            };
            log.append(&(first..first + IN_ENTRY).map(event).collect::<Vec<_>>()).unwrap();
        }
        log.sync().unwrap();
        // One cut before, so that there is something carried.
        cut(&mut log, Sequence::new(9), (&[Sequence::new(4)], &[]), 1_000);
        Self { disk, log: RefCell::new(log), looks: Cell::new(0), at, swept }
    }

    fn look(&self) {
        if self.looks.get() == self.at {
            let places = [Sequence::new(12), Sequence::new(25)];
            cut(&mut self.log.borrow_mut(), Sequence::new(THROUGH), (&places, &[]), self.swept);
        }
        self.looks.set(self.looks.get() + 1);
    }
}

impl Entries for Interrupted {
    fn last_before(&self, bound: &[u8]) -> Result<Option<Vec<u8>>, LogFault> {
        self.look();
        self.disk.last_before(bound)
    }

    fn walk(&self, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.look();
        self.disk.walk(from, &mut |key, value| {
            let goes_on = each(key, value);
            self.look();
            goes_on
        })
    }

    fn mark(&self) -> CutMark {
        let mark = self.disk.mark();
        self.look();
        mark
    }

    fn walk_carried(&self, of: Carried, from: &[u8], each: &mut Each<'_>) -> Result<(), LogFault> {
        self.look();
        self.disk.walk_carried(of, from, each)?;
        self.look();
        Ok(())
    }

    fn name(&self) -> String {
        self.disk.name()
    }
}

/// What a look at a place tells: the places of the events that are found, or the event until which all are cut away.
type Told = Result<Vec<u64>, u64>;

type Look = fn(&dyn Entries) -> Told;

fn told(found: Result<Vec<crate::event::Recorded>, LogFault>) -> Told {
    match found {
        Ok(events) => Ok(events.iter().map(|recorded| recorded.sequence.get()).collect()),
        Err(LogFault::OlderThanKept { through, .. }) => Err(through.get()),
        Err(fault) => panic!("{fault}"),
    }
}

fn end(found: Result<Tip, LogFault>) -> Told {
    match found {
        Ok(tip) => Ok(vec![tip.head.get()]),
        Err(LogFault::OlderThanKept { through, .. }) => Err(through.get()),
        Err(fault) => panic!("{fault}"),
    }
}

#[test]
fn what_is_read_while_the_log_is_cut_is_as_before_the_cut_or_as_after_it() {
    let looks: [(&str, Look); 9] = [
        ("from the first", |log| told(read(log, Sequence::ZERO, 100))),
        ("from among what is carried", |log| told(read(log, Sequence::new(12), 5))),
        ("across the end of it", |log| told(read(log, Sequence::new(26), 9))),
        ("what goes", |log| told(neighbours(log, Sequence::new(20)))),
        ("one that goes", |log| told(stored_event(log, Sequence::new(20)).map(|it| vec![it]))),
        ("what is carried", |log| {
            told(neighbours(log, Sequence::new(25)).map(|mut found| {
                found.retain(|recorded| recorded.sequence == Sequence::new(25));
                found
            }))
        }),
        ("the end of what goes", |log| end(tip_at(log, Sequence::new(20)))),
        ("where it is cut", |log| end(tip_at(log, Sequence::new(THROUGH)))),
        ("the end", |log| {
            end(tip(log).map(|tip| Tip { head: tip.head.min(Sequence::new(EVENTS)), ..tip }))
        }),
    ];
    for (name, look) in looks {
        for swept in [0, 4, 1_000] {
            let before = look(&Interrupted::new(usize::MAX, 0));
            let log = Interrupted::new(0, swept);
            log.look();
            let after = look(&log);
            for at in 0.. {
                let log = Interrupted::new(at, swept);
                let found = look(&log);
                assert!(found == before || found == after, "{name}, cut at {at}: {found:?}");
                if log.looks.get() <= at {
                    assert!(at > 2, "{name}: few looks");
                    break;
                }
            }
        }
    }
    let log = Interrupted::new(0, 2);
    log.look();
    let mut first = 0;
    log.walk(&[], &mut |key, _| {
        first = key[7];
        Ok(ControlFlow::Break(()))
    })
    .unwrap();
    assert!(u64::from(first) < THROUGH, "entries that are cut away are still there");
}
