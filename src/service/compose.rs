//! One document from several publications.
//!
//! Composition is the union of what is seen of all live publications, preferred contacts first (RFC 3903 leaves it to
//! local policy). Each publication is within its limits; together they may be more than one document holds. Then whole
//! parts are left out, by a rule that looks at nothing but what is seen: so what is hidden from a watcher never makes
//! room for, or takes it from, what that watcher sees. Deterministic: the same publications give the same bytes.
//! Must never hold: who is shown what (see `lens`).

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::lens::Lens;
use crate::event::PublicationKey;
use crate::model::limits::{DOCUMENT_BYTES_MAX, MARKUP_MAX, NOTES_MAX, TUPLES_MAX};
use crate::model::{
    Document, LeftOut, Note, Payload, Priority, Timestamp, Tuple, TupleId, element_bytes,
};

/// What live publications are together, as seen through `lens`; `None` if nothing is.
///
/// Parts are taken in turns: the first tuple of each publication, in order of rank, then the first note and the first
/// extension element of each, in order of their keys; then the second ones, and so on. What does not fit any more is
/// left out and counted; a smaller part behind it may still fit.
pub fn compose<'a>(
    publications: impl IntoIterator<Item = (&'a PublicationKey, &'a Document)>,
    lens: &Lens,
) -> Option<Document> {
    let mut turns: BTreeMap<usize, Turn> = BTreeMap::new();
    for (place, (key, document)) in publications.into_iter().enumerate() {
        let document = lens.shows(key, document);
        let mut tuples: Vec<_> = document.tuples().iter().map(|it| composed(key, it)).collect();
        tuples.sort_by(|(_, a), (_, b)| rank(a).cmp(&rank(b)));
        for (number, tuple) in tuples.into_iter().enumerate() {
            turns.entry(number).or_default().tuples.push(tuple);
        }
        for (number, note) in document.notes().iter().enumerate() {
            turns.entry(number).or_default().notes.push((place, note.clone()));
        }
        for (number, element) in document.markup().iter().enumerate() {
            turns.entry(number).or_default().markup.push((place, element.clone()));
        }
    }
    let mut taken = Taken::default();
    for (number, turn) in turns {
        taken.take(number, turn);
    }
    let document = taken.document();
    (!document.is_empty()).then_some(document)
}

/// The parts of each publication that have the same number in it.
#[derive(Default)]
struct Turn {
    /// With what each counts.
    tuples: Vec<(usize, Tuple)>,
    /// With the place of its publication.
    notes: Vec<(usize, Note)>,
    markup: Vec<(usize, Payload)>,
}

/// What found a place so far.
#[derive(Default)]
struct Taken {
    bytes: usize,
    ids: BTreeSet<TupleId>,
    tuples: Vec<Tuple>,
    /// With place and number.
    notes: BTreeMap<(usize, usize), Note>,
    markup: BTreeMap<(usize, usize), Payload>,
    left_out: LeftOut,
}

impl Taken {
    fn take(&mut self, number: usize, mut turn: Turn) {
        turn.tuples.sort_by(|(_, a), (_, b)| rank(a).cmp(&rank(b)));
        for (bytes, tuple) in turn.tuples {
            // Two ids that were shortened may have become one.
            let fits = self.tuples.len() < TUPLES_MAX && !self.ids.contains(&tuple.id);
            if self.has_room(fits, bytes) {
                self.ids.insert(tuple.id.clone());
                self.tuples.push(tuple);
            } else {
                self.left_out.tuples += 1;
            }
        }
        for (place, note) in turn.notes {
            if self.has_room(self.notes.len() < NOTES_MAX, note.payload_bytes()) {
                self.notes.insert((place, number), note);
            } else {
                self.left_out.notes += 1;
            }
        }
        for (place, element) in turn.markup {
            if self.has_room(self.markup.len() < MARKUP_MAX, element_bytes(&element)) {
                self.markup.insert((place, number), element);
            } else {
                self.left_out.markup += 1;
            }
        }
    }

    /// Takes `bytes` of what one document may have, if there is a place for the part and they are left.
    fn has_room(&mut self, has_place: bool, bytes: usize) -> bool {
        let is_taken = has_place && self.bytes + bytes <= DOCUMENT_BYTES_MAX;
        if is_taken {
            self.bytes += bytes;
        }
        is_taken
    }

    fn document(self) -> Document {
        let mut tuples = self.tuples;
        tuples.sort_by(|a, b| rank(a).cmp(&rank(b)));
        let (notes, markup) = (self.notes.into_values(), self.markup.into_values());
        Document::composed((tuples, notes.collect(), markup.collect()), self.left_out)
            .expect("parts are taken within the limits only")
    }
}

/// The tuple under its composed id, and what it counts: as much as its publisher knows, so that whatever one device may
/// publish has place by itself.
fn composed(key: &PublicationKey, tuple: &Tuple) -> (usize, Tuple) {
    (tuple.payload_bytes(), Tuple { id: key.composed_id(&tuple.id), ..tuple.clone() })
}

/// Preferred contacts first, then what changed last, then by id.
fn rank(tuple: &Tuple) -> (Reverse<Option<Priority>>, Reverse<Option<Timestamp>>, &TupleId) {
    let priority = tuple.contact.as_ref().and_then(|contact| contact.priority);
    (Reverse(priority), Reverse(tuple.timestamp), &tuple.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limits::TUPLE_ID_KEPT_BYTES_MAX;
    use crate::model::{Basic, Contact, DeviceId, Payload, PublicationName};

    fn key(device: u8) -> PublicationKey {
        PublicationKey { device: DeviceId([device; 8]), name: PublicationName::default() }
    }

    fn document(id: &str, thousandths: Option<u16>) -> Document {
        let mut tuple = Tuple::plain(TupleId::new(id).unwrap(), Basic::Open);
        let priority = thousandths.map(|value| Priority::from_thousandths(value).unwrap());
        tuple.contact = Some(Contact { uri: Payload::text("im:a@b"), priority });
        Document::new(vec![tuple], vec![], vec![]).unwrap()
    }

    fn ids(document: &Document) -> Vec<&str> {
        document.tuples().iter().map(|tuple| tuple.id.as_str().split('.').next().unwrap()).collect()
    }

    #[test]
    fn two_devices_may_use_the_same_tuple_id() {
        let same = document("desk", None);
        let both = compose([(&key(1), &same), (&key(2), &same)], &Lens::All).unwrap();
        assert_eq!(ids(&both), ["desk", "desk"]);
        assert_ne!(both.tuples()[0].id, both.tuples()[1].id);
    }

    #[test]
    fn preferred_contacts_come_first_and_missing_priority_last() {
        let (none, low, high) =
            (document("none", None), document("low", Some(1)), document("high", Some(900)));
        let all =
            compose([(&key(1), &none), (&key(2), &low), (&key(3), &high)], &Lens::All).unwrap();
        assert_eq!(ids(&all), ["high", "low", "none"]);
    }

    #[test]
    fn a_long_id_is_cut_at_a_character() {
        let most = TUPLE_ID_KEPT_BYTES_MAX;
        for (id, kept) in [
            ("x".repeat(most), "x".repeat(most)),
            ("x".repeat(most + 1), "x".repeat(most)),
            ("é".repeat(most / 2 + 1), "é".repeat(most / 2)),
            (format!("x{}", "é".repeat(most / 2)), format!("x{}", "é".repeat(most / 2 - 1))),
        ] {
            let one = document(&id, None);
            let composed = compose([(&key(1), &one)], &Lens::All).unwrap();
            assert_eq!(ids(&composed), [kept]);
        }
    }
}
