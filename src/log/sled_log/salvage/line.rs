//! Which of the entries that were found are the log.
//!
//! Must never hold: an entry that neither follows from another nor is followed by one.

use std::collections::BTreeMap;

use super::LogFault;
use super::raw::{Place, Raw};
use crate::event::{Chain, EntryKey, follows, key_after};
use crate::log::Tip;
use crate::model::Sequence;

/// How far it is looked ahead to tell which of several entries is the right one: one that was never made durable leads
/// nowhere.
const AHEAD_MAX: usize = 64;

/// Events that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEvents {
    /// The first of them.
    pub first: Sequence,
    /// The last one.
    pub last: Sequence,
    /// Why.
    pub reason: &'static str,
}

/// The log, as far as it is proven.
pub(super) struct Line {
    pub(super) entries: BTreeMap<EntryKey, Place>,
    pub(super) lost: Vec<LostEvents>,
    pub(super) head: Sequence,
}

/// Puts together what lies in `raw` of a log that was durable as far as `durable`, if that is known.
pub(super) fn of(raw: &Raw, durable: Option<Tip>) -> Result<Line, LogFault> {
    let (mut entries, mut lost) = (BTreeMap::new(), Vec::new());
    let (mut at, mut chain) = (EntryKey { sequence: Sequence::new(1), part: 0 }, Chain::START);
    loop {
        if let Some((place, next)) = successor(raw, chain, at)? {
            entries.insert(at, place);
            (at, chain) = (next, place.chain);
            continue;
        }
        // Of a long event all parts are needed.
        let first = EntryKey { part: 0, ..at };
        drop(entries.split_off(&first));
        let Some((key, place, next)) = taken_up(raw, first.sequence, durable)? else {
            return Ok(ended(raw, entries, lost, (first, durable)));
        };
        lost.push(LostEvents {
            first: first.sequence,
            last: Sequence::new(key.sequence.get() - 1),
            reason: why(raw, first),
        });
        entries.insert(key, place);
        (at, chain) = (next, place.chain);
    }
}

/// Nothing is proven from `first` on.
fn ended(
    raw: &Raw,
    entries: BTreeMap<EntryKey, Place>,
    mut lost: Vec<LostEvents>,
    (first, durable): (EntryKey, Option<Tip>),
) -> Line {
    let found = Sequence::new(first.sequence.get() - 1);
    let head = durable.map_or(found, |durable| durable.head.max(found));
    if head > found {
        lost.push(LostEvents { first: first.sequence, last: head, reason: why(raw, first) });
    }
    Line { entries, lost, head }
}

fn why(raw: &Raw, first: EntryKey) -> &'static str {
    if raw.entries.contains_key(&first) {
        "what stands there does not follow from what is before it"
    } else {
        "there is no whole copy of them in the file"
    }
}

/// The entry at `key` that follows from `chain`, and the key of the one after it.
fn successor(
    raw: &Raw,
    chain: Chain,
    key: EntryKey,
) -> Result<Option<(Place, EntryKey)>, LogFault> {
    let named = raw.entries.get(&key).into_iter().flatten();
    let mut found = following(raw, (chain, key), named)?;
    if found.is_empty() {
        found = following(raw, (chain, key), raw.orphans.iter())?;
    }
    if found.len() > 1 {
        let mut reached = Vec::new();
        for (place, next) in &found {
            reached.push(reach(raw, *place, *next)?);
        }
        let farthest = (0..found.len()).max_by_key(|each| reached[*each]);
        return Ok(farthest.map(|farthest| found[farthest]));
    }
    Ok(found.pop())
}

fn following<'a>(
    raw: &Raw,
    (chain, key): (Chain, EntryKey),
    places: impl Iterator<Item = &'a Place>,
) -> Result<Vec<(Place, EntryKey)>, LogFault> {
    let mut found = Vec::new();
    for place in places {
        let value = raw.value(place)?;
        if follows(chain, key, &value) {
            found.push((*place, key_after(key, &value)?));
        }
    }
    Ok(found)
}

/// How many entries follow one from another behind this one.
fn reach(raw: &Raw, place: Place, next: EntryKey) -> Result<usize, LogFault> {
    let (mut chain, mut key) = (place.chain, next);
    for steps in 0..AHEAD_MAX {
        let named = raw.entries.get(&key).into_iter().flatten();
        let Some((place, next)) = following(raw, (chain, key), named)?.pop() else {
            return Ok(steps);
        };
        (chain, key) = (place.chain, next);
    }
    Ok(AHEAD_MAX)
}

/// The first entry behind the event `lost` that another one follows from, or that is the durable end.
fn taken_up(
    raw: &Raw,
    lost: Sequence,
    durable: Option<Tip>,
) -> Result<Option<(EntryKey, Place, EntryKey)>, LogFault> {
    let from = EntryKey { sequence: lost.next(), part: 0 };
    for (key, places) in raw.entries.range(from..).filter(|(key, _)| key.part == 0) {
        for place in places {
            let Ok(next) = key_after(*key, &raw.value(place)?) else { continue };
            let end = Tip { head: Sequence::new(next.sequence.get() - 1), chain: place.chain };
            let is_end = next.part == 0 && durable == Some(end);
            if is_end || successor(raw, place.chain, next)?.is_some() {
                return Ok(Some((*key, *place, next)));
            }
        }
    }
    Ok(None)
}
