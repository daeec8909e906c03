//! Subscribing, unsubscribing, fetching: what a watcher may ask for. Each may be repeated.
//!
//! Must never hold: whom a watcher may watch; the one place where access is decided is `service::access`.

use std::sync::Arc;

use crate::event::{Event, Subscribed, SubscriptionEnded, WatchRequested};
use crate::model::limits::{
    LIFETIME_MS_MIN, REQUESTS_MAX, SUBSCRIPTION_ANONYMOUS_MS_MAX, SUBSCRIPTION_MS_DEFAULT,
    SUBSCRIPTION_MS_MAX,
};
use crate::model::{
    AdministratorAct, EndReason, Handling, Lifetime, Moment, Presentity, Principal, Quota, Refusal,
    SubscriptionState, WatcherKind,
};
use crate::protocol::{Answer, EndSubscription, Subscribe};
use crate::service::case::{Case, Verdict, controls, granted};
use crate::service::shown::{Presence, without_presence};
use crate::service::{Actor, Lens, Reply};
use crate::view::{SubscriptionView, WatcherView};

pub(super) fn subscribe(
    case: Case<'_>,
    actor: &Actor,
    request: Subscribe,
) -> Result<Verdict, Refusal> {
    case.check_presence_on(request.presentity.domain())?;
    let watcher = &actor.principal;
    let view = case.views.watcher(watcher);
    let known = view.and_then(|view| view.subscriptions.get(&request.presentity));
    let max =
        if watcher.is_anonymous() { SUBSCRIPTION_ANONYMOUS_MS_MAX } else { SUBSCRIPTION_MS_MAX };
    let asked = granted(request.lifetime, SUBSCRIPTION_MS_DEFAULT.min(max), LIFETIME_MS_MIN, max)?;
    let state = state_of(case, &request.presentity, watcher)?;
    check_room(case, watcher, (view, known), state)?;
    let granted = match state {
        SubscriptionState::Pending => asked.min(undecided_for(case, known)),
        _ => asked,
    };
    let event = Subscribed {
        watcher: watcher.clone(),
        presentity: request.presentity,
        mode: request.mode,
        expires_at: case.now.after(granted),
        state,
        operation: request.operation,
    };
    Ok(Verdict::new(Event::Subscribed(event), Reply::Done(Answer::Subscribed { state, granted })))
}

/// The state that the rules give a subscription.
fn state_of(
    case: Case<'_>,
    presentity: &Presentity,
    watcher: &Principal,
) -> Result<SubscriptionState, Refusal> {
    case.check_visible(presentity, watcher)?;
    match case.access(presentity, watcher, WatcherKind::Subscriber).handling {
        Handling::Allow | Handling::PoliteBlock => Ok(SubscriptionState::Active),
        Handling::Confirm => Ok(SubscriptionState::Pending),
        Handling::Block => Err(refused(presentity)),
    }
}

fn refused(presentity: &Presentity) -> Refusal {
    Refusal::Refused { address: presentity.to_string() }
}

fn check_room(
    case: Case<'_>,
    watcher: &Principal,
    (view, known): (Option<&WatcherView>, Option<&SubscriptionView>),
    state: SubscriptionState,
) -> Result<(), Refusal> {
    if !known.is_some_and(SubscriptionView::is_live) {
        let held = view.map_or(0, |view| view.live_count as u64);
        let first_end = || view.and_then(WatcherView::first_end);
        case.check_held(watcher, Quota::Subscriptions, held, first_end)?;
    }
    let is_undecided = known.is_some_and(SubscriptionView::is_undecided);
    if state == SubscriptionState::Pending && !is_undecided {
        return check_requests(view);
    }
    Ok(())
}

fn check_requests(view: Option<&WatcherView>) -> Result<(), Refusal> {
    if view.is_some_and(|view| view.undecided_count() >= REQUESTS_MAX) {
        return Err(Refusal::RequestsFull { max: REQUESTS_MAX as u64 });
    }
    Ok(())
}

/// How much longer a request that is not decided is remembered. To repeat it does not prolong that.
fn undecided_for(case: Case<'_>, known: Option<&SubscriptionView>) -> Lifetime {
    let pending = known.filter(|known| known.state == SubscriptionState::Pending);
    let since = pending.map_or(case.now, |pending| pending.requested_at);
    let left = case.now.until(since.after(case.config.request_lifetime));
    left.max(Lifetime::from_ms(LIFETIME_MS_MIN))
}

