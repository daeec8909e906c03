//! When each part of a presentity's presence last changed, so that a watcher who is shown only some parts is told only
//! of changes in those.
//!
//! Must never hold: which watcher is shown what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::PublicationKey;
use crate::model::limits::TUPLE_IDS_REMEMBERED_MAX;
use crate::model::{Document, Moment, Shown, Tuple, TupleId};

/// When the parts of one tuple last changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TupleParts {
    /// What is shown of every tuple: its existence, status and time.
    status: Moment,
    contact: Moment,
    notes: Moment,
    markup: Moment,
    /// Since when its status is nothing but markup, if it is. A watcher who is shown no markup does not see such a
    /// tuple.
    bare: Option<Moment>,
}

impl TupleParts {
    fn new(tuple: &Tuple, at: Moment) -> Self {
        let bare = tuple.basic.is_none().then_some(Moment::ZERO);
        Self { status: at, contact: at, notes: at, markup: at, bare }
    }

    fn compare(&mut self, old: &Tuple, new: &Tuple, at: Moment) {
        touch(&mut self.status, at, (old.basic, old.timestamp) != (new.basic, new.timestamp));
        touch(&mut self.contact, at, old.contact != new.contact);
        touch(&mut self.notes, at, old.notes != new.notes);
        let markup = |tuple: &Tuple| (tuple.status_markup.clone(), tuple.markup.clone());
        touch(&mut self.markup, at, markup(old) != markup(new));
        self.bare = match new.basic {
            Some(_) => None,
            None => Some(self.bare.unwrap_or(at)),
        };
    }

    fn through(&self, shown: &Shown) -> Moment {
        if let Some(bare) = self.bare.filter(|_| !shown.markup) {
            return bare;
        }
        let optional =
            [(shown.contact, self.contact), (shown.notes, self.notes), (shown.markup, self.markup)];
        let seen = optional.into_iter().filter(|(is_shown, _)| *is_shown);
        seen.map(|(_, moment)| moment).fold(self.status, Moment::max)
    }
}

fn touch(moment: &mut Moment, at: Moment, is_changed: bool) {
    if is_changed {
        *moment = at;
    }
}

/// When the parts of one publication last changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    tuples: BTreeMap<TupleId, TupleParts>,
    notes: Moment,
    markup: Moment,
}

impl Parts {
    /// The parts of a document that takes the place of `old` at `at`. Tuples that are gone are noted in `past`.
    pub(super) fn replaced(
        mut self,
        old: Option<&Document>,
        new: &Document,
        at: Moment,
        past: &mut PastParts,
    ) -> Self {
        let none = Document::default();
        let old = old.unwrap_or(&none);
        touch(&mut self.notes, at, old.notes() != new.notes());
        touch(&mut self.markup, at, old.markup() != new.markup());
        let mut before = core::mem::take(&mut self.tuples);
        for tuple in new.tuples() {
            let known = old.tuples().iter().find(|known| known.id == tuple.id);
            let parts = match (known, before.remove(&tuple.id)) {
                (Some(known), Some(mut parts)) => {
                    parts.compare(known, tuple, at);
                    parts
                }
                _ => TupleParts::new(tuple, at),
            };
            self.tuples.insert(tuple.id.clone(), parts);
            past.known(&tuple.id);
        }
        for (id, parts) in before {
            past.gone(id, &parts, at);
        }
        self
    }

    /// The last change that is seen through `shown`, in the publication that `key` names.
    pub(super) fn through(&self, shown: &Shown, key: &PublicationKey) -> Moment {
        let is_shown = |id: &TupleId| shown.shows_tuple(id, || key.composed_id(id));
        let tuples = self.tuples.iter().filter(|(id, _)| is_shown(id));
        let tuples = tuples.map(|(_, parts)| parts.through(shown));
        let whole = [(shown.notes, self.notes), (shown.markup, self.markup)];
        let whole = whole.into_iter().filter(|(is_shown, _)| *is_shown).map(|(_, moment)| moment);
        tuples.chain(whole).max().unwrap_or_default()
    }
}

/// The parts a presentity ever published, and when each last went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastParts {
    /// Every tuple id, with the moment it last went.
    tuples: BTreeMap<TupleId, Gone>,
    notes: Moment,
    markup: Moment,
}

/// When a tuple last went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Gone {
    /// For a watcher who is shown markup.
    at: Moment,
    /// For a watcher who is shown none: it may have stopped seeing the tuple earlier.
    plain: Moment,
}

impl Gone {
    fn through(&self, shown: &Shown) -> Moment {
        if shown.markup { self.at } else { self.plain }
    }
}

impl PastParts {
    /// The tuple ids, in order.
    pub fn tuple_ids(&self) -> impl Iterator<Item = &TupleId> {
        self.tuples.keys()
    }

    fn known(&mut self, id: &TupleId) {
        if !self.tuples.contains_key(id) {
            self.tuples.insert(id.clone(), Gone::default());
            self.forget();
        }
    }

    fn gone(&mut self, id: TupleId, parts: &TupleParts, at: Moment) {
        let gone = self.tuples.entry(id).or_default();
        (gone.at, gone.plain) = (at, gone.plain.max(parts.bare.unwrap_or(at)));
        self.forget();
    }

    /// A publication that said `document` ended.
    pub(super) fn ended(&mut self, document: &Document, parts: Parts, at: Moment) {
        for (id, tuple) in parts.tuples {
            self.gone(id, &tuple, at);
        }
        // Notes and markup may have gone before the publication ended, and a watcher that was away does not know it
        // yet.
        self.notes = self.notes.max(parts.notes);
        self.markup = self.markup.max(parts.markup);
        touch(&mut self.notes, at, !document.notes().is_empty());
        touch(&mut self.markup, at, !document.markup().is_empty());
    }

    /// The last time something went that is seen through `shown`.
    pub(super) fn through(&self, shown: &Shown) -> Moment {
        let tuples = self.tuples.iter().filter(|(id, _)| shown.shows_tuple(id, || (*id).clone()));
        let whole = [(shown.notes, self.notes), (shown.markup, self.markup)];
        let whole = whole.into_iter().filter(|(is_shown, _)| *is_shown).map(|(_, moment)| moment);
        tuples.map(|(_, gone)| gone.through(shown)).chain(whole).max().unwrap_or_default()
    }

    /// Keeps so many ids only, so that a device that makes up ids cannot make it grow for ever.
    fn forget(&mut self) {
        if self.tuples.len() > TUPLE_IDS_REMEMBERED_MAX {
            let oldest = self.tuples.iter().min_by_key(|(_, gone)| gone.at);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.tuples.remove(&id);
            }
        }
    }
}
