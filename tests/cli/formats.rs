//! PIDF and message/cpim through the commands of real processes: what goes in comes out, and what is wrong stays out.
//!
//! The documents and messages are those of `tests/golden/`, at home on this server.
//! Must never hold: a rule of a format that `format_pidf` or `format_cpim` tests.

use std::fmt::Write as _;
use std::path::Path;

use crate::processes;
use crate::processes::{Ended, Site};
use adsum::format::cpim;

const PIDF: &str = "urn:ietf:params:xml:ns:pidf";

/// A file of `tests/golden/`, its people at home on this server.
fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let mut bytes = std::fs::read(path).unwrap();
    for domain in [&b"@example.com"[..], b"@example.net"] {
        while let Some(at) = bytes.windows(domain.len()).position(|part| part == domain) {
            bytes.splice(at..at + domain.len(), *b"@localhost");
        }
    }
    bytes
}

fn golden_text(name: &str) -> String {
    String::from_utf8(golden(name)).unwrap()
}

/// `text` with `…` drawn out, so that it has one byte more than is taken; all of it is read before it is refused.
fn too_large(text: &str) -> String {
    let filling = 65_537 + "…".len() - text.len();
    text.replacen('…', &"x".repeat(filling), 1)
}

/// What a command printed, byte for byte; it must have succeeded.
pub(crate) fn printed(site: &Site, who: &str, arguments: &[&str]) -> Vec<u8> {
    let output = site.plain_command(who, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Alice's document, as one who may always see it is shown it.
fn fetched(site: &Site) -> String {
    let arguments = ["fetch", "pres:alice@localhost", "--pidf"];
    String::from_utf8(printed(site, "alice", &arguments)).unwrap()
}

pub(crate) fn publish(site: &Site, document: &str, arguments: &[&str]) -> Ended {
    let all = [&["publish", "--pidf", "-"], arguments].concat();
    site.run_with("alice", &all, document.as_bytes())
}

/// The document without what the server appended to its tuple's ids, `.` and eight digits.
fn without_suffixes(document: &str) -> String {
    let mut plain = String::new();
    for line in document.lines() {
        match line
            .split_once("tuple id=\"")
            .and_then(|(before, id)| Some((before, id.strip_suffix("\">")?)))
        {
            Some((before, id)) => {
                let (own, suffix) = id.rsplit_once('.').unwrap();
                assert_eq!(suffix.len(), 8, "{id}");
                writeln!(plain, "{before}tuple id=\"{own}\">").unwrap();
            }
            None => writeln!(plain, "{line}").unwrap(),
        }
    }
    plain
}

pub(crate) fn document(entity: &str, inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><presence xmlns=\"{PIDF}\" entity=\"{entity}\">{inside}</presence>"
    )
}

#[test]
fn a_document_comes_back_with_all_its_extensions() {
    let site = Site::with_alice_and_bob();
    let path = site.file("rich.xml");
    std::fs::write(&path, golden("pidf/rich.xml")).unwrap();
    let arguments = ["publish", "--pidf", path.to_str().unwrap(), "--lifetime", "2h"];
    assert_eq!(site.run("alice", &arguments).line()["expires_s"], 7_200);
    let shown = fetched(&site);
    assert_eq!(without_suffixes(&shown), golden_text("pidf/rich.written"));
    let untouched = "<geo:place xmlns:geo=\"http://example.com/ns/place\">\n        <geo:floor>3</geo:floor>\n      </geo:place>";
    assert!(golden_text("pidf/rich.xml").contains(untouched) && shown.contains(untouched));
}

#[test]
fn what_was_fetched_is_published_again_without_a_change() {
    let site = Site::with_alice_and_bob();
    for name in ["rich", "namespaces", "no-default", "must-understand", "text"] {
        publish(&site, &golden_text(&format!("pidf/{name}.xml")), &[]).line();
        let first = fetched(&site);
        publish(&site, &first, &[]).line();
        let again = fetched(&site);
        assert_eq!(without_suffixes(&again), first, "{name}");
    }
}

#[test]
fn documents_stand_beside_other_publications_and_are_removed_by_their_name() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open", "--note", "by hand"]).line();
    publish(&site, &golden_text("pidf/rich.xml"), &["--name", "phone"]).line();
    let both = fetched(&site);
    assert_eq!(both.matches("<tuple ").count(), 2, "{both}");
    site.run("alice", &["publish", "--remove", "--name", "phone"]).line();
    let one = fetched(&site);
    assert!(one.contains("by hand") && !one.contains("rpid"), "{one}");
}

