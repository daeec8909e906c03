//! `docs/PROTOCOL.md` is what the code does: examples (in `docs/PROTOCOL_EXAMPLES.md`) are made from code, tables are
//! compared with it, both ways.
//!
//! After a wanted change, `ADSUM_GOLDEN=write cargo test --test wire` rewrites the example blocks.
//! Must never hold: a value of the document written down a second time, except the limits' names.

use std::collections::BTreeSet;

use adsum::model::limits as l;
use adsum::model::{DeviceId, RefusalCode};
use adsum::protocol::body::{
    Body, ChallengeAnswer, Hello, KINDS, KindVisitor, Welcome, visit_kind,
};
use adsum::wire::{
    ALPN, CloseCode, Decoder, Frame, ResetCode, StreamType, VERSION, decode, encode,
};

use crate::protocol;
use crate::protocol::annotate::{Types, UNKNOWN, learn};
use crate::protocol::document::{
    anchor, examples, examples_path, examples_text, rows, section, text, with_examples,
};
use crate::protocol::samples::{Sample, body, samples};
use crate::protocol::session::blocks;

fn content(name: &str) -> Option<String> {
    let frame = samples().iter().find(|sample| sample.title == name).map(Sample::block);
    frame.or_else(|| blocks().into_iter().find(|(title, _)| *title == name).map(|found| found.1))
}

#[test]
fn every_example_is_what_the_code_makes() {
    let before = examples_text();
    let after = with_examples(&before, content);
    if std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(examples_path(), after).unwrap();
        return;
    }
    for ((name, old), (_, new)) in examples(&before).into_iter().zip(examples(&after)) {
        assert_eq!(old, new, "example {name:?} is out of date: run with ADSUM_GOLDEN=write");
    }
}

#[test]
fn every_example_has_one_place_and_every_place_an_example() {
    let document = examples_text();
    let places: Vec<&str> = examples(&document).into_iter().map(|(name, _)| name).collect();
    let frames = samples();
    let names = frames.iter().map(|sample| sample.title).chain(blocks().into_iter().map(|it| it.0));
    let made: BTreeSet<&str> = names.collect();
    assert_eq!(places.iter().copied().collect::<BTreeSet<_>>(), made);
    assert_eq!(places.len(), made.len(), "an example stands twice in the document");
}

#[test]
fn every_kind_leads_to_its_examples_and_they_lead_back() {
    let (document, shown) = (text(), examples_text());
    for sample in samples() {
        let (kind, name) = *KINDS.iter().find(|(kind, _)| *kind == sample.kind).unwrap();
        let kind = format!("{name} (0x{kind:04X})");
        let there = format!("(PROTOCOL_EXAMPLES.md#{})", anchor(sample.title));
        let back = format!("(PROTOCOL.md#{})", anchor(&kind));
        assert!(section(&document, &format!("#### {kind}")).join("\n").contains(&there), "{there}");
        let shown = section(&shown, &format!("### {}", sample.title)).join("\n");
        assert!(shown.contains(&back), "{} does not lead back to {back}", sample.title);
        assert_eq!(examples(&shown)[0].0, sample.title);
    }
    for (title, _) in blocks() {
        let there = format!("(PROTOCOL_EXAMPLES.md#{})", anchor(title));
        assert!(document.contains(&there), "{there}");
    }
}

#[test]
fn the_key_and_the_proofs_of_the_examples_are_the_shown_ones() {
    let hello = body::<Hello>("Hello");
    assert_eq!(hello.key, protocol::proof::public_key());
    assert_eq!(hello.signature, protocol::proof::signature(true));
    let answer = body::<ChallengeAnswer>("ChallengeAnswer");
    assert_eq!(answer.signature, protocol::proof::signature(false));
    let device = adsum::model::PublicKey(hello.key).device();
    assert_eq!(body::<Welcome>("Welcome").device, device.0);
}

struct ReadsBack<'a>(&'a Frame);

