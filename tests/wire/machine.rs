//! `docs/protocol.json` and `docs/vectors.json`, for programs, are what the code makes.
//!
//! After a wanted change, `ADSUM_GOLDEN=write cargo test --test wire` rewrites both.
//! Must never hold: a value of either file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use adsum::model::Role;
use adsum::protocol::body::KINDS;
use adsum::protocol::{Command, Field as _, Question};
use serde_json::Value;

use crate::protocol::document::{rows, section, text};
use crate::protocol::samples::{frame, samples};
use crate::protocol::schema::{ADDITIONS, schema};
use crate::vectors::vectors;

/// Compares the file at `name`, a path from the root, or writes it.
pub(crate) fn is_what_the_code_makes(name: &str, made: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
    if std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        std::fs::write(path, made).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    for (old, new) in found.lines().zip(made.lines()) {
        assert_eq!(old, new, "{name} is out of date: run with ADSUM_GOLDEN=write");
    }
    assert_eq!(found.len(), made.len(), "{name} is out of date: run with ADSUM_GOLDEN=write");
}

#[test]
fn the_schema_is_what_the_code_makes() {
    is_what_the_code_makes("docs/protocol.json", &schema());
}

#[test]
fn the_vectors_are_what_the_code_makes() {
    is_what_the_code_makes("docs/vectors.json", &vectors());
}

pub(crate) fn parsed() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

#[test]
fn every_type_of_the_schema_is_one_of_section_4_or_a_structure_of_it() {
    let schema = parsed();
    let names = schema["structures"].as_array().unwrap().iter();
    let names: BTreeSet<&str> = names.map(|one| one["name"].as_str().unwrap()).collect();
    let plain = ["u8", "u16", "u32", "u64", "bool", "text", "bytes", "u8[8]", "u8[16]", "u8[32]"];
    for list in ["kinds", "structures"] {
        for one in schema[list].as_array().unwrap() {
            for field in one["fields"].as_array().unwrap() {
                let kind = field["type"].as_str().unwrap();
                let inner = kind.trim_end_matches('?').trim_end_matches("[]");
                let inner = inner.trim_end_matches('?');
                assert!(plain.contains(&inner) || names.contains(inner), "{one}: {inner}");
            }
        }
    }
}

#[test]
fn the_streams_and_senders_of_the_schema_are_those_of_the_code() {
    let schema = parsed();
    for sample in samples() {
        let kinds = schema["kinds"].as_array().unwrap();
        let kind = kinds.iter().find(|kind| kind["kind"] == sample.kind).unwrap();
        let frame = frame(&sample.bytes);
        let is_request = Command::decode(&frame).is_ok_and(|found| {
            found.is_some_and(|request| request.command.is_ok() && sample.kind < 0x100)
        });
        let is_question = Question::decode(&frame).is_ok();
        let from = if sample.kind < 0x100 { "client" } else { "server" };
        assert_eq!(kind["from"], from, "{}", sample.title);
        assert!(!is_request || kind["stream"] == "CONTROL", "{}", sample.title);
        assert_eq!(is_question, kind["stream"] == "QUERY" && from == "client", "{}", sample.title);
    }
    assert_eq!(schema["kinds"].as_array().unwrap().len(), KINDS.len());
}

#[test]
fn the_additions_of_the_schema_are_those_of_the_document() {
    let document = text();
    let listed = rows(&section(&document, "#### Ext"), &["body", "tag"]);
    let listed: Vec<[String; 2]> =
        listed.into_iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    let known = ADDITIONS.map(|(body, tag, _, _)| [body.to_owned(), tag.to_string()]);
    assert_eq!(listed, known);
}

#[test]
fn the_words_of_the_schema_are_those_of_the_code() {
    let schema = parsed();
    let words = |field: &str| {
        let all = schema["words"].as_array().unwrap();
        all.iter().find(|one| one["field"] == field).unwrap()["words"].clone()
    };
    let roles = [(Role::User, "user"), (Role::Administrator, "administrator")];
    let roles = roles.map(|(role, word)| serde_json::json!([role.to_wire(), word]));
    assert_eq!(words("Welcome.role"), Value::from(roles.to_vec()));
    for receipt in adsum::model::ReceiptKind::ALL {
        let word = serde_json::json!([receipt.number(), receipt.as_str()]);
        assert!(words("ReceiptBody.kind").as_array().unwrap().contains(&word), "{word}");
    }
}
