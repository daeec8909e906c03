//! Values that lie: what comes from others is written into formats so that it is read again as what it was, and nothing more.
//!
//! Must never hold: a value that no strict reader of the model would have let in.

use adsum::format::{cpim, pidf};
use adsum::model::{
    Basic, Contact, ContentType, DeviceLabel, Document, InboxSequence, MediaRange, Message,
    MessageId, Note, Payload, Presentity, Principal, PublicationName, Refusal, RuleName, Timestamp,
    Tuple, TupleId,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Pieces of which a text is made that would like to be more than a text.
const PIECES: &[&str] = &[
    "a",
    "text",
    "/",
    "plain",
    ";",
    " ",
    "=",
    "\"",
    "\r\n",
    "\n",
    "\r",
    "\t",
    "\0",
    "\u{b}",
    "\u{c}",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{9b}31m",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "😀",
    "é",
    "<",
    ">",
    "&",
    "]]>",
    "--",
    "<!--",
    "<?x",
    "&#10;",
    "&x;",
    ":",
    "%0d%0a",
    "\\",
    "\\n",
    "\\u000a",
    "From: <im:m@e.example>\r\n",
    "\r\n\r\n",
    "Content-Type: text/html",
    "Content-Length: 1",
    "im:",
    "x:y",
    "xmlns=\"urn:x\"",
    "<x xmlns=\"urn:x\"/>",
    "<note>",
    "</presence>",
];

fn text() -> impl Strategy<Value = String> {
    let any = any::<char>().prop_map(String::from);
    let piece = prop_oneof![4 => select(PIECES).prop_map(str::to_owned), 1 => any];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// A text that begins as a content type does.
fn content_type() -> impl Strategy<Value = String> {
    let begin =
        select(vec!["text/plain", "message/cpim", "image/x;", "application/pidf+xml; a=", ""]);
    (begin, text()).prop_map(|(begin, rest)| begin.to_owned() + &rest)
}

/// A message whose parts are as hostile as the model lets in.
fn message(content_type: &str, id: &str, local: &str, body: Vec<u8>) -> Option<Message> {
    let sender: Principal = format!("{local}@d.example").parse().ok()?;
    Some(Message {
        inbox: "im:bob@d.example".parse().unwrap(),
        sequence: InboxSequence::new(1),
        sender,
        id: MessageId::new(id).ok()?,
        content_type: ContentType::new(content_type).ok()?,
        body: Payload::Present(body.into()),
        accepted_at: Timestamp::from_ms(1_767_323_045_000),
        lifetime: None,
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    text().prop_map(|text| Payload::text(&text))
}

/// A document of what the model lets in, each part by itself.
fn document() -> impl Strategy<Value = Document> {
    let language = prop_oneof![3 => select(vec!["", "fr", "-", "--", "zh-Hant"]).prop_map(str::to_owned), 1 => text()];
    let note = (language, payload()).prop_map(|(language, text)| Note { language, text }).boxed();
    let uri = prop_oneof![Just("x:".to_owned()), Just(String::new()), text()];
    let contact = (uri, text()).prop_map(|(begin, rest)| {
        let uri = Payload::text(&format!("{begin}{rest}"));
        Contact { uri, priority: None }
    });
    let tuple =
        (text(), proptest::option::of(contact), vec(note.clone(), 0..2), vec(payload(), 0..3));
    let tuple =
        tuple.prop_filter_map("the model refuses the id", |(id, contact, notes, markup)| {
            let mut tuple = Tuple::plain(TupleId::new(&format!("i{id}")).ok()?, Basic::Open);
            (tuple.contact, tuple.notes) = (contact, notes);
            (tuple.markup, tuple.status_markup) = (markup.clone(), markup);
            Some(tuple)
        });
    (vec(tuple, 0..3), vec(note, 0..3), vec(payload(), 0..3))
        .prop_filter_map("the model refuses the document", |(tuples, notes, markup)| {
            Document::new(tuples, notes, markup).ok()
        })
}

/// What the model makes of a text.
type Made = fn(&str) -> Result<String, Refusal>;

/// Everything with a place of its own in some line or header, and how it is made of text.
const NAMES: &[(&str, Made)] = &[
    ("a content type", |text| ContentType::new(text).map(|one| one.as_str().to_owned())),
    ("a media range", |text| MediaRange::new(text).map(|one| one.as_str().to_owned())),
    ("a message id", |text| MessageId::new(text).map(|one| one.as_str().to_owned())),
    ("a rule's name", |text| RuleName::new(text).map(|one| one.as_str().to_owned())),
    ("a label", |text| DeviceLabel::new(text).map(|one| one.as_str().to_owned())),
    ("a publication's name", |text| PublicationName::new(text).map(|one| one.as_str().to_owned())),
    ("a tuple id", |text| TupleId::new(text).map(|one| one.as_str().to_owned())),
    ("a principal", |text| {
        format!("{text}@d.example").parse().map(|one: Principal| one.to_string())
    }),
    ("a presentity", |text| {
        format!("pres:{text}@d.example").parse().map(|one: Presentity| one.to_string())
    }),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_name_holds_a_control_character(text in prop_oneof![content_type(), text()]) {
        for (what, made) in NAMES {
            if let Ok(name) = made(&text) {
                prop_assert!(!name.contains(char::is_control), "{} is {:?}", what, name);
            }
        }
    }

    #[test]
    fn a_stored_message_is_read_again_as_what_it_was(
        content_type in content_type(), id in "[!-~]{1,64}", local in "[!#$&'*+/=^_`{|}~.a-zé-]{1,12}", body in vec(any::<u8>(), 1..60),
    ) {
        let Some(message) = message(&content_type, &id, &local, body) else { return Ok(()) };
        let stored = cpim::stored(&message).unwrap();
        let read = cpim::parse(&stored).map_err(|fault| TestCaseError::fail(format!("{fault}: {stored:?}")))?;
        prop_assert!(read.from().is_of(&message.sender));
        prop_assert_eq!(read.to()[0].inbox(), Ok(message.inbox.clone()));
        prop_assert_eq!((read.to().len(), read.cc().len(), read.headers().len()), (1, 0, 5));
        prop_assert_eq!(read.message_id().unwrap(), Some(message.id.clone()));
        prop_assert_eq!(read.content_type().as_str(), message.content_type.as_str().trim_end());
        prop_assert_eq!(Some(read.body()), message.body.bytes());
    }

    #[test]
    fn a_document_is_read_again_as_what_can_be_written_of_it(document in document(), local in "[!#$&'*+/=^_`{|}~.a-zé-]{1,12}") {
        let Ok(entity) = format!("pres:{local}@d.example").parse::<Presentity>() else { return Ok(()) };
        let written = pidf::write(&entity, &document);
        let read = pidf::parse(written.as_bytes()).map_err(|fault| TestCaseError::fail(format!("{fault}\n{written}")))?;
        prop_assert_eq!(&read.entity, &entity);
        let ids = |document: &Document| document.tuples().iter().map(|tuple| tuple.id.clone()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&read.document), ids(&document));
        prop_assert_eq!(read.document.notes().len(), document.notes().len());
        let again = pidf::parse(pidf::write(&entity, &read.document).as_bytes()).unwrap();
        prop_assert_eq!(again, read);
    }
}

#[test]
fn a_rule_for_a_type_with_a_line_end_is_refused() {
    for wrong in ["text/plain\n", "text/plain\r\n", "text/*\n", "text/plain\u{85}"] {
        assert!(MediaRange::new(wrong).is_err(), "{wrong:?}");
    }
}
