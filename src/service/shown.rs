//! What a watcher is shown of a presentity, and since when.
//!
//! Must never hold: the decision about who may see what (see `access`), or an answer to a request.

use core::cell::RefCell;
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::PresenceItem;
use super::case::Case;
use super::composed::Composed;
use super::lens::Lens;
use crate::model::{
    Basic, Document, Moment, Presentity, Principal, SubscriptionState, Tuple, TupleId, WatcherKind,
};
use crate::view::{PresentityView, SubscriptionView, Views};

impl Case<'_> {
    /// Through what `watcher` sees the presentity if it subscribes; `None` if the rules give it no sight of it.
    pub(super) fn lens(&self, presentity: &Presentity, watcher: &Principal) -> Option<Lens> {
        Lens::of(&self.access(presentity, watcher, WatcherKind::Subscriber))
    }
}

/// The current presence of one presentity.
pub(super) struct Presence<'a> {
    presentity: &'a Presentity,
    view: Option<&'a PresentityView>,
    /// What was compared of it, by lens: made once, however many watchers look through the same.
    compared: RefCell<BTreeMap<Lens, Composed>>,
}

impl<'a> Presence<'a> {
    /// The presence of `presentity`.
    pub(super) fn new(views: &'a Views, presentity: &'a Presentity) -> Self {
        Self { presentity, view: views.presentity(presentity), compared: RefCell::default() }
    }

    /// When what is seen through `lens` last changed.
    pub(super) fn version(&self, lens: &Lens) -> Moment {
        match (lens, self.view) {
            (Lens::Nothing, _) | (_, None) => Moment::ZERO,
            (Lens::All, Some(view)) => view.version,
            (Lens::Part(shown), Some(view)) => view.version_through(shown),
        }
    }

    /// When what the watcher of `subscription` sees through `lens` last changed for it. A change from before it came to
    /// see through that lens is not one.
    pub(super) fn last_shown(&self, subscription: &SubscriptionView, lens: &Lens) -> Moment {
        let version = self.version(lens);
        if version > subscription.moved { version } else { subscription.changed }
    }

    /// What is seen through `lens`.
    pub(super) fn document(&self, lens: &Lens) -> Composed {
        Composed::of(self.view.into_iter().flat_map(PresentityView::documents), lens)
    }

    /// Whether the same is seen through both.
    pub(super) fn is_alike(&self, one: &Lens, other: &Lens) -> bool {
        let mut compared = self.compared.borrow_mut();
        let mut seen = |lens: &Lens| {
            compared.entry(lens.clone()).or_insert_with(|| self.document(lens)).get().cloned()
        };
        seen(one) == seen(other)
    }

    /// What is seen through `lens`, as of `version`.
    pub(super) fn item(&self, lens: &Lens, version: Moment) -> PresenceItem {
        PresenceItem::of(self.presentity.clone(), version, self.document(lens))
    }
}

/// An item that says where a subscription stands and shows no presence: it is not decided, or over.
pub(super) fn without_presence(
    presentity: &Presentity,
    at: Moment,
    state: SubscriptionState,
) -> PresenceItem {
    PresenceItem::new(presentity.clone(), at, state, None)
}

/// What `watcher` is shown of `item`: the one function for fetch and notify alike.
///
/// Borrowed when it is what everybody is shown, so that its encoding can be shared; owned when it is for this
/// watcher alone, as the document of a presentity that has nothing published is.
pub fn view<'a>(
    secret: &[u8; 32],
    item: &'a PresenceItem,
    watcher: &Principal,
) -> Cow<'a, Document> {
    if item.state != SubscriptionState::Active {
        return Cow::Owned(Document::default());
    }
    match item.document.get() {
        Some(document) => Cow::Borrowed(document),
        None => Cow::Owned(offline(secret, &item.presentity, watcher)),
    }
}

/// The document of a presentity that has nothing published: one closed tuple that says nothing else. Its id is a keyed
/// hash of presentity and watcher, so that it tells nothing and stays the same.
fn offline(secret: &[u8; 32], presentity: &Presentity, watcher: &Principal) -> Document {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(b"offline\0").update(presentity.account().as_bytes()).update(&[0]);
    hasher.update(watcher.account().as_bytes());
    let id = TupleId::new(&format!("t{}", &hasher.finalize().to_hex()[..16]))
        .expect("a short hash is an id");
    Document::new(vec![Tuple::plain(id, Basic::Closed)], Vec::new(), Vec::new())
        .expect("one plain tuple is a document")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_published_composes_to_nothing_and_shows_one_closed_tuple() {
        assert_eq!(Composed::of([], &Lens::All).get(), None);
        let alice: Principal = "alice@d.example".parse().unwrap();
        let bob: Principal = "bob@d.example".parse().unwrap();
        let item = PresenceItem::new(
            alice.presentity(),
            Moment::from_us(1),
            SubscriptionState::Active,
            None,
        );
        let shown = view(&[7; 32], &item, &bob);
        assert_eq!(shown.tuples().len(), 1);
        assert_eq!(shown.tuples()[0].basic, Some(Basic::Closed));
        assert_eq!(shown, view(&[7; 32], &item, &bob));
        assert_ne!(shown, view(&[7; 32], &item, &alice));
    }
}
