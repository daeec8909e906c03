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
use super::{Actor, History, InboxOpened, Lens, PresenceItem, PresenceOpened, Restored};
use crate::model::{
    EpochId, Epochs, InboxAddress, InboxSequence, Mode, Moment, Presentity, Principal, Refusal,
    Rights,
};
use crate::view::{InboxView, SubscriptionView};

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
    let (head, after) = (case.views.moment(), scope.after);
    let mut opened = PresenceOpened { head, complete: true, ..PresenceOpened::default() };
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
    let presence = Presence::new(case.views, presentity);
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

/// Where an inbox feed begins and how much waits there. `after` is what the device has taken, and the epoch of that.
pub(super) fn inbox(
    case: Case<'_>,
    epochs: &Arc<Epochs>,
    actor: &Actor,
    inbox: &InboxAddress,
    after: Option<(InboxSequence, EpochId)>,
) -> Result<InboxOpened, Refusal> {
    check_known(actor)?;
    case.check_inbox_right(actor, inbox, Rights::READ)?;
    let nothing = InboxView::default();
    let view = case.views.inbox(inbox).unwrap_or(&nothing);
    let known = after.filter(|(place, epoch)| is_of_this_past(view, epochs, *place, *epoch));
    let begin = known.map_or_else(|| view.acknowledged(actor.device), |(place, _)| place);
    let head = view.head();
    let begin = begin.min(head);
    let restored = after.filter(|_| known.is_none()).map(|_| Restored { is_news: false });
    Ok(InboxOpened {
        after: begin,
        after_epoch: epoch_of(view, epochs, begin),
        head,
        head_epoch: epoch_of(view, epochs, head),
        waiting: view.kept_after(begin).count() as u64,
        restored,
        epochs: Arc::clone(epochs),
    })
}

/// Whether what lies at `place` is what was accepted there in `epoch`. A row that is forgotten says nothing against it.
fn is_of_this_past(
    view: &InboxView,
    epochs: &Epochs,
    place: InboxSequence,
    epoch: EpochId,
) -> bool {
    let fits = match view.row(place) {
        Some(row) => epochs.holds(epoch, row.at),
        None => epochs.knows(epoch),
    };
    fits && place <= view.head()
}

/// The epoch in which the message at `place` was accepted, as far as that is remembered.
fn epoch_of(view: &InboxView, epochs: &Epochs, place: InboxSequence) -> EpochId {
    view.row(place).map_or(EpochId::NONE, |row| epochs.of(row.at))
}
