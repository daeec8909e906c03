//! What a stream wants done, and what it is told.
//!
//! Must never hold: how it is done.

use std::sync::Arc;

use bytes::Bytes;

use super::connection::Close;
use super::lane::Letter;
use crate::model::{
    InboxAddress, InboxItem, Lifetime, Message, PastPlace, Presentity, Refusal, Sequence, Timestamp,
};
use crate::protocol::{Change, Explanation};
use crate::service::{Actor, History, InboxRow, Input, Judged, PresenceItem, Span, Walk};
use crate::wire::{FrameFault, ResetCode};

/// What waits for a stream leaves in writes of about this size: a packet costs much more than the bytes in it.
pub(super) const WRITE_BYTES: usize = 16 * 1024;

/// What a stream wants done next.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Let this stream's bytes leave before those of streams with a lower number.
    Priority(i32),
    /// Say whether the peer holds the key it names. The session is that device's from then on, should it be revoked.
    Prove(Claim),
    /// Ask the service.
    Ask(Vec<Input>),
    /// Read the log.
    Look(Look),
    /// Tell the connection's other streams that it may act now.
    Entered(Arc<Actor>),
    /// Write all of this; hear what comes meanwhile.
    Write(Bytes),
    /// Nothing, until something is heard.
    Wait,
    /// End the stream: nothing follows.
    End(End),
}

/// How a stream ends, and whether the connection ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// What becomes of the stream.
    pub how: Parting,
    /// How the connection must be closed, if it must.
    pub close: Option<Close>,
}

impl End {
    pub(super) fn of(how: Parting) -> Self {
        Self { how, close: None }
    }

    pub(super) fn closing(how: Parting, close: Close) -> Self {
        Self { how, close: Some(close) }
    }
}

impl From<FrameFault> for End {
    /// A peer that does not speak the protocol is not listened to any longer.
    fn from(fault: FrameFault) -> Self {
        Self::closing(Parting::Silent, (fault.close_code(), fault.to_string()))
    }
}

/// What becomes of a stream that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// Nothing more: it is gone, or the connection is about to be.
    Silent,
    /// It ends cleanly.
    Finish,
    /// It ends cleanly, and its peer gets a moment to take what was written.
    Linger,
    /// It is given up in both directions.
    Reset(ResetCode),
}

/// What a peer claims and what it must have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The kind of proof: [`EXPORTER_CONTEXT`](crate::wire::EXPORTER_CONTEXT) or
    /// [`CHALLENGE_CONTEXT`](crate::wire::CHALLENGE_CONTEXT).
    pub context: &'static [u8],
    /// What was to be signed; `None` is the connection's exporter. Never the same on two connections.
    pub fresh: Option<[u8; 32]>,
    /// The key.
    pub key: [u8; 32],
    /// The principal as it stands in `Hello`, byte for byte.
    pub principal: String,
    /// The signature.
    pub signature: Bytes,
}

/// Something to be read from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// These stretches of history, in this order. Gives [`Found::Walks`].
    Walks(Vec<History>),
    /// The state of a presentity at this change. Gives [`Found::State`].
    State(Presentity, Sequence),
    /// The message or receipt of an inbox that lies there. Gives [`Found::Item`].
    Item(InboxAddress, InboxRow),
    /// Messages, also ones that were stored aside. Gives [`Found::Messages`].
    Messages(Vec<InboxRow>),
    /// The newest changes of a presentity, walking back from the change at `last`. Gives [`Found::Changes`].
    Changes {
        /// Whose.
        presentity: Presentity,
        /// Where the walk begins.
        last: Sequence,
        /// Which of them.
        span: Span,
        /// How many in all at most.
        limit: usize,
    },
    /// The changes before those that were found last. Gives [`Found::Changes`].
    MoreChanges,
    /// The presence of a presentity at a moment past, walking back from the change at the place. Gives
    /// [`Found::State`].
    At(Presentity, Sequence, Timestamp),
    /// The certificate of the erasure at this place. Gives [`Found::Certificate`].
    Erasure {
        /// The event that says who was erased.
        position: Sequence,
        /// Whether it is to tell places and counts, for which the whole log is gone through. They say what others did: who
        /// erased itself is not told them, and is about to go.
        is_whole: bool,
        /// Whether it says that recipients keep some of what was sent.
        keeps: bool,
    },
    /// What rules say or said, walking back from their change at the place. Gives [`Found::Explained`].
    Explain(Sequence, Box<Judged>),
}

/// What the log told.
#[derive(Debug)]
pub enum Found {
    /// Of the stretches asked for.
    Walks(Vec<Walk>),
    /// The state asked for.
    State(PresenceItem),
    /// The message or receipt asked for.
    Item(Arc<InboxItem>),
    /// The messages asked for.
    Messages(Vec<Message>),
    /// The next changes, newest first, some at once; none at the end.
    Changes(Vec<Change>),
    /// What the rules say or said.
    Explained(Explanation),
    /// The certificate, a line.
    Certificate(String),
}

/// Why nothing was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// The log could not be read there. Whoever looked has said why, to the operator.
    Unreadable,
    /// It would take too long to look there.
    Refused(Refusal),
}

/// Why a session must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its device's key was revoked.
    Revoked,
    /// The server stops.
    GoingAway {
        /// How long its connection lasts from now on at most.
        time_left: Lifetime,
        /// How long its client is to stay away.
        reconnect_after: Lifetime,
    },
}

/// Something that a stream hears from its own side.
#[derive(Debug)]
pub enum Heard {
    /// The service wrote.
    Letters(Vec<Letter>),
    /// The service wrote more than could be kept: what it told is not whole any more.
    Overrun,
    /// It is decided who the connection is.
    Identity,
    /// The session is to end; all letters that were written before have been heard.
    Ending(Ending),
}

/// Something worth counting or writing down for the operator.
#[derive(Debug)]
pub enum Note {
    /// So many requests of a kind were answered with yes.
    Answered(&'static str, u64),
    /// A request was refused.
    Refused(&'static str, Refusal),
    /// A peer was let in that calls itself so.
    LetIn(String),
    /// A peer was not let in.
    TurnedAway(Refusal),
    /// A feed of this kind was opened with this outcome.
    FeedOpened(&'static str, &'static str),
    /// The device has seen this place, which the store does not have: it was put back to an earlier state. Told once a
    /// device.
    Restored(PastPlace),
    /// So many events were sent to feeds.
    Notified(u64),
    /// So many changes were never sent because later ones took their place.
    Conflated(u64),
    /// A feed ends, and why.
    FeedEnded(String),
    /// A peer broke the protocol on a stream.
    Malformed(FrameFault),
}
