//! What goes into the service and what comes out of it.
//!
//! Must never hold: bytes of the wire, or anything that is not valid already.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::event::Event;
use crate::model::{
    ContentType, DeviceId, DeviceLabel, Document, Domain, InboxAddress, InboxSequence, InviteId,
    Lifetime, MessageId, Mode, Moment, OperationId, Payload, Presentity, Principal, PublicKey,
    PublicationName, Refusal, Role, Sequence, SubscriptionState, Tag, Timestamp,
};

/// What the operator decides. Read by `decide` only, never by the fold of events.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// The domains served.
    pub domains: Vec<Domain>,
    /// Whether the first comer may take a free name without an invite.
    pub open_enrollment: bool,
    /// Secret of this store, made once: keys the tags and tuple ids, so that they tell nothing about the log.
    pub secret: [u8; 32],
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

/// A request that may change state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Answer: [`Reply::Published`].
    Publish(Publish),
    /// Begins or renews a subscription. Answer: [`Reply::Subscribed`].
    Subscribe {
        /// Whom to watch.
        presentity: Presentity,
        /// How much to be told.
        mode: Mode,
        /// How long; `None` for the default. Granted as asked or shorter, never longer.
        lifetime: Option<Lifetime>,
    },
    /// Ends a subscription. Answer: [`Reply::Unsubscribed`].
    Unsubscribe {
        /// Whom to watch no more.
        presentity: Presentity,
    },
    /// Answer: [`Reply::Sent`].
    Send(Send),
    /// Takes messages of the actor's inbox for good. Answer: [`Reply::Acknowledged`].
    Acknowledge {
        /// Which inbox.
        inbox: InboxAddress,
        /// The last one taken.
        through: InboxSequence,
    },
    /// Deletes messages for all devices. Answer: [`Reply::Deleted`].
    Delete {
        /// Which inbox.
        inbox: InboxAddress,
        /// Which messages; those that are gone already are passed over.
        sequences: Vec<InboxSequence>,
    },
    /// Makes an invite. Answer: [`Reply::Invited`].
    Invite {
        /// Its public name; its maker keeps the token.
        invite: InviteId,
        /// For whom; `None` for any free name in the maker's domain.
        principal: Option<Principal>,
        /// Makes the invited an administrator.
        role: Role,
        /// How long it is good; `None` for the default.
        lifetime: Option<Lifetime>,
    },
    /// Withdraws a device's key. Answer: [`Reply::KeyRevoked`].
    RevokeKey {
        /// Whose device; the actor itself, or a principal of its domain if it is an administrator.
        principal: Principal,
        /// The device.
        device: DeviceId,
    },
}

/// See [`Command::Publish`]. Document without tag: initial. Tag without document: refresh. Both: modify.
/// Lifetime zero with tag: remove. RFC 3903 §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Whose presence.
    pub presentity: Presentity,
    /// The device's name for the publication.
    pub name: PublicationName,
    /// The device's name for this operation; repeated, it gets the first answer.
    pub operation: OperationId,
    /// The tag the publication must have.
    pub if_match: Option<Tag>,
    /// How long; `None` for the default, zero to remove.
    pub lifetime: Option<Lifetime>,
    /// What to publish.
    pub document: Option<Document>,
}

/// See [`Command::Send`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Where to.
    pub inbox: InboxAddress,
    /// The sender's name for it; repeated with the same content, it gets the first answer.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// 1 to 64 KiB.
    pub body: Payload,
    /// How long it may wait; `None` for ever.
    pub lifetime: Option<Lifetime>,
}

/// A request that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The current presence of one presentity. Answer: [`Reply::Presence`].
    Fetch {
        /// Whose.
        presentity: Presentity,
    },
    /// The actor's own subscriptions. Answer: [`Reply::Subscriptions`].
    Subscriptions,
    /// The devices of a principal: the actor, or one of its domain if it is an administrator. Answer: [`Reply::Keys`].
    Keys {
        /// Whose.
        principal: Principal,
    },
    /// Where the actor's inbox stands. Answer: [`Reply::Inbox`].
    Inbox {
        /// Which inbox.
        inbox: InboxAddress,
    },
    /// The next waiting messages of the actor's inbox, at most [`INBOX_PAGE_MAX`](crate::model::limits::INBOX_PAGE_MAX).
    /// Answer: [`Reply::Page`].
    Page {
        /// Which inbox.
        inbox: InboxAddress,
        /// Those behind this one.
        after: InboxSequence,
    },
}

/// The service's yes. Its no is a [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The session may act.
    Entered {
        /// As whom.
        actor: Actor,
        /// What it may do.
        role: Role,
        /// Whether its key was enrolled just now.
        enrolled: bool,
    },
    /// See [`Command::Publish`].
    Published {
        /// The publication's tag from now on.
        tag: Tag,
        /// The lifetime granted; zero after a removal.
        granted: Lifetime,
    },
    /// See [`Command::Subscribe`].
    Subscribed {
        /// Where it stands.
        state: SubscriptionState,
        /// The lifetime granted.
        granted: Lifetime,
    },
    /// See [`Command::Unsubscribe`].
    Unsubscribed,
    /// See [`Command::Send`]. The message is in the inbox.
    Sent {
        /// Whether it was there already.
        duplicate: bool,
    },
    /// See [`Command::Acknowledge`].
    Acknowledged {
        /// How far the device has taken the inbox.
        through: InboxSequence,
    },
    /// See [`Command::Delete`].
    Deleted {
        /// How many were there.
        count: u32,
    },
    /// See [`Command::Invite`].
    Invited {
        /// When it runs out.
        expires_at: Timestamp,
    },
    /// See [`Command::RevokeKey`].
    KeyRevoked,
    /// See [`Query::Fetch`].
    Presence(Arc<PresenceItem>),
    /// See [`Query::Subscriptions`], in order of address.
    Subscriptions(Vec<SubscriptionRow>),
    /// See [`Query::Keys`].
    Keys(Vec<Key>),
    /// See [`Query::Inbox`].
    Inbox {
        /// The last message that was ever accepted.
        head: InboxSequence,
        /// How far this device has taken it.
        acknowledged: InboxSequence,
        /// Messages that this device has not taken.
        waiting: u64,
        /// Messages kept in all.
        kept: u64,
    },
    /// See [`Query::Page`]; empty at the end.
    Page(Vec<InboxRow>),
    /// See [`Input::OpenPresence`].
    PresenceOpened(PresenceOpened),
    /// See [`Input::OpenInbox`].
    InboxOpened {
        /// Where the feed begins.
        after: InboxSequence,
        /// The last message accepted so far.
        head: InboxSequence,
        /// Messages waiting behind `after`.
        waiting: u64,
    },
}

/// One subscription as its watcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Whom.
    pub presentity: Presentity,
    /// Where it stands.
    pub state: SubscriptionState,
    /// How much it is told.
    pub mode: Mode,
    /// Time left; zero when it ended.
    pub remaining: Lifetime,
}

/// One device of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub device: DeviceId,
    /// What its owner calls it.
    pub label: DeviceLabel,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
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
    /// Whether the one change before them belongs to it too, as the state the subscription began with.
    pub with_base: bool,
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
        Self { presentity, version, state, document, encoded: OnceLock::new() }
    }
}

impl PartialEq for PresenceItem {
    fn eq(&self, other: &Self) -> bool {
        self.presentity == other.presentity
            && self.version == other.version
            && self.state == other.state
            && self.document == other.document
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
