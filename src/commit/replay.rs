//! The log folded apart from any service: to see what it comes to, and whether a checkpoint says the same.
//!
//! Must never hold: a change of the log or its checkpoint.

use std::collections::BTreeMap;

use super::load::load;
use super::{carried, fold, rows};
use crate::log::{EventLog, LogFault, LogReader, tip_at};
use crate::model::{Sequence, Timestamp};
use crate::view::{KnownMessage, MessageKey, Views};

/// Events read at once while looking for a time.
const LOOK_EVENTS: usize = 4_096;

/// The state at `through`, folded from the first event on, or from what is carried forward of a log that was cut. Tells `progress` how many events are folded, and of how many.
///
/// # Errors
/// [`LogFault`] with the position of the damage, [`LogFault::Missing`] if the log ends before `through`,
/// [`LogFault::OlderThanKept`] if that was cut away.
pub fn replay(
    log: &dyn EventLog,
    through: Sequence,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Views, LogFault> {
    let mut views = carried(log, Sequence::ZERO)?.unwrap_or_default();
    if through < views.head() {
        log.cutter().map_or(Ok(()), |cutter| tip_at(cutter.entries(), through).map(drop))?;
    }
    fold(&mut views, log, through, progress)?;
    Ok(views)
}

/// The state at the end of the log as a start makes it, of the checkpoint and the events behind it.
#[derive(Debug)]
pub struct FromCheckpoint {
    /// The state.
    pub views: Views,
    /// Through which event the checkpoint stands.
    pub through: Sequence,
    ids: BTreeMap<MessageKey, KnownMessage>,
}

impl FromCheckpoint {
    /// Whether the same ids of messages are known as in `views`, which hold all.
    pub fn knows_as(&self, views: &Views) -> bool {
        self.ids == views.held_ids().collect()
    }
}

/// The state at the end of the log as a start makes it. `None` if there is no checkpoint, or one that this program does not use.
///
/// # Errors
/// [`LogFault`] with the position of the damage.
pub fn from_checkpoint(log: &dyn EventLog) -> Result<Option<FromCheckpoint>, LogFault> {
    let (mut views, store) = load(log)?;
    let through = views.head();
    if through == Sequence::ZERO {
        return Ok(None);
    }
    rows::recall_all(&mut views, log)?;
    fold(&mut views, log, log.head(), &mut |_, _| {})?;
    let mut ids = store.all(log, views.time())?;
    ids.extend(views.held_ids());
    Ok(Some(FromCheckpoint { views, through, ids }))
}

/// The last event before the first one that was shown later than `time`; zero if there is none.
///
/// # Errors
/// [`LogFault`] with the position of the damage.
pub fn position_at(reader: &dyn LogReader, time: Timestamp) -> Result<Sequence, LogFault> {
    let mut last = Sequence::ZERO;
    loop {
        let events = reader.read(last.next(), LOOK_EVENTS)?;
        let later = events.iter().find(|recorded| recorded.shown_at() > time);
        if let Some(later) = later {
            return Ok(Sequence::new(later.sequence.get() - 1));
        }
        let Some(end) = events.last() else { return Ok(last) };
        last = end.sequence;
    }
}
