//! What a feed begins with.
//!
//! First connect, reconnect, restart and falling behind take this one path: the feed gets everything after its
//! position, in order of version, and is live from the same step on. Must never hold: what a feed has sent (see
//! `feed`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::case::{Case, rights};
use super::decide::check_known;
use super::live::Sight;
use super::shown::{Presence, without_presence};
use super::{Actor, History, Lens, PresenceItem, PresenceOpened, Reply};
use crate::model::{
    InboxAddress, InboxSequence, Mode, Moment, Presentity, Principal, Refusal, Rights,
};
use crate::view::SubscriptionView;

/// What a presence feed is to tell of.
pub(super) struct Scope<'a> {
    /// Who watches.
    pub(super) watcher: &'a Principal,
    /// Only these presentities; all the watcher subscribes to if empty.
    pub(super) presentities: &'a BTreeSet<Presentity>,
    /// The presentities of whose watchers it tells.
    pub(super) audiences: &'a BTreeSet<Presentity>,
    /// What its watcher has seen.
    pub(super) after: Moment,
}

/// What a presence feed misses.
pub(super) fn presence(case: Case<'_>, scope: &Scope<'_>) -> PresenceOpened {
    let head = case.views.moment();
    // A moment that this log has not reached comes from another store, so everything is new to this watcher.
    let after = if scope.after > head { Moment::ZERO } else { scope.after };
    let mut opened =
        PresenceOpened { head, items: Vec::new(), histories: Vec::new(), complete: true };
    let view = case.views.watcher(scope.watcher);
    for (presentity, subscription) in view.into_iter().flat_map(|view| &view.subscriptions) {
        let is_wanted = scope.presentities.is_empty() || scope.presentities.contains(presentity);
        if is_wanted && !subscription.by_fetch {
            add_missed(case, scope.watcher, presentity, subscription, after, &mut opened);
        }
    }
    for presentity in scope.audiences {
        opened.items.extend(missed_watchers(case, scope.watcher, presentity, after));
    }
    opened.items.sort_by_key(|item| item.version);
    opened
}

fn missed_watchers(
    case: Case<'_>,
    asker: &Principal,
    presentity: &Presentity,
    after: Moment,
) -> Vec<Arc<PresenceItem>> {
    let rows = case.watcher_rows(presentity).into_iter();
    let missed = rows.filter(|(_, version)| *version > after);
    let items = missed.filter_map(|(row, version)| {
        let row = case.shown_row(asker, row)?;
        Some(Arc::new(PresenceItem::about(row, version)))
    });
    items.collect()
}

/// The presentities whose watchers a feed of `watcher` may be told of: its own, and those it asks for and is granted.
pub(super) fn audiences(
    case: Case<'_>,
    watcher: &Principal,
    presentities: &BTreeSet<Presentity>,
) -> BTreeSet<Presentity> {
    if presentities.is_empty() {
        return BTreeSet::from([watcher.presentity()]);
    }
    let may = |presentity: &&Presentity| {
        rights(case.views, &presentity.principal(), watcher).has(Rights::WATCHERS)
    };
    presentities.iter().filter(may).cloned().collect()
}

/// How `watcher` sees each presentity it has an active subscription to.
pub(super) fn sights(case: Case<'_>, watcher: &Principal) -> Vec<(Presentity, Sight)> {
    let view = case.views.watcher(watcher);
    let subscriptions = view.into_iter().flat_map(|view| &view.subscriptions);
    let active = subscriptions.filter(|(_, subscription)| subscription.is_active());
    let seen = active.filter_map(|(presentity, subscription)| {
        let lens = case.lens(presentity, watcher)?;
        Some((presentity.clone(), Sight { mode: subscription.mode, lens }))
    });
    seen.collect()
}

/// Adds what is missed of one subscription.
fn add_missed(
    case: Case<'_>,
    watcher: &Principal,
    presentity: &Presentity,
    subscription: &SubscriptionView,
    after: Moment,
    opened: &mut PresenceOpened,
) {
    let began = (subscription.changed > after).then_some(subscription.changed);
    let lens = case.lens(presentity, watcher);
    let (true, Some(lens)) = (subscription.is_active(), lens) else {
        if let Some(changed) = began {
            opened.items.push(Arc::new(without_presence(presentity, changed, subscription.state)));
        }
        return;
    };
    let presence = Presence::new(case.views, presentity, None);
    let version = presence.last_shown(subscription, &lens);
    if version <= after {
        return;
    }
    // The watcher is not told of changes from before it was given the sight it has now.
    let from = after.max(subscription.moved);
    let view = case.views.presentity(presentity).filter(|view| view.version > from);
    match (subscription.mode, view) {
        (Mode::Every, Some(view)) if lens == Lens::All => opened.histories.push(History {
            presentity: presentity.clone(),
            after: from,
            last: view.changed_at,
            began,
        }),
        (mode, _) => {
            // The log does not say which changes could be seen through a part, so whoever sees a part gets the latest
            // state.
            opened.complete &= mode != Mode::Every || !matches!(lens, Lens::Part(_));
            opened.items.push(Arc::new(presence.item(&lens, version)));
        }
    }
}

/// Where an inbox feed begins and how much waits there.
pub(super) fn inbox(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
    after: Option<InboxSequence>,
) -> Result<Reply, Refusal> {
    check_known(actor)?;
    case.check_inbox_right(actor, inbox, Rights::READ)?;
    let Some(view) = case.views.inbox(inbox) else {
        let zero = InboxSequence::ZERO;
        return Ok(Reply::InboxOpened { after: zero, head: zero, waiting: 0 });
    };
    let after = after.unwrap_or_else(|| view.acknowledged(actor.device)).min(view.head());
    let waiting = view.kept_after(after).count() as u64;
    Ok(Reply::InboxOpened { after, head: view.head(), waiting })
}
