//! Presence documents: what is read is written and read again the same; what is written is always read.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use core::str::FromStr as _;

use adsum::format::pidf::{self, Pidf};
use adsum::model::limits::DOCUMENT_BYTES_MAX;
use adsum::model::{Basic, Document, Note, Payload, Presentity, Tuple, TupleId};
use roxmltree::Node;

/// Takes `data` for a document, and for markup that somebody stored.
pub(crate) fn check(data: &[u8]) {
    if let Ok(read) = pidf::parse(data) {
        // What is labelled as another character set is no text to the other parser.
        if let Ok(text) = core::str::from_utf8(data) {
            another_parser(text, "what is read is well-formed");
        }
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
    another_parser_reads(&written, read);
    let _ = (pidf::persons(document), pidf::devices(document), pidf::said_of_all(document));
}

/// What is written says the same to a parser of others.
fn another_parser_reads(written: &str, read: &Pidf) {
    let Some(tree) = another_parser(written, "what is written is well-formed") else { return };
    let root = tree.root_element();
    assert!(root.has_tag_name((NAMESPACE, "presence")));
    let entity = root.attribute("entity").map(Presentity::from_str);
    assert_eq!(entity, Some(Ok(read.entity.clone())));
    let tuples: Vec<_> = own(root, "tuple").collect();
    assert_eq!(tuples.len(), read.document.tuples().len(), "{written}");
    assert_eq!(notes(root), said(read.document.notes()), "{written}");
    for (node, tuple) in tuples.into_iter().zip(read.document.tuples()) {
        // An id that is no name in XML is written as one.
        let id = tuple.id.as_str();
        let is_name = id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !id.starts_with(|first: char| first.is_ascii_digit());
        assert!(!is_name || node.attribute("id") == Some(id), "{written}");
        let basic = own(node, "status").flat_map(|status| own(status, "basic")).next();
        let said_basic = tuple.basic.map(|basic| match basic {
            Basic::Open => "open",
            Basic::Closed => "closed",
        });
        assert_eq!(basic.and_then(|basic| basic.text()), said_basic, "{written}");
        assert_eq!(notes(node), said(&tuple.notes), "{written}");
    }
}

/// What a parser of others makes of `text`, which must be well-formed by it.
///
/// `None` where an element has the prefix `xml`: that one is bound without being declared (Namespaces in XML 1.0 §3),
/// and the other parser knows it before attributes alone. Expat and libxml2 take such an element.
fn another_parser<'a>(text: &'a str, promise: &str) -> Option<roxmltree::Document<'a>> {
    match roxmltree::Document::parse(text) {
        Err(roxmltree::Error::UnknownNamespace(prefix, _)) if prefix == "xml" => None,
        read => Some(read.unwrap_or_else(|fault| panic!("{promise}: {fault}\n{text}"))),
    }
}

const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";

fn own<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |child| child.has_tag_name((NAMESPACE, name)))
}

fn notes(node: Node<'_, '_>) -> Vec<String> {
    own(node, "note").map(|note| note.text().unwrap_or_default().to_owned()).collect()
}

fn said(notes: &[Note]) -> Vec<String> {
    let texts = notes.iter().map(|note| note.text.bytes().expect("it is there").to_vec());
    texts.map(|text| String::from_utf8(text).expect("a note is text")).collect()
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
