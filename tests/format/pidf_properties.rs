//! What holds for every presence document: it reads back, extensions do no harm, damage is refused and never a panic.
//!
//! Must never hold: an example. Those are in `pidf.rs`.

use adsum::format::pidf::{self, Pidf};
use adsum::model::limits::DOCUMENT_BYTES_MAX;
use adsum::model::{
    Basic, Contact, Document, Note, Payload, Presentity, Priority, Timestamp, Tuple, TupleId,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Text that XML can hold, with all that has to be escaped.
fn text() -> impl Strategy<Value = String> {
    let held = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    let any = any::<char>().prop_filter("XML can hold it", move |&c| held(c));
    vec(
        prop_oneof![3 => select("ab <>&\"'\r\n\t]é語😀".chars().collect::<Vec<_>>()), 1 => any],
        0..20,
    )
    .prop_map(|characters| characters.into_iter().collect())
}

/// One element of another vocabulary that stands alone.
fn element() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "<x:a xmlns:x=\"urn:x\"/>",
        "<x:a xmlns:x='urn:x' x:b='1' c=\"&lt;&#10;\">text &amp; <![CDATA[<more>]]></x:a>",
        "<a xmlns=\"urn:d\"><!-- kept --><b  c = 'd' /></a >",
        "<x:old xmlns:x=\"urn:x\"><unqualified/></x:old>",
        "<x:n xmlns:x=\"urn:x\"><none xmlns=\"\"/></x:n>",
        "<p:new xmlns:p=\"urn:ietf:params:xml:ns:pidf\"><p:basic>open</p:basic></p:new>",
        "<x:m xmlns:x=\"urn:x\" mustUnderstand=\"1\"><?p i?>\r\n\t</x:m>",
    ]);
    let wrap = |inside: BoxedStrategy<String>| {
        (vec(inside, 0..3), "[a-z]{1,6}").prop_map(|(inside, name)| {
            format!("<w:{name} xmlns:w=\"urn:w\" xml:lang='en'>{}</w:{name}>", inside.concat())
        })
    };
    leaf.prop_map(str::to_owned).prop_recursive(3, 8, 3, move |inner| wrap(inner.boxed()))
}

fn markup() -> impl Strategy<Value = Vec<Payload>> {
    vec(element().prop_map(|element| Payload::text(&element)), 0..3)
}

fn notes() -> impl Strategy<Value = Vec<Note>> {
    let language = select(vec!["", "fr", "zh-Hant-TW"]).prop_map(str::to_owned);
    let note = (language, text())
        .prop_map(|(language, text)| Note { language, text: Payload::text(&text) });
    vec(note, 0..3)
}

fn contact() -> impl Strategy<Value = Contact> {
    let uri = prop_oneof![
        Just(String::new()),
        "[a-z][a-z0-9+.-]{0,8}:[!-~é]{0,30}",
        Just("im:alice@example.com".to_owned()),
    ];
    let priority = option::of((0_u16..=1_000).prop_map(|n| Priority::from_thousandths(n).unwrap()));
    (uri, priority).prop_map(|(uri, priority)| Contact { uri: Payload::text(&uri), priority })
}

fn tuple() -> impl Strategy<Value = Tuple> {
    let basic = select(vec![Some(Basic::Open), Some(Basic::Closed), None]);
    let timestamp = option::of((0..253_402_300_800_000_u64).prop_map(Timestamp::from_ms));
    let id = "[^\\s\\p{C}]{1,8}|_x[0-9A-F]{4}_".prop_map(|id| TupleId::new(&id).unwrap());
    (id, basic, markup(), option::of(contact()), notes(), timestamp, markup()).prop_map(
        |(id, basic, status_markup, contact, notes, timestamp, markup)| Tuple {
            id,
            basic: basic.or(status_markup.is_empty().then_some(Basic::Open)),
            status_markup,
            contact,
            notes,
            timestamp,
            markup,
        },
    )
}

fn document() -> impl Strategy<Value = Document> {
    (vec(tuple(), 0..4), notes(), markup()).prop_map(|(mut tuples, notes, markup)| {
        tuples.sort_by(|a, b| a.id.cmp(&b.id));
        tuples.dedup_by(|a, b| a.id == b.id);
        Document::new(tuples, notes, markup).unwrap()
    })
}