#[test]
fn several_presentities_are_documents_one_after_the_other_or_nothing() {
    let site = Site::with_alice_and_bob();
    publish(&site, &golden_text("pidf/plain.xml"), &[]).line();
    let one = fetched(&site);
    assert!(one.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), "{one}");
    let twice = ["fetch", "pres:alice@localhost", "pres:alice@localhost", "--pidf"];
    assert_eq!(printed(&site, "alice", &twice), [one.as_bytes(), one.as_bytes()].concat());
    let wrong =
        site.run("alice", &["fetch", "pres:alice@localhost", "pres:x@elsewhere.example", "--pidf"]);
    assert_eq!((wrong.error(1).as_str(), wrong.stdout.as_str()), ("foreign-domain", ""));
}

#[test]
fn a_wrong_document_is_refused_with_its_place_and_nothing_is_published() {
    let site = Site::with_alice_and_bob();
    publish(&site, &golden_text("pidf/plain.xml"), &[]).line();
    let before = fetched(&site);
    let alice = "pres:alice@localhost";
    let dtd = "<?xml version=\"1.0\"?>\n<!DOCTYPE presence [<!ENTITY x \"x\">]>\n<presence/>";
    let deep = format!("{}{}", "<x:a xmlns:x=\"urn:x\">".repeat(40), "</x:a>".repeat(40));
    for (text, code, part) in [
        (document("pres:bob@localhost", ""), "entity-mismatch", "pres:bob@localhost"),
        (dtd.to_owned(), "bad-pidf", "line 2, column 1"),
        (document(alice, "<note>&x;</note>"), "bad-pidf", "line 1, column "),
        (document(alice, &deep), "bad-pidf", "more than 32 elements"),
        (too_large(&document(alice, "<note>…</note>")), "bad-pidf", "65536"),
        ("lunch?".to_owned(), "bad-pidf", "line 1, column 1"),
        (document(alice, "<tuple id=\"a\"/>"), "bad-pidf", "status"),
        (document(alice, "<tuple id=\"a\">"), "bad-pidf", "line 1, column "),
        (String::new(), "bad-pidf", "line 1, column 1"),
    ] {
        let refused = publish(&site, &text, &[]);
        assert_eq!(refused.error(2), code, "{text:.200}");
        assert!(refused.stderr.contains("standard input: "), "{}", refused.stderr);
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
        assert_eq!(refused.stdout, "");
    }
    let nowhere = site.file("nowhere.xml");
    let missing = site.run("alice", &["publish", "--pidf", nowhere.to_str().unwrap()]);
    assert_eq!(missing.error(1), "io");
    assert_eq!(fetched(&site), before);
}

#[test]
fn a_document_as_other_systems_write_it_is_published_with_a_word() {
    let site = Site::with_alice_and_bob();
    for entity in ["sip:alice@localhost", "tel:+15550100"] {
        let text = document(entity, "<note>in</note>");
        let taken = publish(&site, &text, &[]);
        assert!(
            taken.stderr.contains("entity-mapped") && taken.stderr.contains(entity),
            "{}",
            taken.stderr
        );
        taken.line();
        let shown = fetched(&site);
        assert!(
            shown.contains("entity=\"pres:alice@localhost\"") && shown.contains(">in<"),
            "{shown}"
        );
        assert_eq!(publish(&site, &text, &["--entity-as-is"]).error(2), "bad-pidf");
    }
    let latin = document("pres:alice@localhost", "<note>Caf|</note>")
        .replace("\"1.0\"", "\"1.0\" encoding=\"ISO-8859-1\"");
    let latin: Vec<u8> = latin.bytes().map(|byte| if byte == b'|' { 0xe9 } else { byte }).collect();
    site.run_with("alice", &["publish", "--pidf", "-"], &latin).line();
    let shown = fetched(&site);
    assert!(shown.contains("encoding=\"UTF-8\"") && shown.contains("<note>Café</note>"), "{shown}");
}

