//! The rules: from state and a command to events or a refusal. Mutates nothing.
//!
//! Must never hold: a change of state, or a clock. `now` is an argument.

mod access_change;
mod domain;
mod due;
mod identity;
mod message;
mod publish;
mod receipt;
mod rules;
mod subscribe;

use super::access::{controls, rights};
use super::{Actor, Command, Hello, Reply, ServiceConfig};
use crate::event::Event;
use crate::model::{
    InboxAddress, Lifetime, Presentity, Principal, Refusal, Rights, Role, Timestamp,
};
use crate::view::Views;

pub(super) use access_change::review;
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
    pub(super) fn new(event: Event, reply: Reply) -> Self {
        Self { events: vec![event], reply }
    }

    /// A repeat, or nothing to do: the same answer and no event.
    pub(super) fn unchanged(reply: Reply) -> Self {
        Self { events: Vec::new(), reply }
    }
}

/// Decides a command of `actor`.
pub(super) fn decide(case: Case<'_>, actor: &Actor, command: Command) -> Result<Verdict, Refusal> {
    check_identified(actor, &command)?;
    match command {
        Command::Publish(publish) => publish::publish(case, actor, publish),
        Command::Subscribe { operation, presentity, mode, lifetime } => {
            let wish = subscribe::Wish { operation, presentity, mode, lifetime };
            subscribe::subscribe(case, actor, wish)
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
        Command::ChangeRules(change) => access_change::change(case, actor, change),
        Command::ChangeDelivery { inbox, operation, if_version, change } => {
            rules::delivery(case, actor, inbox, (operation, if_version), change)
        }
        Command::ChangeVisibility { operation, put, remove } => {
            rules::visibility(case, actor, operation, put, &remove)
        }
        Command::Grant { owner, grantee, rights, operation } => {
            rules::grant(case, actor, (owner, grantee), rights, operation)
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

/// Decides a fetch: a question that may leave a wish.
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

impl Case<'_> {
    /// Whether `domain` is served here.
    pub(super) fn check_domain(&self, domain: &str) -> Result<(), Refusal> {
        let is_configured = self.config.domains.iter().any(|served| served.as_str() == domain);
        if is_configured || self.views.domain(domain).is_some_and(|view| view.is_created) {
            return Ok(());
        }
        Err(Refusal::ForeignDomain { domain: domain.to_owned() })
    }

    /// Whether presence works in `domain`.
    pub(super) fn check_presence_on(&self, domain: &str) -> Result<(), Refusal> {
        self.check_domain(domain)?;
        let is_on = self.views.domain(domain).is_none_or(|view| view.presence);
        check_on("presence", self.config.presence, is_on, domain)
    }

    /// Whether `watcher` may watch anybody: presence works here and in its domain.
    pub(super) fn check_watches(&self, watcher: &Principal) -> Result<(), Refusal> {
        if watcher.is_anonymous() {
            return check_on("presence", self.config.presence, true, watcher.domain());
        }
        self.check_presence_on(watcher.domain())
    }

    /// Whether messaging works in `domain`.
    pub(super) fn check_messaging_on(&self, domain: &str) -> Result<(), Refusal> {
        self.check_domain(domain)?;
        let is_on = self.views.domain(domain).is_none_or(|view| view.messaging);
        check_on("messaging", self.config.messaging, is_on, domain)
    }

    /// Whether there is such a presentity: its principal was enrolled and has one.
    pub(super) fn check_presentity(&self, presentity: &Presentity) -> Result<(), Refusal> {
        self.check_domain(presentity.domain())?;
        match self.views.principal(&presentity.principal()) {
            Some(view) if view.presence => Ok(()),
            _ => Err(Refusal::UnknownPresentity { address: presentity.to_string() }),
        }
    }

    /// As [`Case::check_presentity`], but only who is entitled to know learns that there is none: to others it is
    /// refused as if it were there.
    pub(super) fn check_visible(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
    ) -> Result<(), Refusal> {
        let administers = self.is_administrator(watcher) && watcher.domain() == presentity.domain();
        self.check_presentity(presentity).map_err(|refusal| {
            if administers || presentity.principal() == *watcher {
                return refusal;
            }
            Refusal::Refused { address: presentity.to_string() }
        })
    }

    /// Whether there is such an inbox: its principal was enrolled and has one.
    pub(super) fn check_inbox(&self, inbox: &InboxAddress) -> Result<(), Refusal> {
        self.check_domain(inbox.domain())?;
        match self.views.principal(&inbox.principal()) {
            Some(view) if view.messaging => Ok(()),
            _ => Err(Refusal::UnknownInbox { address: inbox.to_string() }),
        }
    }

    /// Whether there is such an inbox and its owner lets `actor` do this there.
    pub(super) fn check_inbox_right(
        &self,
        actor: &Actor,
        inbox: &InboxAddress,
        right: Rights,
    ) -> Result<(), Refusal> {
        self.check_domain(inbox.domain())?;
        let owner = inbox.principal();
        if !rights(self.views, &owner, &actor.principal).has(right) {
            let cure = format!("only {owner} may, and whom it grants that");
            return Err(Refusal::Forbidden { action: format!("read or change {inbox}"), cure });
        }
        self.check_messaging_on(inbox.domain())?;
        self.check_inbox(inbox)
    }

    /// Whether `actor` is `owner` or a member of it.
    pub(super) fn check_controls(
        &self,
        actor: &Actor,
        owner: &Principal,
        action: &str,
    ) -> Result<(), Refusal> {
        self.check_domain(owner.domain())?;
        if controls(self.views, owner, &actor.principal) {
            return Ok(());
        }
        let cure = format!("only {owner} may");
        Err(Refusal::Forbidden { action: action.replace("its", &format!("{owner}'s")), cure })
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
        Err(Refusal::Forbidden { action: format!("manage {principal}"), cure })
    }

    /// Whether `principal` is an administrator, of the domain it is in.
    pub(super) fn is_administrator(&self, principal: &Principal) -> bool {
        let view = self.views.principal(principal);
        view.is_some_and(|view| view.role == Role::Administrator)
    }

    pub(super) fn administers(&self, actor: &Actor, domain: &str) -> bool {
        self.is_administrator(&actor.principal) && actor.principal.domain() == domain
    }
}

fn check_on(service: &str, server: bool, here: bool, domain: &str) -> Result<(), Refusal> {
    let place = match (server, here) {
        (true, true) => return Ok(()),
        (false, _) => "on this server".to_owned(),
        (true, false) => format!("in {domain}"),
    };
    Err(Refusal::ServiceOff { service: service.to_owned(), place })
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
