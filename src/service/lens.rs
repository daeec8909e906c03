//! How much of a presentity a watcher sees, and what that is of one publication.
//!
//! Must never hold: the decision about who may see it (see `access`), or what several publications are together.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::PublicationKey;
use crate::model::{Decision, Document, Handling, Shown, Tuple, TupleId};

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

    /// What is seen through it of the `document` of the publication that `key` names.
    ///
    /// Looking at the result through the same lens again shows the same.
    pub fn shows<'a>(&self, key: &PublicationKey, document: &'a Document) -> Cow<'a, Document> {
        match self {
            Self::All => Cow::Borrowed(document),
            Self::Nothing => Cow::Owned(Document::default()),
            Self::Part(shown) => Cow::Owned(filtered(key, document, shown)),
        }
    }
}

/// The tuples of `document` that are shown, without the parts that are hidden. A tuple whose status says nothing
/// without those is not.
fn filtered(key: &PublicationKey, document: &Document, shown: &Shown) -> Document {
    let is_shown = |id: &TupleId| shown.shows_tuple(id, || key.composed_id(id));
    let visible = document.tuples().iter().filter(|tuple| is_shown(&tuple.id));
    let mut tuples: Vec<Tuple> = visible.map(|tuple| narrowed(tuple, shown)).collect();
    tuples.retain(|tuple| tuple.basic.is_some() || !tuple.status_markup.is_empty());
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
