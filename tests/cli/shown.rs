//! What people and programs are shown of documents and messages: text in any encoding, who is composing, rich presence.
//!
//! Must never hold: a rule of a format that the tests of `tests/format/` hold.

use super::formats::{document, printed, publish, send};
use crate::processes::Site;

#[test]
fn people_and_programs_read_text_in_any_encoding() {
    let site = Site::with_alice_and_bob();
    let headers = "From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\n\r\n";
    for content in [
        &b"Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\nZMOpasOg"[..],
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nd=C3=A9j=C3=A0",
        b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nd\xe9j\xe0",
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nd\xc3\xa9j\xc3\xa0\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>\r\n--b--\r\n",
    ] {
        send(&site, &[headers.as_bytes(), content].concat(), &[]).line();
        let line = site.run("bob", &["inbox", "--keep"]).line();
        assert_eq!(line["text"], "déjà");
        let shown = String::from_utf8(printed(&site, "bob", &["inbox"])).unwrap();
        assert!(shown.ends_with("\n  (message/cpim)\n  déjà\n"), "{shown}");
    }
    let japanese = ["send", "im:bob@localhost", "-", "--type", "text/plain; charset=iso-2022-jp"];
    site.run_with("alice", &japanese, b"\x1b$B$3\x1b(B").line();
    assert_eq!(site.run("bob", &["inbox"]).line()["body"], "こ");
    site.run_with("alice", &japanese, "こ".as_bytes()).line();
    let line = site.run("bob", &["inbox", "--keep"]).line();
    assert!(line["body"].is_null() && line["body_base64"] == "44GT", "{line}");
    let shown = String::from_utf8(printed(&site, "bob", &["inbox"])).unwrap();
    assert!(shown.contains("charset=iso-2022-jp, 3 bytes which are not iso-2022-jp"), "{shown}");
}

#[test]
fn who_is_composing_is_told_to_who_reads_along_and_stored_nowhere() {
    let site = Site::with_alice_and_bob();
    let document = adsum::model::composing_document(true, None);
    let headers = "From: <im:alice@localhost>\r\nTo: <im:bob@localhost>\r\n\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n";
    let cpim = format!("{headers}{document}");
    let nobody_listens = send(&site, cpim.as_bytes(), &[]).line();
    assert_eq!(nobody_listens["result"], "passed-on");
    site.run("alice", &["send", "im:bob@localhost", "lunch?"]).line();
    let mut inbox = site.stay("bob", &["inbox", "--follow"]);
    assert_eq!(inbox.object()["body"], "lunch?");
    // It is caught up once what comes live arrives.
    site.run("alice", &["send", "im:bob@localhost", "well?"]).line();
    assert_eq!(inbox.object()["body"], "well?");
    assert_eq!(send(&site, cpim.as_bytes(), &[]).line()["result"], "passed-on");
    let told = inbox.object();
    assert_eq!(
        (&told["type"], &told["from"], &told["state"]),
        (&"composing".into(), &"alice@localhost".into(), &"active".into())
    );
    let idle = adsum::model::composing_document(false, Some(90));
    let arguments = ["send", "im:bob@localhost", "-", "--type", "application/im-iscomposing+xml"];
    site.run_with("alice", &arguments, idle.as_bytes()).line();
    let told = inbox.object();
    assert_eq!((&told["state"], &told["refresh_s"]), (&"idle".into(), &90.into()));
    inbox.kill();
    let all = site.run("bob", &["inbox", "--from-start", "--keep"]).lines();
    let bodies: Vec<_> = all.iter().map(|line| line["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["lunch?", "well?"]);
    assert_eq!(all[1]["sequence"], 2, "it took no number");
}

#[test]
fn rich_presence_is_shown_to_people_and_to_programs() {
    let site = Site::with_alice_and_bob();
    let rich = document(
        "pres:alice@localhost",
        "<d:person xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' id='p'>\
        <r:activities xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><r:on-the-phone/></r:activities></d:person>",
    );
    publish(&site, &rich, &[]).line();
    let line = site.run("alice", &["fetch", "pres:alice@localhost"]).line();
    assert_eq!(line["persons"][0]["activities"][0], "on-the-phone");
    let shown =
        String::from_utf8(printed(&site, "alice", &["fetch", "pres:alice@localhost"])).unwrap();
    assert!(shown.ends_with("\n  person: on the phone\n"), "{shown}");
}
