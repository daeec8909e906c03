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
    pub(super) new: ByDay,
    /// Those that are being put elsewhere.
    pub(super) settling: ByDay,
    /// What was found of the id that was looked for last, here or elsewhere.
    pub(super) recalled: Option<(MessageKey, Option<KnownMessage>)>,
}

impl Ids {
    pub(super) fn insert(&mut self, key: MessageKey, known: KnownMessage) {
        self.recalled = None;
        self.new.entry(known.day()).or_default().insert(key, known);
    }

    /// Forgets the days that are over at `now`.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let first = first_remembered_day(now);
        while self.new.first_key_value().is_some_and(|(day, _)| *day < first) {
            self.new.pop_first();
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
        self.new = by_day.into_iter().map(|(day, ids)| (day, ids.into_iter().collect())).collect();
    }

    pub(super) fn held(&self, key: &MessageKey) -> Option<&KnownMessage> {
        let mut days = self.new.values().rev().chain(self.settling.values().rev());
        days.find_map(|ids| ids.get(key))
    }

    pub(super) fn get(&self, key: &MessageKey) -> Option<&KnownMessage> {
        match &self.recalled {
            Some((recalled, known)) if recalled == key => known.as_ref(),
            _ => self.held(key),
        }
    }
}
