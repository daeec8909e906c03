//! Requests that may change state.
//!
//! Must never hold: bytes of the wire, or anything that is not valid already.

use crate::model::{
    AccessRule, ContentType, DeliveryChange, DeviceId, Document, Domain, InboxAddress,
    InboxSequence, InviteId, Lifetime, MessageId, Mode, OperationId, Payload, Presentity,
    Principal, PublicationName, Receipts, Rights, Role, RuleName, Tag, Who,
};

/// A request that may change state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Answer: [`Reply::Published`](super::Reply::Published).
    Publish(Publish),
    /// Begins or renews a subscription. Answer: [`Reply::Subscribed`](super::Reply::Subscribed).
    Subscribe {
        /// The device's name for the operation; repeated, it gets the first answer. Zero is no name.
        operation: OperationId,
        /// Whom to watch.
        presentity: Presentity,
        /// How much to be told.
        mode: Mode,
        /// How long; `None` for the default. Granted as asked or shorter, never longer.
        lifetime: Option<Lifetime>,
    },
    /// Ends a subscription. Answer: [`Reply::Unsubscribed`](super::Reply::Unsubscribed).
    Unsubscribe {
        /// Whom to watch no more.
        presentity: Presentity,
    },
    /// Answer: [`Reply::Sent`](super::Reply::Sent).
    Send(Send),
    /// Takes messages of the actor's inbox for good. Answer: [`Reply::Acknowledged`](super::Reply::Acknowledged).
    Acknowledge {
        /// Which inbox.
        inbox: InboxAddress,
        /// The last one taken.
        through: InboxSequence,
    },
    /// Deletes messages for all devices. Answer: [`Reply::Deleted`](super::Reply::Deleted).
    Delete {
        /// Which inbox.
        inbox: InboxAddress,
        /// Which messages; those that are gone already are passed over.
        sequences: Vec<InboxSequence>,
    },
    /// Says that a message was displayed to its reader. Answer: [`Reply::Changed`](super::Reply::Changed).
    Displayed {
        /// Which inbox.
        inbox: InboxAddress,
        /// Which message.
        sequence: InboxSequence,
    },
    /// Changes access rules. Answer: [`Reply::Changed`](super::Reply::Changed).
    ChangeRules(ChangeRules),
    /// Changes delivery rules. Answer: [`Reply::Changed`](super::Reply::Changed).
    ChangeDelivery {
        /// Of which inbox.
        inbox: InboxAddress,
        /// The device's name for the operation; repeated, it gets the first answer. Zero is no name.
        operation: OperationId,
        /// The version they must have.
        if_version: Option<u64>,
        /// What to change.
        change: DeliveryChange,
    },
    /// Changes to whom, beside the presentities it watches, the actor is shown as their watcher. Answer:
    /// [`Reply::Changed`](super::Reply::Changed).
    ChangeVisibility {
        /// The device's name for the operation; repeated, it gets the first answer. Zero is no name.
        operation: OperationId,
        /// Rules to set.
        put: Vec<(Who, bool)>,
        /// Rules to remove.
        remove: Vec<Who>,
    },
    /// Grants rights or takes them back. Answer: [`Reply::Changed`](super::Reply::Changed).
    Grant {
        /// Who grants: the actor, or one it is a member of.
        owner: Principal,
        /// To whom.
        grantee: Principal,
        /// All it is to have from now on.
        rights: Rights,
        /// The device's name for the operation; repeated, it gets the first answer. Zero is no name.
        operation: OperationId,
    },
    /// Ends somebody's subscription to a presentity one controls, or as an administrator. Answer:
    /// [`Reply::Changed`](super::Reply::Changed).
    EndSubscription {
        /// Who watches.
        watcher: Principal,
        /// Whom.
        presentity: Presentity,
    },
    /// Creates a domain. Answer: [`Reply::Changed`](super::Reply::Changed).
    CreateDomain {
        /// Which.
        domain: Domain,
        /// The device's name for the operation; repeated, it gets the first answer. Zero is no name.
        operation: OperationId,
    },
    /// Removes a domain. Answer: [`Reply::Changed`](super::Reply::Changed).
    RemoveDomain {
        /// Which.
        domain: Domain,
    },
    /// Switches presence or messaging in a domain; what is `None` stays. Answer: [`Reply::Changed`](super::Reply::Changed).
    SwitchDomain {
        /// Which.
        domain: Domain,
        /// Whether presence is to work.
        presence: Option<bool>,
        /// Whether messaging is to work.
        messaging: Option<bool>,
    },
    /// Gives or takes a principal's presentity or inbox; what is `None` stays. Answer: [`Reply::Changed`](super::Reply::Changed).
    SwitchServices {
        /// Whose.
        principal: Principal,
        /// Whether it is to have a presentity.
        presence: Option<bool>,
        /// Whether it is to have an inbox.
        messaging: Option<bool>,
    },
    /// Suspends a principal or lifts that, as an administrator. Answer: [`Reply::Changed`](super::Reply::Changed).
    Suspend {
        /// Whom.
        principal: Principal,
        /// Whether it is to be suspended.
        is_suspended: bool,
    },
    /// Makes an invite. Answer: [`Reply::Invited`](super::Reply::Invited).
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
    /// Withdraws a device's key. Answer: [`Reply::KeyRevoked`](super::Reply::KeyRevoked).
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
    /// Who sends: one the actor is a member of; `None` for the actor itself.
    pub sender: Option<Principal>,
    /// Where to.
    pub inbox: InboxAddress,
    /// What the sender wants to learn of it later.
    pub receipts: Receipts,
    /// The sender's name for it; repeated with the same content, it gets the first answer.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// 1 to 64 KiB.
    pub body: Payload,
    /// How long it may wait; `None` for ever.
    pub lifetime: Option<Lifetime>,
}

/// Whose access rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RulesOwner {
    /// A presentity's own.
    Presentity(Presentity),
    /// A domain's, for all presentities in it.
    Domain(Domain),
}

/// See [`Command::ChangeRules`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRules {
    /// Whose.
    pub owner: RulesOwner,
    /// The device's name for the operation; repeated, it gets the first answer. Zero is no name.
    pub operation: OperationId,
    /// The version they must have.
    pub if_version: Option<u64>,
    /// Rules to set.
    pub put: Vec<AccessRule>,
    /// Rules to remove.
    pub remove: Vec<RuleName>,
}
