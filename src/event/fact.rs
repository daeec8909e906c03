//! What happened. Every event belongs to exactly one entity, so that a view of one entity is a fold of its own events.
//!
//! Must never hold: an answer that could be derived, or a field whose meaning depends on configuration.

use serde::{Deserialize, Serialize};

use super::governance::{
    AccessRulesChanged, AdministratorActed, DeliveryRulesChanged, DomainCreated, DomainRemoved,
    DomainRulesChanged, DomainSwitched, GrantChanged, MessageDisplayed, MessageQuarantined,
    PrincipalSuspended, ReceiptIssued, ReceiptsAsked, RulesReviewed, ServicesSwitched, Subscribed,
    SubscriptionMoved, VisibilityRulesChanged, WatchObserved, WatchRequested,
};
use crate::model::{
    ContentType, DeviceId, DeviceLabel, Document, Domain, EndReason, InboxAddress, InboxSequence,
    InviteId, Lifetime, MessageId, Mode, Moment, OperationId, Payload, Presentity, Principal,
    PublicKey, PublicationName, Role, Sequence, Tag, Timestamp,
};

/// An event with its place in the log and the time the service gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Position in the log.
    pub sequence: Sequence,
    /// When it was decided, by the service's clock; later than the event before.
    pub at: Moment,
    /// What happened.
    pub event: Event,
}

/// A fact. Bytes: postcard; the variant's number is its place here and never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// An invite was made.
    InviteCreated(InviteCreated),
    /// An invite was used or ran out.
    InviteEnded(InviteEnded),
    /// A device's key was bound to a principal.
    KeyEnrolled(KeyEnrolled),
    /// A device's key was withdrawn.
    KeyRevoked(KeyRevoked),
    /// A publication was made or changed.
    Published(Published),
    /// A publication's lifetime was renewed, its document unchanged.
    PublicationRefreshed(PublicationRefreshed),
    /// A publication was removed or ran out.
    PublicationEnded(PublicationEnded),
    /// A watcher began to subscribe to a presentity.
    SubscriptionCreated(SubscriptionCreated),
    /// A subscription's lifetime or mode was renewed.
    SubscriptionRefreshed(SubscriptionRefreshed),
    /// A subscription ended.
    SubscriptionEnded(SubscriptionEnded),
    /// A message became part of an inbox.
    MessageAccepted(MessageAccepted),
    /// A message left its inbox.
    MessageEnded(MessageEnded),
    /// A device has taken messages for good.
    Acknowledged(Acknowledged),
    /// A watcher began or renewed a subscription. Takes the place of the two kinds above, which old logs hold.
    Subscribed(Subscribed),
    /// A subscription went to another state without ending, or its watcher is to be shown something else.
    SubscriptionMoved(SubscriptionMoved),
    /// Somebody fetched who may not before the presentity decides: the wish is remembered.
    WatchRequested(WatchRequested),
    /// Access rules were changed.
    AccessRulesChanged(AccessRulesChanged),
    /// A moment passed at which an access rule began or ceased to hold.
    RulesReviewed(RulesReviewed),
    /// Delivery rules were changed.
    DeliveryRulesChanged(DeliveryRulesChanged),
    /// Visibility rules were changed.
    VisibilityRulesChanged(VisibilityRulesChanged),
    /// A principal granted rights or took them back.
    GrantChanged(GrantChanged),
    /// Somebody watched a presentity.
    WatchObserved(WatchObserved),
    /// A message was stored aside in its inbox.
    MessageQuarantined(MessageQuarantined),
    /// The sender of a message asked for receipts.
    ReceiptsAsked(ReceiptsAsked),
    /// A receipt became part of a sender's inbox.
    ReceiptIssued(ReceiptIssued),
    /// A message was displayed.
    MessageDisplayed(MessageDisplayed),
    /// A domain was created.
    DomainCreated(DomainCreated),
    /// A domain was removed.
    DomainRemoved(DomainRemoved),
    /// Presence or messaging was switched on or off in a domain.
    DomainSwitched(DomainSwitched),
    /// A domain's access rules were changed.
    DomainRulesChanged(DomainRulesChanged),
    /// A presentity or an inbox was given to a principal or taken.
    ServicesSwitched(ServicesSwitched),
    /// A principal was suspended, or that was lifted.
    PrincipalSuspended(PrincipalSuspended),
    /// An administrator did something that concerns a principal.
    AdministratorActed(AdministratorActed),
}

