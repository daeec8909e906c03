//! What comes out of the service: answers, what feeds are told, and the events of a round.
//!
//! Must never hold: bytes of the wire, or a refusal (see `model`).

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::composed::Composed;
use super::input::{Actor, FeedId, Ticket};
use crate::event::Event;
use crate::model::limits::FEED_PART_MAX;
use crate::model::{
    AccessRules, Ahead, DeviceId, Document, EpochId, Epochs, Handling, InboxSequence, Mode, Moment,
    Presentity, Principal, PrincipalRow, Refusal, Role, Sequence, SubscriptionState, WatcherRow,
};
use crate::protocol::{Answer, Composing, Findings, OpenRecovery};

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
        /// The recovery of its principal that runs, for it to refuse.
        recovery: Option<Box<OpenRecovery>>,
    },
    /// The yes to a [`Command`](crate::protocol::Command).
    Done(Answer),
    /// To an [`Erase`](crate::protocol::Erase), for which the log has the rest.
    Erased {
        /// The event that says so.
        position: Sequence,
        /// Whether the asker erased itself just now, and so is about to go.
        by_itself: bool,
        /// Whether its domain ever let recipients keep what was sent.
        keeps: bool,
    },
    /// See [`Input::Acknowledge`](super::Input::Acknowledge).
    Acknowledged {
        /// How far the device has taken the inbox.
        through: InboxSequence,
    },
    /// See [`Fetch`](crate::protocol::Fetch).
    Presence(Arc<PresenceItem>),
    /// What a question asks for, if neither the watcher's eyes nor the log are needed for it.
    Found(Findings),
    /// Some of the rows that a [`ListWatchers`](crate::protocol::ListWatchers) asks for; there are more.
    Watchers {
        /// The rows.
        rows: Vec<WatcherRow>,
        /// Whom to go on behind, see [`Query::MoreWatchers`](super::Query::MoreWatchers).
        last: Principal,
    },
    /// Some of the rows that a [`ListPrincipals`](crate::protocol::ListPrincipals) asks for; there may be more.
    Principals {
        /// The rows; none if all that was looked at are of other domains.
        rows: Vec<PrincipalRow>,
        /// Whom to go on behind, see [`Query::MorePrincipals`](super::Query::MorePrincipals).
        last: Principal,
    },
    /// See [`Query::Page`](super::Query::Page); empty at the end.
    Page(Vec<InboxRow>),
    /// See [`Input::OpenPresence`](super::Input::OpenPresence).
    PresenceOpened(PresenceOpened),
    /// See [`Input::OpenInbox`](super::Input::OpenInbox).
    InboxOpened(InboxOpened),
    /// See [`ListHistory`](crate::protocol::ListHistory) and [`FetchAt`](crate::protocol::FetchAt).
    History {
        /// Its last change in the log, where the walk back begins; zero if there is none.
        last: Sequence,
        /// How far the wall clock is ahead: the log is searched by elapsed time, which never goes back.
        ahead: Ahead,
    },
    /// See [`Explain`](crate::protocol::Explain).
    Explain {
        /// The last change of its rules in the log, where the walk back begins; zero if there is none.
        last: Sequence,
        /// As for a history.
        ahead: Ahead,
        /// What authenticated watchers are granted without a rule.
        default: Handling,
        /// The presentity's rules after that change.
        rules: Arc<AccessRules>,
        /// The domain's rules, which may take away from what the presentity grants.
        domain: Arc<AccessRules>,
        /// Whether the watcher controls the presentity and so sees all of it, whatever the rules.
        controls: bool,
    },
}

impl Reply {
    /// How many rows it lists.
    pub(super) fn rows(&self) -> u64 {
        let rows = match self {
            Self::Found(Findings::ListWatchers(rows)) | Self::Watchers { rows, .. } => rows.len(),
            Self::Found(Findings::ListSubscriptions(rows)) => rows.len(),
            // Those of other domains were looked at, too.
            Self::Principals { .. } => FEED_PART_MAX,
            Self::Found(Findings::ListPrincipals(rows)) => rows.len(),
            Self::Page(rows) => rows.len(),
            _ => 0,
        };
        rows as u64
    }
}

impl From<Findings> for Reply {
    fn from(found: Findings) -> Self {
        Self::Found(found)
    }
}

/// Where a waiting message lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxRow {
    /// Its position in the inbox.
    pub sequence: InboxSequence,
    /// The event that holds it.
    pub at: Sequence,
    /// Whether the device that asked is not shown what it says.
    pub is_withheld: bool,
    /// When something of the inbox ended last, so that what lay there before was perhaps passed over.
    pub ended: Moment,
}

/// This store was put back to an earlier state, or is not the one that the device has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Whether this device is the first time known to have noticed it, since this process began.
    pub is_news: bool,
}

/// What an inbox feed begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboxOpened {
    /// Where the feed begins.
    pub after: InboxSequence,
    /// The epoch that was accepted in.
    pub after_epoch: EpochId,
    /// The last message accepted so far.
    pub head: InboxSequence,
    /// The epoch that was accepted in.
    pub head_epoch: EpochId,
    /// When something of the inbox ended last.
    pub ended: Moment,
    /// Messages waiting behind `after`.
    pub waiting: u64,
    /// Set if the position asked for is of another past, so that the feed begins where the device has acknowledged.
    pub restored: Option<Restored>,
    /// In which epoch each place of the log lies.
    pub epochs: Arc<Epochs>,
}

