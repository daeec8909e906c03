//! Presence documents: what is read is written and read again the same; what is written is always read.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::format::pidf::{self, Pidf};
use adsum::model::limits::DOCUMENT_BYTES_MAX;
use adsum::model::{Basic, Document, Payload, Tuple, TupleId};

/// Takes `data` for a document, and for markup that somebody stored.
pub(crate) fn check(data: &[u8]) {
    if let Ok(read) = pidf::parse(data) {
        reads_back(&read);
    }
    if core::str::from_utf8(data).is_ok() {
        stored_markup_breaks_nothing(data);
    }
}

fn reads_back(read: &Pidf) {
    let written = pidf::write(&read.entity, &read.document);
    // Escapes may make a document longer than what is read: `&` in a section is one byte, `&amp;` five.
    if written.len() > DOCUMENT_BYTES_MAX {
        return;
    }
    assert_eq!(pidf::parse(written.as_bytes()).as_ref(), Ok(read), "{written}");
    for tuple in read.document.tuples() {
        let _ = (pidf::must_ignore(tuple), pidf::said_of(tuple));
    }
    let document = &read.document;
    let _ = (pidf::persons(document), pidf::devices(document), pidf::said_of_all(document));
}

/// Markup comes by the wire as any text: it must not reach into the document around it.
fn stored_markup_breaks_nothing(data: &[u8]) {
    let markup = vec![Payload::Present(data.to_vec().into())];
    let id = TupleId::new("a").expect("it is an id");
    let plain = Tuple::plain(id, Basic::Open);
    let tuple = Tuple { status_markup: markup.clone(), markup: markup.clone(), ..plain.clone() };
    let Ok(document) = Document::new(vec![tuple], vec![], markup.clone()) else { return };
    let entity = "pres:alice@example.com".parse().expect("it is an address");
    let written = pidf::write(&entity, &document);
    if written.len() > DOCUMENT_BYTES_MAX {
        return;
    }
    let read = pidf::parse(written.as_bytes()).unwrap_or_else(|fault| panic!("{fault}\n{written}"));
    let base = Tuple { status_markup: vec![], markup: vec![], ..read.document.tuples()[0].clone() };
    assert_eq!((read.document.tuples().len(), base), (1, plain), "{written}");
    // Markup is left out or kept as it is, but for white space around the element.
    let trimmed = data.trim_ascii();
    let kept = |one: &Payload| one.bytes().is_some_and(|bytes| bytes.trim_ascii() == trimmed);
    assert!(read.document.markup().iter().all(kept), "{written}");
    reads_back(&read);
}
