//! What goes into the service and what comes out of it.
//!
//! Must never hold: bytes of the wire, or anything that is not valid already.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::command::Command;
use super::reply::{Query, Reply};
use crate::event::Event;
use crate::model::limits::REQUEST_MS_DEFAULT;
use crate::model::{
    DeviceId, DeviceLabel, Document, Domain, Handling, InboxAddress, InboxSequence, InviteId,
    Lifetime, Mode, Moment, Presentity, Principal, PublicKey, Refusal, Sequence, SubscriptionState,
    WatcherRow,
};

/// What the operator decides. Read by `decide` only, never by the fold of events.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The domains served.
    pub domains: Vec<Domain>,
    /// Whether the first comer may take a free name without an invite.
    pub open_enrollment: bool,
    /// What an authenticated watcher is granted by a presentity that has no rule about it.
    pub default_access: Handling,
    /// How long an undecided wish to subscribe is remembered.
    pub request_lifetime: Lifetime,
    /// Whether presence works on this server.
    pub presence: bool,
    /// Whether messaging works on this server.
    pub messaging: bool,
    /// Secret of this store, made once: keys the tags and tuple ids, so that they tell nothing about the log.
    pub secret: [u8; 32],
}

impl ServiceConfig {
    /// What holds if the operator decides nothing else.
    pub fn new(domains: Vec<Domain>, secret: [u8; 32]) -> Self {
        Self {
            domains,
            open_enrollment: false,
            default_access: Handling::Confirm,
            request_lifetime: Lifetime::from_ms(REQUEST_MS_DEFAULT),
            presence: true,
            messaging: true,
            secret,
        }
    }
}

/// Names a session for as long as the process lives. Never reused, never logged as an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Says which question an answer belongs to: the session and a number the session chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// Who asked.
    pub session: SessionId,
    /// The session's number for the question.
    pub number: u64,
}

/// Names a live feed: its session and a number the session chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeedId {
    /// Whose feed.
    pub session: SessionId,
    /// The session's number for it.
    pub number: u32,
}

/// Who acts: proven, not claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The principal.
    pub principal: Principal,
    /// The device it acts through.
    pub device: DeviceId,
}

/// One thing that happens to the service.
#[derive(Clone, Debug)]
pub enum Input {
    /// A connection has proven that it holds `hello.key` and wants to act for a principal. Answer: [`Reply::Entered`].
    Enter {
        /// For the answer.
        ticket: Ticket,
        /// What it said.
        hello: Hello,
    },
    /// A connection has proven that it holds `key` and wants to say no more of itself. Answer: [`Reply::Entered`].
    EnterAnonymous {
        /// For the answer.
        ticket: Ticket,
        /// What it is called for as long as it lasts, made for it alone.
        pseudonym: Principal,
        /// The key it has proven to hold.
        key: PublicKey,
    },
    /// A request that may change state.
    Command {
        /// For the answer.
        ticket: Ticket,
        /// Who asks.
        actor: Actor,
        /// What.
        command: Command,
    },
    /// A request that changes nothing.
    Query {
        /// For the answer.
        ticket: Ticket,
        /// Who asks.
        actor: Actor,
        /// What.
        query: Query,
    },
    /// Opens a presence feed, or opens it again from where it stands. Answer: [`Reply::PresenceOpened`].
    /// From then on [`Output::Presence`] tells it every change after the answer's head.
    OpenPresence {
        /// For the answer.
        ticket: Ticket,
        /// The feed.
        feed: FeedId,
        /// Who watches.
        actor: Actor,
        /// Only these; all of the watcher's subscriptions if empty.
        presentities: Vec<Presentity>,
        /// What the watcher has seen.
        after: Moment,
        /// Whether to tell of watchers too: of the presentities it controls or is granted that for.
        with_watchers: bool,
    },
    /// Opens an inbox feed. Answer: [`Reply::InboxOpened`]. From then on [`Output::Inbox`] tells it every message
    /// after the answer's head.
    OpenInbox {
        /// For the answer.
        ticket: Ticket,
        /// The feed.
        feed: FeedId,
        /// Who reads.
        actor: Actor,
        /// Which inbox.
        inbox: InboxAddress,
        /// What the device has taken; `None` means as far as it has acknowledged.
        after: Option<InboxSequence>,
    },
    /// A feed is gone. No answer.
    CloseFeed {
        /// The feed.
        feed: FeedId,
    },
    /// Time passed: what is due by `now` is done before every input anyway. No answer.
    Tick,
}

/// How a connection introduces itself, after its proof was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Whom it wants to act for.
    pub principal: Principal,
    /// The key it has proven to hold.
    pub key: PublicKey,
    /// Set if the key is to be enrolled now, should it not be yet.
    pub enroll: Option<Enroll>,
}

