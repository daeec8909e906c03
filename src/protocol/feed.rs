//! Feeds: what a client opens, how the server takes it up, and the events that follow.
//!
//! Must never hold: what a feed sends next (see `service::feed`), or how a client resumes.

use bytes::Bytes;

use super::document::{alices_presence, plain_document};
use super::field::Field;
use super::framed::{Framed, check_left_out};
use super::inbox::sample_receipt;
use super::sample::{ALICE, INBOX as BOBS_INBOX, Sample, cursor, extended, sample, through};
use super::send::from_alice;
use super::watchers::sample_watcher;
use crate::model::limits::FEED_PRESENTITIES_MAX;
use crate::model::{InboxAddress, Presentity, Refusal, words};
use crate::wire::{Body, Ext, ResetCode, append, encode_with};

/// Frozen bodies.
pub mod body {
    use crate::protocol::document::body::PresenceBody;
    use crate::protocol::inbox::body::ReceiptBody;
    use crate::protocol::send::body::MessageBody;
    use crate::protocol::watchers::body::WatcherBody;
    use bytes::Bytes;

    crate::protocol::kind::bodies! {
        /// First frame of a feed, from the client.
        0x0030 FeedOpen {
            /// 1: presence. 2: inbox.
            kind: u8,
            /// Where to go on from; empty means from the start, or for an inbox from what this device acknowledged.
            cursor: Bytes,
            /// Events that may be unacknowledged; 0 means the server's 256.
            window: u32,
            /// Presence: only these; all subscriptions if empty.
            presentities: Vec<String>,
            /// Inbox: `im:` URI.
            inbox: String,
            /// Inbox: with an empty cursor, begin at the oldest message kept.
            from_start: bool,
            ;
            /// Presence: 1 if watcher information is wanted too.
            1 watchers,
        }
        /// The application has taken everything up to here for good.
        0x0031 FeedAck {
            /// The cursor of the last event taken.
            cursor: Bytes,
        }
        /// The feed is open.
        0x0130 FeedReady {
            /// 0: fresh, no cursor was given. 1: resumed at the cursor. 2: the cursor was of no use, all is sent anew.
            outcome: u8,
            /// Where it begins.
            from: Bytes,
            /// Where it will be caught up.
            to: Bytes,
            /// How many events lie between.
            pending: u64,
            /// Whether every change of `every` subscriptions between is still known.
            complete: bool,
            ;
            /// 1 with outcome 2: the cursor is of another past of this store, which was put back to an earlier state.
            1 restored,
        }
        /// A presentity's state.
        0x0131 PresenceEvent {
            /// 1, 2, 3 within the feed.
            number: u64,
            /// Where the feed stands after this event.
            cursor: Bytes,
            /// What the watcher is shown.
            presence: PresenceBody,
            ;
            /// As in `Presence`.
            1 left_out,
        }
        /// A message.
        0x0132 MessageEvent {
            /// 1, 2, 3 within the feed.
            number: u64,
            /// Where the feed stands after this event.
            cursor: Bytes,
            /// The message.
            message: MessageBody,
            ;
            /// 1: the body is not shown to this device, which came by a recovery; it is none then.
            1 withheld,
        }
        /// Everything up to `FeedReady.to` was sent; from here on it is live.
        0x0133 CaughtUp {
            /// Where the feed stands.
            cursor: Bytes,
        }
        /// Inbox: an acknowledgement is durable.
        0x0134 FeedAcked {
            /// The cursor acknowledged.
            cursor: Bytes,
        }
        /// Last frame of a feed that the server ends.
        0x0135 FeedEnd {
            /// A reset code: 0x102 too far behind, 0x103 going away, 0x104 internal.
            code: u32,
            /// Where to resume; empty means at the last event taken.
            cursor: Bytes,
            /// In words.
            message: String,
        }
        /// A receipt for a message that was sent.
        0x0136 ReceiptEvent {
            /// 1, 2, 3 within the feed.
            number: u64,
            /// Where the feed stands after this event.
            cursor: Bytes,
            /// The receipt.
            receipt: ReceiptBody,
        }
        /// A watcher of a presentity one controls, in a presence feed that asked for watcher information.
        0x0137 WatcherEvent {
            /// 1, 2, 3 within the feed.
            number: u64,
            /// Where the feed stands after this event.
            cursor: Bytes,
            /// The watcher.
            watcher: WatcherBody,
        }
    }
}

