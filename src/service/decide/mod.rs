//! The rules: from state and a command to events or a refusal. Mutates nothing.
//!
//! Must never hold: a change of state, or a clock. `now` is an argument.

mod due;
mod identity;
mod message;
mod publish;
mod subscribe;

use super::{Actor, Command, Hello, Reply, ServiceConfig};
use crate::event::Event;
use crate::model::{InboxAddress, Lifetime, Presentity, Principal, Refusal, Timestamp};
use crate::view::Views;

pub(super) use due::end_of;

/// What a rule decides by.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) views: &'a Views,
    pub(super) config: &'a ServiceConfig,
    pub(super) now: Timestamp,
}

/// What was decided: the facts to record, none for a repeat, and the answer.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) events: Vec<Event>,
    pub(super) reply: Reply,
}

impl Verdict {
    fn new(event: Event, reply: Reply) -> Self {
        Self { events: vec![event], reply }
    }

    /// A repeat, or nothing to do: the same answer and no event.
    fn unchanged(reply: Reply) -> Self {
        Self { events: Vec::new(), reply }
    }
}

/// Decides a command of `actor`.
pub(super) fn decide(case: Case<'_>, actor: &Actor, command: Command) -> Result<Verdict, Refusal> {
    match command {
        Command::Publish(publish) => publish::publish(case, actor, publish),
        Command::Subscribe { presentity, mode, lifetime } => {
            subscribe::subscribe(case, actor, presentity, mode, lifetime)
        }
        Command::Unsubscribe { presentity } => subscribe::unsubscribe(case, actor, presentity),
        Command::Send(send) => message::send(case, actor, send),
        Command::Acknowledge { inbox, through } => {
            message::acknowledge(case, actor, inbox, through)
        }
        Command::Delete { inbox, sequences } => message::delete(case, actor, &inbox, &sequences),
        Command::Invite { invite, principal, role, lifetime } => {
            identity::invite(case, actor, identity::NewInvite { invite, principal, role, lifetime })
        }
        Command::RevokeKey { principal, device } => {
            identity::revoke(case, actor, principal, device)
        }
    }
}

/// Decides whether a connection may act, and enrolls its key if it may and asked for it.
pub(super) fn enter(case: Case<'_>, hello: &Hello) -> Result<Verdict, Refusal> {
    identity::enter(case, hello)
}

impl Case<'_> {
    /// Whether `domain` is served here.
    pub(super) fn check_domain(&self, domain: &str) -> Result<(), Refusal> {
        if self.config.domains.iter().any(|served| served.as_str() == domain) {
            return Ok(());
        }
        Err(Refusal::ForeignDomain { domain: domain.to_owned() })
    }

    /// Whether there is such a presentity: its principal was enrolled.
    pub(super) fn check_presentity(&self, presentity: &Presentity) -> Result<(), Refusal> {
        self.check_domain(presentity.domain())?;
        match self.views.principal(&presentity.principal()) {
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownPresentity { address: presentity.to_string() }),
        }
    }

    /// Whether there is such an inbox: its principal was enrolled.
    pub(super) fn check_inbox(&self, inbox: &InboxAddress) -> Result<(), Refusal> {
        self.check_domain(inbox.domain())?;
        match self.views.principal(&inbox.principal()) {
            Some(_) => Ok(()),
            None => Err(Refusal::UnknownInbox { address: inbox.to_string() }),
        }
    }

    /// Whether there is such an inbox and `actor` controls it.
    pub(super) fn check_own_inbox(
        &self,
        actor: &Actor,
        inbox: &InboxAddress,
    ) -> Result<(), Refusal> {
        self.check_inbox(inbox)?;
        if inbox.account() == actor.principal.account() {
            return Ok(());
        }
        let cure = format!("only {} reads and deletes there", inbox.principal());
        Err(Refusal::Forbidden { action: format!("read or change {inbox}"), cure })
    }

    /// Whether `actor` may manage the devices of `principal`: its own, or as an administrator of its domain.
    pub(super) fn check_manages(
        &self,
        actor: &Actor,
        principal: &Principal,
    ) -> Result<(), Refusal> {
        if actor.principal == *principal || self.administers(actor, principal.domain()) {
            return Ok(());
        }
        let cure = format!("only {principal} and administrators of {} may", principal.domain());
        Err(Refusal::Forbidden { action: format!("manage the devices of {principal}"), cure })
    }

    fn administers(&self, actor: &Actor, domain: &str) -> bool {
        let view = self.views.principal(&actor.principal);
        let administrator = view.is_some_and(|view| view.role == crate::model::Role::Administrator);
        administrator && actor.principal.domain() == domain
    }
}

/// The lifetime granted: what was asked or the default, cut to the most.
fn granted(
    asked: Option<Lifetime>,
    default_ms: u64,
    min_ms: u64,
    max_ms: u64,
) -> Result<Lifetime, Refusal> {
    let asked = asked.map_or(default_ms, Lifetime::as_ms);
    if asked < min_ms {
        return Err(Refusal::TooBrief { minimum: Lifetime::from_ms(min_ms) });
    }
    Ok(Lifetime::from_ms(asked.min(max_ms)))
}
