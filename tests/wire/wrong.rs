//! Wrong bytes, and what a server or a client does about them.
//!
//! Must never hold: a frame of a connection that goes well.

use adsum::model::RefusalCode as Refused;
use adsum::protocol::body::{
    Body, Delete, Document, FeedOpen, Fetch, Invite, ListKeys, Note, Publish, Send, Subscribe,
    Tuple, Unsubscribe,
};
use adsum::wire::{CloseCode as Close, IGNORABLE_KIND_MIN, ResetCode as Reset, encode};
use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::by_hand::{counted, frame as built, raw_frame, varint};

/// Bytes that a peer of the named state must not take for good.
#[derive(Clone, Serialize)]
pub(crate) struct Wrong {
    pub(crate) name: &'static str,
    pub(crate) to: &'static str,
    /// Where in a connection: see the member `states`.
    pub(crate) state: &'static str,
    pub(crate) bytes: String,
    pub(crate) expect: Value,
}

/// Bytes as hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

pub(crate) fn wrong(state: &'static str, name: &'static str, bytes: &[u8], expect: Value) -> Wrong {
    Wrong { name, to: "server", state, bytes: hex(bytes), expect }
}

pub(crate) fn close(code: Close) -> Value {
    json!({"close": code.number()})
}

fn reset(code: Reset) -> Value {
    json!({"reset": code.number()})
}

fn refused(code: Refused) -> Value {
    json!({"refused": code.number()})
}

fn encoded<B: Body>(body: &B) -> Vec<u8> {
    let mut out = Vec::new();
    encode(body, &mut out);
    out
}

/// What a server must not take.
pub(crate) fn to_server() -> Vec<Wrong> {
    [hello(), control(), requests(), publications(), others(), streams(), questions(), feeds()]
        .into_iter()
        .flatten()
        .collect()
}

fn hello() -> Vec<Wrong> {
    let violation = || close(Close::ProtocolViolation);
    vec![
        wrong("hello", "a request before Hello", &encoded(&subscribe(1, "bob")), violation()),
        wrong(
            "hello",
            "a Hello that does not decode",
            &raw_frame(0x0001, b"what is this"),
            violation(),
        ),
        wrong("hello", "a Hello without a body", &raw_frame(0x0001, &[]), violation()),
        wrong(
            "hello",
            "text that is not UTF-8",
            &raw_frame(0x0001, &[1, 0, 2, 0xff, 0xfe]),
            violation(),
        ),
        wrong("hello", "only a kind that is skipped", &raw_frame(0x9000, b"skip me"), violation()),
        wrong("hello", "a length under 2", &[0, 0, 0, 1, 0], violation()),
        wrong("hello", "a length over 4,096", &[0, 0, 16, 1], close(Close::FrameTooLarge)),
        wrong("hello", "nothing", &[], violation()),
    ]
}

fn control() -> Vec<Wrong> {
    let violation = || close(Close::ProtocolViolation);
    let number = varint(77);
    vec![
        wrong("control", "a length of 0", &[0, 0, 0, 0], violation()),
        wrong("control", "a length of 1", &[0, 0, 0, 1, 0], violation()),
        wrong("control", "a length over the limit", &[0, 1, 0x10, 1], close(Close::FrameTooLarge)),
        wrong("control", "a request without a number", &raw_frame(0x0013, &[]), violation()),
        wrong("control", "a number that is none", &raw_frame(0x0013, &[0xff; 11]), violation()),
        wrong("control", "an unknown kind without a number", &raw_frame(0x00f0, &[]), violation()),
        wrong("control", "an answer", &built(0x0101, &[number.clone(), vec![0]]), violation()),
        wrong(
            "control",
            "a question",
            &encoded(&Fetch { presentity: presentity("bob") }),
            violation(),
        ),
        wrong(
            "control",
            "an unknown kind",
            &built(0x00f0, &[number.clone(), vec![1, 2]]),
            refused(Refused::UnknownKind),
        ),
        wrong(
            "control",
            "the last kind that must be known",
            &raw_frame(0x7fff, &number),
            refused(Refused::UnknownKind),
        ),
        wrong(
            "control",
            "the first kind that is skipped",
            &raw_frame(IGNORABLE_KIND_MIN, b"later"),
            json!({"skipped": true}),
        ),
        wrong(
            "control",
            "the last kind that is skipped",
            &raw_frame(0xffff, b""),
            json!({"skipped": true}),
        ),
    ]
}

