//! What the log tells of the past: a presentity's changes and what a message said.
//!
//! Each change leads back to the one before it and to the documents that stood beside it, so that reading costs what
//! is asked for and not what lies between.
//! Must never hold: a decision about who may see it.

use crate::event::{Event, PublicationKey, Recorded};
use crate::log::{LogFault, LogReader};
use crate::model::limits::HISTORY_WALK_MAX;
use crate::model::{Document, Message, Presentity, Sequence, SubscriptionState};
use crate::service::{History, InboxRow, PresenceItem, Walk, compose};

/// The changes of `history`, walking back from the last; at most [`HISTORY_WALK_MAX`] of them.
///
/// # Errors
/// [`LogFault`].
pub fn walk(reader: &dyn LogReader, history: &History) -> Result<Walk, LogFault> {
    let mut walk = Walk { changes: Vec::new(), complete: true };
    let mut at = history.last;
    while at > Sequence::ZERO {
        let recorded = reader.read_one(at)?;
        let moment = recorded.at;
        let is_base = moment <= history.after;
        if is_base && history.began.is_none() {
            break;
        }
        if walk.changes.len() == HISTORY_WALK_MAX {
            walk.complete = false;
            break;
        }
        walk.changes.push((at, moment));
        if is_base {
            break;
        }
        at = Change::of(recorded, &history.presentity)?.previous;
    }
    walk.changes.reverse();
    Ok(walk)
}

/// The state of `presentity` as the change at `at` made it.
///
/// # Errors
/// [`LogFault`]; [`LogFault::Missing`] if there is no such change.
pub fn state_at(
    reader: &dyn LogReader,
    presentity: &Presentity,
    at: Sequence,
) -> Result<PresenceItem, LogFault> {
    let recorded = reader.read_one(at)?;
    let version = recorded.at;
    let change = Change::of(recorded, presentity)?;
    let mut documents: Vec<(PublicationKey, Document)> = Vec::new();
    for other in change.others {
        let other = Change::of(reader.read_one(other)?, presentity)?;
        documents.extend(other.published);
    }
    documents.extend(change.published);
    // Composition is in order of the keys, as it is from the view.
    documents.sort_by(|(a, _), (b, _)| a.cmp(b));
    let publications = documents.iter().map(|(key, document)| (key, document));
    let document = compose(publications).map_err(|_| LogFault::Missing { sequence: at })?;
    Ok(PresenceItem::new(presentity.clone(), version, SubscriptionState::Active, document))
}

/// The message of `row`.
///
/// # Errors
/// [`LogFault`]; [`LogFault::Missing`] if no message lies there.
pub fn message_at(reader: &dyn LogReader, row: InboxRow) -> Result<Message, LogFault> {
    message_of(reader.read_one(row.at)?).ok_or(LogFault::Missing { sequence: row.at })
}

/// The message an event is about, if it is one that became part of an inbox.
pub fn message_of(recorded: Recorded) -> Option<Message> {
    let Event::MessageAccepted(event) = recorded.event else { return None };
    Some(Message {
        inbox: event.inbox,
        sequence: event.sequence,
        sender: event.sender,
        id: event.id,
        content_type: event.content_type,
        body: event.body,
        accepted_at: recorded.at.timestamp(),
        lifetime: event.lifetime,
    })
}

/// One change of a presentity, as far as history needs it.
struct Change {
    previous: Sequence,
    others: Vec<Sequence>,
    published: Option<(PublicationKey, Document)>,
}

impl Change {
    fn of(recorded: Recorded, presentity: &Presentity) -> Result<Self, LogFault> {
        match recorded.event {
            Event::Published(event) if event.presentity == *presentity => Ok(Self {
                previous: event.previous,
                others: event.others,
                published: Some((event.publication, event.document)),
            }),
            Event::PublicationEnded(event) if event.presentity == *presentity => {
                Ok(Self { previous: event.previous, others: event.others, published: None })
            }
            _ => Err(LogFault::Missing { sequence: recorded.sequence }),
        }
    }
}
