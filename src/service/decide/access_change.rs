//! Changing access rules, and what that does to subscriptions that live. RFC 3857 §4.7, RFC 5025 §3.
//!
//! Must never hold: who is told; what its watcher is to see is said in the event.

use crate::event::{
    AccessRulesChanged, DomainRulesChanged, Event, RulesReviewed, SubscriptionEnded,
    SubscriptionMoved,
};
use crate::model::{
    AccessRule, Act, Decision, Domain, EndReason, Handling, Moment, Presentity, Principal, Refusal,
    SubscriptionState, Timestamp, TupleId,
};
use crate::service::access::{CONTROLLED, Rulebook};
use crate::service::case::{Case, Verdict};
use crate::service::shown::{current, last_shown};
use crate::service::{Actor, ChangeRules, Lens, Reply, RulesOwner};
use crate::view::{RulesView, SubscriptionView};

pub(super) fn change(
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
    let view = case.views.rules(&owner).cloned().unwrap_or_default();
    if let Some(version) = view.answered.version_of(change.operation) {
        return Ok(Verdict::unchanged(Reply::Changed { version }));
    }
    check_version(change.if_version, view.access_version)?;
    check_tuples(case, &presentity, &change.put)?;
    let rules = view.access.changed(change.put, &change.remove)?;
    let version = view.access_version + 1;
    let book = Rulebook { own: &rules, ..case.rulebook(&presentity) };
    let moved = reconciled(case, &presentity, &case.rulebook(&presentity), &book);
    let mut events = vec![Event::AccessRulesChanged(AccessRulesChanged {
        presentity,
        version,
        by: actor.principal.clone(),
        device: actor.device,
        operation: change.operation,
        previous: view.access_at,
        rules,
    })];
    events.extend(moved);
    Ok(Verdict { events, reply: Reply::Changed { version } })
}

fn of_domain(
    case: Case<'_>,
    actor: &Actor,
    domain: Domain,
    change: ChangeRules,
) -> Result<Verdict, Refusal> {
    case.check_administers(actor, &domain)?;
    let view = case.views.domain(domain.as_str()).cloned().unwrap_or_default();
    if let Some(version) = view.answered.version_of(change.operation) {
        return Ok(Verdict::unchanged(Reply::Changed { version }));
    }
    check_version(change.if_version, view.rules_version)?;
    if change.put.iter().any(|rule| rule.from.is_some() || rule.until.is_some()) {
        return Err(Refusal::bad_field(
            "validity",
            "is for a presentity's rules; a domain's hold always",
        ));
    }
    let rules = view.rules.changed(change.put, &change.remove)?;
    let version = view.rules_version + 1;
    let concerned = case.views.subscribed().filter(|it| it.domain() == domain.as_str());
    let moved = concerned.flat_map(|presentity| {
        let before = case.rulebook(presentity);
        let after = Rulebook { domain: &rules, ..case.rulebook(presentity) };
        reconciled(case, presentity, &before, &after)
    });
    let moved: Vec<Event> = moved.collect();
    let mut events = vec![Event::DomainRulesChanged(DomainRulesChanged {
        domain,
        version,
        by: actor.principal.clone(),
        operation: change.operation,
        rules,
    })];
    events.extend(moved);
    Ok(Verdict { events, reply: Reply::Changed { version } })
}

pub(super) fn check_version(expected: Option<u64>, found: u64) -> Result<(), Refusal> {
    match expected {
        Some(expected) if expected != found => Err(Refusal::StaleVersion { expected, found }),
        _ => Ok(()),
    }
}

/// A rule names tuples by what the presentity calls them: one it never published is a slip.
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

