//! What becomes of live subscriptions when what their watchers are granted changes. RFC 3857 §4.7, RFC 5025 §3.
//!
//! Must never hold: who is told of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::event::{Event, RulesBefore, SubscriptionEnded, SubscriptionMoved};
use crate::model::{
    AccessRule, Decision, EndReason, Handling, Moment, Presentity, Principal, SubscriptionState,
    WatcherKind, Who,
};
use crate::service::Lens;
use crate::service::access::{CONTROLLED, Rulebook};
use crate::service::case::Case;
use crate::service::shown::Presence;
use crate::view::SubscriptionView;

/// Moves every live subscription to the state that the rules in force give it, whatever held before.
pub(in crate::service) fn review(case: Case<'_>) -> Vec<Event> {
    let moved = case.views.subscribed().flat_map(|presentity| {
        let book = case.rulebook(presentity);
        moved(case, presentity, (&book, &book), case.views.subscribers(presentity))
    });
    moved.collect()
}

/// The rules by which subscriptions to `presentity` are judged now: those in force at the time up to which they have been
/// looked at.
pub(in crate::service) fn in_force(case: Case<'_>, presentity: &Presentity) -> RulesBefore {
    let (own, domain) =
        (case.views.rules(&presentity.principal()), case.views.domain(presentity.domain()));
    RulesBefore {
        own: own.map(|view| Arc::clone(&view.access)).unwrap_or_default(),
        domain: domain.map(|view| Arc::clone(&view.rules)).unwrap_or_default(),
        now: own.map_or_else(|| case.wall(), |view| view.reviewed),
    }
}

/// Whom the rules are about that differ, or hold at one of the times only, so that a rule about one costs as much as one.
pub(in crate::service) fn about(before: &RulesBefore, after: &RulesBefore) -> BTreeSet<Who> {
    let begins_or_ceases =
        |rule: &&Arc<AccessRule>| rule.holds_at(before.now) != rule.holds_at(after.now);
    let differing = before.own.differing(&after.own).chain(before.domain.differing(&after.domain));
    let differing = differing.chain(after.own.iter().filter(begins_or_ceases));
    differing.map(|rule| rule.who.clone()).collect()
}

/// Moves the live subscriptions of `watchers` to `presentity` to where the rules in force have them, each of which was
/// judged before by one of the rules that stand beside it.
pub(in crate::service) fn settled(
    case: Case<'_>,
    presentity: &Presentity,
    watchers: &[(Principal, Vec<Arc<RulesBefore>>)],
) -> Vec<Event> {
    let in_force = in_force(case, presentity);
    let moved = watchers.iter().filter_map(|(watcher, before)| {
        before.iter().find_map(|before| {
            moved(case, presentity, (&book(before), &book(&in_force)), [watcher]).pop()
        })
    });
    moved.collect()
}

fn book(rules: &RulesBefore) -> Rulebook<'_> {
    Rulebook { own: &rules.own, domain: &rules.domain, now: rules.now }
}

/// Moves the live subscriptions of `watchers` to `presentity`.
fn moved<'a>(
    case: Case<'_>,
    presentity: &Presentity,
    (before, after): (&Rulebook<'_>, &Rulebook<'_>),
    watchers: impl IntoIterator<Item = &'a Principal>,
) -> Vec<Event> {
    let presence = Presence::new(case.views, presentity);
    let moved = watchers.into_iter().filter_map(|watcher| {
        let view = case.views.watcher(watcher)?.live(presentity)?;
        let decide = |book| case.access_by(book, presentity, watcher, WatcherKind::Subscriber);
        let subscription = Current { presence: &presence, presentity, watcher, view };
        subscription.next(&decide(before), &decide(after))
    });
    moved.collect()
}

/// Moves the live subscription of `watcher` to `presentity` when it comes to control that, or no longer does.
pub(super) fn after_grant(
    case: Case<'_>,
    presentity: &Presentity,
    watcher: &Principal,
    controls: bool,
) -> Option<Event> {
    let view = case.views.watcher(watcher)?.live(presentity)?;
    let book = case.rulebook(presentity);
    let before = case.access_by(&book, presentity, watcher, WatcherKind::Subscriber);
    let after =
        if controls { CONTROLLED } else { case.ruled(&book, watcher, WatcherKind::Subscriber) };
    let presence = &Presence::new(case.views, presentity);
    Current { presence, presentity, watcher, view }.next(&before, &after)
}

/// One live subscription, whose state may change.
struct Current<'a> {
    presence: &'a Presence<'a>,
    presentity: &'a Presentity,
    watcher: &'a Principal,
    view: &'a SubscriptionView,
}

impl Current<'_> {
    /// The state machine of RFC 3857 §4.7.1, with the step from active back to pending of RFC 5025 §3.2.1.
    fn next(&self, before: &Decision, after: &Decision) -> Option<Event> {
        use SubscriptionState::{Active, Pending, Terminated, Waiting};
        match (self.view.state, after.handling) {
            (Terminated(_), _) | (Pending | Waiting, Handling::Confirm) => None,
            (_, Handling::Block) => Some(self.ended(EndReason::Rejected)),
            (Active, Handling::Confirm) => Some(self.moved(Pending, true, Moment::ZERO)),
            (Pending, Handling::Allow | Handling::PoliteBlock) => {
                Some(self.moved(Active, true, Moment::ZERO))
            }
            // The request is decided, but the subscription itself is over: its watcher is told that it may subscribe
            // again.
            (Waiting, Handling::Allow | Handling::PoliteBlock) => {
                Some(self.ended(EndReason::Deactivated))
            }
            (Active, Handling::Allow | Handling::PoliteBlock) => {
                self.shown_otherwise(before, after)
            }
        }
    }

    /// An active subscription stays active: an event is needed only if its watcher sees through another lens.
    fn shown_otherwise(&self, before: &Decision, after: &Decision) -> Option<Event> {
        let (before, after) = (Lens::of(before), Lens::of(after)?);
        if before.as_ref() == Some(&after) {
            return None;
        }
        let presence = self.presence;
        let differs = |before| !presence.is_alike(before, &after);
        let is_visible = before.as_ref().is_none_or(differs);
        let shown_at = before.map(|before| presence.last_shown(self.view, &before));
        Some(self.moved(SubscriptionState::Active, is_visible, shown_at.unwrap_or_default()))
    }

    fn ended(&self, reason: EndReason) -> Event {
        let (watcher, presentity) = (self.watcher.clone(), self.presentity.clone());
        Event::SubscriptionEnded(SubscriptionEnded { watcher, presentity, reason })
    }

    fn moved(&self, state: SubscriptionState, is_visible: bool, shown_at: Moment) -> Event {
        Event::SubscriptionMoved(SubscriptionMoved {
            watcher: self.watcher.clone(),
            presentity: self.presentity.clone(),
            state,
            expires_at: self.view.expires_at,
            is_visible,
            shown_at,
        })
    }
}
