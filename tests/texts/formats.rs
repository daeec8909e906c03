//! Documents and messages that are not as their format has them.
//!
//! Must never hold: a document that a program would write (see `tests/deployed/`).

use adsum::format::{cpim, pidf};
use adsum::model::{ContentType, Timestamp};
use cpim::{Address, Cpim, Draft, Subject};

use super::Told;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const PIDF: &str = "xmlns='urn:ietf:params:xml:ns:pidf'";
const STATUS: &str = "<status><basic>open</basic></status>";
const FROM_TO: &str = "From: <im:a@b.example>\r\nTo: <im:c@b.example>\r\n";
const CONTENT: &str = "\r\nContent-Type: text/plain\r\n\r\nhi";

/// Tells of each.
pub(crate) fn tell(told: &mut Told) {
    documents(told);
    well_formed(told);
    declarations(told);
    too_many(told);
    messages(told);
    parts_of_messages(told);
    composed(told);
}

fn document(inside: &str) -> String {
    format!("{HEAD}<presence {PIDF} entity='pres:a@b.example'>{inside}</presence>")
}

fn tuple(inside: &str) -> String {
    document(&format!("<tuple id='a'>{inside}</tuple>"))
}

fn refused(told: &mut Told, thing: &str, text: &str) {
    told.of(thing, pidf::parse(text.as_bytes()).map(|_| ()));
}

fn documents(told: &mut Told) {
    for (thing, text) in [
        ("attribute id", document(&format!("<tuple>{STATUS}</tuple>"))),
        ("status", tuple("")),
        ("status", tuple("<status/>")),
        ("basic", tuple("<status><basic>open</basic><basic>open</basic></status>")),
        ("OPEN", tuple("<status><basic>OPEN</basic></status>")),
        ("<b>", tuple("<status><basic>op<b/>en</basic></status>")),
        ("text", tuple("<status>open</status>")),
        ("<note>", tuple("<status><note>x</note></status>")),
        ("<tuple>", tuple(&format!("{STATUS}<tuple id='b'/>"))),
        ("contact", tuple(&format!("{STATUS}<contact>alice</contact>"))),
        ("timestamp", tuple(&format!("{STATUS}<timestamp>yesterday</timestamp>"))),
        ("timestamp", tuple(&format!("{STATUS}<timestamp>1960-01-01T00:00:00Z</timestamp>"))),
        ("\"a\"", document(&format!("<tuple id='a'>{STATUS}</tuple>").repeat(2))),
        ("<status>", document("<status/>")),
        ("entity", format!("{HEAD}<presence {PIDF}/>")),
        ("entity", format!("{HEAD}<presence {PIDF} entity='?'/>")),
        ("PIDF", format!("{HEAD}<presence entity='pres:a@b.example'/>")),
    ] {
        refused(told, thing, &text);
    }
    let nobody = format!("{HEAD}<presence {PIDF} entity=''/>");
    told.of("entity", pidf::parse_any(nobody.as_bytes()).map(|_| ()));
}

fn well_formed(told: &mut Told) {
    for (thing, wrong) in [
        ("prefix x", "<x:a/>"),
        ("attribute twice", "<a xmlns='u' b='1' b='2'/>"),
        ("value", "<a xmlns='u' b=1/>"),
        ("attribute", "<a xmlns='u' b/>"),
        ("attributes", "<a xmlns='u'b=''/>"),
        ("value of b", "<a xmlns='u' b='<'/>"),
        ("attribute name", "<a xmlns='u' 1=''/>"),
        ("prefix", "<a xmlns:p=''/>"),
        ("namespace", "<a xmlns='urn: u'/>"),
        ("xml", "<a xmlns:xml='urn:other'/>"),
        ("xmlns", "<a xmlns:xmlns='urn:other'/>"),
        ("xml", "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>"),
        ("xmlns", "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>"),
        ("element name", "<1 xmlns='u'/>"),
        ("", "<a xmlns='u'></b>"),
        ("]]>", "<a xmlns='u'>]]></a>"),
        ("reference", "<a xmlns='u'>&b;</a>"),
        ("comment", "<a xmlns='u'><!-- -- --></a>"),
        ("processing instruction", "<a xmlns='u'><?XML x?></a>"),
        ("CDATA", "<a xmlns='u'><![CDATA[x]]</a>"),
        ("", "<a xmlns='u' b='"),
        ("", "<a xmlns='u' b='1"),
    ] {
        refused(told, thing, &document(wrong));
    }
    refused(told, "second element", &format!("{}<a/>", document("")));
    refused(told, "text", &format!("{}x", document("")));
    refused(told, "inside an element", document("").trim_end_matches("</presence>"));
    refused(told, "element", HEAD);
}

