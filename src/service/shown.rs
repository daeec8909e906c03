//! What a watcher is shown of a presentity, and since when.
//!
//! Must never hold: the decision about who may see what (see `access`), or an answer to a request.

use core::cell::OnceCell;
use std::borrow::Cow;
use std::sync::Arc;

use super::PresenceItem;
use super::case::Case;
use super::compose::{compose, rank};
use crate::model::{
    Basic, Decision, Document, Handling, Moment, Presentity, Principal, Shown, SubscriptionState,
    Tuple, TupleId, WatcherKind,
};
use crate::view::{PresentityView, SubscriptionView, Views};

/// How much of a presentity a watcher sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lens {
    /// It sees all there is.
    All,
    /// It sees some of it.
    Part(Arc<Shown>),
    /// It is politely blocked: it sees a presentity that never publishes anything.
    Nothing,
}

impl Lens {
    /// The lens that a decision gives; `None` if the watcher is to see nothing, not even that nothing is published.
    pub fn of(decision: &Decision) -> Option<Self> {
        match decision.handling {
            Handling::Allow if decision.shown.is_all() => Some(Self::All),
            Handling::Allow => Some(Self::Part(Arc::new(decision.shown.clone()))),
            Handling::PoliteBlock => Some(Self::Nothing),
            Handling::Confirm | Handling::Block => None,
        }
    }

    /// What is seen of `document` through it; `None` if nothing is.
    ///
    /// Looking at the result through the same lens again shows the same.
    pub fn shows(&self, document: &Document) -> Option<Document> {
        let seen = match self {
            Self::All => document.clone(),
            Self::Nothing => return None,
            Self::Part(shown) => filtered(document, shown),
        };
        Some(seen).filter(|seen| !seen.is_empty())
    }
}

impl Case<'_> {
    /// Through what `watcher` sees the presentity if it subscribes; `None` if the rules give it no sight of it.
    pub(super) fn lens(&self, presentity: &Presentity, watcher: &Principal) -> Option<Lens> {
        Lens::of(&self.access(presentity, watcher, WatcherKind::Subscriber))
    }
}

/// The current presence of one presentity. It is composed when it is first looked at, and once however many lenses it
/// is looked at through.
pub(super) struct Presence<'a> {
    presentity: &'a Presentity,
    view: Option<&'a PresentityView>,
    document: OnceCell<Option<Document>>,
}

impl<'a> Presence<'a> {
    /// The presence of `presentity`. `composed` is what its publications compose to, if that is known already.
    pub(super) fn new(
        views: &'a Views,
        presentity: &'a Presentity,
        composed: Option<Document>,
    ) -> Self {
        let document = composed.map_or_else(OnceCell::new, |document| Some(document).into());
        Self { presentity, view: views.presentity(presentity), document }
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

    /// What is seen through `lens`; `None` if nothing is, as when nothing is published.
    pub(super) fn document(&self, lens: &Lens) -> Option<Document> {
        if *lens == Lens::Nothing {
            return None;
        }
        let document = self.document.get_or_init(|| self.view.and_then(composed));
        document.as_ref().and_then(|document| lens.shows(document))
    }

    /// What is seen through `lens`, as of `version`.
    pub(super) fn item(&self, lens: &Lens, version: Moment) -> PresenceItem {
        let (presentity, document) = (self.presentity.clone(), self.document(lens));
        PresenceItem::new(presentity, version, SubscriptionState::Active, document)
    }
}

/// The composed document of a presentity; `None` when nothing is live.
fn composed(view: &PresentityView) -> Option<Document> {
    compose(view.documents()).expect("publications that do not compose are refused")
}

/// An item that says where a subscription stands and shows no presence: it is not decided, or over.
pub(super) fn without_presence(
    presentity: &Presentity,
    at: Moment,
    state: SubscriptionState,
) -> PresenceItem {
    PresenceItem::new(presentity.clone(), at, state, None)
}

/// The tuples of `document` that are shown, without the parts that are hidden. A tuple whose status says nothing
/// without those is left out. The rest is sorted anew, so that the order tells nothing of what is hidden.
fn filtered(document: &Document, shown: &Shown) -> Document {
    let visible = document.tuples().iter().filter(|tuple| shown.shows_tuple(&tuple.id));
    let mut tuples: Vec<Tuple> = visible.map(|tuple| narrowed(tuple, shown)).collect();
    tuples.retain(|tuple| tuple.basic.is_some() || !tuple.status_markup.is_empty());
    tuples.sort_by(|a, b| rank(a).cmp(&rank(b)));
    let notes = if shown.notes { document.notes().to_vec() } else { Vec::new() };
    let markup = if shown.markup { document.markup().to_vec() } else { Vec::new() };
    Document::new(tuples, notes, markup).expect("less than a document is one")
}

fn narrowed(tuple: &Tuple, shown: &Shown) -> Tuple {
    let mut tuple = tuple.clone();
    if !shown.notes {
        tuple.notes.clear();
    }
    if !shown.contact {
        tuple.contact = None;
    }
    if !shown.markup {
        tuple.markup.clear();
        tuple.status_markup.clear();
    }
    tuple
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
    match &item.document {
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
        assert_eq!(compose([]).unwrap(), None);
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
