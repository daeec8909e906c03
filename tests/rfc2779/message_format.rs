//! RFC 2779 section 4.1: the common message format, in and out of the service by the commands.
//!
//! Must never hold: a requirement of another section.

use adsum::format::cpim;
use adsum::model::RefusalCode;

use crate::processes::Ended;
use crate::world::World;

/// A server with alice who sends and bob who reads.
struct Stage(World);

impl Stage {
    fn open() -> Self {
        let world = World::open();
        world.enroll("alice");
        world.enroll("bob");
        Self(world)
    }

    /// Alice sends the message to whom it says it is for.
    fn send(&self, message: &[u8]) -> Ended {
        self.0.run_with("alice", &["send", "--cpim", "-"], message)
    }

    /// Alice sends the message to bob, whatever it says.
    fn send_to_bob(&self, message: &[u8]) -> Ended {
        self.0.run_with("alice", &["send", "im:bob@d.example", "--cpim", "-"], message)
    }

    /// The one message that bob has not read, byte for byte.
    fn received(&self) -> Vec<u8> {
        let mut command = self.0.site.plain_command("bob", &["inbox", "--cpim"]);
        let printed = command.output().unwrap().stdout;
        let text = String::from_utf8_lossy(&printed);
        let (head, _) = text.split_once("\r\n\r\n").expect("a frame begins with its length");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
        });
        let begin = head.len() + 4;
        printed[begin..begin + length.unwrap().unwrap()].to_vec()
    }

    /// Sends the message and finds it unchanged.
    fn unchanged(&self, message: &[u8]) -> cpim::Cpim {
        self.send(message).line();
        let received = self.received();
        assert_eq!(
            String::from_utf8_lossy(&received),
            String::from_utf8_lossy(message),
            "not a byte may change"
        );
        assert_eq!(received, message);
        cpim::parse(&received).unwrap()
    }
}

