//! A presentity's past, walked back from its last change: what was published, and what its presence was.
//!
//! Must never hold: a decision about who may see it.

use super::{HistoryFault, PresentityChange, read_kept, state_at};
use crate::event::{Event, PublicationCause, Recorded};
use crate::log::{LogFault, LogReader};
use crate::model::limits::{HISTORY_ROWS_MAX, HISTORY_WALK_MAX};
use crate::model::{DeviceId, Presentity, Principal, Sequence, SubscriptionState, Timestamp};
use crate::protocol::{self, ChangeKind};
use crate::service::{PresenceItem, Span};

/// A walk back through a presentity's changes.
#[derive(Clone, Debug)]
pub struct Past {
    presentity: Presentity,
    next: Sequence,
    span: Span,
    rows_left: usize,
    steps_left: usize,
    /// Whether any change was in the span.
    found: bool,
}

impl Past {
    /// A walk from the change at `last` back through `span`, of at most `rows` rows; 0 and more than
    /// [`HISTORY_ROWS_MAX`] mean that many.
    pub fn new(presentity: Presentity, last: Sequence, span: Span, rows: usize) -> Self {
        let rows_left = if rows == 0 { HISTORY_ROWS_MAX } else { rows.min(HISTORY_ROWS_MAX) };
        let (steps_left, found) = (HISTORY_WALK_MAX, false);
        Self { presentity, next: last, span, rows_left, steps_left, found }
    }

    /// The next changes, newest first, at most `rows_max`; empty at the end, which is where no more are kept if nobody asked
    /// from when on.
    ///
    /// # Errors
    /// [`HistoryFault`]; [`LogFault::OlderThanKept`] if there were more since when they were asked for, or none are kept.
    pub fn page(
        &mut self,
        reader: &dyn LogReader,
        rows_max: usize,
    ) -> Result<Vec<protocol::Change>, HistoryFault> {
        let mut rows = Vec::new();
        while rows.len() < rows_max && self.rows_left > 0 && self.next > Sequence::ZERO {
            self.steps_left = self.steps_left.checked_sub(1).ok_or(HistoryFault::TooFar)?;
            let recorded = match reader.read_one(self.next) {
                Err(LogFault::OlderThanKept { .. }) if self.span.since.is_none() && self.found => {
                    self.next = Sequence::ZERO;
                    break;
                }
                read => read?,
            };
            let at = recorded.at.timestamp();
            if self.span.since.is_some_and(|since| at < since) {
                self.next = Sequence::ZERO;
                break;
            }
            let (row, previous) = row(reader, recorded, &self.presentity)?;
            self.next = previous;
            if self.span.until.is_none_or(|until| at < until) {
                self.rows_left -= 1;
                self.found = true;
                rows.push(row);
            }
        }
        Ok(rows)
    }
}

/// The row of a change, and where the change before it lies.
fn row(
    reader: &dyn LogReader,
    recorded: Recorded,
    presentity: &Presentity,
) -> Result<(protocol::Change, Sequence), LogFault> {
    let (at, sequence) = (recorded.shown_at(), recorded.sequence);
    match recorded.event {
        Event::Published(event) if event.presentity == *presentity => {
            let row = protocol::Change {
                at,
                by: Some(event.by),
                device: event.publication.device,
                name: event.publication.name,
                kind: ChangeKind::Published,
                document: Some(event.document),
            };
            Ok((row, event.previous))
        }
        Event::PublicationEnded(event) if event.presentity == *presentity => {
            let device = event.publication.device;
            let (kind, by) = match event.cause {
                PublicationCause::Removed { .. } => {
                    let by = publisher(reader, presentity, event.previous, device)?;
                    (ChangeKind::Removed, by)
                }
                PublicationCause::Expired => (ChangeKind::Expired, None),
                PublicationCause::Withdrawn => (ChangeKind::Withdrawn, None),
            };
            let name = event.publication.name;
            Ok((protocol::Change { at, by, device, name, kind, document: None }, event.previous))
        }
        _ => Err(LogFault::Missing { sequence }),
    }
}

/// Who publishes with `device`: its own event stands before the end of what it published, usually right before.
fn publisher(
    reader: &dyn LogReader,
    presentity: &Presentity,
    mut at: Sequence,
    device: DeviceId,
) -> Result<Option<Principal>, LogFault> {
    for _ in 0..HISTORY_ROWS_MAX {
        if at == Sequence::ZERO {
            break;
        }
        let Some(recorded) = read_kept(reader, at)? else { break };
        if let Event::Published(event) = &recorded.event
            && event.publication.device == device
        {
            return Ok(Some(event.by.clone()));
        }
        at = PresentityChange::of(recorded, presentity)?.previous;
    }
    Ok(None)
}

/// The state of `presentity` at `time`, in elapsed time, what happened in that millisecond included; `last` is its last
/// change.
///
/// # Errors
/// [`HistoryFault`].
pub fn at_time(
    reader: &dyn LogReader,
    presentity: &Presentity,
    last: Sequence,
    time: Timestamp,
) -> Result<PresenceItem, HistoryFault> {
    let mut at = last;
    for _ in 0..HISTORY_WALK_MAX {
        if at == Sequence::ZERO {
            let state = SubscriptionState::Active;
            return Ok(PresenceItem::new(
                presentity.clone(),
                crate::model::Moment::ZERO,
                state,
                None,
            ));
        }
        let recorded = reader.read_one(at)?;
        if recorded.at.timestamp() <= time {
            return Ok(state_at(reader, presentity, at)?);
        }
        at = PresentityChange::of(recorded, presentity)?.previous;
    }
    Err(HistoryFault::TooFar)
}
