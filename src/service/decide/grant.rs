//! Granting rights and taking them back, with what that does to the grantee's publications and subscription.
//!
//! Must never hold: what a right allows.

use std::collections::BTreeSet;

use super::{publish, subscription_state};
use crate::event::{Event, GrantChanged, GrantGiven, PublicationKey};
use crate::model::limits::GRANTS_MAX;
use crate::model::{OperationId, Principal, Refusal, Rights};
use crate::protocol::{Answer, Grant};
use crate::service::case::{Case, Verdict};
use crate::service::{Actor, Reply};
use crate::view::RulesView;

pub(super) fn grant(case: Case<'_>, actor: &Actor, grant: Grant) -> Result<Verdict, Refusal> {
    let owner = grant.owner.unwrap_or_else(|| actor.principal.clone());
    let (grantee, rights, operation) = (grant.grantee, grant.rights, grant.operation);
    case.check_controls(actor, &owner, "grant its rights")?;
    case.check_domain(grantee.domain())?;
    check_reads(case, actor, &owner, rights)?;
    if !rights.is_none() {
        case.known(&grantee)?;
    }
    if grantee == owner {
        return Err(Refusal::bad_field(
            "grantee",
            "is the owner, who has every right anyway; name somebody else",
        ));
    }
    let none = RulesView::default();
    let view = case.views.rules(&owner).unwrap_or(&none);
    let done = Reply::Done(Answer::Changed { version: 0 });
    let before = view.rights(&grantee);
    let is_new = !view.grants.contains_key(&grantee);
    Refusal::check_max("grants", view.grants.len() + usize::from(is_new), GRANTS_MAX)?;
    let mut events = Vec::new();
    if before.has(Rights::PUBLISH) && !rights.has(Rights::PUBLISH) {
        let gone = published(case, &owner, &grantee);
        events.extend(publish::withdrawn(case, &owner.presentity(), &gone, 0));
    }
    let moved = moved(case, &owner, &grantee, rights, !events.is_empty());
    let (by, device) = (actor.principal.clone(), actor.device);
    events.push(if before.has(rights) {
        Event::GrantChanged(GrantChanged { owner, grantee, rights, by, operation })
    } else {
        Event::GrantGiven(GrantGiven { owner, grantee, rights, by, device, operation })
    });
    events.extend(moved);
    Ok(Verdict::of(events, done))
}

/// Nobody is let read more than whoever lets it is shown.
fn check_reads(
    case: Case<'_>,
    actor: &Actor,
    owner: &Principal,
    rights: Rights,
) -> Result<(), Refusal> {
    if !rights.has(Rights::READ) || !case.withholds(actor, &owner.inbox()) {
        return Ok(());
    }
    let action = "let others read messages that this device is not shown".to_owned();
    let cure = "delete those from before the recovery, or do it with another device".to_owned();
    Err(Refusal::Forbidden { action, cure })
}

/// Takes everything back that `owner` grants `grantee`, because whoever gave it is out; `is_changed` says whether
/// publications at `owner` end together with that.
pub(super) fn taken(
    case: Case<'_>,
    actor: &Actor,
    (owner, grantee): &(Principal, Principal),
    is_changed: bool,
) -> Vec<Event> {
    let moved = moved(case, owner, grantee, Rights::NONE, is_changed);
    let taken = GrantChanged {
        owner: owner.clone(),
        grantee: grantee.clone(),
        rights: Rights::NONE,
        by: actor.principal.clone(),
        operation: OperationId::default(),
    };
    core::iter::once(Event::GrantChanged(taken)).chain(moved).collect()
}

/// What becomes of the grantee's subscription to the owner: whoever controls a presentity sees all of it, others what
/// its rules show.
fn moved(
    case: Case<'_>,
    owner: &Principal,
    grantee: &Principal,
    rights: Rights,
    is_changed: bool,
) -> Option<Event> {
    let controls = rights.has(Rights::MEMBER);
    let mut moved = subscription_state::after_grant(case, &owner.presentity(), grantee, controls)?;
    if let Event::SubscriptionMoved(event) = &mut moved {
        // Publications that are withdrawn together with the right are still there while this is judged, but the watcher
        // does not see them afterwards.
        event.is_visible |= is_changed;
    }
    Some(moved)
}

/// What the devices of `grantee` publish for `owner`.
pub(super) fn published(
    case: Case<'_>,
    owner: &Principal,
    grantee: &Principal,
) -> BTreeSet<PublicationKey> {
    let theirs = case.views.principal(grantee);
    let Some(view) = case.views.presentity(&owner.presentity()) else { return BTreeSet::new() };
    let is_theirs = |device| theirs.is_some_and(|theirs| theirs.has(device));
    view.publications.keys().filter(|key| is_theirs(&key.device)).cloned().collect()
}
