//! How far a log may be cut: by the age of what is over, by its size, and by how much there is of single domains.
//!
//! Must never hold: a thread, a clock, or a cut.

use super::shares::Excess;
use crate::commit::last_until;
use crate::log::{Cutter, LogFault, LogReader, measure};
use crate::model::{Keep, Retention, Sequence, Timestamp};

/// Events cut at once: what they are about is in memory meanwhile.
const CUT_EVENTS_MAX: u64 = 250_000;
/// A cut waits until the oldest event is by this part older than anything is kept: each one costs what is carried forward.
const WINDOW_PART: u64 = 8;
/// A log is behind once the oldest event is by this part older than anything is kept.
const LATE_PART: u64 = 2;
/// Bytes of entries measured in one step.
const MEASURE_BYTES: u64 = 4 * 1024 * 1024;

/// How far to cut, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// The last event that may go.
    pub(super) at: Sequence,
    /// Whether it goes because the whole log is too large, so that nothing of the past is carried.
    pub(super) is_for_size: bool,
    /// Whether there will be more to cut at once.
    pub(super) has_more: bool,
    /// Whether more comes than goes, or there is more than may be: then what clients ask for has to wait a little.
    pub(super) is_late: bool,
}

/// What has to go because of what it takes, whatever its age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// The last event that goes because the whole log is too large.
    pub(super) log: Option<Sequence>,
    /// What goes because there is too much of some domains.
    pub(super) domains: Option<Excess>,
}

/// How far to cut the log that ends at `head`; `None` if it is not worth it yet.
///
/// # Errors
/// [`LogFault`].
pub(super) fn plan(
    reader: &dyn LogReader,
    head: Sequence,
    (retention, now): (&Retention, Timestamp),
    Sizes { log: too_large, domains }: Sizes,
) -> Result<Option<Plan>, LogFault> {
    let base = Sequence::new(reader.kept_from().get() - 1);
    if head <= base {
        return Ok(None);
    }
    let is_late = |excess: Excess| excess.is_late;
    let mut is_late = too_large.is_some() || domains.is_some_and(is_late);
    let mut by_age = None;
    if let Some(kept) = retention.shortest() {
        let (age, kept_ms) = (age(reader, base.next(), now)?, kept.as_ms());
        is_late |= age >= kept_ms.saturating_add(kept_ms / LATE_PART);
        if age >= kept_ms.saturating_add(kept_ms / WINDOW_PART) {
            let at = last_until(reader, (base, head), Keep::For(kept).since(now))?;
            by_age = Some(at).filter(|at| *at > base);
        }
    }
    let is_for_size = too_large.is_some_and(|at| by_age.is_none_or(|by_age| at > by_age));
    // Where the whole log is too large that goes first; there is more room for domains afterwards, too.
    let of_domains = domains.filter(|_| !is_for_size).map(|excess| excess.through.min(head));
    let of_domains = of_domains.filter(|at| *at > base);
    let Some(at) = by_age.max(too_large).max(of_domains) else { return Ok(None) };
    let first = at.min(base.plus(CUT_EVENTS_MAX));
    Ok(Some(Plan { at: first, is_for_size, has_more: first < at, is_late }))
}

/// How long ago an event was recorded, in milliseconds.
fn age(reader: &dyn LogReader, of: Sequence, now: Timestamp) -> Result<u64, LogFault> {
    Ok(reader.read_one(of)?.at.timestamp().until(now).as_ms())
}

/// What is counted of a log's entries, so that each is counted once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    through: Sequence,
    bytes: u64,
}

impl Counted {
    /// What was counted goes with a cut of so many bytes.
    pub(super) fn cut(&mut self, through: Sequence, bytes: u64) {
        *self = if through >= self.through {
            Self { through, bytes: 0 }
        } else {
            Self { bytes: self.bytes.saturating_sub(bytes), ..*self }
        };
    }

