//! Presence documents as others write them: what is read, what is written, what is refused and where.
//!
//! `tests/golden/pidf/NAME.xml` is a document of somebody else, `NAME.written` what becomes of it.
//! `ADSUM_GOLDEN=write cargo test --test format` writes those that are missing, never over one that is there.
//! Must never hold: an expectation computed by the code it tests.

use std::fs;
use std::path::{Path, PathBuf};

use adsum::format::FormatFault;
use adsum::format::pidf::{self, Pidf};
use adsum::model::{
    Basic, Contact, Document, Note, Payload, Presentity, Priority, Timestamp, Tuple, TupleId,
};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn alice() -> Presentity {
    "pres:alice@example.com".parse().unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pidf").join(name)
}

fn read(name: &str) -> Pidf {
    pidf::parse(&fs::read(golden(&format!("{name}.xml"))).unwrap())
        .unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// A document with `inside` in its presence element.
fn document(inside: &str) -> String {
    format!(
        "{HEAD}<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:alice@example.com\">{inside}</presence>"
    )
}

/// A document of one tuple with `inside` in it.
fn tuple(inside: &str) -> String {
    document(&format!("<tuple id=\"a\">{inside}</tuple>"))
}

fn parse(text: &str) -> Result<Pidf, FormatFault> {
    pidf::parse(text.as_bytes())
}

fn refused(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("this was taken: {text}"),
        Err(fault) => fault.to_string(),
    }
}

fn texts(markup: &[Payload]) -> Vec<&str> {
    markup.iter().map(|element| element.as_text().unwrap()).collect()
}

#[test]
fn golden_documents_are_written_as_they_always_were_and_mean_the_same() {
    let names = fs::read_dir(golden("")).unwrap().map(|entry| entry.unwrap().path());
    let inputs: Vec<PathBuf> = names.filter(|path| path.extension().unwrap() == "xml").collect();
    assert!(inputs.len() >= 8, "the golden documents are there");
    for path in inputs {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let read = read(name);
        let written = pidf::write(&read.entity, &read.document);
        let expected = golden(&format!("{name}.written"));
        if !expected.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
            fs::write(&expected, &written).unwrap();
        }
        assert_eq!(written, fs::read_to_string(expected).unwrap(), "{name}");
        assert_eq!(parse(&written).unwrap(), read, "{name}");
    }
}

#[test]
fn a_document_says_what_stands_in_it() {
    let Pidf { entity, document } = read("rich");
    assert_eq!(entity, alice());
    let tuple = &document.tuples()[0];
    assert_eq!((tuple.id.as_str(), tuple.basic), ("phone-7", Some(Basic::Open)));
    let contact = tuple.contact.as_ref().unwrap();
    assert_eq!(contact.uri.as_text(), Some("im:alice@example.com"));
    assert_eq!(contact.priority.unwrap().thousandths(), 500);
    assert_eq!(tuple.timestamp, Some(Timestamp::from_ms(1_767_323_045_250)));
    assert_eq!(tuple.notes[0].language, "en");
    assert_eq!(tuple.notes[0].text.as_text(), Some("at my desk"));
    assert_eq!((tuple.status_markup.len(), tuple.markup.len()), (1, 2));
    assert_eq!(document.notes()[0].text.as_text(), Some("all day"));
    let markup = texts(document.markup());
    assert_eq!(markup.len(), 3, "person, device and card");
    assert!(markup[0].contains("<rpid:meeting/>") && markup[2].ends_with("card.vcf</c:card>"));
}

#[test]
fn text_is_read_as_xml_means_it() {
    let Pidf { document, .. } = read("text");
    let tuple = &document.tuples()[0];
    assert_eq!(tuple.id.as_str(), "1st:é");
    let notes: Vec<(&str, &str)> =
        tuple.notes.iter().map(|note| (&*note.language, note.text.as_text().unwrap())).collect();
    let expected = [
        ("en", "inherits its language"),
        ("fr-CA", "d’accord é😀 <b> &c."),
        ("", " <none> & more"),
        ("ar", "مرحبا"),
    ];
    assert_eq!(notes, expected);
    let said = "<x:said xml:lang=\"en\" xmlns:x=\"urn:example:x\">salut</x:said>";
    assert_eq!(texts(&tuple.markup), [said], "what was English around it still is");
}

