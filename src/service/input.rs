//! What goes into the service.
//!
//! Must never hold: bytes of the wire, or anything that is not valid already.

use core::fmt;

use crate::model::limits::{REQUEST_MS_DEFAULT, ROUND_PART_MAX};
use crate::model::{
    DeviceId, DeviceLabel, Domain, EpochId, Handling, InboxAddress, InboxSequence, InviteId,
    Lifetime, Mark, Moment, Presentity, Principal, PublicKey, QuotaOwner, Quotas, Role,
};
use crate::protocol::{Command, Question};

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
    /// Anonymous sessions at once; zero if there are to be none.
    pub anonymous_max: usize,
    /// Anonymous sessions at once from one origin.
    pub anonymous_of_origin_max: usize,
    /// How much of what is due ends in one round.
    pub round_part: usize,
    /// To how many subscriptions changes of rules are carried in one round.
    pub review_part: usize,
    /// Secret of this store, made once: keys the tags and tuple ids, so that they tell nothing about the log.
    pub secret: [u8; 32],
    /// How much of what all share one principal may take.
    pub quotas: Quotas,
    /// Drawn at random for each process: what it writes is of this epoch. With [`EpochId::NONE`] none begins.
    pub epoch: EpochId,
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
            anonymous_max: 0,
            anonymous_of_origin_max: 0,
            round_part: ROUND_PART_MAX,
            review_part: ROUND_PART_MAX,
            secret,
            quotas: Quotas::default(),
            epoch: EpochId::NONE,
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

/// From where a connection comes, as limits count it: equal for those that are counted together. Never recorded, never
/// shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(pub [u8; 16]);

impl fmt::Debug for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Origin(..)")
    }
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
        /// From where it comes; `None` if that is not counted.
        origin: Option<Origin>,
    },
    /// A connection is over that wanted to be anonymous, and asks nothing more: what there was of it ends, and is
    /// forgotten. No answer.
    Leave {
        /// Whose.
        session: SessionId,
    },
    /// A request that may change state. Answer: [`Reply::Done`](super::Reply::Done).
    Command {
        /// For the answer.
        ticket: Ticket,
        /// Who asks.
        actor: Actor,
        /// What.
        command: Command,
    },
    /// Takes messages of the actor's inbox for good. Answer: [`Reply::Acknowledged`](super::Reply::Acknowledged).
    Acknowledge {
        /// For the answer.
        ticket: Ticket,
        /// Who reads.
        actor: Actor,
        /// Which inbox.
        inbox: InboxAddress,
        /// The last one taken.
        through: InboxSequence,
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
        /// The epoch that was in; see [`PresenceOpened::restored`](super::PresenceOpened::restored).
        epoch: EpochId,
        /// The last event by which something before that was passed over.
        passed: Mark,
        /// Whether to tell of watchers too: of the presentities it controls or is granted that for.
        with_watchers: bool,
    },
    /// Goes on with opening a presence feed, after an answer that said that there is
    /// [more](super::PresenceOpened::more). Answer: [`Reply::PresenceOpened`](super::Reply::PresenceOpened).
    OpenMore {
        /// For the answer.
        ticket: Ticket,
        /// The feed.
        feed: FeedId,
        /// Who watches.
        actor: Actor,
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
        /// The epoch that was accepted in; see [`InboxOpened::restored`](super::InboxOpened::restored).
        epoch: EpochId,
        /// The last event by which something before that was passed over.
        passed: Mark,
    },
    /// A feed is gone. No answer.
    CloseFeed {
        /// The feed.
        feed: FeedId,
    },
    /// Nothing but that time passed: what is due by `now` is ended, as before every input. No answer.
    Tick,
}

impl Input {
    /// The question, if it is an anonymous session's and answering it may leave something in the log.
    pub(super) fn of_nobody(&self) -> Option<Ticket> {
        let (Self::Command { ticket, actor, .. }
        | Self::Query { ticket, actor, query: Query::Ask(Question::Fetch(_)) }) = self
        else {
            return None;
        };
        actor.principal.is_anonymous().then_some(*ticket)
    }

    /// What it costs to take it in, before it is known what follows from it: one, and what a request brings beside itself.
    pub fn cost(&self) -> u64 {
        match self {
            Self::Command { command, .. } => 1 + command.weight() as u64,
            _ => 1,
        }
    }
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

/// A recovery that the operator starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRecovery {
    /// The public name of its invite.
    pub invite: InviteId,
    /// Whose name is recovered.
    pub principal: Principal,
    /// The role it gives.
    pub role: Role,
    /// How long it is good.
    pub lifetime: Lifetime,
}

/// A request to enroll a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enroll {
    /// The invite whose token was given.
    pub invite: Option<InviteId>,
    /// What the owner calls the device.
    pub label: DeviceLabel,
}

/// What is to be found out; nothing changes by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// A client's question. Answer: the [`Reply`](super::Reply) of that question. Where the log must be read for the rest, it
    /// says where to begin.
    Ask(Question),
    /// The next waiting messages of the actor's inbox, at most
    /// [`INBOX_PAGE_MAX`](crate::model::limits::INBOX_PAGE_MAX). Answer: [`Reply::Page`](super::Reply::Page).
    Page {
        /// Which inbox.
        inbox: InboxAddress,
        /// Those behind this one.
        after: InboxSequence,
    },
    /// The next watchers of a presentity, where a [`Reply::Watchers`](super::Reply::Watchers) ended. Answer: that, or
    /// [`Reply::Found`](super::Reply::Found) at the end.
    MoreWatchers {
        /// Of which presentity.
        presentity: Presentity,
        /// Those behind this one.
        after: Principal,
    },
    /// The next principals of a domain, where a [`Reply::Principals`](super::Reply::Principals) ended. Answer: that, or
    /// [`Reply::Found`](super::Reply::Found) at the end.
    MorePrincipals {
        /// Of which domain; `None` for the actor's own.
        domain: Option<Domain>,
        /// Those behind this one.
        after: Principal,
    },
    /// The next messages that were stored aside. Answer: [`Reply::Page`](super::Reply::Page).
    Quarantine {
        /// Which inbox.
        inbox: InboxAddress,
        /// Those behind this one.
        after: InboxSequence,
    },
}

impl Query {
    /// Of which principal the quotas are asked for, if they are.
    pub(super) fn quotas_of(&self, actor: &Actor) -> Option<Principal> {
        let Self::Ask(Question::ListQuotas(asked)) = self else { return None };
        match &asked.owner {
            None => Some(actor.principal.clone()),
            Some(QuotaOwner::Principal(principal)) => Some(principal.clone()),
            Some(QuotaOwner::Domain(_)) => None,
        }
    }
}

impl<T: Into<Question>> From<T> for Query {
    fn from(question: T) -> Self {
        Self::Ask(question.into())
    }
}
