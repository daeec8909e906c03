//! Erasing a principal: all that is and was made by it, or in its name, ends with it.
//!
//! What it wrote cannot be taken out of the log; it cannot be read any more once the key is destroyed, which whoever commits
//! the last event of this does. Must never hold: a key.

use super::{domain, ending};
use crate::event::{
    AccessRulesAmended, DeliveryRulesAmended, Ended, ErasurePolicyChanged, Event, KeyRevoked,
    MessageCause, MessageEnded, PrincipalErased, SubscriptionEnded, VisibilityRulesAmended,
    WatcherForgotten,
};
use crate::model::limits::NAME_FREED_MS;
use crate::model::{
    DeliveryChanged, DeviceId, Domain, EndReason, Lifetime, OperationId, Principal, Refusal,
    RuleChanges, RuleName, Sequence, VisibilityChanged,
};
use crate::protocol::{Answer, Erase};
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};
use crate::view::{RulesView, SenderKey};

/// Erases `principal` for the operator of the machine.
pub(in crate::service) fn operate(
    case: Case<'_>,
    principal: &Principal,
) -> Result<Vec<Event>, Refusal> {
    case.known(principal)?;
    // Nobody is known by name who did it: what it takes back, it takes back in the principal's name.
    let actor = Actor { principal: principal.clone(), device: DeviceId([0; 8]) };
    Ok(events(case, &actor, principal.clone(), None))
}

/// Erases the asker itself, or for an administrator somebody of its domain. A repeat finds it erased.
pub(super) fn erase(case: Case<'_>, actor: &Actor, request: Erase) -> Result<Verdict, Refusal> {
    let Erase { principal } = request;
    case.check_domain(principal.domain())?;
    case.check_manages(actor, &principal)?;
    let keeps = case.views.ever_kept(principal.domain());
    if let Some(erased) = case.views.erased_principal(&principal) {
        let (position, by_itself) = (erased.as_of, false);
        return Ok(Verdict::unchanged(Reply::Erased { position, by_itself, keeps }));
    }
    case.known(&principal)?;
    let by_itself = actor.principal == principal;
    let events = events(case, actor, principal, Some(actor.principal.clone()));
    Ok(Verdict::of(events, Reply::Erased { position: Sequence::ZERO, by_itself, keeps }))
}

/// Says whether recipients keep what somebody of `domain` sends from now on when that is erased.
pub(super) fn set(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    recipients_keep: bool,
) -> Result<Verdict, Refusal> {
    let done = Reply::Done(Answer::Changed { version: 0 });
    case.check_domain(domain.as_str())?;
    case.check_administers(actor, &domain)?;
    if recipients_keep == case.recipients_keep(domain.as_str()) {
        return Ok(Verdict::unchanged(done));
    }
    let by = actor.principal.clone();
    let event = ErasurePolicyChanged { domain, recipients_keep, by };
    Ok(Verdict::new(Event::ErasurePolicyChanged(event), done))
}

fn events(
    case: Case<'_>,
    actor: &Actor,
    principal: Principal,
    by: Option<Principal>,
) -> Vec<Event> {
    let mut events = ending::of_erased(case, actor, &principal);
    events.extend(watching(case, &principal));
    events.extend(watched(case, &principal));
    events.extend(received(case, &principal));
    if !case.recipients_keep(principal.domain()) {
        events.extend(waiting(case, &principal));
    }
    events.extend(rules(case, actor, &principal));
    events.extend(devices(case, actor, &principal));
    let name_free_at = case.now.after(Lifetime::from_ms(NAME_FREED_MS));
    let ended = count(&principal, &events);
    events.push(Event::PrincipalErased(PrincipalErased { principal, by, name_free_at, ended }));
    events
}

/// Ends what it watches, and forgets what it watched and did.
fn watching(case: Case<'_>, watcher: &Principal) -> Vec<Event> {
    let subscriptions =
        case.views.watcher(watcher).into_iter().flat_map(|view| &view.subscriptions);
    let live = subscriptions.filter(|(_, subscription)| subscription.is_live());
    let mut events: Vec<Event> = live
        .map(|(presentity, _)| {
            let (watcher, presentity) = (watcher.clone(), presentity.clone());
            let reason = EndReason::Deactivated;
            Event::SubscriptionEnded(SubscriptionEnded { watcher, presentity, reason })
        })
        .collect();
    events.push(Event::WatcherForgotten(WatcherForgotten { watcher: watcher.clone() }));
    events
}

/// Ends what others watch of it.
fn watched(case: Case<'_>, presentity: &Principal) -> Vec<Event> {
    let mut events = domain::unsubscribed(case, &presentity.presentity());
    // What it watched of itself has ended with all that it watched.
    let is_own = |event: &Event| matches!(event, Event::SubscriptionEnded(event) if event.watcher == *presentity);
    events.retain(|event| !is_own(event));
    events
}