/// What a presence feed begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceOpened {
    /// The moment up to which this tells everything: what is later arrives as [`Output::Presence`]. The watcher must
    /// not be told of it, as it may be the moment of something hidden from it.
    pub head: Moment,
    /// In order of version: the latest state of each presentity that changed after the feed's position, and the ends
    /// of subscriptions.
    pub items: Vec<Arc<PresenceItem>>,
    /// Presentities watched in `every` mode that changed: their changes are to be read from the log.
    pub histories: Vec<History>,
    /// False if changes of an `every` subscription are left out because its watcher sees only a part.
    pub complete: bool,
    /// Set if the position asked for is of another past, so that the feed begins with everything.
    pub restored: Option<Restored>,
    /// In which epoch each moment lies.
    pub epochs: Arc<Epochs>,
    /// Whether this is a part, and more is to be asked for with [`Input::OpenMore`](super::Input::OpenMore).
    pub more: bool,
    /// The head of the first part, if there were several.
    pub begun: Option<Moment>,
}

impl PresenceOpened {
    /// Nobody is told any more what `principal` wrote.
    pub fn erase(&mut self, principal: &Principal) {
        erase(&mut self.items, principal);
    }

    /// This and the part that came next, as one.
    #[must_use]
    pub fn and(mut self, next: Self) -> Self {
        self.begun.get_or_insert(self.head);
        (self.head, self.more) = (next.head, next.more);
        self.items.extend(next.items);
        self.histories.extend(next.histories);
        self.complete &= next.complete;
        self
    }
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
    /// When the subscription began, if it did so in this stretch: then the change before `after` is told too, as the
    /// state it began with.
    pub began: Option<Moment>,
}

/// What the log told of a [`History`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Positions and moments of the changes, ascending. The first is the state the subscription began with, if that was
    /// asked for and there is one.
    pub changes: Vec<(Sequence, Moment)>,
    /// Whether the walk reached the beginning of the stretch.
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
    /// What is seen of it; nothing when nothing is published.
    pub document: Composed,
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
        let (watcher, encoded, document) = (None, OnceLock::new(), document.into());
        Self { presentity, version, state, document, watcher, encoded }
    }

    /// The presence of a subscription that is active, or of a fetch, which is put together by whoever first looks.
    pub(super) fn of(presentity: Presentity, version: Moment, document: Composed) -> Self {
        let (state, watcher, encoded) = (SubscriptionState::Active, None, OnceLock::new());
        Self { presentity, version, state, document, watcher, encoded }
    }

    /// An item about a watcher, which was last changed at `version`.
    pub fn about(watcher: WatcherRow, version: Moment) -> Self {
        Self {
            presentity: watcher.presentity.clone(),
            version,
            state: SubscriptionState::Active,
            document: Composed::from(None),
            watcher: Some(watcher),
            encoded: OnceLock::new(),
        }
    }

    /// The same, if nobody can read any more what `principal` wrote; `None` if it says nothing of that.
    pub fn erased(&self, principal: &Principal) -> Option<Self> {
        let document = self.document.get().filter(|_| self.presentity.principal() == *principal)?;
        let (presentity, document) = (self.presentity.clone(), Some(document.erased()));
        Some(Self::new(presentity, self.version, self.state, document))
    }

    /// What it is about, so that a later one about the same takes its place.
    pub fn subject(&self) -> (Presentity, Option<Principal>) {
        (self.presentity.clone(), self.watcher.as_ref().map(|row| row.watcher.clone()))
    }
}

/// Puts in the place of each of `items` what is left of it once `principal` is erased.
pub(super) fn erase<'a>(
    items: impl IntoIterator<Item = &'a mut Arc<PresenceItem>>,
    principal: &Principal,
) {
    for item in items {
        if let Some(erased) = item.erased(principal) {
            *item = Arc::new(erased);
        }
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
    /// That somebody is composing a message, for these inbox feeds: said once, and nowhere kept.
    Composing {
        /// Who is told.
        feeds: Vec<FeedId>,
        /// What.
        item: Arc<Composing>,
    },
    /// These feeds are over: the right to them was taken back.
    Ended {
        /// Which.
        feeds: Vec<FeedId>,
        /// Why.
        refusal: Refusal,
    },
    /// Somebody was erased: what waits in these feeds of what it wrote is nobody told any more.
    Erased {
        /// All that are open: what waits in one may be of a presentity that its watcher has left.
        feeds: Vec<FeedId>,
        /// Who.
        principal: Arc<Principal>,
    },
    /// A device's key was revoked: its connections are to be closed.
    Revoked {
        /// The device.
        device: DeviceId,
    },
}

impl Output {
    /// How many feeds are told.
    pub(super) fn told(&self) -> u64 {
        let told = match self {
            Self::Presence { feeds, .. } => feeds.len(),
            Self::Inbox { feeds, .. }
            | Self::Composing { feeds, .. }
            | Self::Ended { feeds, .. }
            | Self::Erased { feeds, .. } => feeds.len(),
            Self::Reply { .. } | Self::Revoked { .. } => 0,
        };
        told as u64
    }
}

/// The events of one round, to be appended as one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The position of the first event.
    pub first: Sequence,
    /// How far the wall clock was ahead of the moments.
    pub ahead: Ahead,
    /// The events with the moment of each, in order.
    pub events: Vec<(Moment, Event)>,
}