/// First frame of a feed, from the client. Answer: [`FeedReady`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedOpen {
    /// Where to go on from; empty means from the start, or for an inbox from what this device acknowledged.
    pub cursor: Bytes,
    /// Events that may be unacknowledged; 0 means the server's limit.
    pub window: u32,
    /// What to be told of.
    pub subject: FeedSubject,
}

/// What a feed tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedSubject {
    /// Presence that the client is subscribed to.
    Presence {
        /// Only these, at most [`FEED_PRESENTITIES_MAX`]; all subscriptions if empty.
        presentities: Vec<Presentity>,
        /// Whether to tell of watchers too, of the presentities one controls or is granted that for.
        with_watchers: bool,
    },
    /// What lies in an inbox.
    Inbox {
        /// Which.
        inbox: InboxAddress,
        /// With an empty cursor, begin at the oldest message kept.
        from_start: bool,
    },
}

const PRESENCE: u8 = 1;
const INBOX: u8 = 2;

impl Framed for FeedOpen {
    type Body = body::FeedOpen;
}

impl Field<body::FeedOpen> for FeedOpen {
    fn to_wire(&self) -> body::FeedOpen {
        let (cursor, window) = (self.cursor.clone(), self.window);
        match &self.subject {
            FeedSubject::Presence { presentities, with_watchers } => body::FeedOpen {
                kind: PRESENCE,
                cursor,
                window,
                presentities: presentities.iter().map(Presentity::to_string).collect(),
                inbox: String::new(),
                from_start: false,
                watchers: watchers_addition(*with_watchers),
            },
            FeedSubject::Inbox { inbox, from_start } => body::FeedOpen {
                kind: INBOX,
                cursor,
                window,
                presentities: Vec::new(),
                inbox: inbox.to_string(),
                from_start: *from_start,
                watchers: None,
            },
        }
    }

    fn from_wire(body: body::FeedOpen) -> Result<Self, Refusal> {
        let subject = match body.kind {
            PRESENCE => {
                check_left_out("inbox", body.inbox.is_empty())?;
                check_left_out("from_start", !body.from_start)?;
                FeedSubject::Presence {
                    presentities: presentities(&body.presentities)?,
                    with_watchers: wants_watchers(body.watchers.as_ref())?,
                }
            }
            INBOX => {
                check_left_out("presentities", body.presentities.is_empty())?;
                let with_watchers = wants_watchers(body.watchers.as_ref())?;
                check_left_out("wish for watchers", !with_watchers)?;
                FeedSubject::Inbox { inbox: body.inbox.parse()?, from_start: body.from_start }
            }
            _ => {
                let rule = "is neither 1 (presence) nor 2 (inbox); send one of them";
                return Err(Refusal::bad_field("feed kind", rule));
            }
        };
        Ok(Self { cursor: body.cursor, window: body.window, subject })
    }
}

fn presentities(given: &[String]) -> Result<Vec<Presentity>, Refusal> {
    Refusal::check_max("list of presentities", given.len(), FEED_PRESENTITIES_MAX)?;
    given.iter().map(|presentity| presentity.parse()).collect()
}

/// Reads whether watcher information is wanted: not, if it is not said.
///
/// # Errors
/// [`Refusal::BadField`] unless it is one byte, 0 or 1.
pub fn wants_watchers(addition: Option<&Bytes>) -> Result<bool, Refusal> {
    match addition.map(AsRef::as_ref) {
        None | Some(&[0]) => Ok(false),
        Some(&[1]) => Ok(true),
        Some(_) => Err(Refusal::bad_field(
            "wish for watchers",
            "must be one byte, 0 or 1; send one of them",
        )),
    }
}

