//! The operation that an event names: whose it is and what it came to.
//!
//! Must never hold: how long an operation is remembered.

use super::fact::{Event, Recorded};
use super::operation::{Operation, OperationKey, Operator, Outcome};
use super::publication::{PublicationCause, PublicationKey};
use crate::model::{Lifetime, OperationId, Presentity, Principal, Tag, Timestamp};

impl Recorded {
    /// The operation that the event names, and what it came to.
    pub fn operation(&self) -> Option<(Operation, Outcome)> {
        self.event.operation(self.at.timestamp())
    }
}

impl Event {
    /// The operation that the event names, and what it came to if it was recorded at `at`.
    pub fn operation(&self, at: Timestamp) -> Option<(Operation, Outcome)> {
        let granted = |deadline| at.until(deadline);
        match self {
            Self::Published(event) => {
                let name = (&event.presentity, &event.publication, event.operation);
                Some(published(name, event.tag, granted(event.deadline)))
            }
            Self::PublicationRefreshed(event) => {
                let name = (&event.presentity, &event.publication, event.operation);
                Some(published(name, event.tag, granted(event.deadline)))
            }
            Self::PublicationEnded(event) => {
                let PublicationCause::Removed { operation, tag } = event.cause else { return None };
                let name = (&event.presentity, &event.publication, operation);
                Some(published(name, tag, Lifetime::ZERO))
            }
            Self::Subscribed(event) => {
                let subject = event.presentity.to_string();
                let operation = named(&event.watcher, "subscribe", &subject, event.operation)?;
                let granted = granted(event.expires_at);
                Some((operation, Outcome::Subscribed { state: event.state, granted }))
            }
            Self::InviteCreated(event) => {
                let key = OperationKey::invite(&event.invite, event.principal.as_ref(), event.role);
                invited(event.by.as_ref(), key, event.expires_at)
            }
            Self::InviteIssued(event) => {
                let key = OperationKey::invite(&event.invite, event.principal.as_ref(), event.role);
                invited(event.by.as_ref(), key, event.expires_at)
            }
            Self::RecoveryStarted(event) => {
                let key = OperationKey::recovery(&event.invite, Some(&event.principal), event.role);
                invited(event.by.as_ref(), key, event.expires_at)
            }
            Self::OperationDone(event) => {
                let operation = Operation { by: event.by.clone(), key: event.operation };
                Some((operation, event.outcome))
            }
            _ => self.change(),
        }
    }

    /// As [`Event::operation`], for what changes rules, rights or domains.
    fn change(&self) -> Option<(Operation, Outcome)> {
        let (by, kind, subject, id, version) = match self {
            Self::AccessRulesChanged(event) => {
                let subject = event.presentity.to_string();
                (&event.by, "change-rules", subject, event.operation, event.version)
            }
            Self::AccessRulesAmended(event) => {
                let subject = event.presentity.to_string();
                (&event.by, "change-rules", subject, event.operation, event.version)
            }
            Self::DomainRulesChanged(event) => {
                let subject = format!("@{}", event.domain);
                (&event.by, "change-rules", subject, event.operation, event.version)
            }
            Self::DomainRulesAmended(event) => {
                let subject = format!("@{}", event.domain);
                (&event.by, "change-rules", subject, event.operation, event.version)
            }
            Self::DeliveryRulesChanged(event) => {
                let subject = event.inbox.to_string();
                (&event.by, "change-delivery", subject, event.operation, event.version)
            }
            Self::DeliveryRulesAmended(event) => {
                let subject = event.inbox.to_string();
                (&event.by, "change-delivery", subject, event.operation, event.version)
            }
            Self::VisibilityRulesChanged(event) => {
                let subject = String::new();
                (&event.watcher, "change-visibility", subject, event.operation, event.version)
            }
            Self::VisibilityRulesAmended(event) => {
                let subject = String::new();
                (&event.watcher, "change-visibility", subject, event.operation, event.version)
            }
            Self::GrantChanged(event) => {
                let subject = format!("{} {}", event.owner, event.grantee);
                (&event.by, "grant", subject, event.operation, 0)
            }
            Self::GrantGiven(event) => {
                let subject = format!("{} {}", event.owner, event.grantee);
                (&event.by, "grant", subject, event.operation, 0)
            }
            Self::DomainCreated(event) => {
                let subject = format!("create {}", event.domain);
                (&event.by, "administer", subject, event.operation, 0)
            }
            _ => return None,
        };
        Some((named(by, kind, &subject, id)?, Outcome::Changed { version }))
    }
}

/// The making of an invite.
fn invited(
    by: Option<&Principal>,
    key: OperationKey,
    expires_at: Timestamp,
) -> Option<(Operation, Outcome)> {
    let by = Operator::Principal(by.cloned()?);
    Some((Operation { by, key }, Outcome::Invited { expires_at }))
}

/// An operation on a publication.
fn published(
    (presentity, publication, id): (&Presentity, &PublicationKey, OperationId),
    tag: Tag,
    granted: Lifetime,
) -> (Operation, Outcome) {
    let by = Operator::Device(publication.device);
    let key = OperationKey::publish(presentity, publication, id);
    (Operation { by, key }, Outcome::Published { tag, granted })
}

/// Another operation of a principal; `None` for zero, which is no name.
fn named(by: &Principal, kind: &str, subject: &str, id: OperationId) -> Option<Operation> {
    let by = Operator::Principal(by.clone());
    let key = OperationKey::of(kind, subject, &id.0);
    (id != OperationId::default()).then_some(Operation { by, key })
}