/// See [`Event::InviteCreated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteCreated {
    /// Its public name.
    pub invite: InviteId,
    /// Who may use it; `None` lets its holder choose a free name in `domain`.
    pub principal: Option<Principal>,
    /// The domain it is good for, in ASCII.
    pub domain: String,
    /// The role it gives.
    pub role: Role,
    /// Who made it; `None` is the server itself, at its first start.
    pub by: Option<Principal>,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// See [`Event::InviteEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteEnded {
    /// Its public name.
    pub invite: InviteId,
    /// How it ended.
    pub cause: InviteCause,
}

/// How an invite ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteCause {
    /// A device was enrolled with it.
    Spent,
    /// Its time was over.
    Expired,
}

/// See [`Event::KeyEnrolled`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEnrolled {
    /// Whose device it is.
    pub principal: Principal,
    /// Its key, which also names the device.
    pub key: PublicKey,
    /// What its owner calls it.
    pub label: DeviceLabel,
    /// The principal's role from now on; an existing principal keeps the higher one.
    pub role: Role,
    /// The invite used; `None` under open enrollment.
    pub invite: Option<InviteId>,
}

/// See [`Event::KeyRevoked`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRevoked {
    /// Whose device it was.
    pub principal: Principal,
    /// The device.
    pub device: DeviceId,
    /// Who revoked it.
    pub by: Principal,
}

/// Names a publication of a presentity: the device that made it and the name it gave it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicationKey {
    /// The publishing device.
    pub device: DeviceId,
    /// The device's name for it.
    pub name: PublicationName,
}

/// See [`Event::Published`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Whose presence.
    pub presentity: Presentity,
    /// Which of its publications.
    pub publication: PublicationKey,
    /// Who published.
    pub by: Principal,
    /// The publisher's name for the operation.
    pub operation: OperationId,
    /// The publication's tag from now on.
    pub tag: Tag,
    /// What was published.
    pub document: Document,
    /// When it runs out.
    pub deadline: Timestamp,
    /// The presentity's change before this one; zero if this is its first. Leads back through its history.
    pub previous: Sequence,
    /// Where the documents of its other live publications lie, in order of their keys: with them this one
    /// event is the whole state of the presentity at its position.
    pub others: Vec<Sequence>,
}

/// See [`Event::PublicationRefreshed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationRefreshed {
    /// Whose presence.
    pub presentity: Presentity,
    /// Which of its publications.
    pub publication: PublicationKey,
    /// The publisher's name for the operation.
    pub operation: OperationId,
    /// The publication's tag from now on.
    pub tag: Tag,
    /// When it runs out now.
    pub deadline: Timestamp,
}

/// See [`Event::PublicationEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicationEnded {
    /// Whose presence.
    pub presentity: Presentity,
    /// Which of its publications.
    pub publication: PublicationKey,
    /// How it ended.
    pub cause: PublicationCause,
    /// The presentity's change before this one.
    pub previous: Sequence,
    /// Where the documents of the publications that still live lie, in order of their keys.
    pub others: Vec<Sequence>,
}

/// How a publication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicationCause {
    /// Its publisher removed it by this operation, with this tag in the answer.
    Removed {
        /// The publisher's name for the operation.
        operation: OperationId,
        /// The tag the answer carries, so that a repeat gets the same.
        tag: Tag,
    },
    /// Its time was over.
    Expired,
    /// The right to publish was taken back, or the presentity is no more.
    Withdrawn,
}

