//! Answers that change nothing.
//!
//! Must never hold: a change of state.

use std::sync::Arc;

use super::decide::Case;
use super::{Actor, InboxRow, Key, PresenceItem, Query, Reply, SubscriptionRow, compose};
use crate::model::limits::INBOX_PAGE_MAX;
use crate::model::{
    InboxAddress, InboxSequence, Lifetime, Moment, Presentity, Principal, Refusal,
    SubscriptionState,
};
use crate::view::{PresentityView, Views};

pub(super) fn query(case: Case<'_>, actor: &Actor, query: Query) -> Result<Reply, Refusal> {
    match query {
        Query::Fetch { presentity } => {
            case.check_presentity(&presentity)?;
            let item = current(case.views, &presentity, Moment::ZERO);
            Ok(Reply::Presence(Arc::new(item)))
        }
        Query::Subscriptions => Ok(Reply::Subscriptions(subscriptions(case, actor))),
        Query::Keys { principal } => keys(case, actor, &principal),
        Query::Inbox { inbox } => inbox_status(case, actor, &inbox),
        Query::Page { inbox, after } => {
            case.check_own_inbox(actor, &inbox)?;
            Ok(Reply::Page(page(case.views, &inbox, after)))
        }
    }
}

/// The current state of a presentity, as of its last change or of `not_before`, whichever is later.
pub(super) fn current(views: &Views, presentity: &Presentity, not_before: Moment) -> PresenceItem {
    let view = views.presentity(presentity);
    let version = view.map_or(Moment::ZERO, |view| view.version).max(not_before);
    let document = view.and_then(document_of);
    PresenceItem::new(presentity.clone(), version, SubscriptionState::Active, document)
}

/// The composed document of a presentity; `None` when nothing is live.
fn document_of(view: &PresentityView) -> Option<crate::model::Document> {
    let publications =
        view.publications.iter().map(|(key, publication)| (key, &publication.document));
    compose(publications).expect("publications that do not compose are refused")
}

fn subscriptions(case: Case<'_>, actor: &Actor) -> Vec<SubscriptionRow> {
    let view = case.views.watcher(&actor.principal);
    let rows = view.into_iter().flat_map(|view| &view.subscriptions);
    rows.map(|(presentity, subscription)| SubscriptionRow {
        presentity: presentity.clone(),
        state: subscription.state,
        mode: subscription.mode,
        remaining: match subscription.state {
            SubscriptionState::Active => case.now.until(subscription.expires_at),
            SubscriptionState::Terminated(_)
            | SubscriptionState::Pending
            | SubscriptionState::Waiting => Lifetime::ZERO,
        },
    })
    .collect()
}

fn keys(case: Case<'_>, actor: &Actor, principal: &Principal) -> Result<Reply, Refusal> {
    case.check_manages(actor, principal)?;
    let view = case.views.principal(principal);
    let view =
        view.ok_or_else(|| Refusal::UnknownPrincipal { principal: principal.to_string() })?;
    let keys = view.devices.iter().map(|(device, view)| Key {
        device: *device,
        label: view.label.clone(),
        enrolled_at: view.enrolled_at,
        revoked_at: view.revoked_at,
    });
    Ok(Reply::Keys(keys.collect()))
}

fn inbox_status(case: Case<'_>, actor: &Actor, inbox: &InboxAddress) -> Result<Reply, Refusal> {
    case.check_own_inbox(actor, inbox)?;
    let Some(view) = case.views.inbox(inbox) else {
        let zero = InboxSequence::ZERO;
        return Ok(Reply::Inbox { head: zero, acknowledged: zero, waiting: 0, kept: 0 });
    };
    let acknowledged = view.acknowledged(actor.device);
    let waiting = view.kept_after(acknowledged).count() as u64;
    Ok(Reply::Inbox { head: view.head(), acknowledged, waiting, kept: view.kept() })
}

/// The next messages that are there behind `after`.
fn page(views: &Views, inbox: &InboxAddress, after: InboxSequence) -> Vec<InboxRow> {
    let rows = views.inbox(inbox).into_iter().flat_map(|view| view.kept_after(after));
    rows.take(INBOX_PAGE_MAX).map(|(sequence, row)| InboxRow { sequence, at: row.at }).collect()
}