/// Ends what lies in its inbox, and tells others what became of what they sent.
fn received(case: Case<'_>, principal: &Principal) -> Vec<Event> {
    let mut events = domain::without_inbox(case, principal);
    let own = principal.inbox();
    events.retain(|event| !matches!(event, Event::ReceiptIssued(receipt) if receipt.inbox == own));
    events
}

/// Ends the messages that it sent and nobody has taken.
fn waiting(case: Case<'_>, principal: &Principal) -> Vec<Event> {
    let (own, sender) = (principal.inbox(), SenderKey::of(principal));
    let others = case.views.inboxes().filter(|(inbox, _)| **inbox != own);
    let waiting = others.flat_map(|(inbox, view)| {
        let untaken = view.unread_of(sender).chain(view.quarantined_of(sender));
        untaken.map(|sequence| {
            let inbox = inbox.clone();
            Event::MessageEnded(MessageEnded { inbox, sequence, cause: MessageCause::Withdrawn })
        })
    });
    waiting.collect()
}

/// Takes back all its rules.
fn rules(case: Case<'_>, actor: &Actor, principal: &Principal) -> Vec<Event> {
    let none = RulesView::default();
    let view = case.views.rules(principal).unwrap_or(&none);
    let (by, device, operation) = (actor.principal.clone(), actor.device, OperationId::default());
    let access: Vec<_> = view.access.iter().map(|rule| rule.name.clone()).collect();
    let access = (!access.is_empty()).then(|| {
        Event::AccessRulesAmended(AccessRulesAmended {
            presentity: principal.presentity(),
            version: view.access_version + 1,
            rules: without(access),
            by: by.clone(),
            device,
            operation,
            previous: view.access_at,
        })
    });
    let delivery = (view.delivery != none.delivery).then(|| {
        let names = view.delivery.iter().map(|rule| rule.name.clone()).collect();
        let (when_closed, receipts) = (Some(none.delivery.when_closed), Some(false));
        let (inbox, version) = (principal.inbox(), view.delivery_version + 1);
        let rules = DeliveryChanged { rules: without(names), when_closed, receipts };
        Event::DeliveryRulesAmended(DeliveryRulesAmended { inbox, version, rules, by, operation })
    });
    let removed: Vec<_> = view.visibility.0.keys().cloned().collect();
    let visibility = (!removed.is_empty()).then(|| {
        let (watcher, version) = (principal.clone(), view.visibility_version + 1);
        let rules = VisibilityChanged { removed, ..VisibilityChanged::default() };
        Event::VisibilityRulesAmended(VisibilityRulesAmended { watcher, version, rules, operation })
    });
    [access, delivery, visibility].into_iter().flatten().collect()
}

fn without<Rule>(removed: Vec<RuleName>) -> RuleChanges<Rule> {
    RuleChanges { removed, ..RuleChanges::default() }
}

/// Revokes its devices, so that their connections are closed.
fn devices(case: Case<'_>, actor: &Actor, principal: &Principal) -> Vec<Event> {
    let devices = case.views.principal(principal).into_iter().flat_map(|view| view.devices.iter());
    let active = devices.filter(|(_, device)| device.revoked_at.is_none());
    let revoked = active.map(|(device, _)| {
        let (principal, by) = (principal.clone(), actor.principal.clone());
        Event::KeyRevoked(KeyRevoked { principal, device: *device, by })
    });
    revoked.collect()
}

/// What of `principal` ends with `events`.
fn count(principal: &Principal, events: &[Event]) -> Ended {
    let mut ended = Ended::default();
    for event in events {
        match event {
            Event::KeyRevoked(_) => ended.devices += 1,
            Event::PublicationEnded(_) => ended.publications += 1,
            Event::SubscriptionEnded(event) if event.watcher == *principal => {
                ended.subscriptions += 1;
            }
            Event::SubscriptionEnded(_) => ended.watchers += 1,
            Event::GrantChanged(_) => ended.grants += 1,
            Event::InviteEnded(_) => ended.invites += 1,
            Event::MessageEnded(event) if event.inbox == principal.inbox() => ended.received += 1,
            Event::MessageEnded(_) => ended.sent += 1,
            Event::AccessRulesAmended(event) => ended.rules += event.rules.removed.len() as u64,
            Event::DeliveryRulesAmended(event) => {
                ended.rules += event.rules.rules.removed.len() as u64;
            }
            Event::VisibilityRulesAmended(event) => {
                ended.rules += event.rules.removed.len() as u64;
            }
            _ => {}
        }
    }
    ended
}
