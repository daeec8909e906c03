//! Changing access rules, delivery rules and visibility rules.
//!
//! Must never hold: what a rule does (see `model`), or what a change of rules does to subscriptions (see `service::review`).

use serde::Serialize;

use crate::event::{
    AccessRulesAmended, DeliveryRulesAmended, DomainRulesAmended, Event, RulesReviewed,
    VisibilityRulesAmended,
};
use crate::model::{
    AccessRule, Domain, Presentity, Principal, Refusal, Rights, Sequence, Timestamp, TupleId,
};
use crate::protocol::{Answer, ChangeDelivery, ChangeRules, ChangeVisibility, RulesOwner};
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};
use crate::view::{RulesView, stored_bytes};

/// Changes the access rules of a presentity or a domain.
pub(super) fn access(
    case: Case<'_>,
    actor: &Actor,
    change: ChangeRules,
) -> Result<Verdict, Refusal> {
    for rule in &change.put {
        case.check_who(&rule.who)?;
    }
    match change.owner.clone() {
        RulesOwner::Presentity(presentity) => of_presentity(case, actor, presentity, change),
        RulesOwner::Domain(domain) => of_domain(case, actor, domain, change),
    }
}

fn of_presentity(
    case: Case<'_>,
    actor: &Actor,
    presentity: Presentity,
    change: ChangeRules,
) -> Result<Verdict, Refusal> {
    let owner = presentity.principal();
    case.check_controls(actor, &owner, "change its rules")?;
    let view = case.views.rules(&owner);
    let (version, previous) =
        view.map_or((0, Sequence::ZERO), |view| (view.access_version, view.access_at));
    check_version(change.if_version, version)?;
    check_tuples(case, &presentity, &change.put)?;
    let before = case.rulebook(&presentity);
    let rules = before.own.change(change.put, &change.remove)?;
    let mut own = before.own.clone();
    own.apply(&rules);
    check_bytes(case, &owner, (before.own, &own))?;
    let version = version + 1;
    let event = AccessRulesAmended {
        presentity,
        version,
        by: actor.principal.clone(),
        device: actor.device,
        operation: change.operation,
        previous,
        rules,
    };
    Ok(Verdict::new(Event::AccessRulesAmended(event), Reply::Done(Answer::Changed { version })))
}

fn of_domain(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    change: ChangeRules,
) -> Result<Verdict, Refusal> {
    case.check_administers(actor, &domain)?;
    let view = case.views.domain(domain.as_str()).cloned().unwrap_or_default();
    check_version(change.if_version, view.rules_version)?;
    if change.put.iter().any(|rule| rule.from.is_some() || rule.until.is_some()) {
        return Err(Refusal::bad_field(
            "validity",
            "is for a presentity's rules; leave it out of a domain's, which hold always",
        ));
    }
    let rules = view.rules.change(change.put, &change.remove)?;
    let version = view.rules_version + 1;
    let event = DomainRulesAmended {
        domain,
        version,
        by: actor.principal.clone(),
        operation: change.operation,
        rules,
    };
    Ok(Verdict::new(Event::DomainRulesAmended(event), Reply::Done(Answer::Changed { version })))
}

/// Whether one kind of the rules of `owner` may become what they are after a change.
fn check_bytes<Rules: Serialize>(
    case: Case<'_>,
    owner: &Principal,
    (before, after): (&Rules, &Rules),
) -> Result<(), Refusal> {
    let all = case.views.rules(owner).map_or(0, RulesView::bytes);
    let others = all.saturating_sub(stored_bytes(before));
    case.check_rules_bytes(owner, (all, others + stored_bytes(after)))
}

fn check_version(expected: Option<u64>, found: u64) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != found => Err(Refusal::StaleVersion { expected, found }),
        _ => Ok(()),
    }
}

/// Rules name tuples as the presentity calls them. One that it never published is taken for a mistake and refused.
fn check_tuples(
    case: Case<'_>,
    presentity: &Presentity,
    rules: &[AccessRule],
) -> Result<(), Refusal> {
    let view = case.views.presentity(presentity);
    let known: Vec<&TupleId> = view.iter().flat_map(|view| view.past.tuple_ids()).collect();
    let named = rules.iter().flat_map(|rule| rule.shown.tuples.iter().flatten());
    let is_known =
        |id: &&TupleId| known.iter().any(|known| known.as_str() == id.own() || *known == *id);
    match named.into_iter().find(|id| !is_known(id)) {
        None => Ok(()),
        Some(id) => {
            let known: Vec<&str> = known.iter().map(|id| id.as_str()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(Refusal::UnknownTuple { tuple: id.as_str().to_owned(), known })
        }
    }
}

/// The wall clock came to a time at which rules of `principal` begin or cease to hold, or went back behind one.
pub(in crate::service) fn reviewed(principal: &Principal, due_at: Timestamp) -> Event {
    Event::RulesReviewed(RulesReviewed { presentity: principal.presentity(), through: due_at })
}

pub(super) fn delivery(
    case: Case<'_>,
    actor: &Actor,
    request: ChangeDelivery,
) -> Result<Verdict, Refusal> {
    let ChangeDelivery { inbox, operation, if_version, change } = request;
    case.check_inbox_right(actor, &inbox, Rights::MEMBER)?;
    for rule in &change.put {
        case.check_who(&rule.who)?;
    }
    let none = RulesView::default();
    let view = case.views.rules(&inbox.principal()).unwrap_or(&none);
    check_version(if_version, view.delivery_version)?;
    let version = view.delivery_version + 1;
    let rules = view.delivery.change(change)?;
    let mut after = view.delivery.clone();
    after.apply(&rules);
    check_bytes(case, &inbox.principal(), (&view.delivery, &after))?;
    let by = actor.principal.clone();
    let event = DeliveryRulesAmended { inbox, version, rules, by, operation };
    Ok(Verdict::new(Event::DeliveryRulesAmended(event), Reply::Done(Answer::Changed { version })))
}

pub(super) fn visibility(
    case: Case<'_>,
    actor: &Actor,
    request: ChangeVisibility,
) -> Result<Verdict, Refusal> {
    let ChangeVisibility { operation, put, remove } = request;
    for row in &put {
        case.check_who(&row.who)?;
    }
    let none = RulesView::default();
    let view = case.views.rules(&actor.principal).unwrap_or(&none);
    let put = put.into_iter().map(|row| (row.who, row.is_shown)).collect();
    let rules = view.visibility.change(put, remove)?;
    let mut after = view.visibility.clone();
    after.apply(&rules);
    check_bytes(case, &actor.principal, (&view.visibility, &after))?;
    let (version, watcher) = (view.visibility_version + 1, actor.principal.clone());
    let event = VisibilityRulesAmended { watcher, version, rules, operation };
    Ok(Verdict::new(Event::VisibilityRulesAmended(event), Reply::Done(Answer::Changed { version })))
}
