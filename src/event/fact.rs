//! What happened. Every event belongs to exactly one entity, so that a view of one entity is a fold of its own events.
//!
//! Must never hold: an answer that could be derived, or a field whose meaning depends on configuration.

use serde::{Deserialize, Serialize};

use super::administration::{AdministratorActed, PrincipalSuspended, ServicesSwitched};
use super::clock::ClockMoved;
use super::domain::{DomainCreated, DomainRemoved, DomainRulesChanged, DomainSwitched};
use super::identity::{InviteCreated, InviteEnded, KeyEnrolled, KeyRevoked};
use super::message::{
    Acknowledged, MessageAccepted, MessageDisplayed, MessageEnded, MessageQuarantined,
};
use super::publication::{PublicationEnded, PublicationRefreshed, Published};
use super::receipt::{ReceiptIssued, ReceiptsAsked};
use super::rules::{
    AccessRulesChanged, DeliveryRulesChanged, GrantChanged, RulesReviewed, VisibilityRulesChanged,
};
use super::store::EpochBegan;
use super::subscription::{
    Subscribed, SubscriptionCreated, SubscriptionEnded, SubscriptionMoved, SubscriptionRefreshed,
};
use super::watcher::{WatchObserved, WatchRequested};
use crate::model::{
    Ahead, Domain, InboxAddress, InviteId, Moment, Presentity, Principal, Sequence, Timestamp,
};

/// An event with its place in the log and the times the service gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Position in the log.
    pub sequence: Sequence,
    /// When it was decided, in elapsed time; later than the event before.
    pub at: Moment,
    /// How far the wall clock was ahead of that.
    pub ahead: Ahead,
    /// What happened.
    pub event: Event,
}

impl Recorded {
    /// When it was decided, by the wall clock.
    pub const fn shown_at(&self) -> Timestamp {
        self.ahead.shown(self.at.timestamp())
    }
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
    /// Somebody fetched who may not before the presentity decides: the request is remembered.
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
    /// A message was quarantined: stored in its inbox, its owner's devices not told of it.
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
    /// Another process began to write this log. The first event of each process that writes any.
    EpochBegan(EpochBegan),
    /// The wall clock moved against elapsed time.
    ClockMoved(ClockMoved),
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
    /// The store itself.
    Store,
    /// The wall clock of the server's machine.
    Clock,
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
            Self::EpochBegan(_) => EntityKey::Store,
            Self::ClockMoved(_) => EntityKey::Clock,
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
            Self::EpochBegan(_) => "epoch-began",
            Self::ClockMoved(_) => "clock-moved",
        }
    }
}