/// The messages in what `inbox --cpim` printed, by the lengths it tells.
fn messages(printed: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut found) = (printed, Vec::new());
    while !rest.is_empty() {
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let header = core::str::from_utf8(&rest[..end]).unwrap();
        let length = header
            .strip_prefix("Content-Type: message/cpim\r\nContent-Length: ")
            .and_then(|rest| rest.trim_end().parse::<usize>().ok())
            .unwrap_or_else(|| panic!("{header:?}"));
        found.push(rest[end..end + length].to_vec());
        rest = &rest[end + length..];
    }
    found
}

/// What waits in bob's inbox, acknowledged by the printing.
fn received(site: &Site) -> Vec<Vec<u8>> {
    messages(&printed(site, "bob", &["inbox", "--cpim"]))
}

pub(crate) fn send(site: &Site, message: &[u8], arguments: &[&str]) -> Ended {
    site.run_with("alice", &[&["send", "--cpim", "-"], arguments].concat(), message)
}

#[test]
fn a_message_arrives_byte_for_byte_where_it_says_and_once() {
    let site = Site::with_alice_and_bob();
    for name in ["plain", "binary", "no-body"] {
        let message = golden(&format!("cpim/{name}.cpim"));
        let path = site.file(name);
        std::fs::write(&path, &message).unwrap();
        let sent = site.run("alice", &["send", "--cpim", path.to_str().unwrap()]).line();
        assert_eq!(
            (&sent["inbox"], &sent["result"]),
            (&"im:bob@localhost".into(), &"stored".into())
        );
        assert_eq!(received(&site), [message], "{name}");
        assert!(received(&site).is_empty(), "what was printed is acknowledged");
    }
}

#[test]
fn a_message_keeps_its_name_and_headers_that_nobody_knows() {
    let site = Site::with_alice_and_bob();
    let message = golden("cpim/full.cpim");
    assert_eq!(send(&site, &message, &[]).error(2), "several-recipients");
    let sent = send(&site, &message, &["im:bob@localhost", "--ttl", "1d"]).line();
    assert_eq!((&sent["id"], &sent["duplicate"]), (&"5d0c7b6c9c0f4c0d".into(), &false.into()));
    let again = send(&site, &message, &["im:bob@localhost", "--ttl", "1d"]);
    assert_eq!(again.line()["duplicate"], true);
    assert!(again.stderr.is_empty(), "a repeated message has nothing to note: {}", again.stderr);
    let other = send(&site, &message, &["im:bob@localhost", "--id", "m2"]).line();
    assert_eq!(other["id"], "m2");
    assert_eq!(received(&site), [message.clone(), message]);
}

#[test]
fn the_receipts_that_a_message_asks_for_come_back() {
    let site = Site::with_alice_and_bob();
    site.run("bob", &["delivery", "receipts", "on"]).line();
    let message = golden("cpim/full.cpim");
    let sent = send(&site, &message, &["im:bob@localhost"]).line();
    assert_eq!(received(&site), [message]);
    let receipt = site.run("alice", &["inbox", "--follow", "--count", "1"]).line();
    assert_eq!((&receipt["type"], &receipt["kind"]), (&"receipt".into(), &"delivered".into()));
    assert_eq!(receipt["id"], sent["id"]);
}

#[test]
fn the_header_of_the_whole_file_is_no_part_of_the_message() {
    let site = Site::with_alice_and_bob();
    let file = golden("cpim/wrapped.cpim");
    send(&site, &file, &[]).line();
    assert_eq!(received(&site), [&file["Content-type: Message/CPIM\r\n\r\n".len()..]]);
}

#[test]
fn what_was_printed_can_be_sent_again_but_not_two_at_once() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["send", "im:bob@localhost", "one", "--id", "m1"]).line();
    let first = printed(&site, "bob", &["inbox", "--cpim", "--keep"]);
    let sent = send(&site, &first, &["--id", "m2"]).line();
    assert_eq!(sent["inbox"], "im:bob@localhost");
    let both = printed(&site, "bob", &["inbox", "--cpim"]);
    assert_eq!(messages(&both), [messages(&first), messages(&first)].concat());
    assert_eq!(send(&site, &both, &["--id", "m3"]).error(2), "bad-cpim");
}