/// Requests that do not decode.
fn requests() -> Vec<Wrong> {
    let whole = encoded(&message("bob"));
    let body = &whole[6..];
    let with = |place: usize, byte: u8| {
        let mut body = body.to_vec();
        body[place] = byte;
        raw_frame(Send::KIND, &body)
    };
    let mut neither = encoded(&subscribe(0, "bob"))[6..].to_vec();
    let place = neither.len() - 2;
    neither[place] = 2;
    let malformed = || refused(Refused::Malformed);
    vec![
        wrong("control", "cut", &raw_frame(Send::KIND, &body[..body.len() - 1]), malformed()),
        wrong("control", "only a number", &raw_frame(Send::KIND, &[77]), malformed()),
        wrong(
            "control",
            "bytes behind ext",
            &raw_frame(Send::KIND, &[body, b"more"].concat()),
            malformed(),
        ),
        wrong("control", "text longer than the frame", &with(1, 0x7f), malformed()),
        wrong(
            "control",
            "neither none nor some",
            &raw_frame(Subscribe::KIND, &neither),
            malformed(),
        ),
        wrong("control", "text that is not UTF-8", &with(2, 0xff), refused(Refused::BadUtf8)),
    ]
}

fn presentity(name: &str) -> String {
    format!("pres:{name}@example.com")
}

fn subscribe(mode: u8, name: &str) -> Subscribe {
    Subscribe {
        request: 77,
        presentity: presentity(name),
        mode,
        lifetime_ms: None,
        operation: None,
    }
}

fn message(to: &str) -> Send {
    Send {
        request: 77,
        inbox: format!("im:{to}@example.com"),
        sender: String::new(),
        id: "m1".to_owned(),
        content_type: "text/plain".to_owned(),
        body: Bytes::from_static(b"lunch?"),
        lifetime_ms: None,
        receipts: None,
    }
}

fn document(note: &'static [u8]) -> Document {
    let note = Note { language: String::new(), text: Some(Bytes::from_static(note)) };
    let tuple = Tuple {
        id: "desk".to_owned(),
        basic: 1,
        status_markup: vec![],
        contact: None,
        notes: vec![note],
        timestamp_ms: None,
        markup: vec![],
    };
    Document { tuples: vec![tuple], ..Document::default() }
}

fn publications() -> Vec<Wrong> {
    let good = || Publish {
        request: 77,
        operation: [7; 16],
        presentity: presentity("bob"),
        name: String::new(),
        if_match: None,
        lifetime_ms: None,
        document: Some(document(b"at my desk")),
    };
    let with = |change: fn(&mut Document)| {
        let mut document = document(b"at my desk");
        change(&mut document);
        Publish { document: Some(document), ..good() }
    };
    let tag = Some([9; 16]);
    let cases: Vec<(&'static str, Publish, Refused)> = vec![
        (
            "publish: no scheme",
            Publish { presentity: "bob@example.com".into(), ..good() },
            Refused::BadAddress,
        ),
        (
            "publish: a foreign domain",
            Publish { presentity: "pres:bob@elsewhere.example".into(), ..good() },
            Refused::ForeignDomain,
        ),
        (
            "publish: somebody else's presentity",
            Publish { presentity: presentity("nobody"), ..good() },
            Refused::Forbidden,
        ),
        (
            "publish: a document to remove",
            Publish { if_match: tag, lifetime_ms: Some(0), ..good() },
            Refused::BadField,
        ),
        (
            "publish: to remove without a tag",
            Publish { lifetime_ms: Some(0), ..good() },
            Refused::NothingToPublish,
        ),
        ("publish: nothing", Publish { document: None, ..good() }, Refused::NothingToPublish),
        (
            "publish: a tag that is not there",
            Publish { if_match: tag, ..good() },
            Refused::StaleTag,
        ),
        ("publish: too brief", Publish { lifetime_ms: Some(999), ..good() }, Refused::TooBrief),
        (
            "publish: a name with a blank",
            Publish { name: "my desk".into(), ..good() },
            Refused::BadField,
        ),
        (
            "publish: a name of 33 bytes",
            Publish { name: "x".repeat(33), ..good() },
            Refused::BadField,
        ),
        ("publish: no tuple id", with(|document| document.tuples[0].id.clear()), Refused::BadField),
        (
            "publish: an unknown status",
            with(|document| document.tuples[0].basic = 3),
            Refused::BadField,
        ),
        (
            "publish: a tuple id twice",
            with(|document| document.tuples.push(document.tuples[0].clone())),
            Refused::BadField,
        ),
        (
            "publish: 101 tuples",
            with(|document| document.tuples = vec![document.tuples[0].clone(); 101]),
            Refused::TooLarge,
        ),
        (
            "publish: a note that is not UTF-8",
            Publish { document: Some(document(b"\xff\xfe")), ..good() },
            Refused::BadUtf8,
        ),
    ];
    let cases = cases.into_iter();
    cases.map(|(name, body, code)| wrong("control", name, &encoded(&body), refused(code))).collect()
}