fn declarations(told: &mut Told) {
    let whole = document("");
    let bare = whole.strip_prefix(HEAD).unwrap();
    for (thing, text) in [
        ("declaration", bare.to_owned()),
        ("XML 1.0", format!("<?xml version=\"1.1\"?>{bare}")),
        ("UTF-32", format!("<?xml version=\"1.0\" encoding=\"UTF-32\"?>{bare}")),
        ("declaration", format!("<?xml version=\"1.0\" x=\"y\"?>{bare}")),
        ("document type", format!("{HEAD}<!DOCTYPE presence [<!ENTITY a \"ha\">]>{bare}")),
        ("character", document("<note>\u{1}</note>")),
    ] {
        refused(told, thing, &text);
    }
    let latin: Vec<u8> = document("<note>!</note>")
        .bytes()
        .map(|byte| if byte == b'!' { 0xe9 } else { byte })
        .collect();
    let start = latin.iter().position(|byte| *byte == 0xe9).unwrap();
    assert!(start > 0);
    told.of("UTF-8", pidf::parse(&latin).map(|_| ()));
    let named = |name: &str| String::from_utf8_lossy(&latin).into_owned().replace("UTF-8", name);
    told.of("US-ASCII", pidf::parse(named("US-ASCII").as_bytes()).map(|_| ()));
    told.of("UTF-16", pidf::parse(named("UTF-16").as_bytes()).map(|_| ()));
}

fn too_many(told: &mut Told) {
    let deep = format!("{}{}", "<x xmlns='u'>".repeat(32), "</x>".repeat(32));
    refused(told, "32 elements", &document(&deep));
    let one = |n| format!("<tuple id='t{n}'>{STATUS}</tuple>");
    refused(told, "100 tuples", &document(&(0..101).map(one).collect::<String>()));
    refused(told, "document", &document(&format!("<note>{}</note>", "x".repeat(65_536))));
    refused(told, "16 notes", &document(&"<note>x</note>".repeat(17)));
    let all: Vec<String> = (1..65).map(|n| format!(" a{n}=''")).collect();
    refused(told, "64 attributes", &document(&format!("<x xmlns='u'{}/>", all.concat())));
}

fn message(headers: &str) -> String {
    format!("{FROM_TO}{headers}{CONTENT}")
}

fn messages(told: &mut Told) {
    for (thing, headers) in [
        ("From", "From: <im:c@b.example>\r\n"),
        ("To", "To: bob\r\n"),
        ("To", "To: \"bob <im:a@b>\r\n"),
        ("cc", "cc: <bob>\r\n"),
        ("cc", "cc: <1:bob>\r\n"),
        ("cc", "cc: <im:b b>\r\n"),
        ("DateTime", "DateTime: today\r\n"),
        ("NS", "NS: a b <urn:x>\r\n"),
        ("NS", "NS: urn:x\r\n"),
        ("NS", "NS: a.b <urn:x>\r\n"),
        ("NS", "NS: imdn<urn:x>\r\n"),
        ("NS", "NS: imdn <x>\r\n"),
        ("NS", "x.Header: a\r\nNS: x <urn:x>\r\n"),
        ("Require", "Require: x.Header\r\n"),
        ("Sub ject", "Sub ject: a\r\n"),
        ("header", "Subject:a\r\n"),
        ("header", "Subject:  a\r\n"),
        ("header", "Subject: a \r\n"),
        ("header", "Subject:;lang=f_r a\r\n"),
        ("header", "Subject: a\r\n folded\r\n"),
        ("header", "Subject: a\tb\r\n"),
        ("line", "Subject: a\n"),
        ("header", "Subject\r\n"),
    ] {
        told.of(thing, cpim::parse(message(headers).as_bytes()).map(|_| ()));
    }
    let unknown = cpim::parse(message("Require: Colour\r\n").as_bytes()).unwrap();
    told.of("Colour", unknown.require_at_most(&[]));
}

fn parts_of_messages(told: &mut Told) {
    let whole = message("");
    let length = whole.len() + 1;
    for (thing, text) in [
        ("message", String::new()),
        ("To header", format!("From: <im:a@b.example>\r\n{CONTENT}")),
        ("From header", format!("To: <im:a@b.example>\r\n{CONTENT}")),
        ("Content-Type", format!("{FROM_TO}\r\n\r\nhello")),
        ("content header", format!("{FROM_TO}\r\nContent-Type\r\n\r\nhello")),
        ("content header", format!("{FROM_TO}\r\n Content-Type: a/b\r\n\r\nhello")),
        ("content header", format!("{FROM_TO}\r\nContent-Type: a/b\u{1}\r\n\r\nhello")),
        ("headers", message(&"A: b\r\n".repeat(127))),
        ("content header lines", message(&format!("\r\n{}", "A: b\r\n".repeat(200)))),
        (
            "Content-Length",
            format!("Content-Type: message/cpim\r\nContent-Length: {length}\r\n\r\n{whole}"),
        ),
    ] {
        told.of(thing, cpim::parse(text.as_bytes()).map(|_| ()));
    }
}

fn composed(told: &mut Told) {
    let (alice, bob) = (Address::of("im:alice@example.com"), [Address::of("im:bob@example.net")]);
    let content_type = ContentType::new("text/plain").unwrap();
    let subjects = [Subject { language: String::new(), text: " a".into() }];
    let draft = Draft {
        from: &alice,
        to: &bob,
        cc: &[],
        date_time: Some(Timestamp::from_ms(u64::MAX)),
        subjects: &[],
        message_id: None,
        content_type: &content_type,
        body: b"",
    };
    told.of("DateTime", Cpim::compose(&draft).map(|_| ()));
    let draft = Draft { date_time: None, subjects: &subjects, ..draft };
    told.of("header", Cpim::compose(&draft).map(|_| ()));
    let two = Address::of("im:alice@example.com>\r\nTo: <im:carol@example.com");
    let draft = Draft { from: &two, subjects: &[], ..draft };
    told.of("header", Cpim::compose(&draft).map(|_| ()));
}
