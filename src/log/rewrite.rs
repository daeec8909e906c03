//! Writing a log anew: the same events at the same places, sealed as a log of today is.
//!
//! Must never hold: another order, place or moment of an event; a view of the new log is a view of the old one.

use std::collections::BTreeMap;

use super::{EventLog, LogFault, LogReader, each_event};
use crate::event::{DeviceEnrolled, Event, Recorded};
use crate::model::{Ahead, Moment, Payload, Principal, Sequence};

/// Events in a commit of the new log, at most.
const COMMIT_EVENTS: usize = 1_024;

/// Who was erased, and where last: what they wrote before is left out of a log that is written anew.
#[derive(Clone, Debug, Default)]
pub struct Erasures(BTreeMap<Principal, Sequence>);

impl Erasures {
    /// Those of a log whose last event is `head`.
    ///
    /// # Errors
    /// [`LogFault`].
    pub fn of(reader: &dyn LogReader, head: Sequence) -> Result<Self, LogFault> {
        let (mut erased, whole) = (BTreeMap::new(), (Sequence::new(1), head));
        each_event(reader, whole, |recorded| {
            if let Event::PrincipalErased(event) = recorded.event {
                erased.insert(event.principal, recorded.sequence);
            }
            Ok::<_, LogFault>(())
        })?;
        Ok(Self(erased))
    }

    /// Whether what `principal` wrote at the event `at` is erased.
    pub fn covers(&self, principal: &Principal, at: Sequence) -> bool {
        self.0.get(principal).is_some_and(|erased| at < *erased)
    }

    /// The event as it is written today, without what is erased.
    #[must_use]
    pub fn as_today(&self, mut recorded: Recorded) -> Recorded {
        if let Event::KeyEnrolled(old) = recorded.event {
            let label = Payload::text(old.label.as_str());
            let (principal, key, role, invite) = (old.principal, old.key, old.role, old.invite);
            recorded.event =
                Event::DeviceEnrolled(DeviceEnrolled { principal, key, label, role, invite });
        }
        let is_gone = |principal: &Principal| self.covers(principal, recorded.sequence);
        let owners = recorded.event.owners();
        if owners.is_some_and(|it| is_gone(&it.keeper) || it.sender.as_ref().is_some_and(is_gone)) {
            for payload in recorded.event.payloads_mut() {
                *payload = Payload::Erased;
            }
        }
        recorded
    }
}

/// Writes every event that a log keeps whose last one is `head` to the log `to`, which begins at the same place, without what is `erased`. Calls
/// `progress` with the position of the last event that is written.
///
/// # Errors
/// [`LogFault`] of either; the new log is then of no use.
pub fn rewrite(
    (reader, head): (&dyn LogReader, Sequence),
    to: &mut dyn EventLog,
    erased: &Erasures,
    progress: &mut dyn FnMut(u64),
) -> Result<(), LogFault> {
    let mut next = to.head().next();
    while next <= head {
        let events = reader.read(next, COMMIT_EVENTS)?;
        let Some(last) = events.last().map(|last| last.sequence) else { break };
        // The wall clock was ahead by the same for all events of a commit.
        for alike in events.chunk_by(|one, other| one.ahead == other.ahead) {
            let ahead = alike.first().map_or(Ahead::ZERO, |first| first.ahead);
            let today = alike.iter().map(|recorded| erased.as_today(recorded.clone()));
            let events: Vec<(Moment, Event)> =
                today.map(|recorded| (recorded.at, recorded.event)).collect();
            to.append_at(ahead, &events)?;
        }
        to.sync()?;
        next = last.next();
        progress(last.get());
    }
    Ok(())
}
