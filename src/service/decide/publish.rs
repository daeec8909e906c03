//! Publishing: initial, refresh, modify, remove, as RFC 3903 §4.1 has them.
//!
//! Must never hold: how publications are composed (see `compose`).

use std::collections::BTreeSet;

use crate::event::{
    Event, PublicationCause, PublicationEnded, PublicationKey, PublicationRefreshed, Published,
};
use crate::model::limits::{
    LIFETIME_MS_MIN, PUBLICATION_MS_DEFAULT, PUBLICATION_MS_MAX, PUBLICATIONS_MAX,
};
use crate::model::{Document, Lifetime, Presentity, Refusal, Rights, Sequence, Tag};
use crate::protocol::{Answer, Publish, RemovePublication};
use crate::service::case::{Case, Verdict, granted, rights};
use crate::service::{Actor, Reply};
use crate::view::PresentityView;

pub(super) fn publish(case: Case<'_>, actor: &Actor, publish: Publish) -> Result<Verdict, Refusal> {
    case.check_presence_on(publish.presentity.domain())?;
    check_may_publish(case, actor, &publish.presentity)?;
    case.check_presentity(&publish.presentity)?;
    let key = PublicationKey { device: actor.device, name: publish.name.clone() };
    let view = case.views.presentity(&publish.presentity);
    let current = view.and_then(|view| view.publications.get(&key));
    if publish.if_match.is_some_and(|tag| current.is_none_or(|current| current.tag != tag)) {
        return Err(Refusal::StaleTag);
    }
    if publish.lifetime == Some(Lifetime::ZERO) {
        return remove(case, key, publish, view);
    }
    let lifetime =
        granted(publish.lifetime, PUBLICATION_MS_DEFAULT, LIFETIME_MS_MIN, PUBLICATION_MS_MAX)?;
    match publish.document.clone() {
        // What says the same changes nothing that anybody sees.
        Some(document) if current.is_some_and(|current| current.document == document) => {
            Ok(refresh(case, key, publish, lifetime))
        }
        Some(document) => {
            check_count(view, &key)?;
            Ok(store(case, actor, key, publish, document, lifetime))
        }
        None if publish.if_match.is_some() => Ok(refresh(case, key, publish, lifetime)),
        None => Err(Refusal::NothingToPublish),
    }
}

/// The owner may publish, and whoever it grants that. Others get the same refusal whether the presentity exists or not.
fn check_may_publish(
    case: Case<'_>,
    actor: &Actor,
    presentity: &Presentity,
) -> Result<(), Refusal> {
    let owner = presentity.principal();
    if rights(case.views, &owner, &actor.principal).has(Rights::PUBLISH) {
        return Ok(());
    }
    let cure = format!("ask {owner} to do it, or to grant you that");
    Err(Refusal::Forbidden { action: format!("publish for {presentity}"), cure })
}

/// Whether there is place for the publication. What it says is judged by itself: what does not fit beside others is
/// left out of what watchers are shown.
fn check_count(view: Option<&PresentityView>, key: &PublicationKey) -> Result<(), Refusal> {
    let others = view.into_iter().flat_map(PresentityView::documents);
    if others.filter(|(other, _)| *other != key).count() < PUBLICATIONS_MAX {
        return Ok(());
    }
    Err(Refusal::PublicationsFull { max: PUBLICATIONS_MAX as u64 })
}

fn store(
    case: Case<'_>,
    actor: &Actor,
    key: PublicationKey,
    publish: Publish,
    document: Document,
    lifetime: Lifetime,
) -> Verdict {
    let view = case.views.presentity(&publish.presentity);
    let tag = new_tag(case, &publish.presentity);
    let event = Published {
        others: view.map(|view| view.documents_at(&key)).unwrap_or_default(),
        previous: view.map_or(Sequence::ZERO, |view| view.changed_at),
        presentity: publish.presentity,
        publication: key,
        by: actor.principal.clone(),
        operation: publish.operation,
        tag,
        document,
        deadline: case.now.after(lifetime),
    };
    Verdict::new(Event::Published(event), Reply::Done(Answer::Published { tag, granted: lifetime }))
}

