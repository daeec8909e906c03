//! `docs/PROTOCOL.md` is what the code does: examples (in `docs/PROTOCOL_EXAMPLES.md`) are made from code, tables are
//! compared with it, both ways.
//!
//! After a wanted change, `ADSUM_GOLDEN=write cargo test --test wire` rewrites the example blocks.
//! Must never hold: a value of the document written down a second time, except the limits' names.

use std::collections::BTreeSet;

use adsum::model::{DeviceId, RefusalCode};
use adsum::protocol::body::{
    Body, ChallengeAnswer, Hello, KINDS, KindVisitor, Welcome, visit_kind,
};
use adsum::wire::{
    ALPN, CloseCode, Decoder, Frame, ResetCode, StreamType, VERSION, decode, encode,
};

use crate::protocol;
use crate::protocol::annotate::UNKNOWN;
use crate::protocol::document::{
    anchor, examples, examples_path, examples_text, rows, section, text, with_examples,
};
use crate::protocol::limits::{Row, defaults, limits, timeouts};
use crate::protocol::samples::{Sample, body, samples};
use crate::protocol::schema::types;
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

#[test]
fn the_minimal_client_needs_fifteen_kinds_that_there_are() {
    let document = text();
    let (_, list) = document.split_once("needs fifteen kinds: ").unwrap();
    let (list, _) = list.split_once(';').unwrap();
    let named: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    assert_eq!(named.len(), 15);
    assert!(named.iter().all(|name| KINDS.iter().any(|(_, known)| known == name)), "{named:?}");
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

fn listed(heading: &str, head: [&str; 2]) -> Vec<[String; 2]> {
    let document = text();
    let rows = rows(&section(&document, heading), &head);
    rows.into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect()
}

fn known(rows: &[Row]) -> Vec<[String; 2]> {
    rows.iter().map(|row| [row.what.to_owned(), row.shown()]).collect()
}

#[test]
fn every_limit_is_listed_with_its_number() {
    assert_eq!(listed("### A.5 Limits", ["what", "most"]), known(&limits()));
}

#[test]
fn every_time_out_is_listed_with_its_number() {
    assert_eq!(listed("### A.6 Time-outs", ["what", "how long"]), known(&timeouts()));
}

#[test]
fn every_default_is_listed_with_its_number() {
    let document = text();
    let rows = rows(&section(&document, "### A.7 Defaults"), &["field", "when it is"]);
    let defaults = defaults();
    assert_eq!(rows.len(), defaults.len());
    for (row, default) in rows.iter().zip(defaults) {
        assert_eq!(row[0], default.field);
        for (cell, number) in [(&row[2], default.means), (&row[3], default.most)] {
            assert!(number.is_none_or(|number| number.shown() == *cell), "{row:?}");
        }
    }
}
