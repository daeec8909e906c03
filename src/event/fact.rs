//! What happened. Every event belongs to exactly one entity, so that a view of one entity is a fold of its own events.
//!
//! Must never hold: an answer that could be derived, or a field whose meaning depends on configuration.

use serde::{Deserialize, Serialize};

use super::administration::{
    AdministratorActed, PrincipalErased, PrincipalSuspended, QuotaSet, ServicesSwitched,
};
use super::clock::ClockMoved;
use super::cut::LogCut;
use super::domain::{
    DomainCreated, DomainQuotaSet, DomainRemoved, DomainRulesAmended, DomainRulesChanged,
    DomainSwitched, ErasurePolicyChanged,
};
use super::identity::{
    DeviceEnrolled, InviteCreated, InviteEnded, InviteIssued, KeyEnrolled, KeyRevoked,
};
use super::message::{
    Acknowledged, MessageAccepted, MessageDisplayed, MessageEnded, MessageQuarantined,
    RecoveryAnnounced,
};
use super::operation::{OperationDone, Operator};
use super::publication::{PublicationEnded, PublicationRefreshed, Published};
use super::receipt::{ReceiptIssued, ReceiptsAsked};
use super::recovery::{DeviceConfined, RecoveryPolicyChanged, RecoveryStarted};
use super::review::{ReviewBegan, ReviewEnded};
use super::rules::{
    AccessRulesAmended, AccessRulesChanged, DeliveryRulesAmended, DeliveryRulesChanged,
    GrantChanged, GrantGiven, RulesReviewed, VisibilityRulesAmended, VisibilityRulesChanged,
};
use super::store::{EpochBegan, RestoreNoticed};
use super::subscription::{
    Subscribed, SubscriptionCreated, SubscriptionEnded, SubscriptionMoved, SubscriptionRefreshed,
};
use super::watcher::{WatchObserved, WatchRequested, WatcherForgotten};
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
    /// What a principal has taken of late. What an event takes there is no other entity's.
    Budget(Principal),
    /// The operations of a device or a principal. What each event that names one leaves there is no other entity's.
    Operations(Operator),
}

impl EntityKey {
    /// The word for this kind of entity, such as `inbox`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Invite(_) => "invite",
            Self::Principal(_) => "principal",
            Self::Presentity(_) => "presentity",
            Self::Watcher(_) => "watcher",
            Self::Inbox(_) => "inbox",
            Self::Rules(_) => "rules",
            Self::Audience(_) => "audience",
            Self::Domain(_) => "domain",
            Self::Store => "store",
            Self::Clock => "clock",
            Self::Budget(_) => "budget",
            Self::Operations(_) => "operations",
        }
    }
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident $word:literal |$event:pat_param| $entity:ident $(($of:expr))?;)*) => {
        /// A fact. Bytes: postcard; the variant's number is its place here and never changes.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Event {
            $($(#[$doc])* $name($name),)*
        }

        impl Event {
            /// The one entity this event belongs to.
            pub fn entity(&self) -> EntityKey {
                match self {
                    $(Self::$name($event) => EntityKey::$entity $(($of))?,)*
                }
            }

            /// The word for this kind of event in listings, such as `message-accepted`.
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $word,)*
                }
            }
        }
    };
}