fn others() -> Vec<Wrong> {
    let send = |change: fn(&mut Send)| {
        let mut body = message("bob");
        change(&mut body);
        encoded(&body)
    };
    let end = |address: String| {
        encoded(&Unsubscribe { operation: None, request: 77, presentity: address })
    };
    let delete = |inbox: &str, count: u64| {
        encoded(&Delete {
            operation: None,
            sender: None,
            request: 77,
            inbox: inbox.into(),
            sequences: (1..=count).collect(),
        })
    };
    let invite = |role: u8, principal: &str| {
        let principal = Some(principal.to_owned());
        encoded(&Invite {
            request: 77,
            invite: [1; 32],
            principal,
            role,
            lifetime_ms: None,
            recovers: None,
        })
    };
    let brief = Subscribe { lifetime_ms: Some(1), ..subscribe(0, "bob") };
    let mut long = subscribe(0, "bob");
    long.operation = Some(Bytes::from_static(b"short"));
    let cases = vec![
        (
            "send: a presentity",
            send(|it| it.inbox = "pres:bob@example.com".into()),
            Refused::BadAddress,
        ),
        ("send: nobody's inbox", encoded(&message("nobody")), Refused::UnknownInbox),
        (
            "send: another sender",
            send(|it| it.sender = "carol@example.com".into()),
            Refused::NotYourSender,
        ),
        ("send: a sender that is none", send(|it| it.sender = "carol".into()), Refused::BadAddress),
        ("send: an empty body", send(|it| it.body = Bytes::new()), Refused::BadField),
        ("send: no id", send(|it| it.id.clear()), Refused::BadField),
        ("send: an id of 65 bytes", send(|it| it.id = "x".repeat(65)), Refused::BadField),
        ("send: an id with a blank", send(|it| it.id = "m 2".into()), Refused::BadField),
        ("send: no type", send(|it| it.content_type = "text".into()), Refused::BadField),
        ("send: no time to live", send(|it| it.lifetime_ms = Some(0)), Refused::ExpiredMessage),
        ("subscribe: a bad address", encoded(&subscribe(0, "")), Refused::BadAddress),
        ("subscribe: nobody", encoded(&subscribe(0, "nobody")), Refused::Refused),
        ("subscribe: an unknown mode", encoded(&subscribe(7, "bob")), Refused::BadField),
        ("subscribe: too brief", encoded(&brief), Refused::TooBrief),
        ("subscribe: an operation of 5 bytes", encoded(&long), Refused::BadField),
        ("unsubscribe: nothing", end(presentity("nobody")), Refused::NoSubscription),
        ("unsubscribe: a bad address", end("bob".into()), Refused::BadAddress),
        ("delete: somebody else's", delete("im:nobody@example.com", 1), Refused::Forbidden),
        ("delete: 1,001 messages", delete("im:bob@example.com", 1_001), Refused::TooLarge),
        ("invite: an unknown role", invite(9, "bob@example.com"), Refused::BadField),
        ("invite: of another by a user", invite(0, "carol@example.com"), Refused::Forbidden),
    ];
    let cases = cases.into_iter();
    cases.map(|(name, bytes, code)| wrong("control", name, &bytes, refused(code))).collect()
}

fn streams() -> Vec<Wrong> {
    vec![
        wrong("stream", "an unknown stream type", &[3], reset(Reset::Unsupported)),
        wrong("stream", "the last stream type", &[0xff], reset(Reset::Unsupported)),
        wrong("stream", "an end in place of the first byte", &[], reset(Reset::Rejected)),
        wrong("stream", "a second CONTROL", &[0], close(Close::ProtocolViolation)),
    ]
}