/// A moment came at which rules of `principal` begin or cease to hold: its subscriptions go where they belong now.
pub(super) fn reviewed(case: Case<'_>, principal: &Principal, due_at: Timestamp) -> Vec<Event> {
    let presentity = principal.presentity();
    let since =
        case.views.rules(principal).map_or(Timestamp::default(), |view: &RulesView| view.reviewed);
    let before = Rulebook { now: since, ..case.rulebook(&presentity) };
    let after = Rulebook { now: due_at, ..case.rulebook(&presentity) };
    let moved = reconciled(case, &presentity, &before, &after);
    let mut events = vec![Event::RulesReviewed(RulesReviewed { presentity, through: due_at })];
    events.extend(moved);
    events
}

/// What becomes of every live subscription by the rules in force, whatever held before.
pub(in crate::service) fn review(case: Case<'_>) -> Vec<Event> {
    let moved = case.views.subscribed().flat_map(|presentity| {
        let book = case.rulebook(presentity);
        reconciled(case, presentity, &book, &book)
    });
    moved.collect()
}

/// What becomes of each live subscription to `presentity` when `after` takes the place of `before`.
fn reconciled(
    case: Case<'_>,
    presentity: &Presentity,
    before: &Rulebook<'_>,
    after: &Rulebook<'_>,
) -> Vec<Event> {
    let subscribers = case.views.subscribers(presentity);
    let moved = subscribers.filter_map(|watcher| {
        let view = case.views.watcher(watcher)?.live(presentity)?;
        let decide = |book| case.access_by(book, presentity, watcher, Act::Subscribe);
        let step = Step { case, presentity, watcher, view };
        step.taken(&decide(before), &decide(after))
    });
    moved.collect()
}

/// What becomes of the live subscription of `watcher` to `presentity` when it comes to control it, or does no more.
pub(super) fn regranted(
    case: Case<'_>,
    presentity: &Presentity,
    watcher: &Principal,
    controls: bool,
) -> Option<Event> {
    let view = case.views.watcher(watcher)?.live(presentity)?;
    let book = case.rulebook(presentity);
    let before = case.access_by(&book, presentity, watcher, Act::Subscribe);
    let after = if controls { CONTROLLED } else { case.ruled(&book, watcher, Act::Subscribe) };
    Step { case, presentity, watcher, view }.taken(&before, &after)
}

/// One subscription on its way.
struct Step<'a> {
    case: Case<'a>,
    presentity: &'a Presentity,
    watcher: &'a Principal,
    view: &'a SubscriptionView,
}

impl Step<'_> {
    /// The state machine of RFC 3857 §4.7.1, with the step from active back to pending of RFC 5025 §3.2.1.
    fn taken(&self, before: &Decision, after: &Decision) -> Option<Event> {
        use SubscriptionState::{Active, Pending, Terminated, Waiting};
        match (self.view.state, after.handling) {
            (Terminated(_), _) | (Pending | Waiting, Handling::Confirm) => None,
            (_, Handling::Block) => Some(self.ended(EndReason::Rejected)),
            (Active, Handling::Confirm) => Some(self.moved(Pending, true, Moment::ZERO)),
            (Pending, Handling::Allow | Handling::PoliteBlock) => {
                Some(self.moved(Active, true, Moment::ZERO))
            }
            // What it waited for is decided: it may subscribe again.
            (Waiting, Handling::Allow | Handling::PoliteBlock) => {
                Some(self.ended(EndReason::Deactivated))
            }
            (Active, Handling::Allow | Handling::PoliteBlock) => self.seen_anew(before, after),
        }
    }

    fn seen_anew(&self, before: &Decision, after: &Decision) -> Option<Event> {
        let (before, after) = (Lens::of(before), Lens::of(after)?);
        if before.as_ref() == Some(&after) {
            return None;
        }
        let seen =
            |lens: &Lens| current(self.case.views, self.presentity, lens, Moment::ZERO).document;
        let is_visible = before.as_ref().is_none_or(|before| seen(before) != seen(&after));
        let shown_at = before.map(|before| {
            let view = self.case.views.presentity(self.presentity);
            last_shown(view, self.view, &before)
        });
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
