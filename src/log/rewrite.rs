//! Writing a log anew: the same events at the same places, sealed as a log of today is.
//!
//! Must never hold: another order, place or moment of an event; a view of the new log is a view of the old one.

use std::collections::BTreeMap;

use super::{EventLog, LogFault, LogReader, each_event};
use crate::event::{DeviceEnrolled, Event, Recorded};
use crate::model::{Ahead, Moment, Payload, Principal, Sequence};

/// Events in a commit of the new log, at most.
const COMMIT_EVENTS: usize = 1_024;

/// Writes every event of a log, whose last one is `head`, to the empty log `to`, and calls `progress` with how many are written. What somebody wrote
/// who was erased since is left out.
///
/// # Errors
/// [`LogFault`] of either; the new log is then of no use.
pub fn rewrite(
    (reader, head): (&dyn LogReader, Sequence),
    to: &mut dyn EventLog,
    progress: &mut dyn FnMut(u64),
) -> Result<(), LogFault> {
    let erased = erasures(reader, head)?;
    let mut next = Sequence::new(1);
    while next <= head {
        let events = reader.read(next, COMMIT_EVENTS)?;
        let Some(last) = events.last().map(|last| last.sequence) else { break };
        // The wall clock was ahead by the same for all events of a commit.
        for alike in events.chunk_by(|one, other| one.ahead == other.ahead) {
            let ahead = alike.first().map_or(Ahead::ZERO, |first| first.ahead);
            let events: Vec<(Moment, Event)> =
                alike.iter().map(|recorded| (recorded.at, as_today(recorded, &erased))).collect();
            to.append_at(ahead, &events)?;
        }
        to.sync()?;
        next = last.next();
        progress(last.get());
    }
    Ok(())
}

/// Where each principal was erased last.
fn erasures(
    reader: &dyn LogReader,
    head: Sequence,
) -> Result<BTreeMap<Principal, Sequence>, LogFault> {
    let mut erased = BTreeMap::new();
    each_event(reader, (Sequence::new(1), head), |recorded| {
        if let Event::PrincipalErased(event) = recorded.event {
            erased.insert(event.principal, recorded.sequence);
        }
        Ok::<_, LogFault>(())
    })?;
    Ok(erased)
}

/// The event as it is written today, without what is erased.
fn as_today(recorded: &Recorded, erased: &BTreeMap<Principal, Sequence>) -> Event {
    let mut event = match recorded.event.clone() {
        Event::KeyEnrolled(old) => {
            let label = Payload::text(old.label.as_str());
            let (principal, key, role, invite) = (old.principal, old.key, old.role, old.invite);
            Event::DeviceEnrolled(DeviceEnrolled { principal, key, label, role, invite })
        }
        event => event,
    };
    let is_gone = |principal: &Principal| {
        erased.get(principal).is_some_and(|erased| recorded.sequence < *erased)
    };
    let owners = event.owners();
    if owners.is_some_and(|it| is_gone(&it.keeper) || it.sender.as_ref().is_some_and(is_gone)) {
        event.payloads_mut().into_iter().for_each(|payload| *payload = Payload::Erased);
    }
    event
}