    /// The last event that has to go so that the entries up to `head` have at most `max` bytes, with some room for what comes;
    /// `None` if none has to, or `rest` says to stop.
    ///
    /// # Errors
    /// [`LogFault`].
    pub(super) fn too_large(
        &mut self,
        cutter: &dyn Cutter,
        (head, max): (Sequence, u64),
        rest: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Sequence>, LogFault> {
        let base = cutter.entries().mark().base.head;
        let behind = self.through.max(base);
        let Some((_, bytes)) = counted(cutter, (behind, head), u64::MAX, rest)? else {
            return Ok(None);
        };
        *self = Self { through: head, bytes: self.bytes + bytes };
        if self.bytes <= max {
            return Ok(None);
        }
        let over = self.bytes - max + max / WINDOW_PART;
        Ok(counted(cutter, (base, head), over, rest)?.map(|(through, _)| through))
    }
}

/// Measures entries behind `after` until they have `bytes_max` bytes, in steps.
fn counted(
    cutter: &dyn Cutter,
    (mut after, head): (Sequence, Sequence),
    bytes_max: u64,
    rest: &mut dyn FnMut() -> bool,
) -> Result<Option<(Sequence, u64)>, LogFault> {
    let mut all = 0;
    while after < head && all < bytes_max {
        let step = MEASURE_BYTES.min(bytes_max - all);
        let (reached, bytes) = measure(cutter.entries(), (after, head), step)?;
        (after, all) = (reached, all + bytes);
        if !rest() {
            return Ok(None);
        }
    }
    Ok(Some((after, all)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EpochBegan, Event, Recorded};
    use crate::log::memory::MemoryLog;
    use crate::log::testing::cut;
    use crate::log::{Entries as _, EventLog as _};
    use crate::model::{Ahead, EpochId, Lifetime, Moment};

    /// A log of an event each second.
    fn log(events: u64) -> MemoryLog {
        let mut log = MemoryLog::new();
        for second in 1..=events {
            let epoch = EpochId(second.to_be_bytes());
            let at = Moment::of(Timestamp::from_ms(second * 1_000));
            log.append(&[(at, Event::EpochBegan(EpochBegan { epoch }))]).unwrap();
        }
        log.sync().unwrap();
        log
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_ms(second * 1_000)
    }

    #[test]
    fn as_much_is_cut_as_is_over_once_that_is_worth_it() {
        let (log, kept) = (log(100), Keep::For(Lifetime::from_ms(80_000)));
        let retention = Retention { acts: Keep::Always, ..Retention::of_all(kept) };
        let planned = |now, too_large: Option<u64>| {
            let (reader, head) = (log.reader(), Sequence::new(100));
            let sizes = Sizes { log: too_large.map(Sequence::new), domains: None };
            plan(reader.as_ref(), head, (&retention, at(now)), sizes).unwrap()
        };
        let plan = |at, is_for_size, is_late| {
            Some(Plan { at: Sequence::new(at), is_for_size, has_more: false, is_late })
        };
        assert_eq!(planned(80, None), None);
        assert_eq!(planned(90, None), None, "an eighth of the window is ten seconds");
        assert_eq!(planned(91, None), plan(10, false, false));
        assert_eq!(planned(120, None), plan(39, false, false));
        assert_eq!(
            planned(121, None),
            plan(40, false, true),
            "half of the window is forty seconds"
        );
        assert_eq!(planned(500, None), plan(100, false, true));
        assert_eq!(planned(92, Some(5)), plan(11, false, true));
        assert_eq!(planned(92, Some(11)), plan(11, false, true), "age is enough");
        assert_eq!(planned(92, Some(50)), plan(50, true, true));
        assert_eq!(planned(80, Some(1)), plan(1, true, true));
        let for_ever = Retention::of_all(Keep::Always);
        let reader = log.reader();
        let never = super::plan(
            reader.as_ref(),
            Sequence::new(100),
            (&for_ever, at(900)),
            Sizes::default(),
        );
        assert_eq!(never.unwrap(), None);
    }

    #[test]
    fn what_is_too_much_of_a_domain_is_cut_with_what_is_over_and_behind_what_is_too_much_of_all() {
        let (log, kept) = (log(100), Keep::For(Lifetime::from_ms(80_000)));
        let planned = |now, too_large: Option<u64>, (through, is_late)| {
            let domains = Some(Excess { through: Sequence::new(through), is_late });
            let sizes = Sizes { log: too_large.map(Sequence::new), domains };
            let (reader, head) = (log.reader(), Sequence::new(100));
            plan(reader.as_ref(), head, (&Retention::of_all(kept), at(now)), sizes).unwrap()
        };
        let plan = |at, is_for_size, is_late| {
            Some(Plan { at: Sequence::new(at), is_for_size, has_more: false, is_late })
        };
        assert_eq!(planned(80, None, (5, false)), plan(5, false, false), "however young");
        assert_eq!(planned(80, None, (5, true)), plan(5, false, true));
        assert_eq!(planned(92, None, (10, false)), plan(11, false, false), "age is enough");
        assert_eq!(planned(92, None, (12, false)), plan(12, false, false));
        assert_eq!(planned(92, Some(11), (12, false)), plan(12, false, true));
        assert_eq!(planned(92, Some(12), (50, false)), plan(12, true, true), "first for all");
        assert_eq!(
            planned(80, None, (101, false)),
            plan(100, false, false),
            "no more than is there"
        );
        assert_eq!(planned(80, None, (0, false)), None, "what is cut away is cut away");
    }

    /// A log that has an event each second.
    struct Seconds;

    impl LogReader for Seconds {
        fn read(&self, from: Sequence, events_max: usize) -> Result<Vec<Recorded>, LogFault> {
            let event = |sequence: u64| Recorded {
                sequence: Sequence::new(sequence),
                at: Moment::of(at(sequence)),
                ahead: Ahead::ZERO,
                event: Event::EpochBegan(EpochBegan { epoch: EpochId::NONE }),
            };
            Ok((from.get()..).take(events_max).map(event).collect())
        }
    }

    #[test]
    fn a_long_log_is_cut_in_parts() {
        let retention = Retention::of_all(Keep::For(Lifetime::from_ms(1_000)));
        for (head, cut, has_more) in [
            (CUT_EVENTS_MAX, CUT_EVENTS_MAX, false),
            (CUT_EVENTS_MAX + 1, CUT_EVENTS_MAX, true),
            (9, 9, false),
        ] {
            let now = at(CUT_EVENTS_MAX * 2);
            let planned =
                plan(&Seconds, Sequence::new(head), (&retention, now), Sizes::default()).unwrap();
            let (at, is_for_size, is_late) = (Sequence::new(cut), false, true);
            let expected = Plan { at, is_for_size, has_more, is_late };
            assert_eq!(planned, Some(expected), "{head}");
        }
    }

    #[test]
    fn bytes_are_counted_once_each_and_too_many_are_told() {
        let mut log = log(100);
        let mut counted = Counted::default();
        let all = measure(&log, (Sequence::ZERO, log.head()), u64::MAX).unwrap().1;
        let look = |log: &MemoryLog, counted: &mut Counted, max| {
            let cutter = log.cutter().unwrap();
            let looked = counted.too_large(cutter.as_ref(), (log.head(), max), &mut || true);
            looked.unwrap().map(Sequence::get)
        };
        assert_eq!(look(&log, &mut counted, all), None);
        assert_eq!(look(&log, &mut counted, all), None);
        let over = look(&log, &mut counted, all / 2).unwrap();
        assert!((55..=65).contains(&over), "an eighth more than has to: {over}");
        cut(&mut log, Sequence::new(over), (&[], &[]), 1_000);
        counted.cut(Sequence::new(over), measure_cut(all, &log));
        assert_eq!(look(&log, &mut counted, all / 2), None);
        let left = measure(&log, (log.mark().base.head, log.head()), u64::MAX).unwrap().1;
        assert_eq!(counted.bytes, left);
        let stopped =
            counted.too_large(log.cutter().unwrap().as_ref(), (log.head(), 1), &mut || false);
        assert_eq!(stopped.unwrap(), None);
    }

    /// The bytes of the entries that were cut, of so many in all.
    fn measure_cut(all: u64, log: &MemoryLog) -> u64 {
        let statement = log.mark().statement;
        let before = Sequence::new(statement.get() - 1);
        all - measure(log, (log.mark().base.head, before), u64::MAX).unwrap().1
    }
}