#[test]
fn contacts_of_every_medium_survive_and_the_post_needs_no_uri() {
    let Pidf { document, .. } = read("means");
    let contacts: Vec<(&str, Option<u16>)> = document
        .tuples()
        .iter()
        .map(|tuple| tuple.contact.as_ref().unwrap())
        .map(|one| (one.uri.as_text().unwrap(), one.priority.map(Priority::thousandths)))
        .collect();
    let expected = [
        ("im:alice@example.com", Some(1_000)),
        ("mailto:alice@example.com?subject=a&b", Some(250)),
        ("tel:+1-201-555-0123", None),
        ("", None),
    ];
    assert_eq!(contacts, expected, "a priority out of range is none");
    assert_eq!(document.tuples()[3].markup.len(), 2);
}

#[test]
fn markup_is_kept_byte_for_byte_and_stands_alone() {
    let Pidf { document, .. } = read("namespaces");
    let tuple = &document.tuples()[0];
    let status = [
        "<unprefixed xmlns=\"urn:example:default\" xmlns:a=\"urn:example:inner\" a:of=\"tuple\"><child/></unprefixed>",
        "<a:kept  xmlns:a = 'urn:example:own'   a:q=\"1\"><!-- as\n        it is --><a:z/>  </a:kept >",
    ];
    assert_eq!(texts(&tuple.status_markup), status);
    let markup = [
        "<b:typed xmlns:a=\"urn:example:inner\" xmlns:b='urn:example:\"b\"' \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"a:kind\"><b:ref>b:name</b:ref></b:typed>",
        "<none xmlns=\"\"><of><these/></of></none>",
        "<b:mix xmlns:b='urn:example:\"b\"' xmlns:p=\"urn:ietf:params:xml:ns:pidf\">\
         <plain xmlns=\"\"/><p:note>not a note of the tuple</p:note></b:mix>",
    ];
    assert_eq!(texts(&tuple.markup), markup);
    let top = [
        "<a:outer xmlns:a=\"urn:example:a\"/>",
        "<p:later xmlns:p=\"urn:ietf:params:xml:ns:pidf\">an element of PIDF that nobody knows yet</p:later>",
    ];
    assert_eq!(texts(document.markup()), top);
}

#[test]
fn what_must_be_understood_is_kept_and_only_its_own_tuple_is_to_be_ignored() {
    let Pidf { document, .. } = read("must-understand");
    let [inside, itself] = document.tuples() else { panic!("there are two") };
    assert_eq!((inside.basic, itself.basic), (Some(Basic::Open), Some(Basic::Open)));
    assert!(inside.markup[0].as_text().unwrap().contains("impp:mustUnderstand=\"1\""));
    assert!(!pidf::must_ignore(inside) && pidf::must_ignore(itself));
}

#[test]
fn elements_in_any_order_mean_the_same() {
    let Pidf { document, .. } = read("disorder");
    let tuple = &document.tuples()[0];
    assert_eq!((tuple.id.as_str(), tuple.basic), ("b", Some(Basic::Closed)));
    assert_eq!(tuple.contact.as_ref().unwrap().uri.as_text(), Some("im:alice@example.com"));
    assert_eq!(tuple.timestamp, Some(Timestamp::from_ms(1_767_323_045_000)));
    assert_eq!((tuple.notes.len(), tuple.markup.len(), tuple.status_markup.len()), (1, 2, 1));
    assert_eq!(document.tuples()[1].basic, None);
    assert_eq!((document.notes().len(), document.markup().len()), (2, 1));
}

