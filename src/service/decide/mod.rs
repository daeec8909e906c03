//! The rules: from state and a command to events or a refusal. Mutates nothing.
//!
//! Must never hold: a change of state, or a clock. `now` is an argument.

mod domain;
mod due;
mod grant;
mod identity;
mod message;
mod publish;
mod receipt;
mod rules;
mod subscribe;
mod subscription_state;

use super::case::{Case, Verdict};
use super::{Actor, Command, Hello};
use crate::model::{Presentity, Refusal};

pub(super) use due::end_of;
pub(super) use subscription_state::review;

/// Decides a command of `actor`.
pub(super) fn decide(case: Case<'_>, actor: &Actor, command: Command) -> Result<Verdict, Refusal> {
    check_identified(actor, &command)?;
    match command {
        Command::Publish(publish) => publish::publish(case, actor, publish),
        Command::Subscribe { operation, presentity, mode, lifetime } => {
            let request = subscribe::SubscribeRequest { operation, presentity, mode, lifetime };
            subscribe::subscribe(case, actor, request)
        }
        Command::Unsubscribe { presentity } => subscribe::unsubscribe(case, actor, presentity),
        Command::EndSubscription { watcher, presentity } => {
            subscribe::end(case, actor, watcher, presentity)
        }
        Command::Send(send) => message::send(case, actor, send),
        Command::Acknowledge { inbox, through } => {
            message::acknowledge(case, actor, inbox, through)
        }
        Command::Displayed { inbox, sequence } => message::displayed(case, actor, inbox, sequence),
        Command::Delete { inbox, sequences } => message::delete(case, actor, &inbox, &sequences),
        Command::ChangeRules(change) => rules::access(case, actor, change),
        Command::ChangeDelivery { inbox, operation, if_version, change } => {
            rules::delivery(case, actor, inbox, (operation, if_version), change)
        }
        Command::ChangeVisibility { operation, put, remove } => {
            rules::visibility(case, actor, operation, put, &remove)
        }
        Command::Grant { owner, grantee, rights, operation } => {
            grant::grant(case, actor, (owner, grantee), rights, operation)
        }
        other => administer(case, actor, other),
    }
}

fn administer(case: Case<'_>, actor: &Actor, command: Command) -> Result<Verdict, Refusal> {
    match command {
        Command::Invite { invite, principal, role, lifetime } => {
            identity::invite(case, actor, identity::NewInvite { invite, principal, role, lifetime })
        }
        Command::RevokeKey { principal, device } => {
            identity::revoke(case, actor, principal, device)
        }
        Command::CreateDomain { domain, operation } => {
            domain::create(case, actor, domain, operation)
        }
        Command::RemoveDomain { domain } => domain::remove(case, actor, domain),
        Command::SwitchDomain { domain, presence, messaging } => {
            domain::switch(case, actor, domain, domain::Switch { presence, messaging })
        }
        Command::SwitchServices { principal, presence, messaging } => {
            domain::services(case, actor, principal, domain::Switch { presence, messaging })
        }
        Command::Suspend { principal, is_suspended } => {
            domain::suspend(case, actor, principal, is_suspended)
        }
        _ => unreachable!("everything else is decided before"),
    }
}

/// An anonymous session may watch and send where rules let it; it owns nothing.
fn check_identified(actor: &Actor, command: &Command) -> Result<(), Refusal> {
    let may = matches!(
        command,
        Command::Subscribe { .. } | Command::Unsubscribe { .. } | Command::Send(_)
    );
    if may || !actor.principal.is_anonymous() {
        return Ok(());
    }
    Err(Refusal::Anonymous { action: "do this".to_owned() })
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
