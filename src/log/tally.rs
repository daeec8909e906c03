//! What the events of a log are: how many of each kind, about how many entities, and when they came.
//!
//! Must never hold: what an event says.

use std::collections::{BTreeMap, BTreeSet};

use super::{LogFault, LogReader, each_event};
use crate::event::{EntityKey, Recorded};
use crate::model::{Sequence, Timestamp};

/// Into how many stretches of equal length the time between the first event and the last is cut.
pub const STRETCHES: usize = 48;

/// What the events of a log are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Of each kind of event, by its word: how many there are, and their bytes without the entries they lie in.
    pub events: BTreeMap<&'static str, Share>,
    /// Of each kind of entity, by its word, about how many there are events.
    pub entities: BTreeMap<&'static str, u64>,
    /// How many events came in each of the stretches of time, by the wall clock; empty without events.
    pub stretches: Vec<u64>,
    /// How long each of them is, in milliseconds.
    pub stretch_ms: u64,
}

/// The share of one kind of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many there are.
    pub events: u64,
    /// How long they are together.
    pub bytes: u64,
}

/// Reads every event from `first` on. Each entity is remembered by its name, so this takes memory for all there are.
///
/// # Errors
/// [`LogFault`] with the position of what cannot be read.
///
/// # Panics
/// Never: what was read can be written.
pub fn tally(reader: &dyn LogReader, first: Sequence, last: Sequence) -> Result<Tally, LogFault> {
    let mut tally = Tally::default();
    let mut entities: BTreeSet<EntityKey> = BTreeSet::new();
    let begin = shown_at(reader, first)?;
    tally.stretch_ms = (begin.until(shown_at(reader, last)?).as_ms() / STRETCHES as u64) + 1;
    each_event(reader, (first, last), |recorded| {
        tally.add(&recorded, begin);
        entities.insert(recorded.event.entity());
        Ok::<_, LogFault>(())
    })?;
    for entity in entities {
        *tally.entities.entry(entity.kind()).or_default() += 1;
    }
    Ok(tally)
}

fn shown_at(reader: &dyn LogReader, at: Sequence) -> Result<Timestamp, LogFault> {
    let found = reader.read(at, 1)?;
    Ok(found.first().map(Recorded::shown_at).unwrap_or_default())
}

impl Tally {
    fn add(&mut self, recorded: &Recorded, begin: Timestamp) {
        let share = self.events.entry(recorded.event.kind()).or_default();
        let bytes = postcard::to_stdvec(&recorded.event).expect("what was read can be written");
        share.events += 1;
        share.bytes += bytes.len() as u64;
        self.stretches.resize(STRETCHES, 0);
        // The wall clock may have been set to before the first event or behind the last one.
        let place = begin.until(recorded.shown_at()).as_ms() / self.stretch_ms;
        let place = usize::try_from(place).map_or(STRETCHES - 1, |place| place.min(STRETCHES - 1));
        self.stretches[place] += 1;
    }
}