#[test]
fn a_wrong_document_is_refused_with_place_thing_and_cure() {
    const STATUS: &str = "<status><basic>open</basic></status>";
    for (text, part) in [
        (
            document("<tuple><status><basic>open</basic></status></tuple>"),
            "attribute id is missing",
        ),
        (tuple(""), "line 2, column 79: the status of this tuple is missing"),
        (tuple("<status/>"), "content of this status is missing"),
        (tuple("<status><basic>open</basic><basic>open</basic></status>"), "second basic"),
        (
            tuple("<status><basic>OPEN</basic></status>"),
            "basic \"OPEN\" is wrong: write open or closed",
        ),
        (tuple("<status><basic/></status>"), "basic \"\" is wrong"),
        (tuple("<status><basic>op<b/>en</basic></status>"), "write only text here"),
        (tuple("<status>open</status>"), "text may not stand here"),
        (tuple("<status><note>x</note></status>"), "<note> may not stand here; put only basic"),
        (tuple(&format!("{STATUS}<tuple id='b'/>")), "<tuple> may not stand here"),
        (tuple(&format!("{STATUS}{STATUS}")), "second status"),
        (tuple(&format!("{STATUS}<contact>im:a@b</contact><contact/>")), "second contact"),
        (tuple(&format!("{STATUS}<contact>alice</contact>")), "contact must be an absolute URI"),
        (
            tuple(&format!("{STATUS}<timestamp>yesterday</timestamp>")),
            "timestamp \"yesterday\" is wrong",
        ),
        (
            tuple(&format!("{STATUS}<timestamp>1960-01-01T00:00:00Z</timestamp>")),
            "years 1970 and 9999",
        ),
        (tuple(&format!("{STATUS}<note xml:lang='?'>x</note>")), "not an RFC 5646 tag"),
        (
            document(&format!("<tuple id='a'>{STATUS}</tuple><tuple id='a'>{STATUS}</tuple>")),
            "id \"a\" is wrong",
        ),
        (document(&format!("<tuple id='a b'>{STATUS}</tuple>")), "white space"),
        (document(&format!("<tuple id=' '>{STATUS}</tuple>")), "1 to 64 bytes"),
        (document("<status/>"), "put only tuple"),
        (document("words"), "text may not stand here"),
    ] {
        let fault = refused(&text);
        assert!(fault.starts_with("line 2, column ") && fault.contains(part), "{text}: {fault}");
    }
}

#[test]
fn the_entity_is_required_and_is_a_presentity() {
    let with = |root: &str| refused(&format!("{HEAD}{root}"));
    let pidf = "xmlns='urn:ietf:params:xml:ns:pidf'";
    assert!(with(&format!("<presence {pidf}/>")).contains("attribute entity is missing"));
    for entity in
        ["", "alice@example.com", "im:alice@example.com", "pres:", "sip:alice@example.com"]
    {
        let fault = with(&format!("<presence {pidf} entity='{entity}'/>"));
        assert!(fault.contains("attribute entity") && fault.contains("pres:"), "{fault}");
    }
    assert!(with("<presence entity='pres:a@b'/>").contains("begin with <presence xmlns="));
    assert!(with(&format!("<tuple {pidf}/>")).contains("<tuple> may not stand here; begin with"));
    let colon = "xmlns='urn:ietf:params:xml:ns:pidf:' entity='pres:a@b'";
    assert!(with(&format!("<presence {colon}/>")).contains("without the namespace of PIDF"));
}

#[test]
fn declarations_entities_and_unknown_encodings_are_refused() {
    let body = document("");
    let bare = body.strip_prefix(HEAD).unwrap();
    let laughs = "<!DOCTYPE presence [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    for (text, part) in [
        (bare.to_owned(), "XML declaration is missing; begin with <?xml version"),
        (format!("\n{body}"), "XML declaration is missing"),
        (format!("<?xml version=\"1.1\"?>{bare}"), "not XML 1.0"),
        (format!("<?xml encoding=\"UTF-8\"?>{bare}"), "not XML 1.0"),
        (format!("<?xml version=\"1.0\" encoding=\"UTF-32\"?>{bare}"), "it is not known"),
        (format!("<?xml version=\"1.0\" x=\"y\"?>{bare}"), "not in its order"),
        (format!("<?xml version=\"1.0\" x:encoding=\"UTF-8\"?>{bare}"), "not in its order"),
        (format!("{HEAD}{laughs}{bare}"), "a document type may not stand here"),
        (format!("{HEAD}<!DOCTYPE presence SYSTEM \"file:///etc/passwd\">{bare}"), "document type"),
        (document("<note>&b;</note>"), "reference that stands for nothing"),
        (document("<note>&nbsp;</note>"), "no other entity is taken"),
        (document("<x xmlns='u' y='&b;'/>"), "reference that stands for nothing"),
        (document("<x xmlns='u'>&b;</x>"), "reference that stands for nothing"),
        (document("<note>&#0;</note>"), "reference that stands for nothing"),
        (document("<note>\u{1}</note>"), "a character that XML cannot hold"),
    ] {
        let fault = refused(&text);
        assert!(fault.contains(part), "{text}: {fault}");
    }
    let latin = document("<note>caf?</note>").into_bytes();
    let latin: Vec<u8> =
        latin.into_iter().map(|byte| if byte == b'?' { 0xe9 } else { byte }).collect();
    assert!(pidf::parse(&latin).unwrap_err().to_string().contains("not UTF-8"));
    assert!(parse(&format!("\u{feff}{body}")).is_ok(), "a byte order mark is no text");
}