impl KindVisitor for ReadsBack<'_> {
    type Output = Vec<u8>;

    fn visit<B: Body>(self) -> Vec<u8> {
        let mut out = Vec::new();
        encode(&decode::<B>(self.0).expect("an example decodes"), &mut out);
        out
    }
}

#[test]
fn every_kind_has_an_example_that_decodes_back() {
    let mut seen = BTreeSet::new();
    for sample in samples() {
        let mut decoder = Decoder::default();
        decoder.push(&sample.bytes);
        let frame = decoder.next_frame().unwrap().unwrap();
        assert_eq!(frame.kind, sample.kind);
        let again = visit_kind(frame.kind, ReadsBack(&frame)).expect("an example has a kind");
        if sample.title.contains("later version") {
            assert!(again.len() < sample.bytes.len(), "what is not known is passed over");
        } else {
            assert_eq!(again, sample.bytes);
        }
        seen.insert(frame.kind);
    }
    assert_eq!(seen, KINDS.iter().map(|(kind, _)| *kind).collect());
}

#[test]
fn the_table_of_kinds_is_complete() {
    let document = text();
    let listed = rows(&section(&document, "### A.1 Kinds"), &["kind", "name"]);
    let listed: Vec<String> = listed.iter().map(|row| row[..2].join(" ")).collect();
    let known: Vec<String> =
        KINDS.iter().map(|(kind, name)| format!("0x{kind:04X} {name}")).collect();
    assert_eq!(listed, known);
}

/// Names and types of all fields, as all examples together show them.
fn types() -> Types {
    let mut all = Types::new();
    for sample in samples() {
        learn(&mut all, sample.types);
    }
    all
}

#[test]
fn every_field_is_listed_with_its_type_and_in_its_place() {
    let document = text();
    for (name, fields) in types() {
        let kind = KINDS.iter().find(|(_, known)| *known == name);
        let heading =
            kind.map_or(format!("#### {name}"), |(kind, _)| format!("#### {name} (0x{kind:04X})"));
        let listed: Vec<[String; 2]> = rows(&section(&document, &heading), &["field", "type"])
            .into_iter()
            .map(|row| [row[0].clone(), row[1].clone()])
            .collect();
        let known: Vec<[String; 2]> =
            fields.into_iter().map(|(field, kind)| [field.to_owned(), kind]).collect();
        assert!(known.iter().all(|field| !field[1].contains(UNKNOWN)), "{name}: {known:?}");
        assert_eq!(listed, known, "the table of {name}");
    }
}

#[test]
fn every_body_ends_in_ext_and_no_part_has_one() {
    let types = types();
    assert!(KINDS.iter().all(|(_, name)| types.contains_key(name)));
    assert!(types.values().flatten().all(|(field, _)| *field != "ext"));
    for sample in samples() {
        assert_eq!(sample.block().matches(" ext: ").count(), 1, "{}", sample.title);
    }
}

fn listed_codes(heading: &str) -> Vec<[String; 2]> {
    let document = text();
    let rows = rows(&section(&document, heading), &["code", "word"]);
    rows.into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect()
}

#[test]
fn every_code_is_listed_with_its_word() {
    let close = CloseCode::ALL.iter().map(|code| (code.number(), code.as_str()));
    let reset = ResetCode::ALL.iter().map(|code| (code.number(), code.as_str()));
    let close: Vec<_> = close.map(|(code, word)| [format!("0x{code:02X}"), word.into()]).collect();
    let reset: Vec<_> = reset.map(|(code, word)| [format!("0x{code:03X}"), word.into()]).collect();
    let refusals = RefusalCode::ALL.iter();
    let refusals: Vec<_> =
        refusals.map(|code| [code.number().to_string(), code.as_str().to_owned()]).collect();
    assert_eq!(listed_codes("### A.2 Close codes"), close);
    assert_eq!(listed_codes("### A.3 Reset codes"), reset);
    assert_eq!(listed_codes("### A.4 Refusal codes"), refusals);
}

