//! Questions that change nothing, and the service's answers.
//!
//! Must never hold: bytes of the wire, or a refusal (see `model`).

use std::sync::Arc;

use super::api::{Actor, InboxRow, PresenceItem, PresenceOpened};
use super::command::RulesOwner;
use crate::model::{
    AccessRules, AdministratorAct, DeliveryRules, DeviceId, DeviceLabel, DomainRow, Handling,
    InboxAddress, InboxSequence, Lifetime, Mode, Presentity, Principal, Rights, Role, Sequence,
    SubscriptionState, Tag, Timestamp, VisibilityRules, WatcherRow,
};

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
    /// The access rules of a presentity or domain. Answer: [`Reply::Rules`].
    Rules {
        /// Whose.
        owner: RulesOwner,
    },
    /// The delivery rules of an inbox. Answer: [`Reply::Delivery`].
    Delivery {
        /// Which inbox.
        inbox: InboxAddress,
    },
    /// The actor's visibility rules. Answer: [`Reply::Visibility`].
    Visibility,
    /// What a principal grants others. Answer: [`Reply::Grants`].
    Grants {
        /// Who grants.
        owner: Principal,
    },
    /// Who watches a presentity or did of late. Answer: [`Reply::Watchers`].
    Watchers {
        /// Whom.
        presentity: Presentity,
    },
    /// Where a presentity's history is to be read from. Answer: [`Reply::History`].
    History {
        /// Whose.
        presentity: Presentity,
    },
    /// By which rules a watcher is or was answered. Answer: [`Reply::Explain`].
    Explain {
        /// Of which presentity.
        presentity: Presentity,
        /// Which watcher.
        watcher: Principal,
    },
    /// The domains served. Answer: [`Reply::Domains`].
    Domains,
    /// What administrators did that concerns a principal. Answer: [`Reply::Acts`].
    Acts {
        /// Whom.
        principal: Principal,
    },
    /// Messages that were stored aside. Answer: [`Reply::Page`].
    Quarantine {
        /// Which inbox.
        inbox: InboxAddress,
        /// Those behind this one.
        after: InboxSequence,
    },
}

/// The service's yes. Its no is a [`Refusal`](crate::model::Refusal).
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
    /// See [`Command::Publish`](super::Command::Publish).
    Published {
        /// The publication's tag from now on.
        tag: Tag,
        /// The lifetime granted; zero after a removal.
        granted: Lifetime,
    },
    /// See [`Command::Subscribe`](super::Command::Subscribe).
    Subscribed {
        /// Where it stands.
        state: SubscriptionState,
        /// The lifetime granted.
        granted: Lifetime,
    },
    /// See [`Command::Unsubscribe`](super::Command::Unsubscribe).
    Unsubscribed,
    /// See [`Command::Send`](super::Command::Send). The message is in the inbox.
    Sent {
        /// Whether it was there already.
        duplicate: bool,
    },
    /// See [`Command::Acknowledge`](super::Command::Acknowledge).
    Acknowledged {
        /// How far the device has taken the inbox.
        through: InboxSequence,
    },
    /// See [`Command::Delete`](super::Command::Delete).
    Deleted {
        /// How many were there.
        count: u32,
    },
    /// See [`Command::Invite`](super::Command::Invite).
    Invited {
        /// When it runs out.
        expires_at: Timestamp,
    },
    /// See [`Command::RevokeKey`](super::Command::RevokeKey).
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
    /// See [`Input::OpenPresence`](super::Input::OpenPresence).
    PresenceOpened(PresenceOpened),
    /// See [`Input::OpenInbox`](super::Input::OpenInbox).
    InboxOpened {
        /// Where the feed begins.
        after: InboxSequence,
        /// The last message accepted so far.
        head: InboxSequence,
        /// Messages waiting behind `after`.
        waiting: u64,
    },
    /// A change was made, or had been made by the same operation.
    Changed {
        /// The version of what was changed from now on; zero if it has none.
        version: u64,
    },
    /// See [`Query::Rules`].
    Rules {
        /// Their version; zero if there never were any.
        version: u64,
        /// The rules.
        rules: AccessRules,
    },
    /// See [`Query::Delivery`].
    Delivery {
        /// Their version; zero if there never were any.
        version: u64,
        /// The rules.
        rules: DeliveryRules,
    },
    /// See [`Query::Visibility`].
    Visibility {
        /// Their version; zero if there never were any.
        version: u64,
        /// The rules.
        rules: VisibilityRules,
    },
    /// See [`Query::Grants`], in order of grantee.
    Grants(Vec<(Principal, Rights)>),
    /// See [`Query::Watchers`], in order of watcher.
    Watchers(Vec<WatcherRow>),
    /// See [`Query::History`].
    History {
        /// Its last change in the log, where the walk back begins; zero if there is none.
        last: Sequence,
    },
    /// See [`Query::Explain`].
    Explain {
        /// The last change of its rules in the log, where the walk back begins; zero if there is none.
        last: Sequence,
        /// What authenticated watchers are granted without a rule.
        default: Handling,
        /// The domain's rules, which may take away from what the presentity grants.
        domain: AccessRules,
        /// Whether the watcher controls the presentity and so sees all of it, whatever the rules.
        controls: bool,
    },
    /// See [`Query::Domains`], in order of name.
    Domains(Vec<DomainRow>),
    /// See [`Query::Acts`], oldest first.
    Acts(Vec<ActRow>),
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

/// One act of an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// When.
    pub at: Timestamp,
    /// Which administrator.
    pub by: Principal,
    /// What it did.
    pub act: AdministratorAct,
    /// To what; may be empty.
    pub about: String,
}