#[test]
fn what_is_not_well_formed_is_refused_inside_of_markup_too() {
    for wrong in [
        "<x:a/>",
        "<a xmlns='u' b:c=''/>",
        "<a xmlns='u' b='1' b='2'/>",
        "<a xmlns='u' xmlns:p='v' xmlns:q='v' p:b='1' q:b='2'/>",
        "<a xmlns='u' b=1/>",
        "<a xmlns='u' b/>",
        "<a xmlns='u'b=''/>",
        "<a xmlns='u' b='<'/>",
        "<a xmlns:p=''/>",
        "<a xmlns='urn: u'/>",
        "<a xmlns='{u}'/>",
        "<a xmlns:xml='urn:other'/>",
        "<a xmlns:xmlns='urn:other'/>",
        "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
        "<xmlns:a xmlns='u'/>",
        "<1 xmlns='u'/>",
        "<a:b:c xmlns:a='u'/>",
        "<a xmlns='u'></b>",
        "<a xmlns='u'>",
        "</a>",
        "<a xmlns='u'>]]></a>",
        "<a xmlns='u'>&</a>",
        "<a xmlns='u'>& </a>",
        "<a xmlns='u'><!-- -- --></a>",
        "<a xmlns='u'><!-- ---></a>",
        "<a xmlns='u'><!--></a>",
        "<a xmlns='u'><?xml version='1.0'?></a>",
        "<a xmlns='u'><?XML x?></a>",
        "<a xmlns='u'><? x?></a>",
        "<a xmlns='u'><![CDATA[x]]</a>",
        "<a xmlns='u'><![cdata[x]]></a>",
        "<a xmlns='u'><!ELEMENT b></a>",
        "<a xmlns='u' <b/>",
        "< a xmlns='u'/>",
        "<a xmlns='u'></a x='y'>",
    ] {
        let fault = refused(&document(wrong));
        assert!(fault.starts_with("line 2, column "), "{wrong}: {fault}");
    }
    let whole = document("");
    for wrong in ["x", "<a/>", "&amp;", "<![CDATA[]]>", "<?xml version='1.0'?>", "</presence>"] {
        refused(&format!("{whole}{wrong}"));
    }
    assert!(parse(&format!("{whole}\n<!-- c --><?p i?>\n")).is_ok());
}

#[test]
fn size_depth_and_counts_are_limited() {
    let deep = |levels: usize| {
        document(&format!("{}{}", "<x xmlns='u'>".repeat(levels), "</x>".repeat(levels)))
    };
    assert!(parse(&deep(31)).is_ok());
    assert!(refused(&deep(32)).contains("more than 32 elements inside one another"));
    refused(&format!("{HEAD}{}", "<x>".repeat(20_000)));

    let tuples = |count: usize| {
        let one = |n| format!("<tuple id='t{n}'><status><basic>open</basic></status></tuple>");
        document(&(0..count).map(one).collect::<String>())
    };
    assert_eq!(parse(&tuples(100)).unwrap().document.tuples().len(), 100);
    assert!(refused(&tuples(101)).contains("more than 100 tuples"));

    let large = document(&format!("<note>{}</note>", "x".repeat(65_536)));
    assert!(refused(&large).contains("the document has 65"));
    assert!(refused(&document(&"<note>x</note>".repeat(17))).contains("more than 16"));
    assert!(refused(&document(&"<x xmlns='u'/>".repeat(33))).contains("more than 32"));
    let attributes = |count: usize| {
        let all: Vec<String> = (1..count).map(|n| format!(" a{n}=''")).collect();
        document(&format!("<x xmlns='u'{}/>", all.concat()))
    };
    assert!(parse(&attributes(64)).is_ok());
    assert!(refused(&attributes(65)).contains("more than 64 attributes"));
}

