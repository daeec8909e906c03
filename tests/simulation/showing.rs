//! What a log says that somebody is to be shown of it.
//!
//! Must never hold: a judgement about what somebody was shown.

use adsum::event::{Event, Recorded};
use adsum::model::{Moment, Presentity, Principal, SubscriptionState};
use adsum::protocol::{Field as _, Presence, body};
use adsum::service::PresenceItem;

use super::chronicle::Chronicle;
use super::stories::Episode;

/// Whether an event says that somebody is erased.
pub(crate) fn is_erasure(event: &Event) -> bool {
    matches!(event, Event::PrincipalErased(_))
}

/// Whether an event is what it was when it is carried behind a cut: rules in full, because the changes before are not there.
pub(crate) fn is_carried(carried: &Recorded, was: Option<&Recorded>) -> bool {
    let Some(was) = was else { return false };
    let in_full = matches!(
        (&carried.event, &was.event),
        (Event::AccessRulesChanged(carried), Event::AccessRulesAmended(was))
            if carried.version == was.version && carried.presentity == was.presentity
    );
    *carried == *was || in_full && carried.at == was.at
}

/// What a session would write, as a client reads it.
pub(crate) fn read(body: body::Presence) -> Presence {
    Presence::from_wire(body).expect("the server shows what is valid")
}

/// What a log says that `watcher` is to be shown of `presentity` at `at`.
pub(crate) fn expected(
    log: &Chronicle,
    watcher: &Principal,
    presentity: &Presentity,
    at: Moment,
) -> Option<PresenceItem> {
    let episodes = log.subscriptions.get(&(watcher.clone(), presentity.clone()))?;
    let ended = |one: &Episode| one.end.filter(|(end, _)| *end == at);
    let item = |state, document| PresenceItem::new(presentity.clone(), at, state, document);
    if let Some((_, reason)) = episodes.iter().find_map(ended) {
        return Some(item(SubscriptionState::Terminated(reason), None));
    }
    episodes.iter().find(|one| one.covers(at))?;
    let document = log.presentities.get(presentity).and_then(|story| story.as_of(at)).cloned();
    Some(item(SubscriptionState::Active, document))
}