/// A message from alice to bob with more headers and this content.
fn message(headers: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: Alice <im:alice@d.example>\r\nTo: Bob <im:bob@d.example>\r\n{headers}\r\n\
         Content-Type: {content_type}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// There is a common base format that everybody reads and writes: a `message/cpim` with plain text goes in and comes
/// out byte for byte, and a message sent without it is given out in it.
#[test]
fn r4_1_1_cpim_is_taken_and_given() {
    let stage = Stage::open();
    let given = message("DateTime: 2026-01-02T03:04:05Z\r\n", "text/plain", b"lunch?");
    let found = stage.unchanged(&given);
    assert_eq!(found.body().as_ref(), b"lunch?");
    stage.0.run("alice", &["send", "im:bob@d.example", "dinner?"]).line();
    let wrapped = cpim::parse(&stage.received()).unwrap();
    assert_eq!(wrapped.from().uri, "im:alice@d.example");
    assert_eq!(wrapped.body().as_ref(), b"dinner?");
}

/// The format identifies sender and recipient: without one of them, or from somebody else, a message is refused and
/// nothing is stored; the recipient reads both as they were written.
#[test]
fn r4_1_2_sender_and_recipient_are_identified() {
    let stage = Stage::open();
    let whole = String::from_utf8(message("", "text/plain", b"hello")).unwrap();
    for missing in ["From: Alice <im:alice@d.example>\r\n", "To: Bob <im:bob@d.example>\r\n"] {
        let cut = whole.replace(missing, "");
        assert_eq!(stage.send_to_bob(cut.as_bytes()).error(2), "bad-cpim", "without {missing}");
    }
    let forged = whole.replace("im:alice", "im:carol");
    assert_eq!(stage.send(forged.as_bytes()).error(2), "from-mismatch");
    let found = stage.unchanged(whole.as_bytes());
    assert_eq!(found.from().uri, "im:alice@d.example");
    assert_eq!(found.to()[0].uri, "im:bob@d.example");
    assert_eq!(stage.0.run("bob", &["inbox", "--from-start", "--keep"]).lines().len(), 1);
}

/// The format has an address for the reply: a reply to `From` reaches the sender, and a `From` that no message can be
/// sent to is refused.
#[test]
fn r4_1_3_a_reply_goes_to_the_sender() {
    let stage = Stage::open();
    let found = stage.unchanged(&message("", "text/plain", b"lunch?"));
    stage.0.run("bob", &["send", &found.from().uri, "at noon"]).line();
    assert_eq!(stage.0.run("alice", &["inbox"]).line()["body"], "at noon");
    let given = String::from_utf8(message("", "text/plain", b"x")).unwrap();
    let by_mail = given.replace("im:alice", "mailto:alice");
    assert_eq!(stage.send(by_mail.as_bytes()).error(2), "unsupported-scheme");
}

/// Addresses of other media have standard forms: `tel:` and `mailto:` stand in `cc` unchanged, and a message to
/// somebody who has no inbox is answered by the scheme that cannot be served.
#[test]
fn r4_1_4_addresses_of_other_media_have_a_form() {
    let stage = Stage::open();
    let copies = "cc: Carol <mailto:carol@d.example>\r\ncc: <tel:+44-1234-567890>\r\n";
    let found = stage.unchanged(&message(copies, "text/plain", b"hello"));
    let uris: Vec<_> = found.cc().iter().map(|address| address.uri.as_str()).collect();
    assert_eq!(uris, ["mailto:carol@d.example", "tel:+44-1234-567890"]);
    let given = String::from_utf8(message("", "text/plain", b"x")).unwrap();
    for scheme in ["tel:+441234", "mailto:bob@d.example"] {
        let by_phone = given.replace("im:bob@d.example", scheme);
        assert_eq!(stage.send(by_phone.as_bytes()).error(2), "unsupported-scheme");
    }
}

/// Type and encoding of the payload are labelled: UTF-8, arbitrary bytes and an encrypted multipart arrive byte for
/// byte with their type, and a payload without a type is refused.
#[test]
fn r4_1_5_the_payload_is_labelled() {
    let stage = Stage::open();
    let every_byte: Vec<u8> = (0..=255).collect();
    let encrypted = "multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b";
    for (content_type, body) in [
        ("text/plain; charset=utf-8", "caf\u{e9} \u{1f600}".as_bytes()),
        ("application/octet-stream", &every_byte[..]),
        (
            encrypted,
            b"--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n",
        ),
    ] {
        let found = stage.unchanged(&message("", content_type, body));
        assert_eq!(found.body().as_ref(), body);
        assert_eq!(found.content_type().as_str(), content_type);
    }
    let whole = String::from_utf8(message("", "text/plain", b"x")).unwrap();
    let unlabelled = whole.replace("Content-Type: text/plain\r\n", "Content-ID: <1>\r\n");
    assert_eq!(stage.send(unlabelled.as_bytes()).error(2), "bad-cpim");
}

/// The format follows the practice of internationalization: headers are UTF-8 with a language, scripts of any direction
/// and combining characters arrive as they were, domains are compared as IDNs, and what is not UTF-8 is refused.
#[test]
fn r4_1_6_the_format_is_international() {
    let stage = Stage::open();
    let subjects = "Subject:;lang=fr d\u{ee}ner\r\nSubject:;lang=he \u{5d0}\u{5e8}\u{5d5}\u{5d7}\u{5d4}\r\n\
                    Subject:;lang=vi a\u{302}\u{301} \u{1f468}\u{200d}\u{1f373}\r\n";
    let body = "e\u{301} is not normalized to \u{e9}; \u{202e}right to left\u{202c}";
    let found = stage.unchanged(&message(subjects, "text/plain; charset=utf-8", body.as_bytes()));
    let languages: Vec<_> =
        found.subjects().iter().map(|subject| subject.language.as_str()).collect();
    assert_eq!(languages, ["fr", "he", "vi"]);
    assert_eq!(found.body().as_ref(), body.as_bytes());
    let broken = message("Subject: ", "text/plain", b"x");
    let broken = [&broken[..60], &[0xff, 0xfe], &broken[60..]].concat();
    assert_eq!(stage.send(&broken).error(2), "bad-cpim");
    let one: adsum::model::InboxAddress = "im:bob@b\u{fc}cher.example".parse().unwrap();
    let other: adsum::model::InboxAddress = "im:bob@xn--bcher-kva.example".parse().unwrap();
    assert_eq!(one, other);
}

/// The format serves everybody: alternatives for different senses arrive in their order, and everything that the
/// service tells, it tells as a word for programs and a sentence for people.
#[test]
fn r4_1_7_the_format_is_accessible() {
    let stage = Stage::open();
    let alternative = "--b\r\nContent-Type: text/plain\r\n\r\na red rose\r\n--b\r\nContent-Type: image/png\r\n\r\n\
                       ...\r\n--b--\r\n";
    let found =
        stage.unchanged(&message("", "multipart/alternative; boundary=b", alternative.as_bytes()));
    let text = std::str::from_utf8(found.body()).unwrap();
    assert!(text.find("text/plain").unwrap() < text.find("image/png").unwrap());
    for code in RefusalCode::ALL {
        let word = code.as_str();
        assert!(word.starts_with(|letter: char| letter.is_ascii_lowercase()) && word.is_ascii());
    }
    let refused = stage.0.run("alice", &["send", "im:bob@elsewhere.example", "hello"]);
    assert_eq!(refused.error(1), "foreign-domain");
    assert!(refused.stderr.contains("is not served here"), "{}", refused.stderr);
    let fetched = stage.0.plain("bob", &["fetch", "pres:bob@d.example"]).stdout;
    assert!(fetched.contains("closed"), "a status is a word: {fetched}");
}

/// Addressed to the working group, which answered with the namespaces of RFC 3862. Here, headers of a namespace nobody
/// knows are kept, and a demand to understand one is found by the reader.
#[test]
fn r4_1_8_fields_are_extended_by_namespaces() {
    let stage = Stage::open();
    let headers = "NS: mood <urn:example:mood>\r\nmood.Is: cheerful\r\nRequire: mood.Is\r\n";
    let found = stage.unchanged(&message(headers, "text/plain", b"hello"));
    assert_eq!(found.header("urn:example:mood", "Is").unwrap().text(), "cheerful");
    assert!(
        found.require_at_most(&[]).is_err(),
        "a reader that does not know it must not act on it"
    );
}

/// Addressed to the working group, which left it to IMDN. Here, an id is the sender's own: the same id with another body
/// is refused, another sender may use it too, and one that is left out is made of 128 random bits.
#[test]
fn r4_1_9_messages_are_identified_by_sender_and_id() {
    let stage = Stage::open();
    stage.0.enroll("carol");
    let send =
        |who: &str, text: &str| stage.0.run(who, &["send", "im:bob@d.example", text, "--id", "m1"]);
    send("alice", "one").line();
    assert_eq!(send("alice", "two").error(1), "duplicate-id");
    assert_eq!(send("alice", "one").line()["duplicate"], true);
    assert_eq!(send("carol", "three").line()["duplicate"], false);
    let made = stage.0.run("alice", &["send", "im:bob@d.example", "four"]).line();
    let made = made["id"].as_str().unwrap();
    assert!(made.len() >= 26, "{made} holds 128 bits, 5 to a letter");
}

/// The format is based on MIME: the payload is a MIME entity whose headers, folded or not, are read as MIME's.
#[test]
fn r4_1_10_the_format_is_based_on_mime() {
    let stage = Stage::open();
    let corpus = [
        "text/plain",
        "TEXT/Plain; charset=\"utf-8\"",
        "text/html; charset=utf-8",
        "multipart/mixed;\r\n boundary=\"a b\"",
        "application/vnd.example+xml; type=\"a/b\"",
        "message/rfc822",
    ];
    for content_type in corpus {
        let more = "Content-ID: <1@d.example>\r\nContent-Transfer-Encoding: 8bit\r\n";
        let whole = String::from_utf8(message("", content_type, b"payload")).unwrap();
        let place = whole.rfind("\r\n\r\n").unwrap() + 2;
        let whole = [&whole[..place], more, &whole[place..]].concat();
        let found = stage.unchanged(whole.as_bytes());
        assert_eq!(found.body().as_ref(), b"payload");
        let kind = content_type.split(';').next().unwrap();
        assert!(found.content_type().as_str().starts_with(kind), "{content_type}");
        assert_eq!(found.content_headers().len(), 3);
    }
}