/// Writes whether watcher information is wanted.
pub fn watchers_addition(wants_watchers: bool) -> Option<Bytes> {
    wants_watchers.then(|| Bytes::from_static(&[1]))
}

words! {
    /// What became of the cursor a feed was opened with.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    Outcome {
        /// No cursor was given.
        Fresh = "fresh";
        /// The feed goes on at the cursor.
        Resumed = "resumed";
        /// The cursor was of no use: all is sent anew.
        Anew = "anew";
        /// The cursor is of another past: the store was put back to an earlier state, and all is sent anew.
        Restored = "restored";
    }
}

impl Outcome {
    /// The number in `FeedReady`. A client that knows nothing of a store put back is told that all comes anew.
    fn number(self) -> u8 {
        match self {
            Self::Fresh => 0,
            Self::Resumed => 1,
            Self::Anew | Self::Restored => 2,
        }
    }

    fn restored(self) -> Option<Bytes> {
        (self == Self::Restored).then(|| Bytes::from_static(&[1]))
    }

    /// Whether a cursor was given and was of no use.
    pub fn is_anew(self) -> bool {
        matches!(self, Self::Anew | Self::Restored)
    }
}

/// The feed is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedReady {
    /// What became of the cursor.
    pub outcome: Outcome,
    /// Where it begins.
    pub from: Bytes,
    /// Where it will be caught up.
    pub to: Bytes,
    /// How many events lie between.
    pub pending: u64,
    /// Whether every change of `every` subscriptions between is still known.
    pub complete: bool,
}

impl Framed for FeedReady {
    type Body = body::FeedReady;
}

impl Field<body::FeedReady> for FeedReady {
    fn to_wire(&self) -> body::FeedReady {
        body::FeedReady {
            outcome: self.outcome.number(),
            from: self.from.clone(),
            to: self.to.clone(),
            pending: self.pending,
            complete: self.complete,
            restored: self.outcome.restored(),
        }
    }

    fn from_wire(body: body::FeedReady) -> Result<Self, Refusal> {
        let is_said = |outcome: &Outcome| {
            outcome.number() == body.outcome && outcome.restored() == body.restored
        };
        let known = Outcome::ALL.iter().copied().find(is_said);
        let outcome = known.ok_or_else(|| {
            Refusal::bad_field("outcome of a feed", "is none of 0 to 2; send one of them")
        })?;
        let body::FeedReady { from, to, pending, complete, .. } = body;
        Ok(Self { outcome, from, to, pending, complete })
    }
}

/// Appends a `PresenceEvent` whose last part was encoded before with [`encode_presence_suffix`].
///
/// # Panics
/// As [`encode`](crate::wire::encode).
pub fn encode_presence_event(number: u64, cursor: &Bytes, suffix: &Bytes, out: &mut Vec<u8>) {
    encode_with(body::PresenceEvent::KIND, out, |out| {
        append(&(number, cursor), out);
        out.extend_from_slice(suffix);
    });
}

/// The part of a `PresenceEvent` that is equal for every watcher who is shown the same: `presence` and `ext`.
///
/// # Panics
/// Never: the body holds no type that postcard cannot write.
pub fn encode_presence_suffix(presence: &super::document::body::Presence) -> Bytes {
    let mut out = Vec::new();
    append(&(presence, presence.additions()), &mut out);
    out.into()
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    [opened(), events(), taken()].into_iter().flatten().collect()
}

fn opened() -> Vec<Sample> {
    let presence = body::FeedOpen {
        kind: PRESENCE,
        cursor: Bytes::new(),
        window: 0,
        presentities: vec![],
        inbox: String::new(),
        from_start: false,
        watchers: None,
    };
    let drain = body::FeedOpen { presentities: vec![ALICE.into()], ..presence.clone() };
    let telling = body::FeedOpen { watchers: watchers_addition(true), ..presence.clone() };
    let (kind, inbox) = (INBOX, BOBS_INBOX.into());
    let inbox = body::FeedOpen { kind, cursor: cursor(0x31), window: 64, inbox, ..presence };
    let (outcome, from, to) = (Outcome::Resumed, cursor(0x31), cursor(0x52));
    let ready = FeedReady { outcome, from, to, pending: 3, complete: true };
    let restored = FeedReady { outcome: Outcome::Restored, ..ready.clone() };
    vec![
        through::<FeedOpen>("FeedOpen for presence", drain),
        through::<FeedOpen>("FeedOpen that asks for watchers", telling),
        through::<FeedOpen>("FeedOpen for an inbox", inbox),
        through::<FeedReady>("FeedReady", ready.to_body()),
        through::<FeedReady>("FeedReady of a store that was put back", restored.to_body()),
    ]
}