/// A wish to have a key enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enroll {
    /// The invite whose token was given.
    pub invite: Option<InviteId>,
    /// What the owner calls the device.
    pub label: DeviceLabel,
}

/// Where a waiting message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Its position in the inbox.
    pub sequence: InboxSequence,
    /// The event that holds it.
    pub at: Sequence,
}

/// What a presence feed begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceOpened {
    /// The moment this stands for: everything later arrives as [`Output::Presence`]. Not to be told to the watcher,
    /// for whom it may be the moment of something hidden.
    pub head: Moment,
    /// In order of version: the latest state of each presentity that changed after the feed's position, and the ends
    /// of subscriptions.
    pub items: Vec<Arc<PresenceItem>>,
    /// Presentities watched in `every` mode that changed: their changes are to be read from the log.
    pub histories: Vec<History>,
    /// Whether no change of an `every` subscription is passed over: one that sees only part gets its latest state.
    pub complete: bool,
}

/// A stretch of a presentity's changes that is to be read from the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Whose.
    pub presentity: Presentity,
    /// Changes after this moment.
    pub after: Moment,
    /// The last change, where the walk back begins.
    pub last: Sequence,
    /// If the one change before them belongs to it too, as the state the subscription began with: when that was.
    pub began: Option<Moment>,
}

/// What the log told of a [`History`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Positions and moments of the changes, ascending; the first is the base if one was asked for and there is one.
    pub changes: Vec<(Sequence, Moment)>,
    /// Whether none is missing at the beginning.
    pub complete: bool,
}

/// The state of one presentity at one moment, for whoever may see it.
///
/// Compares by what it says; the cached encoding is not part of that.
#[derive(Debug)]
pub struct PresenceItem {
    /// Whose.
    pub presentity: Presentity,
    /// The moment of the change that made it so.
    pub version: Moment,
    /// Where the watcher's subscription stands; active for a fetch.
    pub state: SubscriptionState,
    /// The composed document; `None` when nothing is published.
    pub document: Option<Document>,
    /// Set if this is about one of its watchers and not about its presence.
    pub watcher: Option<WatcherRow>,
    /// The encoded form, made once by whoever first needs it and shared by all watchers who are shown the same.
    pub encoded: OnceLock<Bytes>,
}

impl PresenceItem {
    /// An item whose encoding is not made yet.
    pub fn new(
        presentity: Presentity,
        version: Moment,
        state: SubscriptionState,
        document: Option<Document>,
    ) -> Self {
        let (watcher, encoded) = (None, OnceLock::new());
        Self { presentity, version, state, document, watcher, encoded }
    }

    /// An item about a watcher, which was last changed at `version`.
    pub fn about(watcher: WatcherRow, version: Moment) -> Self {
        Self {
            presentity: watcher.presentity.clone(),
            version,
            state: SubscriptionState::Active,
            document: None,
            watcher: Some(watcher),
            encoded: OnceLock::new(),
        }
    }

    /// What it is about, so that a later one about the same takes its place.
    pub fn subject(&self) -> (Presentity, Option<Principal>) {
        (self.presentity.clone(), self.watcher.as_ref().map(|row| row.watcher.clone()))
    }
}

impl PartialEq for PresenceItem {
    fn eq(&self, other: &Self) -> bool {
        self.presentity == other.presentity
            && self.version == other.version
            && self.state == other.state
            && self.document == other.document
            && self.watcher == other.watcher
    }
}

impl Eq for PresenceItem {}

/// One thing the service wants done, once the state it was judged by is on stable storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// An answer. Each ticket gets exactly one.
    Reply {
        /// The question.
        ticket: Ticket,
        /// Yes or no.
        result: Result<Reply, Refusal>,
    },
    /// A change for these presence feeds, each with the mode of its subscription.
    Presence {
        /// Who is told.
        feeds: Vec<(FeedId, Mode)>,
        /// What.
        item: Arc<PresenceItem>,
    },
    /// A message for these inbox feeds.
    Inbox {
        /// Who is told.
        feeds: Vec<FeedId>,
        /// Where it lies.
        row: InboxRow,
    },
    /// These feeds are over: the right to them was taken back.
    Ended {
        /// Which.
        feeds: Vec<FeedId>,
        /// Why.
        refusal: Refusal,
    },
    /// A device's key was revoked: its connections are to be closed.
    Revoked {
        /// The device.
        device: DeviceId,
    },
}

/// The events of one round, to be appended as one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The position of the first event.
    pub first: Sequence,
    /// The events with the moment of each, in order.
    pub events: Vec<(Moment, Event)>,
}
