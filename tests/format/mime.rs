//! What people can read of a content: transfer encodings, character sets, parts.
//!
//! Must never hold: a rule of a terminal.

use adsum::format::cpim;
use adsum::format::mime::{self, Piece};
use adsum::model::ContentType;

fn of_cpim(content: &[u8]) -> Vec<Piece> {
    let headers = b"From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\n\r\n";
    mime::pieces_of(&cpim::parse(&[headers, content].concat()).unwrap())
}

fn of_body(kind: &str, body: &[u8]) -> Vec<Piece> {
    mime::pieces(&ContentType::new(kind).unwrap(), body)
}

fn text(kind: &str, text: &str) -> Piece {
    Piece::Text { kind: kind.into(), text: text.into() }
}

fn plain(text: &str) -> Vec<Piece> {
    vec![self::text("text/plain", text)]
}

#[test]
fn text_is_read_through_its_transfer_encoding_and_its_character_set() {
    for (headers, body, expected) in [
        ("text/plain", &b"caf\xc3\xa9"[..], "café"),
        (
            "text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: base64",
            b"Y2Fm\r\nw6k=\r\n",
            "café",
        ),
        ("TEXT/PLAIN; CharSet=utf-8\r\ncontent-transfer-encoding: BASE64", b"Y2Fmw6k=", "café"),
        (
            "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
            b"Caf=C3=A9 at =\r\nfive",
            "Café at five",
        ),
        (
            "text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: Quoted-Printable",
            b"d=E9j=E0",
            "déjà",
        ),
        ("text/plain; charset=iso-8859-1", b"d\xe9j\xe0 vu", "déjà vu"),
        ("text/plain; charset=\"windows-1252\"; format=flowed", b"\x80", "€"),
        ("text/plain; format=flowed;\r\n charset=koi8-r", b"\xc1", "а"),
        ("text/plain; charset=iso-2022-jp", b"\x1b$B$3$s\x1b(B", "こん"),
        ("text/plain; charset=Shift_JIS\r\nContent-Transfer-Encoding: base64", b"gqA=", "あ"),
        ("text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64", b"/v8AYQ==", "a"),
        ("text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit", b"a", "a"),
        ("text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", b"Y2Fmw6k", "café"),
        ("text/plain; charset=us-ascii (plain text)", b"a", "a"),
        ("text/plain; charset*=us-ascii''gb18030", b"\xc4\xe3", "你"),
    ] {
        let content = [format!("Content-Type: {headers}\r\n\r\n").as_bytes(), body].concat();
        assert_eq!(of_cpim(&content), plain(expected), "{headers}");
    }
}

#[test]
fn what_its_labels_do_not_make_text_is_told_by_type_size_and_reason() {
    for (headers, body, expected) in [
        ("text/plain", &b"caf\xe9"[..], "which are not utf-8"),
        ("text/plain; charset=us-ascii", b"caf\xc3\xa9", "which are not us-ascii"),
        ("text/plain; charset=euc-kr", b"\xff\xff", "which are not euc-kr"),
        ("text/plain; charset=utf-7", b"+AOk-", "in the character set utf-7, which is not known"),
        ("text/plain; charset=", b"a", "in the character set , which is not known"),
        (
            "text/plain\r\nContent-Transfer-Encoding: x-uuencode",
            b"a",
            "in the transfer encoding x-uuencode, which is not known",
        ),
        ("text/plain\r\nContent-Transfer-Encoding: base64", b"a!", "which are no base64"),
        ("image/png", b"\x89PNG", ""),
        ("text/plain\r\nContent-Disposition: attachment", b"abc", ""),
    ] {
        let content = [format!("Content-Type: {headers}\r\n\r\n").as_bytes(), body].concat();
        let [Piece::Other { kind, bytes, reason }] = &of_cpim(&content)[..] else {
            panic!("{headers}")
        };
        assert!(headers.starts_with(kind.as_str()), "{kind}");
        assert_eq!((*bytes, reason.as_str()), (body.len(), expected), "{headers}");
    }
}

#[test]
fn of_alternatives_the_plainest_text_is_shown_and_of_a_mixture_each_part() {
    let html = "Content-Type: text/html\r\n\r\n<b>x</b>";
    let image = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA";
    let latin = "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9";
    let of = |kind: &str, parts: &[&str]| {
        let parts: Vec<String> = parts.iter().map(|part| format!("--b1\r\n{part}\r\n")).collect();
        let parts = parts.concat();
        let body = format!("preamble\r\n{parts}--b1--\r\nepilogue\r\n");
        of_body(&format!("multipart/{kind}; boundary=\"b1\""), body.as_bytes())
    };
    let other = || Piece::Other { kind: "image/png".into(), bytes: 4, reason: String::new() };
    assert_eq!(of("alternative", &[html, latin]), plain("é"));
    assert_eq!(of("alternative", &[latin, html]), plain("é"));
    assert_eq!(of("alternative", &[image, html]), [text("text/html", "<b>x</b>")]);
    assert_eq!(of("alternative", &[image]), [other()]);
    assert_eq!(
        of("mixed", &[latin, image, "\r\nsecond"]),
        [text("text/plain", "é"), other(), text("text/plain", "second")]
    );
    let inner =
        "Content-Type: multipart/alternative; boundary=b2\r\n\r\n--b2\r\n\r\ndeep\r\n--b2--";
    assert_eq!(of("related", &[inner, image]), [text("text/plain", "deep"), other()]);
    assert_eq!(mime::joined(&of("mixed", &[latin, image, html])).unwrap(), "é\n\n<b>x</b>");
    assert_eq!(mime::joined(&[other()]), None);
}

#[test]
fn parts_that_are_broken_empty_or_very_deep_are_told_and_harm_nothing() {
    for (kind, body) in [
        ("multipart/mixed", "--b\r\n\r\nx"),
        ("multipart/mixed; boundary=b", ""),
        ("multipart/mixed; boundary=b", "no part at all"),
        ("multipart/mixed; boundary=\"\"", "x"),
    ] {
        let pieces = of_body(kind, body.as_bytes());
        assert!(matches!(&pieces[..], [Piece::Other { .. }]), "{kind}: {pieces:?}");
    }
    let part = |n| format!("--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", n + 1);
    let deep = (0..900).map(part).collect::<Vec<String>>().concat();
    let pieces = of_body("multipart/mixed; boundary=b0", deep.as_bytes());
    assert!(
        matches!(&pieces[..], [Piece::Other { reason, .. }] if reason == "out of form"),
        "{pieces:?}"
    );
    let many = "--b\r\n\r\nx\r\n".repeat(6_000);
    assert_eq!(of_body("multipart/mixed; boundary=b", many.as_bytes()).len(), 6_000);
}