/// See [`Event::SubscriptionCreated`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionCreated {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How much it is told.
    pub mode: Mode,
    /// When it runs out.
    pub expires_at: Timestamp,
}

/// See [`Event::SubscriptionRefreshed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRefreshed {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How much it is told from now on.
    pub mode: Mode,
    /// When it runs out now.
    pub expires_at: Timestamp,
}

/// See [`Event::SubscriptionEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEnded {
    /// Who watched.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// Why it ended.
    pub reason: EndReason,
}

/// What a message says, in 16 bytes: tells a repeat from another message of the same id after the body is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageDigest(pub [u8; 16]);

/// See [`Event::MessageAccepted`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAccepted {
    /// Where it lies.
    pub inbox: InboxAddress,
    /// Its position there, without gaps.
    pub sequence: InboxSequence,
    /// The authenticated sender.
    pub sender: Principal,
    /// The sending device.
    pub device: DeviceId,
    /// The sender's name for it.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// The body, as it came.
    pub body: Payload,
    /// How long it lives from now on; `None` for ever.
    pub lifetime: Option<Lifetime>,
    /// Digest of inbox, content type, lifetime and body.
    pub digest: MessageDigest,
}

/// See [`Event::MessageEnded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEnded {
    /// Where it lay.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// How it ended.
    pub cause: MessageCause,
}

/// How a message left its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageCause {
    /// A device of its owner deleted it.
    Deleted {
        /// The device.
        by: DeviceId,
    },
    /// Its time to live was over.
    Expired,
    /// It was read, and the inbox needed room.
    Retention,
    /// The inbox is no more.
    Withdrawn,
}

/// See [`Event::Acknowledged`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The inbox.
    pub inbox: InboxAddress,
    /// The reading device.
    pub device: DeviceId,
    /// The last message it has taken; it has taken all before too.
    pub through: InboxSequence,
}

/// The entity an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntityKey {
    /// An invite.
    Invite(InviteId),
    /// A principal with its devices.
    Principal(Principal),
    /// A presentity with its publications.
    Presentity(Presentity),
    /// A watcher with its subscriptions.
    Watcher(Principal),
    /// An inbox with its messages and cursors.
    Inbox(InboxAddress),
    /// The rules and grants of a principal: of its presentity, its inbox and itself as a watcher.
    Rules(Principal),
    /// Those who watched a presentity.
    Audience(Presentity),
    /// A domain.
    Domain(Domain),
}

