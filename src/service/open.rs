//! What a feed begins with.
//!
//! First connect, reconnect, restart and falling behind are this one path: everything after the feed's position, in
//! order of version, and from here on live, in the same step.
//! Must never hold: what was sent; the feed knows.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::decide::Case;
use super::query::current;
use super::{Actor, History, PresenceItem, PresenceOpened, Reply};
use crate::model::{
    InboxAddress, InboxSequence, Mode, Moment, Presentity, Refusal, Sequence, SubscriptionState,
};
use crate::view::{SubscriptionView, Views};

/// What a presence feed over `presentities` (all subscriptions if empty) misses after `after`.
pub(super) fn presence(
    views: &Views,
    actor: &Actor,
    presentities: &BTreeSet<Presentity>,
    after: Moment,
) -> PresenceOpened {
    let head = views.moment();
    // A moment the log never reached comes from another store: all is new to this watcher.
    let after = if after > head { Moment::ZERO } else { after };
    let mut opened = PresenceOpened { head, items: Vec::new(), histories: Vec::new() };
    let subscriptions =
        views.watcher(&actor.principal).into_iter().flat_map(|view| &view.subscriptions);
    for (presentity, subscription) in subscriptions {
        if presentities.is_empty() || presentities.contains(presentity) {
            miss(views, presentity, subscription, after, &mut opened);
        }
    }
    opened.items.sort_by_key(|item| item.version);
    opened
}

/// Adds what is missed of one subscription.
fn miss(
    views: &Views,
    presentity: &Presentity,
    subscription: &SubscriptionView,
    after: Moment,
    opened: &mut PresenceOpened,
) {
    let began = subscription.changed > after;
    if !subscription.is_active() {
        if began {
            let state = subscription.state;
            let item = PresenceItem::new(presentity.clone(), subscription.changed, state, None);
            opened.items.push(Arc::new(item));
        }
        return;
    }
    let view = views.presentity(presentity);
    let last = view.map_or(Moment::ZERO, |view| view.version);
    let base = if began { subscription.changed } else { Moment::ZERO };
    match subscription.mode {
        Mode::Every if last > after.max(base) => opened.histories.push(History {
            presentity: presentity.clone(),
            after: after.max(base),
            last: view.map_or(Sequence::ZERO, |view| view.changed_at),
            with_base: began,
        }),
        _ if last.max(base) > after => {
            opened.items.push(Arc::new(current(views, presentity, base)));
        }
        _ => {}
    }
}

/// Where an inbox feed begins and how much waits there.
pub(super) fn inbox(
    case: Case<'_>,
    actor: &Actor,
    inbox: &InboxAddress,
    after: Option<InboxSequence>,
) -> Result<Reply, Refusal> {
    case.check_own_inbox(actor, inbox)?;
    let Some(view) = case.views.inbox(inbox) else {
        let zero = InboxSequence::ZERO;
        return Ok(Reply::InboxOpened { after: zero, head: zero, waiting: 0 });
    };
    let after = after.unwrap_or_else(|| view.acknowledged(actor.device)).min(view.head());
    let waiting = view.kept_after(after).count() as u64;
    Ok(Reply::InboxOpened { after, head: view.head(), waiting })
}

/// The last word on a subscription that ended at `at`.
pub(super) fn ended(presentity: &Presentity, at: Moment, state: SubscriptionState) -> PresenceItem {
    PresenceItem::new(presentity.clone(), at, state, None)
}
