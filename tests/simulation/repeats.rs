//! That nothing is done twice: every operation that the log names stands there once for as long as it is remembered.
//!
//! Must never hold: what an operation does, or whose it is: names are random and never used for another.

use std::collections::BTreeMap;

use adsum::event::{Event, PublicationCause, Recorded};
use adsum::model::limits::OPERATION_MS;
use adsum::model::{Lifetime, OperationId, Timestamp};

use super::{Checked, promised};

/// When each operation was done last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeats {
    done: BTreeMap<[u8; 16], Timestamp>,
}

impl Repeats {
    /// One more event is durable.
    pub(crate) fn fold(&mut self, recorded: &Recorded) -> Checked {
        let Some(name) = name_in(&recorded.event) else { return Ok(()) };
        let now = recorded.at.timestamp();
        let before = self.done.insert(name, now);
        let fresh = before.is_none_or(|at| at.after(Lifetime::from_ms(OPERATION_MS)) <= now);
        let event = &recorded.event;
        promised!(4, fresh, "event {} does what was done before: {event:?}", recorded.sequence);
        Ok(())
    }
}

/// What names the operation that an event is of.
fn name_in(event: &Event) -> Option<[u8; 16]> {
    let id = match event {
        Event::Published(event) => event.operation,
        Event::PublicationRefreshed(event) => event.operation,
        Event::PublicationEnded(event) => match event.cause {
            PublicationCause::Removed { operation, .. } => operation,
            _ => return None,
        },
        Event::Subscribed(event) => event.operation,
        Event::AccessRulesAmended(event) => event.operation,
        Event::DomainRulesAmended(event) => event.operation,
        Event::DeliveryRulesAmended(event) => event.operation,
        Event::VisibilityRulesAmended(event) => event.operation,
        Event::GrantChanged(event) => {
            return (event.operation != OperationId::default()).then_some(event.operation.0);
        }
        Event::GrantGiven(event) => event.operation,
        Event::DomainCreated(event) => event.operation,
        Event::InviteIssued(event) => event.invite.0[..16].try_into().map(OperationId).ok()?,
        Event::OperationDone(event) => OperationId(event.operation.0),
        _ => return None,
    };
    Some(id.0)
}
