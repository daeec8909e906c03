//! `docs/PROTOCOL_TESTS.md` against `docs/PROTOCOL.md` and the tests: each sentence stands there, and each test is there.
//!
//! Must never hold: a sentence of the document.

use std::path::Path;

use crate::by_hand::document;

const TABLE: &str = include_str!("../../docs/PROTOCOL_TESTS.md");

/// Sections that only hold others or tables of fields, and those that oblige to nothing.
const OTHERS: [&str; 10] = ["6.", "6.5", "7.", "7.3", "8.", "8.2", "9.", "9.6", "10.", "14."];

/// Text without bold marks, lines and spans of white space.
fn plain(text: &str) -> String {
    text.replace("**", "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Headings of the document, in order, each with the text up to the next one.
fn sections(document: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_block = false;
    for line in document.lines() {
        is_block ^= line.starts_with("```");
        if line.starts_with('#') && !is_block {
            found.push((line.trim_start_matches('#').trim().to_owned(), String::new()));
        } else if let Some((_, text)) = found.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    found.into_iter().map(|(heading, text)| (heading, plain(&text))).collect()
}

/// Where, sentence and tests of each row.
fn rows() -> Vec<[&'static str; 3]> {
    let lines = TABLE.lines().skip_while(|line| !line.starts_with("|---"));
    lines
        .skip(1)
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            cells.try_into().unwrap_or_else(|cells| panic!("{cells:?} are not three cells"))
        })
        .collect()
}

fn is_called(heading: &str, place: &str) -> bool {
    heading == place || heading.strip_prefix(place).is_some_and(|rest| rest.starts_with(' '))
}

#[test]
fn every_sentence_stands_in_the_document_where_the_table_says() {
    let sections = sections(&document());
    for [place, sentence, _] in rows() {
        let mut there = sections.iter().filter(|(heading, _)| is_called(heading, place));
        let found = there.any(|(_, text)| text.contains(&plain(sentence)));
        assert!(found, "PROTOCOL.md does not say under {place}: {sentence}");
    }
}

#[test]
fn every_test_that_the_table_names_is_there() {
    for [_, sentence, tests] in rows() {
        assert!(!tests.is_empty(), "no test: {sentence}");
        for test in tests.split(", ") {
            let (name, path) = test.split_once(" in ").unwrap_or_else(|| panic!("{test}"));
            let (name, path) = (name.trim_matches('`'), path.trim_matches('`'));
            let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path))
                .unwrap_or_else(|error| panic!("{path}: {error}"));
            let before = source.split_once(&format!("fn {name}(")).map(|(before, _)| before);
            let before = before.unwrap_or_else(|| panic!("{path} has no {name}"));
            let marks = before.rsplit_once("\n\n").map_or(before, |(_, marks)| marks);
            assert!(marks.contains("test"), "{name} in {path} is no test");
        }
    }
}

#[test]
fn every_obligation_and_every_section_has_a_row() {
    let rows: Vec<[&str; 3]> = rows();
    let quoted: Vec<String> = rows.iter().map(|[_, sentence, _]| plain(sentence)).collect();
    for (heading, text) in sections(&document()) {
        let is_said = |sentence: &str| quoted.iter().any(|row| row.contains(sentence));
        for (at, _) in text.match_indices(" must ") {
            let from = text[..at].rfind(' ').map_or(0, |place| place + 1);
            let nearby = &text[from..];
            let end = nearby.ceil_char_boundary((at - from + 16).min(nearby.len()));
            let nearby = nearby[..end].split('|').next().unwrap_or_default().trim();
            assert!(is_said(nearby), "under {heading}: {nearby}");
        }
        let number = heading.split(' ').next().unwrap_or_default();
        let digits = number.trim_end_matches('.').replace('.', "");
        let is_chapter = digits.parse::<u8>().is_ok() && !OTHERS.contains(&number);
        let has_row = rows.iter().any(|[place, ..]| is_called(&heading, place));
        assert!(!is_chapter || has_row, "{heading} has no row");
    }
}
