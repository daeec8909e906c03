//! Facts about who decides what: rules, grants, requests to watch, watchers seen, receipts, domains, administrators.
//!
//! Must never hold: a decision that could be made again from the rules.

use serde::{Deserialize, Serialize};

use super::MessageAccepted;
use crate::model::{
    AccessRules, AdministratorAct, DeliveryRules, DeviceId, Domain, InboxAddress, InboxSequence,
    MessageId, Mode, Moment, OperationId, Presentity, Principal, ReceiptKind, Receipts, Rights,
    RuleName, Sequence, SubscriptionState, Timestamp, VisibilityRules,
};

/// See [`Event::Subscribed`](super::Event::Subscribed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How much it is told.
    pub mode: Mode,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Active or pending.
    pub state: SubscriptionState,
    /// The watcher's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::SubscriptionMoved`](super::Event::SubscriptionMoved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionMoved {
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// Active, pending or waiting.
    pub state: SubscriptionState,
    /// When it runs out now.
    pub expires_at: Timestamp,
    /// Whether its watcher is shown something else than before.
    pub is_visible: bool,
    /// When what its watcher was shown before last changed; zero if that does not matter any more.
    pub shown_at: Moment,
}

/// See [`Event::WatchRequested`](super::Event::WatchRequested).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchRequested {
    /// Who fetched.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
    /// How long the wish is remembered.
    pub expires_at: Timestamp,
}

/// See [`Event::AccessRulesChanged`](super::Event::AccessRulesChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRulesChanged {
    /// Whose rules.
    pub presentity: Presentity,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them.
    pub rules: AccessRules,
    /// Who changed them.
    pub by: Principal,
    /// With which device.
    pub device: DeviceId,
    /// The device's name for the operation.
    pub operation: OperationId,
    /// The change before this one; zero if this is the first. Leads back through their history.
    pub previous: Sequence,
}

/// See [`Event::RulesReviewed`](super::Event::RulesReviewed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesReviewed {
    /// Whose rules.
    pub presentity: Presentity,
    /// The moment at which a rule began or ceased to hold.
    pub through: Timestamp,
}

/// See [`Event::DeliveryRulesChanged`](super::Event::DeliveryRulesChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRulesChanged {
    /// Whose rules.
    pub inbox: InboxAddress,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them.
    pub rules: DeliveryRules,
    /// Who changed them.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::VisibilityRulesChanged`](super::Event::VisibilityRulesChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityRulesChanged {
    /// Whose rules.
    pub watcher: Principal,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them.
    pub rules: VisibilityRules,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::GrantChanged`](super::Event::GrantChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantChanged {
    /// Who grants.
    pub owner: Principal,
    /// To whom.
    pub grantee: Principal,
    /// All it has from now on; none takes everything back.
    pub rights: Rights,
    /// Who changed it: the owner or a member.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::WatchObserved`](super::Event::WatchObserved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchObserved {
    /// Who was watched.
    pub presentity: Presentity,
    /// By whom.
    pub watcher: Principal,
    /// Fetches since the last such event.
    pub fetches: u32,
    /// Subscriptions begun since then.
    pub subscriptions: u32,
    /// The first of them.
    pub first_at: Timestamp,
    /// The last of them.
    pub last_at: Timestamp,
}

/// See [`Event::MessageQuarantined`](super::Event::MessageQuarantined).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageQuarantined {
    /// The message, with its place in the inbox's numbering.
    pub message: MessageAccepted,
    /// The delivery rule that did it.
    pub rule: RuleName,
}

/// See [`Event::ReceiptsAsked`](super::Event::ReceiptsAsked).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsAsked {
    /// Where the message lies.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// Who sent it.
    pub sender: Principal,
    /// The sender's name for it.
    pub id: MessageId,
    /// What the sender wants to learn.
    pub receipts: Receipts,
}

/// See [`Event::ReceiptIssued`](super::Event::ReceiptIssued).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptIssued {
    /// The sender's inbox, which it becomes part of.
    pub inbox: InboxAddress,
    /// Its position there, without gaps.
    pub sequence: InboxSequence,
    /// What it says.
    pub kind: ReceiptKind,
    /// Of which message of the sender.
    pub id: MessageId,
    /// Where that message was sent.
    pub recipient: InboxAddress,
    /// Why, for one that failed; else empty.
    pub reason: String,
}

/// See [`Event::MessageDisplayed`](super::Event::MessageDisplayed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDisplayed {
    /// Where it lies.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// The device that says so.
    pub by: DeviceId,
}

/// See [`Event::DomainCreated`](super::Event::DomainCreated).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCreated {
    /// The domain.
    pub domain: Domain,
    /// Who created it.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::DomainRemoved`](super::Event::DomainRemoved).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRemoved {
    /// The domain.
    pub domain: Domain,
    /// Who removed it.
    pub by: Principal,
}

/// See [`Event::DomainSwitched`](super::Event::DomainSwitched).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSwitched {
    /// The domain.
    pub domain: Domain,
    /// Whether presence works in it.
    pub presence: bool,
    /// Whether messaging works in it.
    pub messaging: bool,
    /// Who switched.
    pub by: Principal,
}

/// See [`Event::DomainRulesChanged`](super::Event::DomainRulesChanged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRulesChanged {
    /// The domain.
    pub domain: Domain,
    /// Their version from now on, from 1.
    pub version: u64,
    /// All of them. A watcher gets no more than both these and the presentity's own grant.
    pub rules: AccessRules,
    /// Who changed them.
    pub by: Principal,
    /// The device's name for the operation.
    pub operation: OperationId,
}

/// See [`Event::ServicesSwitched`](super::Event::ServicesSwitched).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicesSwitched {
    /// Whose.
    pub principal: Principal,
    /// Whether it has a presentity.
    pub presence: bool,
    /// Whether it has an inbox.
    pub messaging: bool,
    /// Who switched.
    pub by: Principal,
}

/// See [`Event::PrincipalSuspended`](super::Event::PrincipalSuspended).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalSuspended {
    /// Who.
    pub principal: Principal,
    /// Whether it is from now on.
    pub is_suspended: bool,
    /// By which administrator.
    pub by: Principal,
}

/// See [`Event::AdministratorActed`](super::Event::AdministratorActed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdministratorActed {
    /// Whom it concerns, who may list it.
    pub principal: Principal,
    /// Which administrator.
    pub by: Principal,
    /// What it did.
    pub act: AdministratorAct,
    /// To what, such as the other end of a subscription; may be empty.
    pub about: String,
}
