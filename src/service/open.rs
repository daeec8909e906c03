//! What a feed begins with.
//!
//! First connect, reconnect, restart and falling behind take this one path: the feed gets everything after its
//! position, in order of version, and is live from the same step on. What it begins with comes in parts, so that nobody
//! waits for all of a large one; of what a part was about, it is live from that part on. Must never hold: what a feed has
//! sent (see `feed`).

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use super::case::{Case, rights};
use super::decide::check_known;
use super::live::{Place, Sight};
use super::shown::{Presence, without_presence};
use super::{Actor, History, InboxOpened, Lens, PresenceItem, PresenceOpened, Restored};
use crate::model::limits::FEED_PART_MAX;
use crate::model::{
    EpochId, Epochs, InboxAddress, InboxSequence, Mark, Mode, Moment, Presentity, Principal,
    Refusal, Rights,
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

/// A part of what a presence feed begins with.
pub(super) struct Part {
    /// What it misses.
    pub(super) opened: PresenceOpened,
    /// How it sees the presentities in it from now on.
    pub(super) sights: Vec<(Presentity, Sight)>,
    /// Where the next part goes on, if this is not the last.
    pub(super) last: Option<Place>,
    /// How much was looked at.
    pub(super) steps: usize,
}

/// What a presence feed misses behind `last`, as much as one part holds.
pub(super) fn presence(case: Case<'_>, scope: &Scope<'_>, last: Option<Place>) -> Part {
    let opened =
        PresenceOpened { head: case.views.moment(), complete: true, ..PresenceOpened::default() };
    let mut part = Part { opened, sights: Vec::new(), last, steps: 0 };
    if !matches!(part.last, Some(Place::Watcher(..))) && add_subscriptions(case, scope, &mut part)
        || add_watchers(case, scope, &mut part)
    {
        part.opened.more = true;
    } else {
        part.last = None;
    }
    part.opened.items.sort_by_key(|item| item.version);
    part
}

/// Adds what is missed of subscriptions; says whether there are more than go into the part.
fn add_subscriptions(case: Case<'_>, scope: &Scope<'_>, part: &mut Part) -> bool {
    let Some(view) = case.views.watcher(scope.watcher) else { return false };
    let begin = match &part.last {
        Some(Place::Subscription(presentity)) => Bound::Excluded(presentity.clone()),
        _ => Bound::Unbounded,
    };
    for (presentity, subscription) in view.subscriptions.range((begin, Bound::Unbounded)) {
        if part.steps == FEED_PART_MAX {
            return true;
        }
        part.steps += 1;
        part.last = Some(Place::Subscription(presentity.clone()));
        let is_wanted = scope.presentities.is_empty() || scope.presentities.contains(presentity);
        if !is_wanted || subscription.by_fetch {
            continue;
        }
        let lens = case.lens(presentity, scope.watcher).filter(|_| subscription.is_active());
        let missed = (presentity, subscription, lens.as_ref());
        add_missed(case, missed, scope.after, &mut part.opened);
        let mode = subscription.mode;
        part.sights.extend(lens.map(|lens| (presentity.clone(), Sight { mode, lens })));
    }
    false
}

/// Adds what is missed of watchers; says whether there are more than go into the part.
fn add_watchers(case: Case<'_>, scope: &Scope<'_>, part: &mut Part) -> bool {
    let (mut of, mut after) = (Bound::Unbounded, None);
    if let Some(Place::Watcher(presentity, watcher)) = part.last.clone() {
        (of, after) = (Bound::Included(presentity), Some(watcher));
    }
    for presentity in scope.audiences.range((of, Bound::Unbounded)) {
        let room = FEED_PART_MAX - part.steps;
        let page = case.watchers_page(presentity, scope.watcher, after.take().as_ref(), room);
        part.steps += page.watchers.len();
        if let Some(last) = page.watchers.last() {
            part.last = Some(Place::Watcher(presentity.clone(), (*last).clone()));
        }
        for watcher in page.watchers {
            let row = case.watcher_row(presentity, watcher);
            let missed = row.filter(|(_, version)| *version > scope.after);
            part.opened.items.extend(missed.and_then(|(row, version)| {
                let row = case.shown_row(scope.watcher, row)?;
                Some(Arc::new(PresenceItem::about(row, version)))
            }));
        }
        if page.has_more {
            return true;
        }
    }
    false
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

/// Adds what is missed of one subscription, which is seen through `lens`, if at all.
fn add_missed(
    case: Case<'_>,
    (presentity, subscription, lens): (&Presentity, &SubscriptionView, Option<&Lens>),
    after: Moment,
    opened: &mut PresenceOpened,
) {
    let began = (subscription.changed > after).then_some(subscription.changed);
    let Some(lens) = lens else {
        if let Some(changed) = began {
            opened.items.push(Arc::new(without_presence(presentity, changed, subscription.state)));
        }
        return;
    };
    let presence = Presence::new(case.views, presentity);
    let version = presence.last_shown(subscription, lens);
    if version <= after {
        return;
    }
    // The watcher is not told of changes from before it was given the sight it has now.
    let from = after.max(subscription.moved);
    let view = case.views.presentity(presentity).filter(|view| view.version > from);
    match (subscription.mode, view) {
        (Mode::Every, Some(view)) if *lens == Lens::All => opened.histories.push(History {
            presentity: presentity.clone(),
            after: from,
            last: view.changed_at,
            began,
        }),
        (mode, _) => {
            // The log does not say which changes could be seen through a part, so whoever sees a part gets the latest
            // state.
            opened.complete &= mode != Mode::Every || !matches!(lens, Lens::Part(_));
            opened.items.push(Arc::new(presence.item(lens, version)));
        }
    }
}

/// What a device has taken of an inbox: the last place, the epoch of that, and by which event something before it was
/// passed over last.
pub(super) type InboxPlace = (InboxSequence, EpochId, Mark);

/// Where an inbox feed begins and how much waits there. `after` is what the device has taken.
pub(super) fn inbox(
    case: Case<'_>,
    epochs: &Arc<Epochs>,
    actor: &Actor,
    inbox: &InboxAddress,
    after: Option<InboxPlace>,
) -> Result<InboxOpened, Refusal> {
    check_known(actor)?;
    case.check_inbox_right(actor, inbox, Rights::READ)?;
    let nothing = InboxView::default();
    let view = case.views.inbox(inbox).unwrap_or(&nothing);
    let known = after.filter(|(place, epoch, passed)| {
        is_of_this_past(view, epochs, *place, *epoch)
            && passed.at <= case.views.moment()
            && epochs.has(*passed)
    });
    let begin = known.map_or_else(|| view.acknowledged(actor.device), |(place, ..)| place);
    let head = view.head();
    let begin = begin.min(head);
    let restored = after.filter(|_| known.is_none()).map(|_| Restored { is_news: false });
    Ok(InboxOpened {
        after: begin,
        after_epoch: epoch_of(view, epochs, begin),
        head,
        head_epoch: epoch_of(view, epochs, head),
        ended: view.ended(),
        waiting: view.alive_after(begin, case.now),
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