pub(super) fn unsubscribe(
    case: Case<'_>,
    actor: &Actor,
    presentity: Presentity,
) -> Result<Verdict, Refusal> {
    case.check_domain(presentity.domain())?;
    let view = case.views.watcher(&actor.principal);
    let known = view.and_then(|view| view.subscriptions.get(&presentity));
    let known = known.filter(|known| !known.by_fetch);
    let Some(known) = known else {
        let (watcher, address) = (actor.principal.to_string(), presentity.to_string());
        return Err(Refusal::NoSubscription { watcher, address });
    };
    // One that waits has ended already as far as its watcher knows.
    if !known.is_live() || known.state == SubscriptionState::Waiting {
        return Ok(Verdict::unchanged(Reply::Done(Answer::Unsubscribed)));
    }
    let watcher = actor.principal.clone();
    let event = SubscriptionEnded { watcher, presentity, reason: EndReason::Timeout };
    Ok(Verdict::new(Event::SubscriptionEnded(event), Reply::Done(Answer::Unsubscribed)))
}

/// The current presence of one presentity, as far as its rules show it.
pub(super) fn fetch(
    case: Case<'_>,
    actor: &Actor,
    presentity: &Presentity,
) -> Result<Verdict, Refusal> {
    case.check_presence_on(presentity.domain())?;
    let watcher = &actor.principal;
    case.check_visible(presentity, watcher)?;
    let decision = case.access(presentity, watcher, WatcherKind::Fetcher);
    match (decision.handling, Lens::of(&decision)) {
        (Handling::Block, _) => Err(refused(presentity)),
        (_, Some(lens)) => {
            let presence = Presence::new(case.views, presentity);
            let item = presence.item(&lens, presence.version(&lens));
            Ok(Verdict::unchanged(Reply::Presence(Arc::new(item))))
        }
        (_, None) => {
            let item = without_presence(presentity, Moment::ZERO, SubscriptionState::Pending);
            let events = requested(case, watcher, presentity)?;
            Ok(Verdict::of(events, Reply::Presence(Arc::new(item))))
        }
    }
}

/// Remembers that the watcher asked to see the presentity, unless it has a subscription already: RFC 3857 §4.7.1 takes
/// a fetch for a subscription that ends at once.
fn requested(
    case: Case<'_>,
    watcher: &Principal,
    presentity: &Presentity,
) -> Result<Vec<Event>, Refusal> {
    let view = case.views.watcher(watcher);
    if view.is_some_and(|view| view.live(presentity).is_some()) {
        return Ok(Vec::new());
    }
    check_requests(view)?;
    Ok(vec![Event::WatchRequested(WatchRequested {
        watcher: watcher.clone(),
        presentity: presentity.clone(),
        expires_at: case.now.after(case.config.request_lifetime),
    })])
}

/// Ends somebody else's subscription: by who controls the presentity, or by an administrator of its domain.
pub(super) fn end(
    case: Case<'_>,
    actor: &Actor,
    request: EndSubscription,
) -> Result<Verdict, Refusal> {
    let EndSubscription { watcher, presentity, .. } = request;
    case.check_domain(presentity.domain())?;
    let owner = presentity.principal();
    let is_owner = controls(case.views, &owner, &actor.principal);
    if !is_owner && !case.administers(&actor.principal, presentity.domain()) {
        let cure = format!("ask {owner}, or an administrator of {}", presentity.domain());
        return Err(Refusal::Forbidden { action: "end others' subscriptions".into(), cure });
    }
    let view = case.views.watcher(&watcher);
    if view.is_none_or(|view| view.live(&presentity).is_none()) {
        let (watcher, address) = (watcher.to_string(), presentity.to_string());
        return Err(Refusal::NoSubscription { watcher, address });
    }
    let reason = if is_owner { EndReason::Rejected } else { EndReason::Deactivated };
    let about = format!("{watcher} to {presentity}");
    let mut events = Vec::new();
    if !is_owner {
        for concerned in [&owner, &watcher] {
            events.extend(case.acted(
                actor,
                concerned,
                AdministratorAct::EndedSubscription,
                &about,
            ));
        }
    }
    events.push(Event::SubscriptionEnded(SubscriptionEnded { watcher, presentity, reason }));
    Ok(Verdict::of(events, Reply::Done(Answer::Changed { version: 0 })))
}
