//! Requests that come again: one rule for all that name themselves.
//!
//! Whatever was done under a name is answered as the first time for as long as the name is remembered, whatever has
//! become of it since; so a publication that ended is not brought back by its repeat.
//! Must never hold: what a request does.

use crate::event::{
    Event, Operation, OperationDone, OperationKey, Operator, Outcome, PublicationKey,
};
use crate::model::OperationId;
use crate::protocol::{Answer, Command, NamedBy};
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};

/// The name under which `actor` asks, if there is one. A message has its own, see `message`.
pub(super) fn operation(actor: &Actor, command: &Command) -> Option<Operation> {
    let device = Operator::Device(actor.device);
    let principal = Operator::Principal(actor.principal.clone());
    match command {
        Command::Publish(publish) => {
            let key = PublicationKey { device: actor.device, name: publish.name.clone() };
            let key = OperationKey::publish(&publish.presentity, &key, publish.operation);
            return Some(Operation { by: device, key });
        }
        Command::Invite(invite) => {
            let key_of =
                if invite.recovers { OperationKey::recovery } else { OperationKey::invite };
            let key = key_of(&invite.invite, invite.principal.as_ref(), invite.role);
            return Some(Operation { by: principal, key });
        }
        _ => {}
    }
    let (by, id) = command.operation()?;
    let by = match by {
        NamedBy::Device if !actor.principal.is_anonymous() => device,
        // Who has no name has one device, and all that it did is forgotten with its pseudonym.
        NamedBy::Principal | NamedBy::Device => principal,
    };
    // Zero is no name.
    let key = OperationKey::of(command.kind(), &command.subject(&actor.principal), &id.0);
    (id != OperationId::default()).then_some(Operation { by, key })
}

/// The first answer again, if the operation was done before.
pub(super) fn answer(case: Case<'_>, operation: &Operation) -> Option<Verdict> {
    let answer = match case.views.outcome(operation)? {
        Outcome::Published { tag, granted } => Answer::Published { tag, granted },
        Outcome::Subscribed { state, granted } => Answer::Subscribed { state, granted },
        Outcome::Unsubscribed => Answer::Unsubscribed,
        Outcome::Deleted { count } => Answer::Deleted { count },
        // Its maker is told when it runs out by the wall clock.
        Outcome::Invited { expires_at } => {
            Answer::Invited { expires_at: case.ahead.shown(expires_at) }
        }
        Outcome::KeyRevoked => Answer::KeyRevoked,
        Outcome::Changed { version } => Answer::Changed { version },
    };
    Some(Verdict::unchanged(Reply::Done(answer)))
}

/// The verdict on an operation, recorded under its name if none of its events says that. Also what changed nothing is:
/// later, when others have changed something, it would.
pub(super) fn recorded(case: Case<'_>, operation: Operation, mut verdict: Verdict) -> Verdict {
    let is_named = verdict.events.iter().any(|event| event.operation(case.now).is_some());
    if let (Reply::Done(answer), false) = (&verdict.reply, is_named) {
        let Operation { by, key } = operation;
        let outcome = match *answer {
            Answer::Published { tag, granted } => Outcome::Published { tag, granted },
            Answer::Subscribed { state, granted } => Outcome::Subscribed { state, granted },
            Answer::Unsubscribed => Outcome::Unsubscribed,
            Answer::Deleted { count } => Outcome::Deleted { count },
            Answer::Invited { expires_at } => {
                Outcome::Invited { expires_at: case.ahead.passed(expires_at) }
            }
            Answer::KeyRevoked => Outcome::KeyRevoked,
            Answer::Changed { version } => Outcome::Changed { version },
            // A message is known by its own id, and who is erased is.
            Answer::Sent { .. } | Answer::Erased { .. } => return verdict,
        };
        let done = OperationDone { by, operation: key, outcome };
        verdict.events.push(Event::OperationDone(done));
    }
    verdict
}
