//! Messages with their own headers: what is read, what is composed, what is refused and where.
//!
//! `tests/golden/cpim/NAME.cpim` is a message of somebody else, `NAME.txt` what it says.
//! `ADSUM_GOLDEN=write cargo test --test format` writes those that are missing, never over one that is there.
//! Must never hold: an expectation computed by the code it tests.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use adsum::format::FormatFault;
use adsum::format::cpim::{self, Address, Cpim, Draft, Subject};
use adsum::model::limits::{BODY_BYTES_MAX, CPIM_HEADER_BYTES_MAX, CPIM_HEADERS_MAX};
use adsum::model::{ContentType, InboxSequence, Message, MessageId, Payload, Principal, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

const IMDN: &str = "urn:ietf:params:imdn";
const HEADERS: &str = "From: Alice <im:alice@example.com>\r\nTo: <im:bob@example.net>\r\n";
const CONTENT: &str = "\r\nContent-Type: text/plain\r\n\r\nhello";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cpim").join(name)
}

fn read(name: &str) -> Cpim {
    cpim::parse(&fs::read(golden(&format!("{name}.cpim"))).unwrap())
        .unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

/// A message with `headers` behind From and To.
fn message(headers: &str) -> String {
    format!("{HEADERS}{headers}{CONTENT}")
}

fn parse(text: &str) -> Result<Cpim, FormatFault> {
    cpim::parse(text.as_bytes())
}

fn refused(text: &str) -> String {
    match parse(text) {
        Ok(_) => panic!("this was taken: {text}"),
        Err(fault) => fault.to_string(),
    }
}

/// What a message says, a line each.
fn told(message: &Cpim) -> String {
    let mut told = String::new();
    writeln!(told, "from {:?}", message.from()).unwrap();
    message.to().iter().for_each(|to| writeln!(told, "to {to:?}").unwrap());
    message.cc().iter().for_each(|cc| writeln!(told, "cc {cc:?}").unwrap());
    writeln!(told, "at {:?}", message.date_time().map(Timestamp::as_ms)).unwrap();
    message.subjects().iter().for_each(|subject| writeln!(told, "{subject:?}").unwrap());
    message.required().iter().for_each(|name| writeln!(told, "requires {name}").unwrap());
    for header in message.headers() {
        writeln!(told, "{} {:?} = {:?}", header.name(), header.parameters(), header.text())
            .unwrap();
    }
    for header in message.content_headers() {
        writeln!(told, "content {}: {}", header.name, header.value).unwrap();
    }
    writeln!(told, "{} {}", message.content_type().as_str(), message.body().escape_ascii())
        .unwrap();
    told
}

#[test]
fn golden_messages_say_what_they_always_said_and_keep_their_bytes() {
    let names = fs::read_dir(golden("")).unwrap().map(|entry| entry.unwrap().path());
    let inputs: Vec<PathBuf> = names.filter(|path| path.extension().unwrap() == "cpim").collect();
    assert!(inputs.len() >= 5, "the golden messages are there");
    for path in inputs {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let expected = golden(&format!("{name}.txt"));
        let message = read(name);
        let told = told(&message);
        if !expected.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
            fs::write(&expected, &told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(expected).unwrap(), "{name}");
        let file = fs::read(&path).unwrap();
        let wrapper =
            if name == "wrapped" { "Content-type: Message/CPIM\r\n\r\n".len() } else { 0 };
        assert_eq!(message.bytes(), &file[wrapper..], "{name}");
        assert_eq!(cpim::parse(message.bytes()).unwrap(), message, "{name}");
    }
}

#[test]
fn headers_of_other_namespaces_are_kept_and_found_by_namespace_and_name() {
    let message = read("full");
    assert_eq!(message.header(IMDN, "Message-ID").unwrap().value(), "5d0c7b6c9c0f4c0d");
    assert_eq!(
        message.header("urn:example:other", "From").unwrap().text(),
        "not an address either"
    );
    assert!(message.header(IMDN, "message-id").is_none(), "case counts");
    assert_eq!(
        message.cc().last().unwrap().uri,
        "im:carol@example.com",
        "a prefix for core headers"
    );
    assert_eq!(message.subjects().len(), 3, "one is of another namespace");
}

#[test]
fn what_must_be_understood_and_is_not_is_named() {
    let message = read("full");
    let fault = message.require_at_most(&[(IMDN, "Message-ID")]).unwrap_err().to_string();
    assert!(
        fault.contains("understand <mid:MessageFeatures@id.example.com>Vital, which is not"),
        "{fault}"
    );
    let both = [(IMDN, "Message-ID"), ("mid:MessageFeatures@id.example.com", "Vital")];
    message.require_at_most(&both).unwrap();
    let core = parse(&self::message("Require: Subject, cc\r\n")).unwrap();
    core.require_at_most(&[]).unwrap();
    let unknown = parse(&self::message("Require: Colour\r\nRequire: subject\r\n")).unwrap();
    let fault = unknown.require_at_most(&[]).unwrap_err().to_string();
    assert!(fault.contains("headers:>Colour, <urn:ietf:params:cpim-headers:>subject"), "{fault}");
}

#[test]
fn any_body_is_kept_byte_for_byte() {
    let message = read("binary");
    assert_eq!(message.body(), &(0..=255).collect::<Vec<u8>>());
    assert!(read("no-body").body().is_empty());
    assert_eq!(read("full").content_type().as_str(), "multipart/alternative; boundary=\"x\"");
}

#[test]
fn a_wrong_header_is_refused_with_place_thing_and_cure() {
    for (headers, part) in [
        ("From: <im:carol@example.com>\r\n", "second From header; keep one"),
        ("To: bob\r\n", "To header \"bob\" is wrong: write it like Alice <im:"),
        ("cc: <bob>\r\n", "cc header \"<bob>\" is wrong: give an absolute URI"),
        ("DateTime: today\r\n", "DateTime header \"today\" is wrong: write it like 2026-"),
        ("DateTime: 2026-01-02T03:04:05Z\r\nDateTime: 2026-01-02T03:04:05Z\r\n", "second DateTime"),
        ("NS: a b <urn:x>\r\n", "NS header \"a b <urn:x>\" is wrong"),
        ("NS: urn:x\r\n", "NS header"),
        ("NS: a.b <urn:x>\r\n", "NS header"),
        ("x.Header: a\r\nNS: x <urn:x>\r\n", "declare the prefix in an NS header before"),
        ("Require: x.Header\r\n", "Require header \"x.Header\" is wrong: declare the prefix"),
        ("Require: \r\n", "Require header \"\" is wrong"),
        ("Sub ject: a\r\n", "header name \"Sub ject\" is wrong"),
        (": a\r\n", "header name \"\" is wrong"),
        ("Subject:a\r\n", "this is no header; put one space in front of the value"),
        ("Subject:  a\r\n", "put exactly one space"),
        ("Subject: a \r\n", "and none behind it"),
        ("Subject:;lang=f_r a\r\n", "write a parameter as ;name=value"),
        ("Subject: a\r\n folded\r\n", "do not continue the line before"),
        ("Subject: a\tb\r\n", "write a control character as an escape"),
        ("Subject: a\rb\r\n", "write a control character as an escape"),
        ("Subject: a\n", "a line ends with LF alone; end every header line with CR LF"),
        ("Subject\r\n", "write name, colon, one space and value"),
    ] {
        let fault = refused(&message(headers));
        let place = fault.starts_with("line 3, ") || fault.starts_with("line 4, ");
        assert!(place && fault.contains(part), "{headers}: {fault}");
    }
}

#[test]
fn sender_recipient_and_content_type_must_be_there() {
    for (text, part) in [
        (String::new(), "the message ends in its headers"),
        (HEADERS.to_owned(), "the message ends in its headers"),
        (format!("{HEADERS}\r\n"), "the message ends in its headers"),
        (format!("From: <im:a@b>\r\n{CONTENT}"), "the To header is missing"),
        (format!("To: <im:a@b>\r\n{CONTENT}"), "the From header is missing"),
        (format!("from: <im:a@b>\r\nTo: <im:a@b>\r\n{CONTENT}"), "the From header is missing"),
        (format!("{HEADERS}\r\n\r\nhello"), "the Content-Type of the content is missing"),
        (
            format!("{HEADERS}\r\nContent-ID: <1@b>\r\n\r\nhello"),
            "Content-Type of the content is missing",
        ),
        (format!("{HEADERS}\r\nContent-Type: text\r\n\r\nhello"), "content type has no `/`"),
        (
            format!("{HEADERS}\r\nContent-Type: a/b\r\ncontent-type: a/b\r\n\r\n"),
            "second Content-Type",
        ),
        (format!("{HEADERS}\r\nContent-Type\r\n\r\nhello"), "this is no content header"),
        (format!("{HEADERS}\r\n Content-Type: a/b\r\n\r\nhello"), "begin with a name"),
    ] {
        let fault = refused(&text);
        assert!(fault.contains(part), "{text}: {fault}");
    }
    let latin = [HEADERS.as_bytes(), b"Subject: caf\xe9\r\n", CONTENT.as_bytes()].concat();
    let fault = cpim::parse(&latin).unwrap_err().to_string();
    assert!(fault.starts_with("line 3, column 13: the bytes are not UTF-8"), "{fault}");
}

#[test]
fn size_and_counts_are_limited() {
    let room = BODY_BYTES_MAX - message("").len();
    assert!(parse(&(message("") + &"x".repeat(room))).is_ok());
    let fault = refused(&(message("") + &"x".repeat(room + 1)));
    assert!(fault.contains("the message has 65537 bytes, the most is 65536"), "{fault}");
    // From and To are headers as well.
    assert!(parse(&message(&"A: b\r\n".repeat(CPIM_HEADERS_MAX - 2))).is_ok());
    let fault = refused(&message(&"A: b\r\n".repeat(CPIM_HEADERS_MAX - 1)));
    assert!(fault.contains(&format!("more than {CPIM_HEADERS_MAX} headers")), "{fault}");
    assert!(parse(&message(&format!("A: {}\r\n", "b".repeat(CPIM_HEADER_BYTES_MAX - 3)))).is_ok());
    let fault = refused(&message(&format!("A: {}\r\n", "b".repeat(CPIM_HEADER_BYTES_MAX - 2))));
    let told = format!("the header has {} bytes", CPIM_HEADER_BYTES_MAX + 1);
    assert!(fault.contains(&told), "{fault}");
}

#[test]
fn a_length_in_the_header_of_the_whole_must_be_that_of_the_message() {
    let message = message("");
    let file = |length: usize, message: &str| {
        format!("Content-Type: message/cpim\r\nContent-Length: {length}\r\n\r\n{message}")
    };
    let one = file(message.len(), &message);
    assert_eq!(parse(&one).unwrap().bytes(), message.as_bytes());
    let two = format!("{one}{one}");
    for wrong in [two, file(message.len() + 1, &message), one.replace("Length: ", "Length: x")] {
        let fault = refused(&wrong);
        assert!(fault.starts_with("line 1, column 1: the Content-Length"), "{fault}");
    }
}

/// A message that `alice` sent, as it lies in the inbox of `élise#1`.
fn lying(content_type: &str, body: &[u8]) -> Message {
    let elise: Principal = "élise#1@example.net".parse().unwrap();
    Message {
        inbox: elise.inbox(),
        sequence: InboxSequence::new(1),
        sender: "alice@example.com".parse().unwrap(),
        id: MessageId::new("m\\1").unwrap(),
        content_type: ContentType::new(content_type).unwrap(),
        body: Payload::Present(body.to_vec().into()),
        accepted_at: Timestamp::from_ms(1_767_323_045_000),
        lifetime: None,
    }
}

#[test]
fn a_message_of_another_kind_is_wrapped_with_what_the_server_knows() {
    let stored = cpim::stored(&lying("text/plain; charset=utf-8", b"hi\0")).unwrap();
    let expected = "From: <im:alice@example.com>\r\nTo: <im:%C3%A9lise%231@example.net>\r\n\
        DateTime: 2026-01-02T03:04:05.000Z\r\nNS: imdn <urn:ietf:params:imdn>\r\n\
        imdn.Message-ID: m\\\\1\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi\0";
    assert_eq!(String::from_utf8(stored.to_vec()).unwrap(), expected);
    let read = cpim::parse(&stored).unwrap();
    assert_eq!(read.message_id().unwrap().unwrap().as_str(), "m\\1");
    assert_eq!(read.to()[0].inbox().unwrap().account(), "élise#1@example.net");
}

#[test]
fn a_message_that_came_in_the_format_is_told_as_it_came() {
    for (kind, name) in [("message/cpim", "full"), ("Message/CPIM; charset=utf-8", "binary")] {
        let bytes = fs::read(golden(&format!("{name}.cpim"))).unwrap();
        assert_eq!(cpim::stored(&lying(kind, &bytes)).unwrap(), bytes, "{name}");
    }
}

#[test]
fn the_outermost_from_is_the_authenticated_sender_whatever_the_message_says() {
    let forged = message("").replace("alice", "mallory");
    let wrapped = fs::read(golden("wrapped.cpim")).unwrap();
    for body in [forged.as_bytes(), &wrapped, b"no message at all", b""] {
        let stored = cpim::stored(&lying("message/cpim", body)).unwrap();
        let read = cpim::parse(&stored).unwrap();
        assert_eq!(read.from(), &Address::of("im:alice@example.com"));
        assert_eq!((read.content_type().as_str(), &read.body()[..]), ("message/cpim", body));
    }
}

#[test]
fn the_largest_message_can_be_told_and_an_erased_one_cannot() {
    let largest = vec![b'x'; BODY_BYTES_MAX];
    assert!(cpim::stored(&lying("text/plain", &largest)).unwrap().ends_with(&largest));
    let never = Message { accepted_at: Timestamp::from_ms(u64::MAX), ..lying("text/plain", b"x") };
    assert_eq!(cpim::parse(&cpim::stored(&never).unwrap()).unwrap().date_time(), None);
    let erased = Message { body: Payload::Erased, ..lying("text/plain", b"x") };
    assert_eq!(cpim::stored(&erased), None);
}

#[test]
fn a_subject_that_cannot_be_written_as_it_is_is_refused() {
    let (alice, bob) = (Address::of("im:alice@example.com"), [Address::of("im:bob@example.net")]);
    let content_type = ContentType::new("text/plain").unwrap();
    let draft = Draft {
        from: &alice,
        to: &bob,
        cc: &[],
        date_time: None,
        subjects: &[],
        message_id: None,
        content_type: &content_type,
        body: b"",
    };
    let subject = |text: &str| [Subject { language: String::new(), text: text.into() }];
    assert!(Cpim::compose(&draft).is_ok());
    assert!(Cpim::compose(&Draft { subjects: &subject(" a"), ..draft.clone() }).is_err());
    assert!(Cpim::compose(&Draft { to: &[], ..draft.clone() }).is_err());
    let never = Some(Timestamp::from_ms(u64::MAX));
    assert!(Cpim::compose(&Draft { date_time: never, ..draft.clone() }).is_err());
    let hostile = Address::of("im:bob@example.net>\r\nFrom: <im:mallory@example.net");
    assert!(Cpim::compose(&Draft { to: &[hostile], ..draft.clone() }).is_err());
    for language in ["fr a\r\nX:", "fr a", "fr\r\n"] {
        let hostile = [Subject { language: language.into(), text: "b".into() }];
        let composed = Cpim::compose(&Draft { subjects: &hostile, ..draft.clone() });
        assert!(composed.is_err(), "{language:?}");
    }
    let hostile = [Address::of("im:bob@example.net>\r\nX: <im:mallory@example.net")];
    assert!(Cpim::compose(&Draft { to: &hostile, ..draft.clone() }).is_err());
    let injected = subject("a\r\nFrom: <im:mallory@example.net>");
    let message = Cpim::compose(&Draft { subjects: &injected, ..draft }).unwrap();
    assert_eq!((message.subjects(), message.headers().len()), (&injected[..], 3));
}

fn address() -> impl Strategy<Value = Address> {
    let uri = "(im|tel|mailto|sip):[a-z0-9@.+%?=&é]{1,20}";
    (option::of("\\PC{0,12}|[A-Za-z]{1,8}( [A-Za-z\"\\\\]{1,8})?"), uri)
        .prop_map(|(name, uri)| Address { name, uri })
}

fn subject() -> impl Strategy<Value = Subject> {
    let language = prop_oneof![Just(String::new()), Just("fr".into()), Just("zh-Hant".into())];
    let text = any::<String>().prop_map(|text| text.trim_matches(' ').to_owned());
    (language, text).prop_map(|(language, text)| Subject { language, text })
}

proptest! {
    #[test]
    fn what_is_composed_says_what_it_was_composed_of(
        from in address(), to in vec(address(), 1..4), cc in vec(address(), 0..3), subjects in vec(subject(), 0..3),
        ms in option::of(0_u64..253_402_300_800_000), body in vec(any::<u8>(), 0..200),
    ) {
        let date_time = ms.map(Timestamp::from_ms);
        let content_type = ContentType::new("text/plain; charset=utf-8").unwrap();
        let draft = Draft { from: &from, to: &to, cc: &cc, date_time, subjects: &subjects, message_id: None, content_type: &content_type, body: &body };
        let message = Cpim::compose(&draft).unwrap();
        prop_assert_eq!((message.from(), message.to(), message.cc()), (&from, &to[..], &cc[..]));
        prop_assert_eq!((message.date_time(), message.subjects()), (date_time, &subjects[..]));
        prop_assert_eq!((message.content_type(), &message.body()[..]), (&content_type, &body[..]));
        prop_assert_eq!(cpim::parse(message.bytes()).unwrap(), message);
    }

    #[test]
    fn an_unknown_header_is_kept_and_changes_nothing_else(
        name in "[A-Z][a-z-]{2,10}X", value in "[!-~é](\\PC{0,20}[!-~é])?", place in 0_usize..4,
    ) {
        let plain = message("DateTime: 2026-01-02T03:04:05Z\r\n");
        let mut lines: Vec<String> = plain.split_inclusive("\r\n").map(str::to_owned).collect();
        lines.insert(place, format!("{name}: {value}\r\n"));
        let with = parse(&lines.concat()).unwrap();
        let without = parse(&plain).unwrap();
        prop_assert_eq!((with.from(), with.to(), with.body()), (without.from(), without.to(), without.body()));
        prop_assert_eq!(with.headers().len(), without.headers().len() + 1);
        prop_assert_eq!((with.headers()[place].name().local(), with.headers()[place].value()), (&*name, &*value));
    }

    #[test]
    fn a_message_that_is_cut_in_its_headers_is_refused_and_never_a_panic(cut: Index, headers: bool) {
        let whole = fs::read(golden("full.cpim")).unwrap();
        let body = whole.len() - read("full").body().len();
        let end = cut.index(if headers { body } else { whole.len() });
        prop_assert_eq!(cpim::parse(&whole[..end]).is_ok(), end >= body);
    }

    #[test]
    fn a_message_that_is_changed_is_kept_as_it_is_or_refused(
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = fs::read(golden("full.cpim")).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(message) = cpim::parse(&bytes) {
            prop_assert_eq!(&message.bytes()[..], &bytes[..]);
        }
    }

    #[test]
    fn bytes_of_chance_are_refused(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert!(cpim::parse(&bytes).is_err());
    }
}
