//! How much of the log is of each domain that has a limit, and from which moment on its past may stay.
//!
//! The bytes of a domain's events are added up in stretches, in their order: a few that are large, whatever there is. Only a
//! cut shows what of them lives: what is carried though it came before the past may stay is counted apart from then on. It is
//! not what a limit is for, and to cut again would not free it.
//! Must never hold: a read of the log, or a cut.

use std::collections::{BTreeMap, VecDeque};

use super::kept::past_of;
use crate::event::Recorded;
use crate::model::limits::RETENTION_MS_MIN;
use crate::model::{Domain, Keep, Lifetime, Retention, Sequence, Timestamp};

/// What a domain may have is counted in so many stretches, so that it is held to that but for one of them.
const STRETCHES: u64 = 64;
/// More of them are not remembered: of a domain that has twice what it may the oldest become one.
const STRETCHES_MAX: usize = 128;
/// Once a domain has more than it may, by this part of it more goes, so that the next cut is not due at once.
const ROOM_PART: u64 = 8;
/// A cut is late once a domain has by this part more than it may.
const LATE_PART: u64 = 2;

/// Events of a domain, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    through: Sequence,
    /// When the last of them was decided, in elapsed time.
    until: Timestamp,
    bytes: u64,
}

/// How much there is of a domain.
#[derive(Clone, Debug, Default)]
struct Share {
    max: u64,
    /// Of what was cut away and is carried.
    carried: VecDeque<Stretch>,
    /// In the log's entries.
    logged: VecDeque<Stretch>,
    /// Bytes of what is carried though it came before `from`: it lives, or something that is kept needs it.
    stays: u64,
    /// The past before is over.
    from: Timestamp,
}

/// How far the log is to be cut so that no domain has more than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Excess {
    /// The last event that has to go.
    pub(super) through: Sequence,
    /// Whether some domain has by far more.
    pub(super) is_late: bool,
}

/// What there is of a domain, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// What it may have.
    pub(super) max: u64,
    /// What is held to that.
    pub(super) bytes: u64,
    /// What is carried beside that and stays.
    pub(super) stays: u64,
}

/// What is counted of the domains that have a limit.
#[derive(Debug)]
pub(super) struct Shares {
    of: BTreeMap<Domain, Share>,
    through: Sequence,
    carried_by: Option<u64>,
}

impl Shares {
    /// Nothing is counted yet.
    pub(super) fn new(retention: &Retention) -> Self {
        let share = |(domain, max)| (domain, Share { max, ..Share::default() });
        let of = retention.sizes().into_iter().map(share).collect();
        Self { of, through: Sequence::ZERO, carried_by: None }
    }

    /// Whether no domain has a limit: then nothing has to be counted.
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Through which event entries are counted.
    pub(super) fn through(&self) -> Sequence {
        self.through
    }

    /// Of which cut what is carried is counted.
    pub(super) fn carried_by(&self) -> Option<u64> {
        self.carried_by
    }

    /// The next event of the entries, which takes so many bytes there.
    pub(super) fn logged(&mut self, recorded: &Recorded, bytes: u64) {
        self.through = recorded.sequence;
        if let Some(share) = share_of(&mut self.of, recorded) {
            put(&mut share.logged, share.max, recorded, bytes);
        }
    }

    /// Entries through that event are no more.
    pub(super) fn cut(&mut self, base: Sequence) {
        self.through = self.through.max(base);
        for share in self.of.values_mut() {
            share.logged.retain(|stretch| stretch.through > base);
        }
    }

    /// What is carried is about to be counted anew.
    pub(super) fn carry_anew(&mut self) {
        self.carried_by = None;
        for share in self.of.values_mut() {
            share.carried.clear();
            share.stays = 0;
        }
    }

    /// The next event of what is carried, which takes so many bytes.
    pub(super) fn carried(&mut self, recorded: &Recorded, bytes: u64) {
        let Some(share) = share_of(&mut self.of, recorded) else { return };
        if recorded.at.timestamp() < share.from {
            share.stays += bytes;
        } else {
            put(&mut share.carried, share.max, recorded, bytes);
        }
    }

    /// All that the cut of this number carried is counted.
    pub(super) fn all_carried(&mut self, number: u64) {
        self.carried_by = Some(number);
    }

    /// Moves on the moments from which on the past of domains is kept that have more than they may, but not into the last
    /// second before `now`. `None` if none has.
    pub(super) fn judge(&mut self, now: Timestamp) -> Option<Excess> {
        let latest = Keep::For(Lifetime::from_ms(RETENTION_MS_MIN)).since(now);
        let all = self.of.values_mut().filter_map(|share| share.judge(latest));
        all.reduce(|one, other| Excess {
            through: one.through.max(other.through),
            is_late: one.is_late || other.is_late,
        })
    }