#[test]
fn every_refusal_has_a_cause_a_cure_and_requests() {
    let document = text();
    let rows = rows(&section(&document, "### A.4 Refusal codes"), &["code", "word"]);
    assert_eq!(rows.len(), RefusalCode::ALL.len());
    for row in rows {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
}

#[test]
fn the_stream_types_are_listed() {
    let document = text();
    let listed = rows(&section(&document, "## 2. Streams"), &["first byte"]);
    let listed: Vec<&str> = listed.iter().map(|row| row[0].as_str()).collect();
    let known: Vec<String> =
        StreamType::ALL.iter().map(|kind| format!("0x{:02X}", kind.byte())).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_names_that_both_sides_must_spell_alike_are_spelt_so() {
    let document = text();
    for name in [ALPN, adsum::wire::EXPORTER_LABEL] {
        let name = String::from_utf8(name.to_vec()).unwrap();
        assert!(document.contains(&format!("`{name}`")), "{name}");
    }
    assert!(document.contains(&format!("UDP port {}", adsum::wire::PORT)));
    assert!(document.contains(&format!("version {VERSION} of the protocol")));
    let device = adsum::model::PublicKey(protocol::proof::public_key()).device();
    assert!(document.contains(&format!("`{}`", DeviceId::to_string(&device))));
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn size(number: usize, unit: &str) -> String {
    format!("{} {unit}", grouped(number as u64)).trim_end().to_owned()
}

fn span(ms: u64) -> String {
    let (number, unit) = match ms {
        ms if ms % l::DAY_MS == 0 => (ms / l::DAY_MS, "d"),
        ms if ms % l::HOUR_MS == 0 => (ms / l::HOUR_MS, "h"),
        ms => (ms / 1_000, "s"),
    };
    format!("{number} {unit}")
}

fn frame_limits() -> Vec<(&'static str, String)> {
    vec![
        ("Frame, as its length field says", size(l::FRAME_BYTES_MAX, "bytes")),
        ("Frame before `Welcome`", size(l::HELLO_BYTES_MAX, "bytes")),
        ("Feeds of a connection", size(l::FEEDS_MAX, "")),
        ("Requests of a connection unanswered at once", size(l::REQUESTS_IN_FLIGHT_MAX, "")),
        ("Window of a feed, events", size(l::WINDOW_EVENTS_MAX as usize, "")),
        ("Window of a feed, bytes", size(l::WINDOW_BYTES_MAX, "bytes")),
        ("Presentities in a `FeedOpen`", size(l::FEED_PRESENTITIES_MAX, "")),
        ("Cursor", size(l::CURSOR_BYTES_MAX, "bytes")),
        ("Text of a refusal", size(l::REFUSAL_TEXT_BYTES_MAX, "bytes")),
    ]
}

fn presence_limits() -> Vec<(&'static str, String)> {
    vec![
        ("Document", size(l::DOCUMENT_BYTES_MAX, "bytes")),
        ("What a tuple counts beside its text", size(l::TUPLE_COST_BYTES, "bytes")),
        ("What a note or markup element counts beside its text", size(l::TEXT_COST_BYTES, "bytes")),
        ("Tuples in a document", size(l::TUPLES_MAX, "")),
        ("Notes in one place", size(l::NOTES_MAX, "")),
        ("Markup elements in one place", size(l::MARKUP_MAX, "")),
        ("Tuple id", size(l::TUPLE_ID_BYTES_MAX, "bytes")),
        ("Contact", size(l::CONTACT_BYTES_MAX, "bytes")),
        ("Language tag", size(l::LANGUAGE_BYTES_MAX, "bytes")),
        ("Publications of a presentity", size(l::PUBLICATIONS_MAX, "")),
        ("Publication name", size(l::PUBLICATION_NAME_BYTES_MAX, "bytes")),
        ("Ended publications remembered", size(l::PUBLICATIONS_REMEMBERED_MAX, "")),
        ("Subscriptions of a watcher", size(l::SUBSCRIPTIONS_MAX, "")),
        ("Ended subscriptions remembered", size(l::SUBSCRIPTIONS_ENDED_MAX, "")),
        ("Wishes of a watcher that wait for a decision", size(l::REQUESTS_MAX, "")),
        (
            "Subscription lifetime of an anonymous session, most",
            span(l::SUBSCRIPTION_ANONYMOUS_MS_MAX),
        ),
        ("Rules of an owner", size(l::RULES_MAX, "")),
        ("Rule name", size(l::RULE_NAME_BYTES_MAX, "bytes")),
        ("Tuples a view names", size(l::RULE_TUPLES_MAX, "")),
        ("Watchers of a presentity remembered", size(l::WATCHERS_MAX, "")),
        ("A watcher is remembered", span(l::WATCHERS_WINDOW_MS)),
        ("Rows of a `ListHistory`", size(l::HISTORY_ROWS_MAX, "")),
        ("Lifetime, least", span(l::LIFETIME_MS_MIN)),
        ("Publication lifetime, default", span(l::PUBLICATION_MS_DEFAULT)),
        ("Publication lifetime, most", span(l::PUBLICATION_MS_MAX)),
        ("Subscription lifetime, default", span(l::SUBSCRIPTION_MS_DEFAULT)),
        ("Subscription lifetime, most", span(l::SUBSCRIPTION_MS_MAX)),
        ("Changes of one presentity a catch-up tells", size(l::HISTORY_WALK_MAX, "")),
    ]
}

fn other_limits() -> Vec<(&'static str, String)> {
    vec![
        ("Message body", size(l::BODY_BYTES_MAX, "bytes")),
        ("Message id", size(l::MESSAGE_ID_BYTES_MAX, "bytes")),
        ("Content type", size(l::CONTENT_TYPE_BYTES_MAX, "bytes")),
        ("Messages waiting in an inbox", size(l::MESSAGES_WAITING_MAX, "")),
        ("Message lifetime, most", span(l::MESSAGE_LIFETIME_MS_MAX)),
        ("A message id is remembered", span(l::DEDUPLICATION_MS)),
        ("Sequences in a `Delete`", size(l::DELETE_COUNT_MAX, "")),
        ("Words of a refusing delivery rule", size(l::DELIVERY_REASON_BYTES_MAX, "bytes")),
        ("Messages stored aside in an inbox", size(l::QUARANTINED_MAX, "")),
        ("Principals granted rights by one", size(l::GRANTS_MAX, "")),
        ("Acts of administrators remembered", size(l::ACTS_MAX, "")),
        ("Domains of a server", size(l::DOMAINS_MAX, "")),
        ("Local part of an address", size(l::LOCAL_PART_BYTES_MAX, "bytes")),
        ("Domain of an address", size(l::DOMAIN_BYTES_MAX, "bytes")),
        ("Devices of a principal", size(l::DEVICES_MAX, "")),
        ("Revoked devices remembered", size(l::DEVICES_REVOKED_MAX, "")),
        ("Device label", size(l::DEVICE_LABEL_BYTES_MAX, "bytes")),
        ("Open invites of a server", size(l::INVITES_MAX, "")),
        ("Invite lifetime, default", span(l::INVITE_MS_DEFAULT)),
        ("Invite lifetime, most", span(l::INVITE_MS_MAX)),
    ]
}

#[test]
fn every_limit_is_listed_with_its_number() {
    let document = text();
    let listed: Vec<[String; 2]> = rows(&section(&document, "### A.5 Limits"), &["what", "most"])
        .into_iter()
        .map(|row| [row[0].clone(), row[1].clone()])
        .collect();
    let known: Vec<[String; 2]> = [frame_limits(), presence_limits(), other_limits()]
        .into_iter()
        .flatten()
        .map(|(name, value)| [name.replace('`', ""), value])
        .collect();
    assert_eq!(listed, known);
}
