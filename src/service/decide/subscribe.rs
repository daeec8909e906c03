//! Subscribing and unsubscribing. Both may be repeated: the second time renews or changes nothing.
//!
//! Must never hold: whom a watcher may watch beyond the one place where access is decided.

use super::{Case, Verdict, granted};
use crate::event::{Event, SubscriptionCreated, SubscriptionEnded, SubscriptionRefreshed};
use crate::model::limits::{
    LIFETIME_MS_MIN, SUBSCRIPTION_MS_DEFAULT, SUBSCRIPTION_MS_MAX, SUBSCRIPTIONS_MAX,
};
use crate::model::{EndReason, Lifetime, Mode, Presentity, Refusal, SubscriptionState};
use crate::service::{Actor, Reply};

pub(super) fn subscribe(
    case: Case<'_>,
    actor: &Actor,
    presentity: Presentity,
    mode: Mode,
    lifetime: Option<Lifetime>,
) -> Result<Verdict, Refusal> {
    case.check_presentity(&presentity)?;
    let granted = granted(lifetime, SUBSCRIPTION_MS_DEFAULT, LIFETIME_MS_MIN, SUBSCRIPTION_MS_MAX)?;
    let watcher = actor.principal.clone();
    let expires_at = case.now.after(granted);
    let view = case.views.watcher(&watcher);
    let reply = Reply::Subscribed { state: SubscriptionState::Active, granted };
    if view.is_some_and(|view| view.active(&presentity).is_some()) {
        let event = SubscriptionRefreshed { watcher, presentity, mode, expires_at };
        return Ok(Verdict::new(Event::SubscriptionRefreshed(event), reply));
    }
    if view.is_some_and(|view| view.active_count >= SUBSCRIPTIONS_MAX) {
        return Err(Refusal::SubscriptionsFull { max: SUBSCRIPTIONS_MAX as u64 });
    }
    let event = SubscriptionCreated { watcher, presentity, mode, expires_at };
    Ok(Verdict::new(Event::SubscriptionCreated(event), reply))
}

pub(super) fn unsubscribe(
    case: Case<'_>,
    actor: &Actor,
    presentity: Presentity,
) -> Result<Verdict, Refusal> {
    case.check_domain(presentity.domain())?;
    let view = case.views.watcher(&actor.principal);
    let known = view.is_some_and(|view| view.subscriptions.contains_key(&presentity));
    if !known {
        return Err(Refusal::NoSubscription { address: presentity.to_string() });
    }
    if view.is_some_and(|view| view.active(&presentity).is_none()) {
        return Ok(Verdict::unchanged(Reply::Unsubscribed));
    }
    let event = SubscriptionEnded {
        watcher: actor.principal.clone(),
        presentity,
        reason: EndReason::Timeout,
    };
    Ok(Verdict::new(Event::SubscriptionEnded(event), Reply::Unsubscribed))
}
