//! What goes into the service.
//!
//! Must never hold: bytes of the wire, or anything that is not valid already.

use super::command::{Command, RulesOwner};
use crate::model::limits::REQUEST_MS_DEFAULT;
use crate::model::{
    DeviceId, DeviceLabel, Domain, Handling, InboxAddress, InboxSequence, InviteId, Lifetime,
    Moment, Presentity, Principal, PublicKey,
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
    /// How long an undecided request to subscribe is remembered.
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
    /// A connection has proven that it holds `hello.key` and wants to act for a principal. Answer:
    /// [`Reply::Entered`](super::Reply::Entered).
    Enter {
        /// For the answer.
        ticket: Ticket,
        /// What it said.
        hello: Hello,
    },
    /// A connection has proven that it holds `key` and does not say whose it is. Answer:
    /// [`Reply::Entered`](super::Reply::Entered).
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
    /// Opens a presence feed, or opens it again from where it stands. Answer:
    /// [`Reply::PresenceOpened`](super::Reply::PresenceOpened). From then on
    /// [`Output::Presence`](super::Output::Presence) tells it every change after the answer's head.
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
    /// Opens an inbox feed. Answer: [`Reply::InboxOpened`](super::Reply::InboxOpened). From then on
    /// [`Output::Inbox`](super::Output::Inbox) tells it every message after the answer's head.
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
    /// Nothing but that time passed: what is due by `now` is ended, as before every input. No answer.
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

/// A request to enroll a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enroll {
    /// The invite whose token was given.
    pub invite: Option<InviteId>,
    /// What the owner calls the device.
    pub label: DeviceLabel,
}

/// A request that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// The current presence of one presentity. Answer: [`Reply::Presence`](super::Reply::Presence).
    Fetch {
        /// Whose.
        presentity: Presentity,
    },
    /// The actor's own subscriptions. Answer: [`Reply::Subscriptions`](super::Reply::Subscriptions).
    Subscriptions,
    /// The devices of a principal: the actor, or one of its domain if it is an administrator. Answer:
    /// [`Reply::Keys`](super::Reply::Keys).
    Keys {
        /// Whose.
        principal: Principal,
    },
    /// Where the actor's inbox stands. Answer: [`Reply::Inbox`](super::Reply::Inbox).
    Inbox {
        /// Which inbox.
        inbox: InboxAddress,
    },
    /// The next waiting messages of the actor's inbox, at most
    /// [`INBOX_PAGE_MAX`](crate::model::limits::INBOX_PAGE_MAX). Answer: [`Reply::Page`](super::Reply::Page).
    Page {
        /// Which inbox.
        inbox: InboxAddress,
        /// Those behind this one.
        after: InboxSequence,
    },
    /// The access rules of a presentity or domain. Answer: [`Reply::Rules`](super::Reply::Rules).
    Rules {
        /// Whose.
        owner: RulesOwner,
    },
    /// The delivery rules of an inbox. Answer: [`Reply::Delivery`](super::Reply::Delivery).
    Delivery {
        /// Which inbox.
        inbox: InboxAddress,
    },
    /// The actor's visibility rules. Answer: [`Reply::Visibility`](super::Reply::Visibility).
    Visibility,
    /// What a principal grants others. Answer: [`Reply::Grants`](super::Reply::Grants).
    Grants {
        /// Who grants.
        owner: Principal,
    },
    /// Who watches a presentity or did of late. Answer: [`Reply::Watchers`](super::Reply::Watchers).
    Watchers {
        /// Whom.
        presentity: Presentity,
    },
    /// Where a presentity's history is to be read from. Answer: [`Reply::History`](super::Reply::History).
    History {
        /// Whose.
        presentity: Presentity,
    },
    /// By which rules a watcher is or was answered. Answer: [`Reply::Explain`](super::Reply::Explain).
    Explain {
        /// Of which presentity.
        presentity: Presentity,
        /// Which watcher.
        watcher: Principal,
    },
    /// The domains served. Answer: [`Reply::Domains`](super::Reply::Domains).
    Domains,
    /// What administrators did that concerns a principal. Answer: [`Reply::Acts`](super::Reply::Acts).
    Acts {
        /// Whom.
        principal: Principal,
    },
    /// Messages that were stored aside. Answer: [`Reply::Page`](super::Reply::Page).
    Quarantine {
        /// Which inbox.
        inbox: InboxAddress,
        /// Those behind this one.
        after: InboxSequence,
    },
}
