//! Reads what is stored, a little at a time, to know how much of it is of which domain.
//!
//! Must never hold: what is too much, or a change of the log.

use core::ops::ControlFlow;

use super::shares::Shares;
use crate::log::{Carried, CarriedEvent, Entries, LogFault, event_key, portions, state_key};
use crate::model::Sequence;

/// Bytes read in one step: about a millisecond.
const STEP_BYTES: u64 = 64 * 1024;

/// Counts what came up to `head` since this was last done, and what is carried if the log was cut since. Returns whether all
/// is counted: not if `rest`, which is called between steps, says to stop.
///
/// # Errors
/// [`LogFault`].
pub(super) fn count(
    shares: &mut Shares,
    entries: &dyn Entries,
    head: Sequence,
    rest: &mut dyn FnMut() -> bool,
) -> Result<bool, LogFault> {
    let mark = entries.mark();
    shares.cut(mark.base.head);
    if shares.carried_by() != Some(mark.number) {
        if !count_carried(shares, entries, rest)? {
            return Ok(false);
        }
        shares.all_carried(mark.number);
    }
    while shares.through() < head {
        let between = (shares.through(), head);
        portions(entries, between, STEP_BYTES, &mut |recorded, bytes| {
            shares.logged(recorded, bytes);
        })?;
        if !rest() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Counts the events that are carried. Returns whether to go on.
fn count_carried(
    shares: &mut Shares,
    entries: &dyn Entries,
    rest: &mut dyn FnMut() -> bool,
) -> Result<bool, LogFault> {
    shares.carry_anew();
    let (first, end) = (event_key(Sequence::ZERO), state_key(&[]));
    let (mut step, mut goes_on) = (0, true);
    entries.walk_carried(Carried::Counting, &first, &mut |key, value| {
        if key >= &end[..] {
            return Ok(ControlFlow::Break(()));
        }
        let bytes = (key.len() + value.len()) as u64;
        shares.carried(&CarriedEvent::from_bytes(key, value)?.recorded, bytes);
        step += bytes;
        if step >= STEP_BYTES {
            (step, goes_on) = (0, rest());
        }
        Ok(if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    Ok(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Acknowledged, EpochBegan, Event};
    use crate::log::memory::MemoryLog;
    use crate::log::testing::cut;
    use crate::log::{EventLog as _, measure};
    use crate::model::{
        DeviceId, DomainRetention, EpochId, InboxSequence, Keep, Moment, Retention, Timestamp,
    };

    /// A log that has an event of one domain each second, then one of another, then one of nobody.
    fn log(seconds: u64) -> MemoryLog {
        let mut log = MemoryLog::new();
        for second in 1..=seconds {
            let at = Moment::of(Timestamp::from_ms(second * 1_000));
            let took = |inbox: &str| {
                let (inbox, device) = (inbox.parse().unwrap(), DeviceId([1; 8]));
                Event::Acknowledged(Acknowledged { inbox, device, through: InboxSequence::new(1) })
            };
            let epoch = Event::EpochBegan(EpochBegan { epoch: EpochId::NONE });
            for event in [took("im:a@one.example"), took("im:a@two.example"), epoch] {
                log.append(&[(at, event)]).unwrap();
            }
        }
        log.sync().unwrap();
        log
    }

    /// Limits of both domains, which are never reached.
    fn shares() -> Shares {
        let domain = |name: &str| DomainRetention {
            domain: name.parse().unwrap(),
            kept: Vec::new(),
            log_bytes_max: Some(u64::MAX),
        };
        let domains = ["one.example", "two.example"].map(domain).to_vec();
        Shares::new(&Retention { domains, ..Retention::of_all(Keep::Always) })
    }

    /// What is counted of both.
    fn taken(shares: &Shares) -> Vec<u64> {
        shares.taken().map(|(_, taken)| taken.bytes).collect()
    }

    fn count_all(shares: &mut Shares, log: &MemoryLog) {
        assert!(count(shares, log, log.head(), &mut || true).unwrap());
    }

    #[test]
    fn what_came_is_counted_once_as_its_entries_have_it_and_by_domain() {
        let (short, long, mut counted) = (log(2), log(5), shares());
        let of_entry = |at: u64| {
            let between = (Sequence::new(at - 1), Sequence::new(at));
            measure(&long, between, u64::MAX).unwrap().1
        };
        assert!(count(&mut counted, &long, short.head(), &mut || true).unwrap());
        assert_eq!(taken(&counted), [2 * of_entry(1), 2 * of_entry(2)]);
        for _ in 0..2 {
            count_all(&mut counted, &long);
            assert_eq!(taken(&counted), [5 * of_entry(1), 5 * of_entry(2)]);
        }
    }

    #[test]
    fn what_was_cut_away_is_counted_no_more_but_for_what_is_carried_of_it() {
        let (mut log, mut counted) = (log(9), shares());
        count_all(&mut counted, &log);
        let before = taken(&counted);
        let of_one = before[0] / 9;
        let head = log.head();
        // Through the last of both but one; the first of one domain is carried.
        cut(&mut log, Sequence::new(24), (&[Sequence::new(1)], &[]), 1_000);
        let carried = carried_bytes(&log, 1);
        count_all(&mut counted, &log);
        // All of a domain are one stretch, which is counted until all of it is cut away.
        assert_eq!(taken(&counted), [before[0] + carried, before[1]]);
        let mut anew = shares();
        count_all(&mut anew, &log);
        assert_eq!(taken(&anew), [of_one + carried, of_one]);
        cut(&mut log, head, (&[], &[]), 1_000);
        count_all(&mut counted, &log);
        assert_eq!(taken(&counted), [carried, 0]);
    }

    /// How many bytes the record of the event at `place` has that is carried.
    fn carried_bytes(log: &MemoryLog, place: u64) -> u64 {
        let (key, mut bytes) = (event_key(Sequence::new(place)), 0);
        let mut first = |key: &[u8], value: &[u8]| {
            bytes = (key.len() + value.len()) as u64;
            Ok(ControlFlow::Break(()))
        };
        log.walk_carried(Carried::Counting, &key, &mut first).unwrap();
        bytes
    }

    #[test]
    fn a_count_that_is_to_stop_goes_on_where_it_was() {
        let (mut log, mut counted, mut whole) = (log(600), shares(), shares());
        let mut steps = 0;
        assert!(!count(&mut counted, &log, log.head(), &mut || false).unwrap());
        assert!(counted.through() > Sequence::ZERO && counted.through() < log.head());
        count_all(&mut counted, &log);
        let mut rest = || {
            steps += 1;
            true
        };
        assert!(count(&mut whole, &log, log.head(), &mut rest).unwrap());
        assert_eq!(taken(&counted), taken(&whole));
        assert!(steps > 1, "{steps}");
        // All is carried, which takes some steps, too.
        let places: Vec<Sequence> = (1..1_800).map(Sequence::new).collect();
        cut(&mut log, Sequence::new(1_800), (&places, &[]), 10_000);
        let before = counted.carried_by();
        assert!(!count(&mut counted, &log, log.head(), &mut || false).unwrap());
        assert_eq!((before, counted.carried_by()), (Some(0), None));
        count_all(&mut counted, &log);
        assert_eq!(counted.carried_by(), Some(1));
        assert!(taken(&counted)[0] > STEP_BYTES / 3, "a third is of each");
    }
}
