//! What a `FeedOpen` asks for, once it parses.
//!
//! Must never hold: a judgement that needs the state of the store.

use bytes::Bytes;

use crate::model::limits::FEED_PRESENTITIES_MAX;
use crate::model::{InboxAddress, Presentity, Refusal};
use crate::protocol::body::FeedOpen;
use crate::protocol::convert;

const PRESENCE: u8 = 1;
const INBOX: u8 = 2;

/// What a feed is to tell, from where on, and how much of it ahead of acknowledgements.
pub(super) struct FeedRequest {
    /// What it is to tell.
    pub(super) subject: Subject,
    /// Where the peer stopped; empty for the start.
    pub(super) cursor: Bytes,
    /// Events that may be unacknowledged; 0 is the default.
    pub(super) window: u32,
}

/// What a feed is to tell.
pub(super) enum Subject {
    /// Presence.
    Presence {
        /// Only of these; of all subscriptions if empty.
        presentities: Vec<Presentity>,
        /// Whether to tell also who watches the presentities that the peer controls.
        with_watchers: bool,
    },
    /// What arrives in an inbox.
    Inbox {
        /// Which.
        inbox: InboxAddress,
        /// Without a cursor, begin at the oldest message kept.
        from_start: bool,
    },
}

impl FeedRequest {
    /// Reads `body`.
    ///
    /// # Errors
    /// The refusal of the first field that is not valid.
    pub(super) fn read(body: FeedOpen) -> Result<Self, Refusal> {
        let subject = match body.kind {
            PRESENCE => Subject::Presence {
                presentities: presentities(&body.presentities)?,
                with_watchers: convert::wants_watchers(body.watchers.as_ref())?,
            },
            INBOX => Subject::Inbox { inbox: body.inbox.parse()?, from_start: body.from_start },
            _ => {
                return Err(Refusal::bad_field(
                    "feed kind",
                    "is neither 1 (presence) nor 2 (inbox)",
                ));
            }
        };
        Ok(Self { subject, cursor: body.cursor, window: body.window })
    }
}

fn presentities(given: &[String]) -> Result<Vec<Presentity>, Refusal> {
    if given.len() > FEED_PRESENTITIES_MAX {
        let (part, found, max) = ("list of presentities", given.len(), FEED_PRESENTITIES_MAX);
        return Err(Refusal::TooLarge {
            part: part.to_owned(),
            found: found as u64,
            max: max as u64,
        });
    }
    given.iter().map(|presentity| presentity.parse()).collect()
}
