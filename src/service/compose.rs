//! One document from several publications, and what a watcher is shown of it.
//!
//! Composition is the union of the tuples of all live publications, preferred contacts first. A composed tuple's id
//! is its own id and a short hash of who published it, so that two devices may use the same id and a restarted
//! device keeps it (RFC 3903 leaves composition to local policy). Deterministic: the same publications give the same bytes.
//! Must never hold: an access decision outside [`view`], which serves fetch and notify alike.

use core::cmp::Reverse;
use std::borrow::Cow;

use super::PresenceItem;
use crate::event::PublicationKey;
use crate::model::{
    Basic, Document, Presentity, Principal, Priority, Refusal, Shown, SubscriptionState, Timestamp,
    Tuple, TupleId,
};

/// Bytes of a tuple's own id that stay readable in a composed document.
const ID_BYTES_MAX: usize = 48;

/// Composes live publications; `None` if there are none.
///
/// # Errors
/// [`Refusal::TooLarge`] or [`Refusal::BadField`] if together they are more than one document may be. Publications
/// that composed once compose again after any of them ended.
pub fn compose<'a>(
    publications: impl IntoIterator<Item = (&'a PublicationKey, &'a Document)>,
) -> Result<Option<Document>, Refusal> {
    let mut tuples = Vec::new();
    let mut notes = Vec::new();
    let mut markup = Vec::new();
    let mut count = 0;
    for (key, document) in publications {
        count += 1;
        tuples.extend(document.tuples().iter().map(|tuple| composed(key, tuple)));
        notes.extend_from_slice(document.notes());
        markup.extend_from_slice(document.markup());
    }
    if count == 0 {
        return Ok(None);
    }
    tuples.sort_by(|a, b| rank(a).cmp(&rank(b)));
    Document::new(tuples, notes, markup).map(Some)
}

/// What of `document` is shown: tuples, and parts of them. A tuple whose status says nothing without what is hidden is
/// left out. The order is that of what is left, so that what is hidden cannot move it.
pub(super) fn filtered(document: &Document, shown: &Shown) -> Document {
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

fn composed(key: &PublicationKey, tuple: &Tuple) -> Tuple {
    Tuple { id: composed_id(key, &tuple.id), ..tuple.clone() }
}

fn composed_id(key: &PublicationKey, id: &TupleId) -> TupleId {
    let mut hasher = blake3::Hasher::new_derive_key("adsum 2026 composed tuple id");
    hasher
        .update(&key.device.0)
        .update(key.name.as_str().as_bytes())
        .update(&[0])
        .update(id.as_str().as_bytes());
    let hash = hasher.finalize().to_hex();
    let mut end = id.as_str().len().min(ID_BYTES_MAX);
    while !id.as_str().is_char_boundary(end) {
        end -= 1;
    }
    TupleId::new(&format!("{}.{}", &id.as_str()[..end], &hash[..8]))
        .expect("a shortened id with a hash is an id")
}

/// Preferred contacts first, then what changed last, then by id.
fn rank(tuple: &Tuple) -> (Reverse<Option<Priority>>, Reverse<Option<Timestamp>>, &TupleId) {
    let priority = tuple.contact.as_ref().and_then(|contact| contact.priority);
    (Reverse(priority), Reverse(tuple.timestamp), &tuple.id)
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
    use crate::model::{Contact, DeviceId, Moment, Payload, PublicationName};

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
        let both = compose([(&key(1), &same), (&key(2), &same)]).unwrap().unwrap();
        assert_eq!(ids(&both), ["desk", "desk"]);
        assert_ne!(both.tuples()[0].id, both.tuples()[1].id);
    }

    #[test]
    fn preferred_contacts_come_first_and_missing_priority_last() {
        let (none, low, high) =
            (document("none", None), document("low", Some(1)), document("high", Some(900)));
        let all = compose([(&key(1), &none), (&key(2), &low), (&key(3), &high)]).unwrap().unwrap();
        assert_eq!(ids(&all), ["high", "low", "none"]);
    }

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

    #[test]
    fn a_long_id_is_cut_at_a_character() {
        let long = "é".repeat(32);
        let one = document(&long, None);
        assert!(compose([(&key(1), &one)]).is_ok());
    }
}