fn refresh(case: Case<'_>, key: PublicationKey, publish: Publish, lifetime: Lifetime) -> Verdict {
    let tag = new_tag(case, &publish.presentity);
    let event = PublicationRefreshed {
        presentity: publish.presentity,
        publication: key,
        operation: publish.operation,
        tag,
        deadline: case.now.after(lifetime),
    };
    Verdict::new(
        Event::PublicationRefreshed(event),
        Reply::Done(Answer::Published { tag, granted: lifetime }),
    )
}

fn remove(
    case: Case<'_>,
    key: PublicationKey,
    publish: Publish,
    view: Option<&PresentityView>,
) -> Result<Verdict, Refusal> {
    let (Some(view), Some(_)) = (view, publish.if_match) else {
        return Err(Refusal::NothingToPublish);
    };
    if publish.document.is_some() {
        return Err(Refusal::bad_field(
            "lifetime",
            "is zero, which removes; leave the document out",
        ));
    }
    let tag = new_tag(case, &publish.presentity);
    let event = PublicationEnded {
        previous: view.changed_at,
        others: view.documents_at(&key),
        presentity: publish.presentity,
        publication: key,
        cause: PublicationCause::Removed { operation: publish.operation, tag },
    };
    Ok(Verdict::new(
        Event::PublicationEnded(event),
        Reply::Done(Answer::Published { tag, granted: Lifetime::ZERO }),
    ))
}

/// Ends these publications. The events must stand in their verdict behind `before` others: each names the position of the
/// one before it.
pub(super) fn withdrawn(
    case: Case<'_>,
    presentity: &Presentity,
    gone: &BTreeSet<PublicationKey>,
    before: usize,
) -> Vec<Event> {
    let Some(view) = case.views.presentity(presentity) else { return Vec::new() };
    let mut left = view.publications.clone();
    let mut previous = view.changed_at;
    let first = case.next.plus(before as u64).get();
    let mut events = Vec::new();
    for (publication, at) in gone.iter().zip(first..) {
        left.remove(publication);
        events.push(Event::PublicationEnded(PublicationEnded {
            presentity: presentity.clone(),
            publication: publication.clone(),
            cause: PublicationCause::Withdrawn,
            previous,
            others: left.values().map(|publication| publication.document_at).collect(),
        }));
        previous = Sequence::new(at);
    }
    events
}

/// Removes a publication of whichever device: for whoever controls the presentity, and for another device of whoever
/// published.
pub(super) fn remove_any(
    case: Case<'_>,
    actor: &Actor,
    request: RemovePublication,
) -> Result<Verdict, Refusal> {
    let RemovePublication { presentity, device, name, .. } = request;
    check_may_publish(case, actor, &presentity)?;
    let own = case.views.principal(&actor.principal);
    if !own.is_some_and(|view| view.has(&device)) {
        case.check_controls(actor, &presentity.principal(), "remove its publications")?;
    }
    let key = PublicationKey { device, name };
    let view = case.views.presentity(&presentity);
    if !view.is_some_and(|view| view.publications.contains_key(&key)) {
        return Err(Refusal::NoPublication { device: device.to_string() });
    }
    let events = withdrawn(case, &presentity, &BTreeSet::from([key]), 0);
    Ok(Verdict::of(events, Reply::Done(Answer::Changed { version: 0 })))
}

/// A tag that was never issued for this presentity: a keyed hash of how many were issued, and of the epoch, so that a
/// store that was put back to an earlier state issues none again. A hash of the event's position would be new too, but it
/// would tell a publisher how much happens elsewhere.
fn new_tag(case: Case<'_>, presentity: &Presentity) -> Tag {
    let issued = case.views.presentity(presentity).map_or(0, |view| view.issued);
    let mut hasher = blake3::Hasher::new_keyed(&case.config.secret);
    hasher.update(b"issued tag\0").update(presentity.account().as_bytes()).update(&[0]);
    hasher.update(&issued.to_be_bytes()).update(&case.config.epoch.0);
    Tag(hasher.finalize().as_bytes()[..16].try_into().expect("a digest is longer than 16 bytes"))
}