    /// Before which moment the past of domains is over, of those that ever had more than they may.
    pub(super) fn over_before(&self) -> BTreeMap<Domain, Timestamp> {
        let had_more = self.of.iter().filter(|(_, share)| share.from > Timestamp::default());
        had_more.map(|(domain, share)| (domain.clone(), share.from)).collect()
    }

    /// What there is of each domain.
    pub(super) fn taken(&self) -> impl Iterator<Item = (&Domain, Taken)> {
        self.of.iter().map(|(domain, share)| {
            let Share { max, stays, .. } = *share;
            (domain, Taken { max, bytes: share.bytes(), stays })
        })
    }
}

impl Share {
    fn all(&self) -> impl Iterator<Item = &Stretch> {
        self.carried.iter().chain(&self.logged)
    }

    fn bytes(&self) -> u64 {
        self.all().map(|stretch| stretch.bytes).sum()
    }

    fn judge(&mut self, latest: Timestamp) -> Option<Excess> {
        let (bytes, max, mut gone) = (self.bytes(), self.max, 0);
        if bytes <= max {
            return None;
        }
        let to_go = bytes - max + max / ROOM_PART;
        let last = *self.all().find(|stretch| {
            gone += stretch.bytes;
            gone >= to_go
        })?;
        let behind = last.until.after(Lifetime::from_ms(1));
        self.from = self.from.max(behind.min(latest));
        Some(Excess { through: last.through, is_late: bytes > max + max / LATE_PART })
    }
}

/// What is counted of the domain that an event is of, if it has a limit.
fn share_of<'a>(of: &'a mut BTreeMap<Domain, Share>, recorded: &Recorded) -> Option<&'a mut Share> {
    let entity = recorded.event.entity();
    of.get_mut(past_of(&entity)?.0)
}