#[test]
fn what_markup_inherits_counts_towards_the_limit() {
    let long = "u".repeat(40_000);
    let small = "<x:a/>".repeat(20);
    let root = "xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:alice@example.com\"";
    let text = format!("{HEAD}<presence {root} xmlns:x=\"{long}\">{small}</presence>");
    assert!(refused(&text).contains("the document has"), "20 short elements came to 800 KB");
}

#[test]
fn what_is_erased_is_left_out() {
    let note = |text| Note { language: String::new(), text };
    let full = Tuple {
        status_markup: vec![Payload::Erased],
        contact: Some(Contact { uri: Payload::Erased, priority: None }),
        notes: vec![note(Payload::Erased), note(Payload::text("kept"))],
        markup: vec![Payload::Erased],
        ..Tuple::plain(TupleId::new("a").unwrap(), Basic::Open)
    };
    let only_erased =
        Tuple { id: TupleId::new("b").unwrap(), basic: None, notes: vec![], ..full.clone() };
    let document =
        Document::new(vec![full, only_erased], vec![note(Payload::Erased)], vec![Payload::Erased]);
    let read = parse(&pidf::write(&alice(), &document.unwrap())).unwrap().document;
    let kept = Tuple {
        notes: vec![note(Payload::text("kept"))],
        ..Tuple::plain(TupleId::new("a").unwrap(), Basic::Open)
    };
    assert_eq!(read, Document::new(vec![kept], vec![], vec![]).unwrap());
}

#[test]
fn stored_markup_cannot_reach_into_the_document_around_it() {
    let deep =
        |levels: usize| format!("{}{}", "<x xmlns='u'>".repeat(levels), "</x>".repeat(levels));
    for wrong in [
        "",
        "text",
        "<a xmlns='u'/><b xmlns='u'/>",
        "<a xmlns='u'/>text",
        "<a xmlns='u'/><!-- c -->",
        "<!-- c --><a xmlns='u'/>",
        "<?xml version='1.0'?><a xmlns='u'/>",
        "<!DOCTYPE a><a xmlns='u'/>",
        "<x:a/>",
        "<a",
        "<!--",
        "<![CDATA[",
        "</tuple></presence>",
        "<tuple xmlns='urn:ietf:params:xml:ns:pidf' id='b'/>",
        "<p:note xmlns:p='urn:ietf:params:xml:ns:pidf'>x</p:note>",
        "<a xmlns='u'>\u{0}</a>",
        &deep(32),
    ] {
        let document = Document::new(vec![], vec![], vec![Payload::text(wrong)]).unwrap();
        let written = pidf::write(&alice(), &document);
        let empty = Document::new(vec![], vec![], vec![]).unwrap();
        assert_eq!(parse(&written).unwrap().document, empty, "{wrong}");
    }
    let good = deep(31);
    let document = Document::new(vec![], vec![], vec![Payload::text(&good)]).unwrap();
    assert_eq!(parse(&pidf::write(&alice(), &document)).unwrap().document, document);
}

#[test]
fn addresses_and_text_are_escaped_as_uri_and_xml_need_it() {
    let entity: Presentity = "pres:%23É'&x@bücher.example".parse().unwrap();
    let hard = "a&b<c>\"d'\r\n\t ]]> \u{85}\u{2028}";
    let note = |text: &str| Note { language: String::new(), text: Payload::text(text) };
    let document = Document::new(vec![], vec![note(hard), note("\u{0}\u{fffe}")], vec![]).unwrap();
    let written = pidf::write(&entity, &document);
    assert!(
        written.contains("entity=\"pres:%23%C3%A9'&amp;x@xn--bcher-kva.example\""),
        "{written}"
    );
    let read = parse(&written).unwrap();
    assert_eq!(read.entity, entity);
    assert_eq!(read.document.notes()[0], note(hard));
    assert_eq!(read.document.notes()[1], note("\u{fffd}\u{fffd}"), "XML cannot hold these");
}

#[test]
fn what_begins_with_a_byte_order_mark_is_no_element_and_left_out() {
    let elements = ["\u{feff}<x xmlns=\"urn:x\"/>", "\u{feff}", "<y xmlns=\"urn:y\"/>"];
    let markup = elements.iter().map(|element| Payload::text(element)).collect();
    let written = pidf::write(&alice(), &Document::new(Vec::new(), Vec::new(), markup).unwrap());
    let read = pidf::parse(written.as_bytes()).expect("what is written can be read").document;
    assert_eq!(texts(read.markup()), elements[2..]);
}