/// How many messages were deleted; they are told as they arrive, together or one by one.
fn deleted(stderr: &[u8]) -> u64 {
    let notes = core::str::from_utf8(stderr).unwrap().lines();
    let counts = notes.map(|note| {
        let note: serde_json::Value = serde_json::from_str(note).unwrap();
        assert_eq!((&note["type"], &note["code"]), (&"note".into(), &"deleted".into()));
        let text = note["message"].as_str().unwrap().to_owned();
        let count = text.strip_prefix("im:bob@localhost: ").unwrap();
        count.strip_suffix(" deleted").unwrap().parse::<u64>().unwrap()
    });
    counts.sum()
}

#[test]
fn messages_of_any_kind_are_printed_one_behind_the_other_with_what_the_server_knows() {
    let site = Site::with_alice_and_bob();
    let body = site.file("body");
    std::fs::write(&body, [0, 13, 10, 255]).unwrap();
    site.run("alice", &["send", "im:bob@localhost", "lunch?", "--id", "m1"]).line();
    site.run("alice", &["send", "im:bob@localhost", "--file", body.to_str().unwrap()]).line();
    send(&site, &golden("cpim/plain.cpim"), &[]).line();

    let told = site.run("bob", &["inbox", "--keep", "--count", "1"]).line();
    let output = site.command("bob", &["inbox", "--cpim", "--delete"]).output().unwrap();
    let found = messages(&output.stdout);
    assert_eq!(deleted(&output.stderr), 3);
    let expected = format!(
        "From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\nDateTime: {}\r\n\
         NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m1\r\n\r\n\
         Content-Type: text/plain\r\n\r\nlunch?",
        told["accepted_at"].as_str().unwrap()
    );
    assert_eq!(found.len(), 3);
    assert_eq!(String::from_utf8(found[0].clone()).unwrap(), expected);
    let second = cpim::parse(&found[1]).unwrap();
    assert_eq!(&second.body()[..], [0, 13, 10, 255]);
    assert_eq!(second.content_type().as_str(), "application/octet-stream");
    assert_eq!(found[2], golden("cpim/plain.cpim"));
    assert!(printed(&site, "bob", &["inbox", "--cpim", "--from-start"]).is_empty());
}

#[test]
fn a_from_that_is_not_the_sender_is_only_content() {
    let site = Site::with_alice_and_bob();
    let forged = golden_text("cpim/plain.cpim").replace("im:alice@", "im:mallory@");
    let arguments = ["send", "im:bob@localhost", "-", "--type", "message/cpim"];
    site.run_with("alice", &arguments, forged.as_bytes()).line();
    let shown = site.plain("bob", &["inbox", "--keep"]).stdout;
    assert!(shown.contains("says it is from im:mallory@localhost"), "{shown}");
    let found = received(&site);
    let read = cpim::parse(&found[0]).unwrap();
    assert_eq!(read.from().uri, "im:alice@localhost");
    assert_eq!(read.body(), forged.as_bytes());
}

#[test]
fn people_see_what_a_message_says() {
    let site = Site::with_alice_and_bob();
    let message = "From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\nSubject: noon\r\n\r\n\
                   Content-Type: text/plain\r\n\r\nlunch?";
    send(&site, message.as_bytes(), &[]).line();
    let shown = site.plain("bob", &["inbox", "--keep"]).stdout;
    assert!(shown.ends_with("\n  (message/cpim)\n  Subject: noon\n  lunch?\n"), "{shown}");
    let line = site.run("bob", &["inbox"]).line();
    assert!(line["body_base64"].is_string(), "programs get the bytes");
}