/// Adds an event to the last of `stretches`, or as one of its own if that has its part of `max`.
fn put(stretches: &mut VecDeque<Stretch>, max: u64, recorded: &Recorded, bytes: u64) {
    let (through, until) = (recorded.sequence, recorded.at.timestamp());
    match stretches.back_mut() {
        Some(last) if last.bytes < max / STRETCHES => {
            *last = Stretch { through, until, bytes: last.bytes + bytes };
        }
        _ => stretches.push_back(Stretch { through, until, bytes }),
    }
    if stretches.len() > STRETCHES_MAX
        && let Some(oldest) = stretches.pop_front()
        && let Some(next) = stretches.front_mut()
    {
        next.bytes += oldest.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Acknowledged, EpochBegan, Event};
    use crate::model::{Ahead, DeviceId, DomainRetention, EpochId, InboxSequence, Moment};

    const MAX: u64 = 6_400;
    const NOW: u64 = 1_000_000;

    fn shares() -> Shares {
        let domain = |name: &str| DomainRetention {
            domain: name.parse().unwrap(),
            kept: Vec::new(),
            log_bytes_max: Some(MAX),
        };
        let domains = ["one.example", "two.example"].map(domain).to_vec();
        Shares::new(&Retention { domains, ..Retention::of_all(Keep::Always) })
    }

    /// An event of a domain that is decided with its place as the second.
    fn event(place: u64, domain: &str) -> Recorded {
        let event = Event::Acknowledged(Acknowledged {
            inbox: format!("im:a@{domain}").parse().unwrap(),
            device: DeviceId([1; 8]),
            through: InboxSequence::new(1),
        });
        let (sequence, at) = (Sequence::new(place), Moment::of(second(place)));
        Recorded { sequence, at, ahead: Ahead::ZERO, event }
    }

    fn second(second: u64) -> Timestamp {
        Timestamp::from_ms(second * 1_000)
    }

    /// So many events of the first domain, of a hundred bytes each, from the first second on.
    fn with(events: u64) -> Shares {
        let mut shares = shares();
        (1..=events).for_each(|place| shares.logged(&event(place, "one.example"), 100));
        shares
    }

    fn excess(through: u64, is_late: bool) -> Excess {
        Excess { through: Sequence::new(through), is_late }
    }

    fn from(shares: &Shares, domain: &str) -> Option<u64> {
        shares.over_before().get(domain).map(|from| from.as_ms())
    }

    fn bytes(shares: &Shares) -> u64 {
        shares.taken().next().unwrap().1.bytes
    }

    fn stays(shares: &Shares) -> u64 {
        shares.taken().next().unwrap().1.stays
    }

    #[test]
    fn the_oldest_goes_once_there_is_more_than_may_be_and_an_eighth_more() {
        for (events, expected) in [
            (0, None),
            (64, None),
            (65, Some(excess(9, false))),
            (96, Some(excess(40, false))),
            (97, Some(excess(41, true))),
        ] {
            let mut shares = with(events);
            assert_eq!(shares.judge(second(NOW)), expected, "{events}");
            let behind = expected.map(|excess| excess.through.get() * 1_000 + 1);
            assert_eq!(from(&shares, "one.example"), behind, "{events}");
            assert_eq!(from(&shares, "two.example"), None);
        }
    }

    #[test]
    fn what_is_of_others_or_of_nobody_is_not_counted_and_the_place_is() {
        let mut shares = shares();
        let nobody = Event::EpochBegan(EpochBegan { epoch: EpochId::NONE });
        shares.logged(&event(1, "three.example"), 1_000_000);
        shares.logged(&Recorded { event: nobody, ..event(2, "one.example") }, 1_000_000);
        assert_eq!((shares.judge(second(NOW)), shares.through()), (None, Sequence::new(2)));
        assert!(!shares.is_empty());
        assert!(Shares::new(&Retention::of_all(Keep::Always)).is_empty());
    }

    #[test]
    fn of_several_domains_the_farthest_place_counts_and_the_latest_cut() {
        let mut shares = with(97);
        (101..=165).for_each(|place| shares.logged(&event(place, "two.example"), 100));
        assert_eq!(shares.judge(second(NOW)), Some(excess(109, true)));
        assert_eq!(from(&shares, "one.example"), Some(41_001));
        assert_eq!(from(&shares, "two.example"), Some(109_001));
    }

    #[test]
    fn what_came_within_the_last_second_is_not_over() {
        assert_eq!(RETENTION_MS_MIN, 1_000);
        for (now, behind) in [(9, 8_000), (10, 9_000), (11, 9_001)] {
            let mut shares = with(65);
            assert_eq!(shares.judge(second(now)), Some(excess(9, false)));
            assert_eq!(from(&shares, "one.example"), Some(behind), "{now}");
        }
    }

    #[test]
    fn a_cut_takes_whole_stretches_and_afterwards_there_is_room() {
        let mut shares = with(65);
        let through = shares.judge(second(NOW)).unwrap().through;
        shares.cut(through);
        assert_eq!(bytes(&shares), 5_600, "seven eighths of what may be");
        assert_eq!(shares.judge(second(NOW)), None);
        assert_eq!(from(&shares, "one.example"), Some(9_001), "what was over is over");
        shares.cut(Sequence::new(80));
        assert_eq!((bytes(&shares), shares.through()), (0, Sequence::new(80)));
    }

    #[test]
    fn small_events_share_a_stretch_and_of_far_too_many_the_oldest_become_one() {
        let mut shares = shares();
        (1..=40).for_each(|place| shares.logged(&event(place, "one.example"), 50));
        let logged = |shares: &Shares| shares.of["one.example"].logged.clone();
        assert_eq!(logged(&shares).len(), 20, "a stretch is a sixty-fourth of what may be");
        shares.cut(Sequence::new(3));
        assert_eq!(bytes(&shares), 38 * 50, "half of a stretch is counted until all of it went");
        let mut shares = with(1_000);
        let all = logged(&shares);
        assert_eq!((all.len(), all[0].bytes, bytes(&shares)), (128, 87_300, 100_000));
        assert_eq!(all[0].through, Sequence::new(873));
        assert_eq!(shares.judge(second(NOW)), Some(excess(944, true)));
    }

    #[test]
    fn what_is_carried_counts_first_until_it_is_over_and_stays_all_the_same() {
        let mut shares = shares();
        let carry = |shares: &mut Shares| {
            shares.carry_anew();
            (1..=52).for_each(|place| shares.carried(&event(place, "one.example"), 100));
            shares.all_carried(7);
        };
        assert_eq!(shares.carried_by(), None);
        carry(&mut shares);
        assert_eq!((bytes(&shares), shares.carried_by()), (5_200, Some(7)));
        assert_eq!(stays(&shares), 0);
        (101..=112).for_each(|place| shares.logged(&event(place, "one.example"), 100));
        assert_eq!(shares.judge(second(NOW)), None);
        shares.logged(&event(113, "one.example"), 100);
        assert_eq!(shares.judge(second(NOW)), Some(excess(9, false)));
        // All of it is carried all the same: it lives, and to cut again does not help.
        carry(&mut shares);
        assert_eq!((bytes(&shares), shares.judge(second(NOW))), (5_600, None));
        assert_eq!(stays(&shares), 900);
    }
}