fn events() -> Vec<Sample> {
    let presence = alices_presence(plain_document());
    let over = alices_presence(super::document::body::Document::default());
    let over = super::document::body::PresenceBody { state: 2, reason: 1, ..over };
    let shown = |number, first, presence| {
        let (cursor, left_out) = (cursor(first), None);
        body::PresenceEvent { number, cursor, presence, left_out }
    };
    let (cursor_after, withheld) = (cursor(0x52), None);
    let message =
        body::MessageEvent { number: 1, cursor: cursor_after, message: from_alice(), withheld };
    let earlier = super::send::body::MessageBody { body: None, ..from_alice() };
    let earlier =
        body::MessageEvent { message: earlier, withheld: true.to_wire(), ..message.clone() };
    let receipt = body::ReceiptEvent { number: 2, cursor: cursor(0x59), receipt: sample_receipt() };
    let watcher = body::WatcherEvent { number: 3, cursor: cursor(0x2f), watcher: sample_watcher() };
    vec![
        sample("PresenceEvent", &shown(1, 0x21, presence)),
        sample("PresenceEvent of a subscription that ran out", &shown(2, 0x28, over)),
        sample("MessageEvent", &message),
        sample("MessageEvent from before a recovery", &earlier),
        sample("ReceiptEvent", &receipt),
        sample("WatcherEvent", &watcher),
    ]
}

fn taken() -> Vec<Sample> {
    let cursor = cursor(0x52);
    let ack = body::FeedAck { cursor: cursor.clone() };
    let unknown = Ext { tag: 40_000, value: Bytes::from_static(&[1, 2, 3]) };
    let end = body::FeedEnd {
        code: ResetCode::GoingAway.number(),
        cursor: cursor.clone(),
        message: "the server is shutting down; connect again in a moment".into(),
    };
    vec![
        sample("CaughtUp", &body::CaughtUp { cursor: cursor.clone() }),
        sample("FeedAck", &ack),
        extended("FeedAck with an addition of a later version", &ack, vec![unknown]),
        sample("FeedAcked", &body::FeedAcked { cursor }),
        sample("FeedEnd", &end),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opened_reads_back() {
        let presence = |with_watchers| FeedSubject::Presence {
            presentities: vec!["pres:alice@example.com".parse().unwrap()],
            with_watchers,
        };
        let inbox = "im:bob@example.com".parse().unwrap();
        let subjects =
            [presence(true), presence(false), FeedSubject::Inbox { inbox, from_start: true }];
        for subject in subjects {
            let given = FeedOpen { cursor: Bytes::from_static(b"cursor"), window: 7, subject };
            assert_eq!(FeedOpen::from_body(given.to_body()), Ok(given));
        }
    }

    #[test]
    fn watchers_are_told_of_only_if_asked_for() {
        assert_eq!(watchers_addition(false), None);
        assert_eq!(wants_watchers(None), Ok(false));
        assert_eq!(wants_watchers(Some(&Bytes::from_static(&[0]))), Ok(false));
        assert!(wants_watchers(Some(&Bytes::from_static(&[2]))).is_err());
    }

    #[test]
    fn every_outcome_reads_back() {
        for outcome in [Outcome::Fresh, Outcome::Resumed, Outcome::Anew] {
            let (from, to) = (Bytes::new(), Bytes::from_static(b"to"));
            let given = FeedReady { outcome, from, to, pending: 3, complete: true };
            assert_eq!(FeedReady::from_body(given.to_body()), Ok(given));
        }
    }
}