#[test]
fn a_wrong_message_is_refused_with_its_part_and_nothing_is_sent() {
    let site = Site::with_alice_and_bob();
    let (from, to) = ("From: <im:alice@localhost>\r\n", "To: <im:bob@localhost>\r\n");
    let content = "\r\nContent-Type: text/plain\r\n\r\nhello";
    let long_id = format!("NS: i <urn:ietf:params:imdn>\r\ni.Message-ID: {}\r\n", "x".repeat(65));
    for (text, code, part) in [
        (format!("{to}{content}"), "bad-cpim", "From header is missing"),
        (format!("{from}{content}"), "bad-cpim", "To header is missing"),
        (format!("From: <im:bob@localhost>\r\n{to}{content}"), "from-mismatch", "im:bob@localhost"),
        (
            format!("{from}{to}NS: imdn<urn:ietf:params:imdn>\r\n{content}"),
            "bad-cpim",
            "put one space before <",
        ),
        (
            format!("From: <sip:bob@localhost>\r\n{to}{content}"),
            "from-mismatch",
            "sip:bob@localhost",
        ),
        (
            format!("{from}To: <sip:anonymous@anonymous.invalid>\r\n{content}"),
            "no-recipient",
            "name the inbox",
        ),
        (format!("From: <tel:+1>\r\n{to}{content}"), "unsupported-scheme", "tel"),
        (format!("{from}To: <tel:+1>\r\n{content}"), "unsupported-scheme", "unsupported scheme"),
        (format!("{from}{to}{to}{content}"), "several-recipients", "im:bob@localhost, im:bob"),
        (format!("{from}{to}{long_id}{content}"), "bad-cpim", "Message-ID"),
        (format!("{from}{to}Subject:none\r\n{content}"), "bad-cpim", "line 3, column "),
        (format!("{from}{to}{content}").replace("\r\n", "\n"), "bad-cpim", "line 1, column "),
        (format!("{from}{to}\r\n\r\nhello"), "bad-cpim", "Content-Type"),
        (format!("{from}{to}"), "bad-cpim", "line 3, column 1"),
        (too_large(&format!("{from}{to}{content}…")), "bad-cpim", "65536"),
    ] {
        let refused = send(&site, text.as_bytes(), &[]);
        assert_eq!(refused.error(2), code, "{text:.200}");
        assert!(refused.stderr.contains("standard input: "), "{}", refused.stderr);
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    assert_eq!(site.run("bob", &["inbox", "--from-start"]).lines().len(), 0);
}

#[test]
fn a_file_says_everything_itself() {
    for arguments in [
        vec!["publish", "open", "--pidf", "f"],
        vec!["publish", "--pidf", "f", "--tuple", "desk"],
        vec!["send", "im:bob@localhost", "text", "--cpim", "f"],
        vec!["send", "--cpim", "f", "--type", "text/plain"],
        vec!["send", "--cpim", "f", "--file", "g"],
        vec!["send"],
        vec!["fetch", "--pidf"],
    ] {
        let ended = processes::run(&[&arguments[..], &["--json"]].concat());
        assert_eq!(ended.error(2), "usage", "{arguments:?}");
    }
}

#[test]
fn messages_as_systems_for_calls_write_them_are_sent_and_what_is_wrong_is_mended_when_asked() {
    let site = Site::with_alice_and_bob();
    let content = "\r\nContent-Type: text/plain;charset=utf-8\r\n\r\nhello";
    let of_calls = format!("From: <sip:alice@localhost>\r\nTo: <sip:bob@localhost>\r\n{content}");
    send(&site, of_calls.as_bytes(), &[]).line();
    let nobody = "<sip:anonymous@anonymous.invalid>";
    let anonymous = format!("From: {nobody}\r\nTo: {nobody}\r\n{content}");
    let path = site.file("anonymous.cpim");
    std::fs::write(&path, &anonymous).unwrap();
    site.run("alice", &["send", "im:bob@localhost", "--cpim", path.to_str().unwrap()]).line();
    let wrong = of_calls.replace("\r\n", "\n").replace("From: ", "From:");
    let strict = send(&site, wrong.as_bytes(), &[]);
    assert!(strict.stderr.contains("--lenient"), "{}", strict.stderr);
    assert_eq!(strict.error(2), "bad-cpim");
    let mended = send(&site, wrong.as_bytes(), &["--lenient"]);
    assert!(
        mended.stderr.contains("\"mended\"") && mended.stderr.contains("CR LF"),
        "{}",
        mended.stderr
    );
    mended.line();
    let shown = String::from_utf8(printed(&site, "bob", &["inbox", "--keep"])).unwrap();
    assert_eq!(shown.matches("\n  (message/cpim)\n  hello\n").count(), 3, "{shown}");
    let found = received(&site);
    assert_eq!((&found[0][..], &found[2][..]), (of_calls.as_bytes(), of_calls.as_bytes()));
    assert!(found[1].starts_with(b"From: <im:alice@localhost>"), "who sent it is told around it");
    assert!(found[1].ends_with(anonymous.as_bytes()));
}
