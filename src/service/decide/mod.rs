//! The rules: from state and a command to events or a refusal. Mutates nothing.
//!
//! Must never hold: a change of state, or a clock. `now` is an argument.

mod domain;
mod due;
mod ending;
mod erase;
mod grant;
mod identity;
mod invite;
mod message;
mod publish;
mod quota;
mod receipt;
mod recovery;
mod repeat;
mod rules;
mod subscribe;
mod subscription_state;

use super::case::{Case, Verdict};
use super::{Actor, Hello};
use crate::model::{InboxAddress, InboxSequence, Presentity, Principal, Refusal};
use crate::protocol::{Administer, Administration, Command, Send};

pub(super) use due::end_of;
pub(super) use erase::operate as erase;
pub(super) use recovery::{operate as recover, told as told_recovery};
pub(super) use rules::reviewed;
pub(super) use subscription_state::{about, in_force, review, settled};

/// Decides a command of `actor`.
pub(super) fn decide(case: Case<'_>, actor: &Actor, command: Command) -> Result<Verdict, Refusal> {
    check_identified(actor, &command)?;
    let Some(operation) = repeat::operation(actor, &command) else {
        check_budget(case, actor, &command)?;
        return judge(case, actor, command);
    };
    if let Some(repeated) = repeat::answer(case, &operation) {
        return Ok(repeated);
    }
    check_budget(case, actor, &command)?;
    judge(case, actor, command).map(|verdict| repeat::recorded(case, operation, verdict))
}

/// Whoever has taken too much can still end a right, and rule a domain. A message is judged when it is known not to be a
/// repeat.
fn check_budget(case: Case<'_>, actor: &Actor, command: &Command) -> Result<(), Refusal> {
    match command {
        Command::RevokeKey(_) | Command::Administer(_) | Command::Erase(_) | Command::Send(_) => {
            Ok(())
        }
        _ => case.check_writes(&actor.principal),
    }
}

fn judge(case: Case<'_>, actor: &Actor, command: Command) -> Result<Verdict, Refusal> {
    match command {
        Command::Publish(publish) => publish::publish(case, actor, publish),
        Command::RemovePublication(request) => publish::remove_any(case, actor, request),
        Command::Subscribe(request) => subscribe::subscribe(case, actor, request),
        Command::Unsubscribe(request) => subscribe::unsubscribe(case, actor, request.presentity),
        Command::EndSubscription(request) => subscribe::end(case, actor, request),
        Command::Send(send) => message::send(case, actor, send),
        Command::Displayed(said) => message::displayed(case, actor, said.inbox, said.sequence),
        Command::Delete(delete) => message::delete(case, actor, &delete),
        Command::ChangeRules(change) => rules::access(case, actor, change),
        Command::ChangeDelivery(change) => rules::delivery(case, actor, change),
        Command::ChangeVisibility(change) => rules::visibility(case, actor, change),
        Command::Grant(grant) => grant::grant(case, actor, grant),
        Command::Invite(invite) => invite::make(case, actor, invite),
        Command::RefuseRecovery(request) => recovery::refuse(case, actor, &request),
        Command::WithdrawInvite(request) => invite::withdraw(case, actor, &request),
        Command::RevokeKey(revoke) => identity::revoke(case, actor, revoke),
        Command::Administer(administer) => self::administer(case, actor, administer),
        Command::Erase(request) => erase::erase(case, actor, request),
    }
}

fn administer(case: Case<'_>, actor: &Actor, request: Administer) -> Result<Verdict, Refusal> {
    match request.act {
        Administration::CreateDomain(domain) => {
            domain::create(case, actor, domain, request.operation)
        }
        Administration::RemoveDomain(domain) => domain::remove(case, actor, domain),
        Administration::SwitchDomain { domain, presence, messaging } => {
            domain::switch(case, actor, domain, domain::Switch { presence, messaging })
        }
        Administration::SwitchServices { principal, presence, messaging } => {
            domain::services(case, actor, principal, domain::Switch { presence, messaging })
        }
        Administration::Suspend(principal) => domain::suspend(case, actor, principal, true),
        Administration::Resume(principal) => domain::suspend(case, actor, principal, false),
        Administration::SetRecovery { domain, delay, shows_earlier } => {
            recovery::set(case, actor, domain, (delay, shows_earlier))
        }
        Administration::SetErasure { domain, recipients_keep } => {
            erase::set(case, actor, domain, recipients_keep)
        }
        Administration::SetQuota { owner, quota, max } => {
            quota::set(case, actor, owner, (quota, max))
        }
    }
}

/// Whose composing indication is passed on, `None` if a delivery rule keeps it from the inbox.
pub(super) fn composing(
    case: Case<'_>,
    actor: &Actor,
    send: &Send,
) -> Result<Option<Principal>, Refusal> {
    message::composing(case, actor, send)
}

/// Decides that the device of `actor` has taken messages for good.
pub(super) fn acknowledge(
    case: Case<'_>,
    actor: &Actor,
    inbox: InboxAddress,
    through: InboxSequence,
) -> Result<Verdict, Refusal> {
    check_known(actor)?;
    message::acknowledge(case, actor, inbox, through)
}

/// An anonymous session may watch and send where rules let it; it owns nothing.
fn check_identified(actor: &Actor, command: &Command) -> Result<(), Refusal> {
    let may = matches!(command, Command::Subscribe(_) | Command::Unsubscribe(_) | Command::Send(_));
    if may { Ok(()) } else { check_known(actor) }
}

/// Checks that somebody asks who said who it is.
pub(super) fn check_known(actor: &Actor) -> Result<(), Refusal> {
    if actor.principal.is_anonymous() {
        return Err(Refusal::Anonymous { action: "do this".to_owned() });
    }
    Ok(())
}

/// Decides a fetch: a question that may leave a request to watch.
pub(super) fn fetch(
    case: Case<'_>,
    actor: &Actor,
    presentity: &Presentity,
) -> Result<Verdict, Refusal> {
    subscribe::fetch(case, actor, presentity)
}

/// Decides whether a connection may act, and enrolls its key if it may and asked for it.
pub(super) fn enter(case: Case<'_>, hello: &Hello) -> Result<Verdict, Refusal> {
    identity::enter(case, hello)
}
