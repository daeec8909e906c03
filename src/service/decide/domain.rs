//! Domains, and what administrators may do to the principals in them. RFC 2779 §2.1.4, §2.1.5, appendix C.
//!
//! Must never hold: a way for an administrator to read a body or to speak as a user.

use super::{ending, invite, message, publish};
use crate::event::{
    DomainCreated, DomainRemoved, DomainSwitched, Event, MessageCause, PrincipalSuspended,
    ServicesSwitched, SubscriptionEnded,
};
use crate::model::limits::DOMAINS_MAX;
use crate::model::{
    AdministratorAct, Domain, EndReason, OperationId, Presentity, Principal, ReceiptKind, Refusal,
};
use crate::protocol::Answer;
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};
use crate::view::InboxView;

const DONE: Reply = Reply::Done(Answer::Changed { version: 0 });

pub(super) fn create(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    operation: OperationId,
) -> Result<Verdict, Refusal> {
    case.check_operates(actor, "create domains")?;
    if case.check_domain(domain.as_str()).is_ok() {
        return Err(Refusal::DomainExists { domain: domain.to_string() });
    }
    if domain.is_anonymous() {
        return Err(Refusal::bad_field("domain", "is the one of pseudonyms; take another"));
    }
    Refusal::check_max("list of domains", case.views.domains().len() + 1, DOMAINS_MAX)?;
    let event = DomainCreated { domain, by: actor.principal.clone(), operation };
    Ok(Verdict::new(Event::DomainCreated(event), DONE))
}

pub(super) fn remove(case: Case<'_>, actor: &Actor, domain: Domain) -> Result<Verdict, Refusal> {
    case.check_operates(actor, "remove domains")?;
    if case.config.domains.contains(&domain) {
        return Err(Refusal::DomainConfigured { domain: domain.to_string() });
    }
    case.check_domain(domain.as_str())?;
    let living = case.views.principals().filter(|(principal, view)| {
        principal.domain() == domain.as_str() && view.devices_active() > 0
    });
    let principals = living.count() as u64;
    if principals > 0 {
        return Err(Refusal::DomainInhabited { domain: domain.to_string(), principals });
    }
    let gone = case.views.subscribed().filter(|it| it.domain() == domain.as_str());
    let mut events: Vec<Event> = gone.flat_map(|it| unsubscribed(case, it)).collect();
    events.extend(invite::homeless(case, &domain));
    let by = actor.principal.clone();
    events.push(Event::DomainRemoved(DomainRemoved { domain, by }));
    Ok(Verdict::of(events, DONE))
}

/// Ends every subscription to a presentity that is no more.
pub(super) fn unsubscribed(case: Case<'_>, presentity: &Presentity) -> Vec<Event> {
    let ended = case.views.subscribers(presentity).map(|watcher| {
        let (watcher, presentity) = (watcher.clone(), presentity.clone());
        let reason = EndReason::NoResource;
        Event::SubscriptionEnded(SubscriptionEnded { watcher, presentity, reason })
    });
    ended.collect()
}

/// What a switch is to be: `None` stays.
#[derive(Clone, Copy)]
pub(super) struct Switch {
    pub(super) presence: Option<bool>,
    pub(super) messaging: Option<bool>,
}

pub(super) fn switch(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    switch: Switch,
) -> Result<Verdict, Refusal> {
    case.check_domain(domain.as_str())?;
    case.check_administers(actor, &domain).or_else(|refusal| {
        case.check_operates(actor, "switch its services").map_err(|_| refusal)
    })?;
    let view = case.views.domain(domain.as_str()).cloned().unwrap_or_default();
    let presence = switch.presence.unwrap_or(view.presence);
    let messaging = switch.messaging.unwrap_or(view.messaging);
    if (presence, messaging) == (view.presence, view.messaging) {
        return Ok(Verdict::unchanged(DONE));
    }
    let by = actor.principal.clone();
    let event = DomainSwitched { domain, presence, messaging, by };
    Ok(Verdict::new(Event::DomainSwitched(event), DONE))
}

pub(super) fn services(
    case: Case<'_>,
    actor: &Actor,
    principal: Principal,
    switch: Switch,
) -> Result<Verdict, Refusal> {
    case.check_domain(principal.domain())?;
    case.check_manages(actor, &principal)?;
    let view = case.known(&principal)?;
    let presence = switch.presence.unwrap_or(view.presence);
    let messaging = switch.messaging.unwrap_or(view.messaging);
    if (presence, messaging) == (view.presence, view.messaging) {
        return Ok(Verdict::unchanged(DONE));
    }
    let mut events = Vec::new();
    if view.presence && !presence {
        events.extend(without_presence(case, &principal));
    }
    if view.messaging && !messaging {
        events.extend(without_inbox(case, &principal));
    }
    events.extend(case.acted(actor, &principal, AdministratorAct::SwitchedServices, ""));
    let by = actor.principal.clone();
    let event = ServicesSwitched { principal, presence, messaging, by };
    events.push(Event::ServicesSwitched(event));
    Ok(Verdict::of(events, DONE))
}

fn without_presence(case: Case<'_>, principal: &Principal) -> Vec<Event> {
    let presentity = principal.presentity();
    let view = case.views.presentity(&presentity);
    let gone = view.into_iter().flat_map(|view| view.publications.keys().cloned()).collect();
    let mut events = publish::withdrawn(case, &presentity, &gone, 0);
    events.extend(unsubscribed(case, &presentity));
    events
}

pub(super) fn without_inbox(case: Case<'_>, principal: &Principal) -> Vec<Event> {
    let inbox = principal.inbox();
    let view = case.views.inbox(&inbox);
    let kept = view.into_iter().flat_map(InboxView::all_kept);
    let end = message::Removal {
        cause: MessageCause::Withdrawn,
        receipt: ReceiptKind::Failed,
        reason: "the inbox is no more",
    };
    message::removed(case, &inbox, kept.collect::<Vec<_>>(), &end)
}

pub(super) fn suspend(
    case: Case<'_>,
    actor: &Actor,
    principal: Principal,
    is_suspended: bool,
) -> Result<Verdict, Refusal> {
    case.check_administers(actor, &principal.home())?;
    if principal == actor.principal {
        return Err(Refusal::bad_field(
            "principal",
            "is yourself; let another administrator do it",
        ));
    }
    let view = case.known(&principal)?;
    if view.is_suspended == is_suspended {
        return Ok(Verdict::unchanged(DONE));
    }
    let act = if is_suspended { AdministratorAct::Suspended } else { AdministratorAct::Resumed };
    let mut events =
        if is_suspended { ending::of_principal(case, actor, &principal) } else { Vec::new() };
    events.extend(case.acted(actor, &principal, act, ""));
    let by = actor.principal.clone();
    events.push(Event::PrincipalSuspended(PrincipalSuspended { principal, is_suspended, by }));
    Ok(Verdict::of(events, DONE))
}
