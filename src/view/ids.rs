//! Which messages were sent of late, by sender and id, so that one that comes again is recognised.
//!
//! An id is remembered for a time after its message was accepted, and no longer. Not all of them need be held here: those that a
//! checkpoint covers may lie elsewhere, in the order they are given out in, and are put back one by one when they are asked for.
//! Must never hold: where else they lie.

use std::collections::BTreeMap;

use super::key::MessageKey;
use crate::event::MessageDigest;
use crate::model::limits::{DAY_MS, DEDUPLICATION_MS};
use crate::model::{Lifetime, Timestamp};

/// A message whose id is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownMessage {
    /// What it says.
    pub digest: MessageDigest,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

impl KnownMessage {
    /// Whether its id is still remembered at `now`.
    pub fn is_remembered(&self, now: Timestamp) -> bool {
        self.accepted_at.after(Lifetime::from_ms(DEDUPLICATION_MS)) > now
    }

    /// The day on which it was accepted, counted from the epoch.
    pub fn day(&self) -> u64 {
        self.accepted_at.as_ms() / DAY_MS
    }
}

/// The first day of which an id is remembered at `now`, counted from the epoch.
pub fn first_remembered_day(now: Timestamp) -> u64 {
    now.as_ms().saturating_sub(DEDUPLICATION_MS) / DAY_MS
}

/// Ids by the day on which their messages were accepted.
pub(super) type ByDay = BTreeMap<u64, BTreeMap<MessageKey, KnownMessage>>;

/// The ids that are held here.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// Those that nobody was given yet.
    pub(super) new: Held,
    /// Those that are being put elsewhere.
    pub(super) settling: Held,
    /// What was found of the id that was looked for last, here or elsewhere.
    pub(super) recalled: Option<(MessageKey, Option<KnownMessage>)>,
}

/// Ids by day, and what says of nearly every other one that it is not among them: most ids that are looked for are new.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub(super) days: ByDay,
    seen: Seen,
}

impl Held {
    fn of(days: ByDay) -> Self {
        let mut seen = Seen::default();
        days.values().flat_map(BTreeMap::keys).for_each(|key| seen.add(key));
        Self { days, seen }
    }

    fn insert(&mut self, key: MessageKey, known: KnownMessage) {
        self.seen.add(&key);
        self.days.entry(known.day()).or_default().insert(key, known);
    }

    fn get(&self, key: &MessageKey) -> Option<&KnownMessage> {
        let mut days = self.days.values().rev().filter(|_| self.seen.may_have(key));
        days.find_map(|ids| ids.get(key))
    }
}

/// A bit for two places of each key that was added. Keys are hashes, so their bytes say where.
#[derive(Debug, Default)]
struct Seen(Vec<u64>);

/// Bits: ten and more for each id that comes between two checkpoints.
const SEEN_BITS: usize = 1 << 20;

impl Seen {
    fn add(&mut self, key: &MessageKey) {
        self.0.resize(SEEN_BITS / 64, 0);
        for place in Self::places(key) {
            self.0[place / 64] |= 1 << (place % 64);
        }
    }

    fn may_have(&self, key: &MessageKey) -> bool {
        let has =
            |place: usize| self.0.get(place / 64).is_some_and(|it| it >> (place % 64) & 1 > 0);
        Self::places(key).into_iter().all(has)
    }

    fn places(key: &MessageKey) -> [usize; 2] {
        let place = |bytes: &[u8]| {
            let bytes = *bytes.first_chunk().expect("a key is longer than 8 bytes");
            u32::from_le_bytes(bytes) as usize % SEEN_BITS
        };
        [place(&key.0), place(&key.0[4..])]
    }
}

impl Ids {
    pub(super) fn insert(&mut self, key: MessageKey, known: KnownMessage) {
        self.recalled = None;
        self.new.insert(key, known);
    }

    /// Forgets the days that are over at `now`.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let first = first_remembered_day(now);
        while self.new.days.first_key_value().is_some_and(|(day, _)| *day < first) {
            self.new.days.pop_first();
        }
    }

    /// Holds these instead of all that were accepted.
    pub(super) fn set(&mut self, all: impl IntoIterator<Item = (MessageKey, KnownMessage)>) {
        let mut by_day: BTreeMap<u64, Vec<(MessageKey, KnownMessage)>> = BTreeMap::new();
        for (key, known) in all {
            by_day.entry(known.day()).or_default().push((key, known));
        }
        self.recalled = None;
        // Building a sorted map at once is several times faster than inserting in random order.
        let days = by_day.into_iter().map(|(day, ids)| (day, ids.into_iter().collect()));
        self.new = Held::of(days.collect());
    }

    pub(super) fn held(&self, key: &MessageKey) -> Option<&KnownMessage> {
        self.new.get(key).or_else(|| self.settling.get(key))
    }

    pub(super) fn get(&self, key: &MessageKey) -> Option<&KnownMessage> {
        match &self.recalled {
            Some((recalled, known)) if recalled == key => known.as_ref(),
            _ => self.held(key),
        }
    }
}
