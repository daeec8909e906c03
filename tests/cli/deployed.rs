//! Documents and messages as deployed programs write them, rebuilt by hand: what is shown of each, kept, refused.
//!
//! A file of `tests/deployed/` is named for the program that writes such a one, or for what is special in it.
//! Must never hold: a document that somebody else wrote.

use std::path::{Path, PathBuf};

use super::formats;
use crate::processes::{Ended, Site};

/// What becomes of a document or message.
enum Becomes {
    /// It is taken: a word on stderr (`""`: none), what people are shown, and what is kept as it was written.
    Taken(&'static str, &'static [&'static str], &'static [&'static str]),
    /// It is refused with this code, and this in the text.
    Refused(&'static str, &'static str),
}
use Becomes::{Refused, Taken};

const MAPPED: &str = "entity-mapped";

const PRESENCE: &[(&str, Becomes)] = &[
    (
        "asterisk-pjsip",
        Taken(
            MAPPED,
            &[
                "\"On the phone\" open [1001.",
                "at sip:1001@192.0.2.5:5060 (priority 1)",
                "\n  person: on the phone\n",
            ],
            &["<ep:on-the-phone />"],
        ),
    ),
    (
        "asterisk-sip",
        Taken(MAPPED, &["\"Ready\" open [1002."], &["encoding=\"UTF-8\"", "<pp:person "]),
    ),
    (
        "baresip",
        Taken(MAPPED, &["open [t4109.", "at sip:alice@localhost\n"], &["<rpid:activities/>"]),
    ),
    (
        "blink",
        Taken(
            MAPPED,
            &[
                "] active \"Writing\" at sip:alice@localhost",
                "\n  person: busy, 60 min from UTC, display name \"Alice\" \"Writing\" since 2026-11-25T08:00:00.000Z\n",
                "\n  device: active urn:uuid:",
            ],
            &["<agp-pidf:extended", "<caps:servcaps", "<rpid:time-offset>60<"],
        ),
    ),
    (
        "boghe",
        Taken(
            MAPPED,
            &[
                "no tuples\n  person: busy, mood happy, homepage \"http://localhost/alice\" \"hallo\"\n",
                "\n  device: \"CPU=X\" urn:uuid:3ca50bcb",
            ],
            &["<op:overriding-willingness>"],
        ),
    ),
    (
        "bria",
        Taken(
            MAPPED,
            &["(priority 0.5)", "\n  person: display name \"Alice\" \"Available\"\n"],
            &["<rpid:unknown/>"],
        ),
    ),
    ("dotnet-string", Refused("bad-pidf", "called utf-16, and the bytes are something else")),
    ("grandstream", Taken(MAPPED, &["\n  person: on the phone\n"], &["<rpid:on-the-phone>"])),
    (
        "jabber",
        Taken(
            MAPPED,
            &["(priority 0.8)", "\n  person: available \"In the office\"\n"],
            &["<ce:available/>", "<sc:audio>true<"],
        ),
    ),
    (
        "jitsi",
        Taken(
            MAPPED,
            &["\"Busy (DND)\"", "\n  person: busy, status icon \"http://localhost/alice.png\"\n"],
            &["<rpid:busy/>"],
        ),
    ),
    (
        "kamailio",
        Taken(
            MAPPED,
            &["open [0x81475a0.", "\n  person: on the phone \"On the phone\"\n"],
            &["<rpid:on-the-phone/>"],
        ),
    ),
    (
        "linphone",
        Taken(
            MAPPED,
            &[
                "open [qmht-9.",
                "at sip:alice@localhost;gr=urn:uuid:",
                "(priority 0.8) since ",
                "\n  person: away since ",
            ],
            &["<pidfonline:online"],
        ),
    ),
    (
        "lync",
        Taken(MAPPED, &["display name \"Alice\" open [0.", "] busy\n"], &["<ep:activity>busy<"]),
    ),
    (
        "mobicents",
        Taken(
            MAPPED,
            &["open [t54bb0569.", "\n  person: meeting \"until noon\" (en)\n"],
            &["<ns4:meeting/>"],
        ),
    ),
    ("opensips", Taken(MAPPED, &["closed [offline."], &[])),
    (
        "openxcap",
        Taken(
            MAPPED,
            &["\n  person: vacation \"back on Monday\" since 2026-11-25T08:00:00.123Z\n"],
            &["08:00:00.123456Z"],
        ),
    ),
    (
        "pjsua",
        Taken(
            MAPPED,
            &["open [pj3f.", "] \"On the phone\"\n  person: busy \"On the phone\"\n"],
            &["<rpid:busy />"],
        ),
    ),
    ("polycom", Refused("bad-pidf", "a document type may not stand here")),
    (
        "rcs",
        Taken(
            MAPPED,
            &[
                "2 tuples\n  open [a1.",
                "at tel:+15550100",
                "\n  person: status icon \"http://localhost/icon\", homepage \"http://localhost/alice\" \"free text\"",
            ],
            &["<op:service-id>org.gsma.videoshare<", "opd:etag=\"26362\""],
        ),
    ),
    ("snom", Taken(MAPPED, &["closed [snom.", "\"do not disturb\"\n"], &[])),
    ("telepathy", Taken(MAPPED, &["\"Available & listening\"\n"], &["&amp;"])),
    ("twinkle", Taken(MAPPED, &["open [1."], &[])),
    (
        "x-lite",
        Taken(MAPPED, &["\n  person: on the phone \"On the Phone\"\n"], &["<rpid:on-the-phone/>"]),
    ),
    (
        "xmpp-gateway",
        Taken(
            "",
            &[
                "\"in the garden\" (en) \"in giardino\" (it) at im:alice@localhost (priority 0.505)\n",
            ],
            &["<show xmlns='jabber:client'>away</show>", "<im:im "],
        ),
    ),
    ("yealink", Taken(MAPPED, &["open [yl01.", "\n  person: away\n"], &["<rpid:away/>"])),
    (
        "zoiper",
        Taken(
            MAPPED,
            &["] \"Online\" at sip:alice@localhost (priority 0)\n"],
            &["<rpid:activities></rpid:activities>"],
        ),
    ),
];

const HELLO: &[&str] = &["\n  (message/cpim)\n  hello"];

/// What becomes of a message as it is, and with `--lenient`.
const MESSAGES: &[(&str, Becomes, Becomes)] = &[
    (
        "another-sender",
        Refused("from-mismatch", "sip:mallory@localhost"),
        Refused("from-mismatch", "im:alice@localhost"),
    ),
    (
        "blink",
        Taken(
            "copies-not-sent",
            &["\n  (text/html)\n  <b>hello</b>"],
            &["From: \"Alice Example\" <sip:alice@localhost>\r\n"],
        ),
        Taken("copies-not-sent", &["<b>hello</b>"], &[]),
    ),
    (
        "boghe",
        Refused("bad-cpim", "LF alone; end every header line with CR LF; --lenient mends it"),
        Taken(
            "mended",
            &["\n  (message/cpim)\n  hello from windows"],
            &[
                "NS: imdn <urn:ietf:params:imdn>\r\n",
                "\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello from windows\n",
            ],
        ),
    ),
    (
        "doubled-line",
        Refused("bad-cpim", "Content-Type of the content is missing"),
        Taken("mended", HELLO, &["To: <sip:bob@localhost>\r\n\r\nContent-Type"]),
    ),
    (
        "linphone",
        Taken("", HELLO, &["imdn.Message-ID: fBFGU1jNRkdaHjcf\r\n"]),
        Taken("", HELLO, &[]),
    ),
    (
        "linphone-old",
        Refused("bad-cpim", "put one space in front of the value; --lenient"),
        Taken(
            "mended",
            HELLO,
            &[
                "DateTime: 2026-11-25T08:00:00Z\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 8s",
            ],
        ),
    ),
    ("parts", Taken("", &["\n  (message/cpim)\n  café"], &["caf=E9"]), Taken("", &["café"], &[])),
    (
        "rcs",
        Taken(
            "",
            &["\n  (message/cpim)\n  bonjour à"],
            &["From: <im:alice@localhost>\r\n", "From: <sip:anonymous@anonymous.invalid>\r\n"],
        ),
        Taken("", &["bonjour à"], &[]),
    ),
    (
        "rcs-display",
        Taken("", &["(message/imdn+xml, "], &["<displayed/>"]),
        Taken("", &["(message/imdn+xml, "], &[]),
    ),
    (
        "rcs-file",
        Taken(
            "",
            &["(application/vnd.gsma.rcs-ft-http+xml, ", " bytes; --cpim prints them"],
            &["<file-size>12<"],
        ),
        Taken("", &["rcs-ft-http+xml"], &[]),
    ),
    (
        "small-letters",
        Refused("bad-cpim", "line 1, column 6"),
        Taken(
            "mended",
            HELLO,
            &[
                "From: <sip:alice@localhost>\r\nTo: <sip:bob@localhost>\r\nDateTime: 2026-11-25T08:00:00Z\r\n",
            ],
        ),
    ),
    (
        "tel-from",
        Refused("unsupported-scheme", "tel:+15550100"),
        Refused("unsupported-scheme", "From header"),
    ),
    (
        "xmpp-gateway",
        Taken(
            "",
            &["\n  Subject: Lunch\n  Subject: Pranzo\n  noon?"],
            &["Subject:;lang=it Pranzo\r\n"],
        ),
        Taken("", &["noon?"], &[]),
    ),
];

fn path(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/deployed").join(kind)
}

/// The names of the files of a kind.
fn names(kind: &str) -> Vec<String> {
    let files = std::fs::read_dir(path(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> =
        files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn printed(site: &Site, who: &str, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&formats::printed(site, who, arguments)).into_owned()
}

/// Checks what a command said to `file`; `Some` tells what must be shown and kept.
fn check<'a>(
    file: &str,
    ended: &Ended,
    becomes: &'a Becomes,
) -> Option<(&'a [&'static str], &'a [&'static str])> {
    match becomes {
        Taken(word, shown, kept) => {
            let said = ended.stderr.contains(word) && ended.stderr.is_empty() == word.is_empty();
            assert!(said, "{file}: {word}: {}", ended.stderr);
            ended.line();
            Some((shown, kept))
        }
        Refused(code, part) => {
            assert_eq!(ended.error(2), *code, "{file}: {}", ended.stderr);
            assert!(ended.stderr.contains(part), "{file}: {}", ended.stderr);
            None
        }
    }
}

fn holds(file: &str, text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{file}: {part:?} is not in {text}");
    }
}

#[test]
fn presence_of_deployed_programs_is_shown_kept_or_refused() {
    let listed: Vec<&str> = PRESENCE.iter().map(|(file, _)| *file).collect();
    assert_eq!(names("presence"), listed, "each file has a row");
    let site = Site::with_alice_and_bob();
    for (file, becomes) in PRESENCE {
        let document = std::fs::read(path("presence").join(format!("{file}.xml"))).unwrap();
        let published = site.run_with("alice", &["publish", "--pidf", "-"], &document);
        let Some((shown, kept)) = check(file, &published, becomes) else { continue };
        holds(file, &printed(&site, "alice", &["fetch", "pres:alice@localhost"]), shown);
        let written = printed(&site, "alice", &["fetch", "pres:alice@localhost", "--pidf"]);
        holds(file, &written, kept);
        holds(file, &written, &["entity=\"pres:alice@localhost\""]);
    }
}

#[test]
fn messages_of_deployed_programs_are_shown_kept_mended_or_refused() {
    let listed: Vec<&str> = MESSAGES.iter().map(|(file, ..)| *file).collect();
    let found = names("messages");
    assert_eq!(found.iter().filter(|name| *name != "composing").collect::<Vec<_>>(), listed);
    let site = Site::with_alice_and_bob();
    for (file, strictly, leniently) in MESSAGES {
        let message = path("messages").join(format!("{file}.cpim"));
        let message = message.to_str().unwrap();
        for (becomes, id, flags) in [(strictly, "s", &[][..]), (leniently, "l", &["--lenient"])] {
            let id = format!("{file}-{id}");
            // Those of RCS name nobody; the others go to whom they name.
            let inbox = if file.starts_with("rcs") { &["im:bob@localhost"][..] } else { &[] };
            let plain = ["--cpim", message, "--id", &id];
            let sent = site.run("alice", &[&["send"], inbox, &plain, flags].concat());
            let Some((shown, kept)) = check(file, &sent, becomes) else { continue };
            holds(file, &printed(&site, "bob", &["inbox", "--keep", "--cpim"]), kept);
            holds(file, &printed(&site, "bob", &["inbox"]), shown);
        }
    }
}

#[test]
fn composing_of_deployed_programs_is_passed_on_and_not_kept() {
    let site = Site::with_alice_and_bob();
    let message = path("messages/composing.cpim");
    let sent = site.run("alice", &["send", "--cpim", message.to_str().unwrap()]).line();
    assert_eq!(sent["result"], "passed-on");
    assert!(printed(&site, "bob", &["inbox"]).is_empty());
}
