//! What the log tells of the past: a presentity's changes, the rules it had, and what a message said.
//!
//! Each change leads back to the one before it and to the documents that stood beside it, so that reading costs what
//! is asked for and not what lies between.
//! Must never hold: a decision about who may see it.

mod explain;
mod past;
mod rewind;

pub use explain::explain;
pub use past::{Past, at_time};

use thiserror::Error;

use crate::event::{Event, MessageAccepted, PublicationKey, Recorded};
use crate::log::{LogFault, LogReader};
use crate::model::limits::HISTORY_WALK_MAX;
use crate::model::{
    Document, InboxItem, Message, Presentity, Receipt, Refusal, Sequence, SubscriptionState,
    Timestamp,
};
use crate::service::{History, InboxRow, Lens, PresenceItem, Walk, compose};

/// The changes of `history`, walking back from the last; at most [`HISTORY_WALK_MAX`] of them, and as far as they are kept.
///
/// # Errors
/// [`LogFault`].
pub fn walk(reader: &dyn LogReader, history: &History) -> Result<Walk, LogFault> {
    let mut walk = Walk { changes: Vec::new(), complete: true };
    let mut at = history.last;
    while at > Sequence::ZERO {
        let Some(recorded) = read_kept(reader, at)? else {
            walk.complete = false;
            break;
        };
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
        at = PresentityChange::of(recorded, &history.presentity)?.previous;
    }
    walk.changes.reverse();
    Ok(walk)
}

/// The event at `at`; `None` if it was cut away.
fn read_kept(reader: &dyn LogReader, at: Sequence) -> Result<Option<Recorded>, LogFault> {
    match reader.read_one(at) {
        Ok(recorded) => Ok(Some(recorded)),
        Err(LogFault::OlderThanKept { .. }) => Ok(None),
        Err(fault) => Err(fault),
    }
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
    let change = PresentityChange::of(recorded, presentity)?;
    let mut documents: Vec<(PublicationKey, Document)> = Vec::new();
    for other in change.others {
        let other = PresentityChange::of(reader.read_one(other)?, presentity)?;
        documents.extend(other.published);
    }
    documents.extend(change.published);
    // Composition is in order of the keys, as it is from the view.
    documents.sort_by(|(a, _), (b, _)| a.cmp(b));
    let publications = documents.iter().map(|(key, document)| (key, document));
    let document = compose(publications, &Lens::All);
    Ok(PresenceItem::new(presentity.clone(), version, SubscriptionState::Active, document))
}

/// Why the past cannot be told.
#[derive(Debug, Error)]
pub enum HistoryFault {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// More changes lie between now and then than one question may walk.
    #[error(
        "more than {HISTORY_WALK_MAX} changes lie between now and then; ask for a later moment"
    )]
    TooFar,
}

impl HistoryFault {
    /// What to tell whoever asked, with moments as `date` writes them; the fault of the log if it is one.
    ///
    /// # Errors
    /// The fault of the log.
    pub fn refusal(self, date: impl Fn(Timestamp) -> String) -> Result<Refusal, LogFault> {
        let max = HISTORY_WALK_MAX as u64;
        match self {
            Self::Log(LogFault::OlderThanKept { until, .. }) => {
                Ok(Refusal::OlderThanKept { until: date(until) })
            }
            Self::Log(fault) => Err(fault),
            Self::TooFar => Ok(Refusal::TooLarge {
                part: "stretch of history between now and then".to_owned(),
                found: max + 1,
                max,
            }),
        }
    }
}

/// The message of `row`, also one that was stored aside.
///
/// # Errors
/// [`LogFault`]; [`LogFault::Missing`] if no message lies there.
pub fn message_at(reader: &dyn LogReader, row: InboxRow) -> Result<Message, LogFault> {
    let recorded = reader.read_one(row.at)?;
    let at = recorded.shown_at();
    let message = match recorded.event {
        Event::MessageAccepted(event) => message(at, event),
        Event::MessageQuarantined(event) => message(at, event.message),
        _ => return Err(LogFault::Missing { sequence: row.at }),
    };
    Ok(if row.is_withheld { message.withheld() } else { message })
}

/// What an event made part of an inbox, if it did. A message that was stored aside is no part of it.
pub fn item_of(recorded: Recorded) -> Option<InboxItem> {
    let at = recorded.shown_at();
    match recorded.event {
        Event::MessageAccepted(event) => Some(InboxItem::Message(message(at, event))),
        Event::RecoveryAnnounced(event) => Some(InboxItem::Message(Message {
            inbox: event.inbox,
            sequence: event.sequence,
            sender: event.sender,
            id: event.id,
            content_type: event.content_type,
            body: event.body,
            accepted_at: at,
            lifetime: None,
        })),
        Event::ReceiptIssued(event) => Some(InboxItem::Receipt(Receipt {
            inbox: event.inbox,
            sequence: event.sequence,
            kind: event.kind,
            id: event.id,
            recipient: event.recipient,
            at,
            reason: event.reason,
        })),
        _ => None,
    }
}

fn message(accepted_at: Timestamp, event: MessageAccepted) -> Message {
    Message {
        inbox: event.inbox,
        sequence: event.sequence,
        sender: event.sender,
        id: event.id,
        content_type: event.content_type,
        body: event.body,
        accepted_at,
        lifetime: event.lifetime,
    }
}

/// One change of a presentity, as far as history needs it.
struct PresentityChange {
    previous: Sequence,
    others: Vec<Sequence>,
    published: Option<(PublicationKey, Document)>,
}

impl PresentityChange {
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
