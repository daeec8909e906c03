//! Changing delivery rules, visibility rules and grants.
//!
//! Must never hold: what a rule does; the model says that.

use super::access_change::{self, check_version};
use super::publish;
use crate::event::{DeliveryRulesChanged, Event, GrantChanged, VisibilityRulesChanged};
use crate::model::limits::{GRANTS_MAX, RULES_MAX};
use crate::model::{
    DeliveryChange, InboxAddress, OperationId, Principal, Refusal, Rights, VisibilityRules, Who,
};
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};

pub(super) fn delivery(
    case: Case<'_>,
    actor: &Actor,
    inbox: InboxAddress,
    (operation, if_version): (OperationId, Option<u64>),
    change: DeliveryChange,
) -> Result<Verdict, Refusal> {
    case.check_inbox_right(actor, &inbox, Rights::MEMBER)?;
    for rule in &change.put {
        case.check_who(&rule.who)?;
    }
    let view = case.views.rules(&inbox.principal()).cloned().unwrap_or_default();
    if let Some(version) = view.answered.version_of(operation) {
        return Ok(Verdict::unchanged(Reply::Changed { version }));
    }
    check_version(if_version, view.delivery_version)?;
    let version = view.delivery_version + 1;
    let event = DeliveryRulesChanged {
        inbox,
        version,
        rules: view.delivery.changed(change)?,
        by: actor.principal.clone(),
        operation,
    };
    Ok(Verdict::new(Event::DeliveryRulesChanged(event), Reply::Changed { version }))
}

pub(super) fn visibility(
    case: Case<'_>,
    actor: &Actor,
    operation: OperationId,
    put: Vec<(Who, bool)>,
    remove: &[Who],
) -> Result<Verdict, Refusal> {
    for (who, _) in &put {
        case.check_who(who)?;
    }
    let view = case.views.rules(&actor.principal).cloned().unwrap_or_default();
    if let Some(version) = view.answered.version_of(operation) {
        return Ok(Verdict::unchanged(Reply::Changed { version }));
    }
    let mut rules = view.visibility;
    for who in remove {
        let gone = rules.0.remove(who);
        gone.ok_or_else(|| Refusal::NoRule { name: who.to_string() })?;
    }
    rules.0.extend(put);
    check_count("rules", rules.0.len(), RULES_MAX)?;
    let version = view.visibility_version + 1;
    let event = changed_visibility(actor, version, rules, operation);
    Ok(Verdict::new(event, Reply::Changed { version }))
}

fn changed_visibility(
    actor: &Actor,
    version: u64,
    rules: VisibilityRules,
    operation: OperationId,
) -> Event {
    let watcher = actor.principal.clone();
    Event::VisibilityRulesChanged(VisibilityRulesChanged { watcher, version, rules, operation })
}

fn check_count(part: &str, found: usize, max: usize) -> Result<(), Refusal> {
    if found <= max {
        return Ok(());
    }
    Err(Refusal::TooLarge { part: part.into(), found: found as u64, max: max as u64 })
}

pub(super) fn grant(
    case: Case<'_>,
    actor: &Actor,
    (owner, grantee): (Principal, Principal),
    rights: Rights,
    operation: OperationId,
) -> Result<Verdict, Refusal> {
    case.check_controls(actor, &owner, "grant its rights")?;
    case.check_domain(grantee.domain())?;
    if case.views.principal(&grantee).is_none() && !rights.is_none() {
        return Err(Refusal::UnknownPrincipal { principal: grantee.to_string() });
    }
    if grantee == owner {
        return Err(Refusal::bad_field("grantee", "is the owner, who has every right anyway"));
    }
    let view = case.views.rules(&owner).cloned().unwrap_or_default();
    let done = Reply::Changed { version: 0 };
    let before = view.rights(&grantee);
    if view.answered.version_of(operation).is_some() {
        return Ok(Verdict::unchanged(done));
    }
    let is_new = !view.grants.contains_key(&grantee);
    check_count("grants", view.grants.len() + usize::from(is_new), GRANTS_MAX)?;
    let mut events = Vec::new();
    if before.has(Rights::PUBLISH) && !rights.has(Rights::PUBLISH) {
        events.extend(withdrawn(case, &owner, &grantee));
    }
    let moved = regranted(case, &owner, &grantee, rights, !events.is_empty());
    let by = actor.principal.clone();
    events.push(Event::GrantChanged(GrantChanged { owner, grantee, rights, by, operation }));
    events.extend(moved);
    Ok(Verdict { events, reply: done })
}

/// What becomes of the grantee's subscription to the owner: who controls a presentity sees all of it, others by its rules.
fn regranted(
    case: Case<'_>,
    owner: &Principal,
    grantee: &Principal,
    rights: Rights,
    is_changed: bool,
) -> Option<Event> {
    let controls = rights.has(Rights::MEMBER);
    let mut moved = access_change::regranted(case, &owner.presentity(), grantee, controls)?;
    if let Event::SubscriptionMoved(event) = &mut moved {
        // What is withdrawn together with the grant changes what is seen after this was judged.
        event.is_visible |= is_changed;
    }
    Some(moved)
}

/// Ends what the devices of `grantee` publish for `owner`.
fn withdrawn(case: Case<'_>, owner: &Principal, grantee: &Principal) -> Vec<Event> {
    let devices = case.views.principal(grantee).map(|view| &view.devices);
    let presentity = owner.presentity();
    let Some(view) = case.views.presentity(&presentity) else { return Vec::new() };
    let is_theirs = |device| devices.is_some_and(|devices| devices.contains_key(device));
    let theirs = view.publications.keys().filter(|key| is_theirs(&key.device));
    publish::withdrawn(case, &presentity, view, theirs.cloned().collect())
}