fn entity() -> impl Strategy<Value = Presentity> {
    let local = "[a-zé!#$&'*+/=^_`{|}~.-]{1,12}";
    local.prop_map(|local| format!("pres:{local}@example.com").parse().unwrap())
}

/// The document without its markup, and the markup in the order of the text that is written.
fn bare(document: &Document) -> (Document, Vec<Payload>) {
    let mut markup = Vec::new();
    let mut tuples = document.tuples().to_vec();
    for tuple in &mut tuples {
        markup.append(&mut tuple.status_markup);
        markup.append(&mut tuple.markup);
    }
    markup.extend_from_slice(document.markup());
    (Document::new(tuples, document.notes().to_vec(), vec![]).unwrap(), markup)
}

/// Documents whose written form has only whole elements on each line, and no markup.
fn lined() -> impl Strategy<Value = Document> {
    document().prop_map(|document| {
        let mut tuples = document.tuples().to_vec();
        for tuple in &mut tuples {
            tuple.basic = tuple.basic.or(Some(Basic::Closed));
            tuple.status_markup.clear();
            tuple.markup.clear();
            tuple.notes.clear();
        }
        Document::new(tuples, vec![], vec![]).unwrap()
    })
}

proptest! {
    #[test]
    fn a_document_that_is_written_reads_back(entity in entity(), document in document()) {
        let written = pidf::write(&entity, &document);
        prop_assert!(written.len() <= DOCUMENT_BYTES_MAX);
        let read = pidf::parse(written.as_bytes()).map_err(|fault| TestCaseError::fail(format!("{fault}\n{written}")))?;
        prop_assert_eq!(pidf::write(&read.entity, &read.document), written);
        prop_assert_eq!(read, Pidf { entity, document });
    }

    #[test]
    fn a_foreign_element_at_any_legal_place_is_kept_and_changes_no_base_field(
        document in lined(), element in element(), place: Index,
    ) {
        let entity = "pres:alice@example.com".parse().unwrap();
        let written = pidf::write(&entity, &document);
        let mut lines: Vec<&str> = written.lines().collect();
        // Behind the start of `presence` and in front of its end.
        lines.insert(2 + place.index(lines.len() - 2), &element);
        let read = pidf::parse(lines.join("\n").as_bytes()).unwrap();
        let (base, markup) = bare(&read.document);
        prop_assert_eq!(base, document);
        prop_assert_eq!(markup.len(), 1);
        // What leaned on the default namespace around it now says so in its start tag, and is otherwise the same.
        let kept = markup[0].as_text().unwrap();
        let own = " xmlns=\"urn:ietf:params:xml:ns:pidf\"";
        prop_assert!(kept == element || kept.replacen(own, "", 1) == element, "{}", kept);
        let again = pidf::parse(pidf::write(&entity, &read.document).as_bytes()).unwrap();
        prop_assert_eq!(again, read);
    }

    #[test]
    fn comments_instructions_and_white_space_say_nothing(
        document in lined(), nothing in select(vec!["<!-- <note>x</note> -->", "<?p <note?>", "\r\n\t ", "<!---->"]), place: Index,
    ) {
        let entity = "pres:alice@example.com".parse().unwrap();
        let written = pidf::write(&entity, &document);
        let mut lines: Vec<&str> = written.lines().collect();
        lines.insert(1 + place.index(lines.len()), nothing);
        prop_assert_eq!(pidf::parse(lines.join("\n").as_bytes()).unwrap().document, document);
    }

    #[test]
    fn a_document_that_is_cut_is_refused(document in document(), cut: Index) {
        let written = pidf::write(&"pres:alice@example.com".parse().unwrap(), &document);
        let end = cut.index(written.trim_end().len());
        prop_assert!(pidf::parse(&written.as_bytes()[..end]).is_err());
    }

    #[test]
    fn a_document_that_is_changed_is_read_back_or_refused(
        document in document(), changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = pidf::write(&"pres:alice@example.com".parse().unwrap(), &document).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = pidf::parse(&bytes) {
            let written = pidf::write(&read.entity, &read.document);
            prop_assert_eq!(pidf::parse(written.as_bytes()).unwrap(), read);
        }
    }

    #[test]
    fn bytes_of_chance_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(pidf::parse(&bytes).is_err());
    }
}