// Each event: what happened, its word, and the entity it belongs to. New ones stand last.
events! {
    /// An invite was made, as old logs have it.
    InviteCreated "invite-created" |event| Invite(event.invite);
    /// An invite was used, withdrawn or ran out.
    InviteEnded "invite-ended" |event| Invite(event.invite);
    /// A device's key was bound to a principal, as old logs have it.
    KeyEnrolled "key-enrolled" |event| Principal(event.principal.clone());
    /// A device's key was withdrawn.
    KeyRevoked "key-revoked" |event| Principal(event.principal.clone());
    /// A publication was made or changed.
    Published "published" |event| Presentity(event.presentity.clone());
    /// A publication's lifetime was renewed, its document unchanged.
    PublicationRefreshed "publication-refreshed" |event| Presentity(event.presentity.clone());
    /// A publication was removed or ran out.
    PublicationEnded "publication-ended" |event| Presentity(event.presentity.clone());
    /// A watcher began to subscribe to a presentity.
    SubscriptionCreated "subscription-created" |event| Watcher(event.watcher.clone());
    /// A subscription's lifetime or mode was renewed.
    SubscriptionRefreshed "subscription-refreshed" |event| Watcher(event.watcher.clone());
    /// A subscription ended.
    SubscriptionEnded "subscription-ended" |event| Watcher(event.watcher.clone());
    /// A message became part of an inbox.
    MessageAccepted "message-accepted" |event| Inbox(event.inbox.clone());
    /// A message left its inbox.
    MessageEnded "message-ended" |event| Inbox(event.inbox.clone());
    /// A device has taken messages for good.
    Acknowledged "acknowledged" |event| Inbox(event.inbox.clone());
    /// A watcher began or renewed a subscription. Takes the place of the two kinds above, which old logs hold.
    Subscribed "subscribed" |event| Watcher(event.watcher.clone());
    /// A subscription went to another state without ending, or its watcher is to be shown something else.
    SubscriptionMoved "subscription-moved" |event| Watcher(event.watcher.clone());
    /// Somebody fetched who may not before the presentity decides: the request is remembered.
    WatchRequested "watch-requested" |event| Watcher(event.watcher.clone());
    /// Access rules were changed, as old logs have it.
    AccessRulesChanged "access-rules-changed" |event| Rules(event.presentity.principal());
    /// A moment passed at which an access rule began or ceased to hold.
    RulesReviewed "rules-reviewed" |event| Rules(event.presentity.principal());
    /// Delivery rules were changed, as old logs have it.
    DeliveryRulesChanged "delivery-rules-changed" |event| Rules(event.inbox.principal());
    /// Visibility rules were changed, as old logs have it.
    VisibilityRulesChanged "visibility-rules-changed" |event| Rules(event.watcher.clone());
    /// A principal took rights back, or granted them as old logs have it.
    GrantChanged "grant-changed" |event| Rules(event.owner.clone());
    /// Somebody watched a presentity.
    WatchObserved "watch-observed" |event| Audience(event.presentity.clone());
    /// A message was quarantined: stored in its inbox, its owner's devices not told of it.
    MessageQuarantined "message-quarantined" |event| Inbox(event.message.inbox.clone());
    /// The sender of a message asked for receipts.
    ReceiptsAsked "receipts-asked" |event| Inbox(event.inbox.clone());
    /// A receipt became part of a sender's inbox.
    ReceiptIssued "receipt-issued" |event| Inbox(event.inbox.clone());
    /// A message was displayed.
    MessageDisplayed "message-displayed" |event| Inbox(event.inbox.clone());
    /// A domain was created.
    DomainCreated "domain-created" |event| Domain(event.domain.clone());
    /// A domain was removed.
    DomainRemoved "domain-removed" |event| Domain(event.domain.clone());
    /// Presence or messaging was switched on or off in a domain.
    DomainSwitched "domain-switched" |event| Domain(event.domain.clone());
    /// A domain's access rules were changed, as old logs have it.
    DomainRulesChanged "domain-rules-changed" |event| Domain(event.domain.clone());
    /// A presentity or an inbox was given to a principal or taken.
    ServicesSwitched "services-switched" |event| Principal(event.principal.clone());
    /// A principal was suspended, or that was lifted.
    PrincipalSuspended "principal-suspended" |event| Principal(event.principal.clone());
    /// An administrator did something that concerns a principal.
    AdministratorActed "administrator-acted" |event| Principal(event.principal.clone());
    /// Another process began to write this log. The first event of each process that writes any.
    EpochBegan "epoch-began" |_| Store;
    /// The wall clock moved against elapsed time.
    ClockMoved "clock-moved" |_| Clock;
    /// A device came with a position of another past: the store was put back to an earlier state.
    RestoreNoticed "restore-noticed" |_| Store;
    /// A request was done that left no other event that names it.
    OperationDone "operation-done" |event| Operations(event.by.clone());
    /// An invite was made or, if it is the server's own, made good for longer. Takes the place of the first kind.
    InviteIssued "invite-issued" |event| Invite(event.invite);
    /// A principal granted rights.
    GrantGiven "grant-given" |event| Rules(event.owner.clone());
    /// An anonymous session is over: its subscriptions end with it, and they and its operations are forgotten.
    WatcherForgotten "watcher-forgotten" |event| Watcher(event.watcher.clone());
    /// Access rules were changed: those that did, and no others.
    AccessRulesAmended "access-rules-amended" |event| Rules(event.presentity.principal());
    /// Delivery rules were changed: those that did, and no others.
    DeliveryRulesAmended "delivery-rules-amended" |event| Rules(event.inbox.principal());
    /// Visibility rules were changed: those that did, and no others.
    VisibilityRulesAmended "visibility-rules-amended" |event| Rules(event.watcher.clone());
    /// A domain's access rules were changed: those that did, and no others.
    DomainRulesAmended "domain-rules-amended" |event| Domain(event.domain.clone());
    /// Somebody else than a principal made an invite for it: a recovery of its name.
    RecoveryStarted "recovery-started" |event| Invite(event.invite);
    /// A principal was told of a recovery of its name, in its inbox.
    RecoveryAnnounced "recovery-announced" |event| Inbox(event.inbox.clone());
    /// A device came by a recovery, and is not shown what messages say that were stored before.
    DeviceConfined "device-confined" |event| Principal(event.principal.clone());
    /// What a domain wants of recoveries was changed.
    RecoveryPolicyChanged "recovery-policy-changed" |event| Domain(event.domain.clone());
    /// A change of rules has yet to come to some of the subscriptions that it is about.
    ReviewBegan "review-began" |_| Store;
    /// All changes of these rules have come to all subscriptions that they are about.
    ReviewEnded "review-ended" |_| Store;
    /// How much a principal may take of what all share was set, or is what its domain or the operator says again.
    QuotaSet "quota-set" |event| Principal(event.principal.clone());
    /// How much those of a domain may take of what all share was set, or is what the operator says again.
    DomainQuotaSet "domain-quota-set" |event| Domain(event.domain.clone());
    /// A device's key was bound to a principal. Takes the place of the kind that old logs hold.
    DeviceEnrolled "device-enrolled" |event| Principal(event.principal.clone());
    /// A principal was erased: what it wrote can be read no more, and all else of it has ended before.
    PrincipalErased "principal-erased" |event| Principal(event.principal.clone());
    /// The beginning of the log was cut away, all but what is carried forward.
    LogCut "log-cut" |_| Store;
    /// Whether recipients keep what the erased of a domain sent was changed, for what is sent from then on.
    ErasurePolicyChanged "erasure-policy-changed" |event| Domain(event.domain.clone());
}
