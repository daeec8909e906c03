//! One document from several publications.
//!
//! Composition is the union of the tuples of all live publications, preferred contacts first. A composed tuple's id is
//! its own id and a short hash of who published it, so that two devices may use the same id and a restarted device
//! keeps it (RFC 3903 leaves composition to local policy). Deterministic: the same publications give the same bytes.
//! Must never hold: what of it a watcher is shown (see `shown`).

use core::cmp::Reverse;

use crate::event::PublicationKey;
use crate::model::{Document, Priority, Refusal, Timestamp, Tuple, TupleId};

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
pub(super) fn rank(
    tuple: &Tuple,
) -> (Reverse<Option<Priority>>, Reverse<Option<Timestamp>>, &TupleId) {
    let priority = tuple.contact.as_ref().and_then(|contact| contact.priority);
    (Reverse(priority), Reverse(tuple.timestamp), &tuple.id)
}

#[cfg(test)]
mod tests {
    use super::*;
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
    fn a_long_id_is_cut_at_a_character() {
        let long = "é".repeat(32);
        let one = document(&long, None);
        assert!(compose([(&key(1), &one)]).is_ok());
    }
}
