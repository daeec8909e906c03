//! What deployed programs get wrong in the headers of a message, and that it is mended and told.
//!
//! Must never hold: a message that the strict reader takes as it is, but to say that it stays so.

use adsum::format::cpim::{Mend, Mended, mend, parse};

const RIGHT: &str = "From: Alice <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\nDateTime: 2026-11-25T10:00:00Z\r\n\
    NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: k1\r\n\r\nContent-Type: text/plain\r\n\r\nhello: there\n\n";

fn mended(text: &str) -> (String, Vec<String>) {
    let Mended { bytes, mends } = mend(text.as_bytes());
    (String::from_utf8(bytes).unwrap(), mends.iter().map(Mend::to_string).collect())
}

#[test]
fn what_is_in_form_is_left_as_it_is() {
    let whole = format!("Content-Type: message/cpim\r\n\r\n{RIGHT}");
    for text in [RIGHT, &whole] {
        assert_eq!(mended(text), (text.to_owned(), Vec::new()));
    }
}

#[test]
fn what_is_in_form_is_not_made_wrong() {
    let unknown = RIGHT.replace("DateTime: 2026-11-25", "DATETIME: never");
    assert!(parse(unknown.as_bytes()).is_ok(), "a header that nobody knows");
    assert_eq!(mended(&unknown), (unknown, Vec::new()));
}

#[test]
fn what_deployed_programs_get_wrong_is_mended_and_told() {
    for (from, to, what) in [
        ("\r\nTo", "\nTo", "line 1: lines end with CR LF now"),
        ("From: Alice", "From:Alice", "line 1: one space"),
        ("From: Alice", "From:  Alice", "line 1: one space"),
        ("To: <im:bob@localhost>", "To: <im:bob@localhost> ", "line 2: one space"),
        ("From: ", "from: ", "line 1: the header's name"),
        ("To: <im:bob@localhost>", "To: im:bob@localhost", "line 2: the address"),
        ("To: <im:bob@localhost>", "To: <bob@localhost>", "line 2: the address"),
        ("T10:00:00Z", "T10:00:00", "line 3: the moment"),
        ("T10:00:00Z", " 10:00:00z", "line 3: the moment"),
        ("imdn <urn", "imdn<urn", "line 4: the NS header has"),
        ("<urn:ietf:params:imdn>", "urn:ietf:params:imdn", "line 4: the NS header has"),
        (
            "\r\n\r\nContent",
            "\r\nContent",
            "line 6: an empty line stands in front of the content's",
        ),
        ("\r\n\r\nContent", "\r\n\r\n\r\nContent", "line 7: an empty line too many"),
        (
            "plain\r\n\r\nhello: ",
            "plain\r\nhello ",
            "line 8: an empty line stands in front of the body",
        ),
    ] {
        let wrong = RIGHT.replacen(from, to, 1);
        let right = if to.contains("hello") {
            RIGHT.replace("hello: ", "hello ")
        } else {
            RIGHT.to_owned()
        };
        assert!(parse(wrong.as_bytes()).is_err(), "{to}");
        let (text, mends) = mended(&wrong);
        assert_eq!(text, right, "{to}");
        assert!(mends.len() == 1 && mends[0].starts_with(what), "{to}: {mends:?}");
    }
}

#[test]
fn a_namespace_that_is_late_or_missing_is_declared_before_it_is_used() {
    let (ns, id) = ("NS: imdn <urn:ietf:params:imdn>\r\n", "imdn.Message-ID: k1\r\n");
    let late = RIGHT.replace(&format!("{ns}{id}"), &format!("{id}{ns}"));
    let (text, mends) = mended(&late);
    assert_eq!((text.as_str(), mends.len()), (RIGHT, 1), "{mends:?}");
    let (text, mends) = mended(&RIGHT.replace(ns, ""));
    assert_eq!((text.as_str(), mends.len()), (RIGHT, 1), "{mends:?}");
}

#[test]
fn all_at_once_is_mended_and_the_body_stays() {
    let wrong = "Content-type: Message/CPIM\n\nFrom:alice@localhost\nTo: sip:bob@localhost\nDateTime: 2026-11-25T10:00:00+0100\n\
        imdn.Message-ID: k1\nNS: imdn<urn:ietf:params:imdn>\nSubject: a\n long one\nContent-Type: text/plain\n\nLF\nstays\n";
    let (text, mends) = mended(wrong);
    assert!(text.starts_with("From: <im:alice@localhost>\r\nTo: <sip:bob@localhost>\r\nDateTime: 2026-11-25T10:00:00+01:00\r\nNS: imdn <"));
    assert!(
        text.ends_with("Subject: a long one\r\n\r\nContent-Type: text/plain\r\n\r\nLF\nstays\n"),
        "{text}"
    );
    assert!(mends.len() >= 8 && parse(text.as_bytes()).is_ok(), "{mends:?}");
}

#[test]
fn what_cannot_be_mended_stays_for_the_reader_to_refuse() {
    for wrong in [
        "",
        "\n",
        "hello",
        "From: alice\nTo: bob\n\nhello",
        "Content-Type: text/plain\n\nhello",
        "\u{7f}\u{0}:\n:",
    ] {
        assert!(parse(&mend(wrong.as_bytes()).bytes).is_err(), "{wrong:?}");
    }
    assert!(parse(&mend(b"From: <im:a@b>\nTo: \xff\n\nA: b\n\n").bytes).is_err());
}

/// Characters of several bytes stood where the offset of a time zone gets its colon.
#[test]
fn a_moment_with_other_characters_stays_as_it_is() {
    for offset in ["+0\u{20ac}", "+00\u{e9}", "+\u{10348}", "+000\u{e9}0", "-\u{e9}\u{e9}"] {
        let wrong = RIGHT.replace("10:00:00Z", &format!("10:00:00{offset}"));
        assert_eq!(mended(&wrong), (wrong, Vec::new()));
    }
}