fn questions() -> Vec<Wrong> {
    let fetch = |address: &str| encoded(&Fetch { presentity: address.into() });
    let keys = |principal: &str| encoded(&ListKeys { principal: principal.into() });
    vec![
        wrong("query", "no question", &[], reset(Reset::Malformed)),
        wrong("query", "a length under 2", &[0, 0, 0, 1, 0], reset(Reset::Malformed)),
        wrong("query", "a length over the limit", &[0, 1, 0x10, 1], reset(Reset::FrameTooLarge)),
        wrong("query", "an end within a frame", &[0, 0, 0, 9, 0, 0x20], reset(Reset::Malformed)),
        wrong(
            "query",
            "a question that is cut",
            &raw_frame(0x0020, b"\x05cut"),
            reset(Reset::Malformed),
        ),
        wrong(
            "query",
            "text that is not UTF-8",
            &raw_frame(0x0020, b"\x02\xff\xfe\x00"),
            reset(Reset::Malformed),
        ),
        wrong("query", "an unknown kind", &raw_frame(0x00f0, b"?"), reset(Reset::Unsupported)),
        wrong("query", "a request", &encoded(&message("bob")), reset(Reset::Unsupported)),
        wrong("query", "no scheme", &fetch("bob@example.com"), refused(Refused::BadAddress)),
        wrong(
            "query",
            "a foreign domain",
            &fetch("pres:bob@elsewhere.example"),
            refused(Refused::ForeignDomain),
        ),
        wrong("query", "nobody", &fetch("pres:nobody@example.com"), refused(Refused::Refused)),
        wrong("query", "a principal that is none", &keys("bob"), refused(Refused::BadAddress)),
        wrong("query", "another's keys", &keys("carol@example.com"), refused(Refused::Forbidden)),
    ]
}

fn feeds() -> Vec<Wrong> {
    let open = |change: fn(&mut FeedOpen)| {
        let mut body = FeedOpen {
            kind: 1,
            cursor: Bytes::new(),
            window: 0,
            presentities: vec![],
            inbox: String::new(),
            from_start: false,
            watchers: None,
        };
        change(&mut body);
        encoded(&body)
    };
    let many = built(
        0x0030,
        &[
            vec![1],
            varint(0),
            varint(0),
            varint(1_001),
            counted(b"pres:b@example.com").repeat(1_001),
            varint(0),
            vec![0],
            varint(0),
        ],
    );
    vec![
        wrong("feed", "a length over the limit", &[0, 1, 0x10, 1], reset(Reset::FrameTooLarge)),
        wrong(
            "feed",
            "a FeedOpen that is cut",
            &raw_frame(0x0030, b"\x05cut"),
            reset(Reset::Malformed),
        ),
        wrong("feed", "an acknowledgement", &raw_frame(0x0031, &[0, 0]), reset(Reset::Unsupported)),
        wrong("feed", "an unknown kind", &raw_frame(0x00f0, b"?"), reset(Reset::Unsupported)),
        wrong("feed", "an unknown sort", &open(|it| it.kind = 9), refused(Refused::BadField)),
        wrong(
            "feed",
            "no scheme",
            &open(|it| it.presentities = vec!["bob".into()]),
            refused(Refused::BadAddress),
        ),
        wrong(
            "feed",
            "an inbox for presence",
            &open(|it| it.inbox = "im:bob@example.com".into()),
            refused(Refused::BadField),
        ),
        wrong(
            "feed",
            "presentities for an inbox",
            &open(|it| {
                (it.kind, it.inbox) = (2, "im:bob@example.com".into());
                it.presentities = vec!["pres:bob@example.com".into()];
            }),
            refused(Refused::BadField),
        ),
        wrong("feed", "1,001 presentities", &many, refused(Refused::TooLarge)),
        wrong(
            "feed",
            "another's inbox",
            &open(|it| (it.kind, it.inbox) = (2, "im:nobody@example.com".into())),
            refused(Refused::Forbidden),
        ),
        wrong(
            "fed",
            "an acknowledgement that is cut",
            &raw_frame(0x0031, b"\x09cut"),
            reset(Reset::Malformed),
        ),
        wrong("fed", "a length over the limit", &[0, 1, 0x10, 1], reset(Reset::FrameTooLarge)),
        wrong("fed", "an unknown kind", &raw_frame(0x00f0, b"?"), reset(Reset::Unsupported)),
        wrong(
            "fed",
            "a kind that is skipped",
            &raw_frame(0x8abc, b"later"),
            json!({"skipped": true}),
        ),
    ]
}