impl Event {
    /// The one entity this event belongs to.
    pub fn entity(&self) -> EntityKey {
        match self {
            Self::InviteCreated(event) => EntityKey::Invite(event.invite),
            Self::InviteEnded(event) => EntityKey::Invite(event.invite),
            Self::KeyEnrolled(event) => EntityKey::Principal(event.principal.clone()),
            Self::KeyRevoked(event) => EntityKey::Principal(event.principal.clone()),
            Self::Published(event) => EntityKey::Presentity(event.presentity.clone()),
            Self::PublicationRefreshed(event) => EntityKey::Presentity(event.presentity.clone()),
            Self::PublicationEnded(event) => EntityKey::Presentity(event.presentity.clone()),
            Self::SubscriptionCreated(event) => EntityKey::Watcher(event.watcher.clone()),
            Self::SubscriptionRefreshed(event) => EntityKey::Watcher(event.watcher.clone()),
            Self::SubscriptionEnded(event) => EntityKey::Watcher(event.watcher.clone()),
            Self::MessageAccepted(event) => EntityKey::Inbox(event.inbox.clone()),
            Self::MessageEnded(event) => EntityKey::Inbox(event.inbox.clone()),
            Self::Acknowledged(event) => EntityKey::Inbox(event.inbox.clone()),
            Self::Subscribed(event) => EntityKey::Watcher(event.watcher.clone()),
            Self::SubscriptionMoved(event) => EntityKey::Watcher(event.watcher.clone()),
            Self::WatchRequested(event) => EntityKey::Watcher(event.watcher.clone()),
            Self::AccessRulesChanged(event) => EntityKey::Rules(event.presentity.principal()),
            Self::RulesReviewed(event) => EntityKey::Rules(event.presentity.principal()),
            Self::DeliveryRulesChanged(event) => EntityKey::Rules(event.inbox.principal()),
            Self::VisibilityRulesChanged(event) => EntityKey::Rules(event.watcher.clone()),
            Self::GrantChanged(event) => EntityKey::Rules(event.owner.clone()),
            Self::WatchObserved(event) => EntityKey::Audience(event.presentity.clone()),
            Self::MessageQuarantined(event) => EntityKey::Inbox(event.message.inbox.clone()),
            Self::ReceiptsAsked(event) => EntityKey::Inbox(event.inbox.clone()),
            Self::ReceiptIssued(event) => EntityKey::Inbox(event.inbox.clone()),
            Self::MessageDisplayed(event) => EntityKey::Inbox(event.inbox.clone()),
            Self::DomainCreated(event) => EntityKey::Domain(event.domain.clone()),
            Self::DomainRemoved(event) => EntityKey::Domain(event.domain.clone()),
            Self::DomainSwitched(event) => EntityKey::Domain(event.domain.clone()),
            Self::DomainRulesChanged(event) => EntityKey::Domain(event.domain.clone()),
            Self::ServicesSwitched(event) => EntityKey::Principal(event.principal.clone()),
            Self::PrincipalSuspended(event) => EntityKey::Principal(event.principal.clone()),
            Self::AdministratorActed(event) => EntityKey::Principal(event.principal.clone()),
        }
    }

    /// The word for this kind of event in listings, such as `message-accepted`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::InviteCreated(_) => "invite-created",
            Self::InviteEnded(_) => "invite-ended",
            Self::KeyEnrolled(_) => "key-enrolled",
            Self::KeyRevoked(_) => "key-revoked",
            Self::Published(_) => "published",
            Self::PublicationRefreshed(_) => "publication-refreshed",
            Self::PublicationEnded(_) => "publication-ended",
            Self::SubscriptionCreated(_) => "subscription-created",
            Self::SubscriptionRefreshed(_) => "subscription-refreshed",
            Self::SubscriptionEnded(_) => "subscription-ended",
            Self::MessageAccepted(_) => "message-accepted",
            Self::MessageEnded(_) => "message-ended",
            Self::Acknowledged(_) => "acknowledged",
            Self::Subscribed(_) => "subscribed",
            Self::SubscriptionMoved(_) => "subscription-moved",
            Self::WatchRequested(_) => "watch-requested",
            Self::AccessRulesChanged(_) => "access-rules-changed",
            Self::RulesReviewed(_) => "rules-reviewed",
            Self::DeliveryRulesChanged(_) => "delivery-rules-changed",
            Self::VisibilityRulesChanged(_) => "visibility-rules-changed",
            Self::GrantChanged(_) => "grant-changed",
            Self::WatchObserved(_) => "watch-observed",
            Self::MessageQuarantined(_) => "message-quarantined",
            Self::ReceiptsAsked(_) => "receipts-asked",
            Self::ReceiptIssued(_) => "receipt-issued",
            Self::MessageDisplayed(_) => "message-displayed",
            Self::DomainCreated(_) => "domain-created",
            Self::DomainRemoved(_) => "domain-removed",
            Self::DomainSwitched(_) => "domain-switched",
            Self::DomainRulesChanged(_) => "domain-rules-changed",
            Self::ServicesSwitched(_) => "services-switched",
            Self::PrincipalSuspended(_) => "principal-suspended",
            Self::AdministratorActed(_) => "administrator-acted",
        }
    }
}
