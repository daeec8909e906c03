//! Reads `docs/PROTOCOL.md`, its tables and headings, and the blocks of `docs/PROTOCOL_EXAMPLES.md`; lays out hexadecimal.
//!
//! Must never hold: what the document ought to say.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::annotate::Line;

const BYTES_PER_LINE: usize = 16;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The document's text.
pub(crate) fn text() -> String {
    read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/PROTOCOL.md"))
}

/// Where the examples lie.
pub(crate) fn examples_path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/PROTOCOL_EXAMPLES.md")
}

/// The text of the examples.
pub(crate) fn examples_text() -> String {
    read(&examples_path())
}

/// What a link to `heading` (without its `#`s) says behind its own `#`.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.map(|it| if it == ' ' { '-' } else { it.to_ascii_lowercase() }).collect()
}

/// `0a 0b 0c`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(" ")
}

/// Lines of at most 16 bytes, each part's text behind its first line.
pub(crate) fn layout(lines: &[Line]) -> String {
    let mut out = String::new();
    for line in lines {
        let mut text = line.text.as_str();
        for piece in line.bytes.chunks(BYTES_PER_LINE) {
            let row = format!("{:width$}  {text}", hex(piece), width = BYTES_PER_LINE * 3 - 1);
            writeln!(out, "{}", row.trim_end()).expect("a string takes all");
            text = "";
        }
    }
    out
}

/// Name and content of every example block, in order: `<!-- example: NAME -->`, a fenced block, `<!-- end -->`.
pub(crate) fn examples(text: &str) -> Vec<(&str, &str)> {
    let blocks = text.split("<!-- example: ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once(" -->\n").expect("an example marker is closed");
            let (content, _) = rest.split_once("<!-- end -->").expect("an example has an end");
            (name, content)
        })
        .collect()
}

/// `text` with the content of each example block replaced by what `content` says for its name.
pub(crate) fn with_examples(text: &str, content: impl Fn(&str) -> Option<String>) -> String {
    let mut out = text.to_owned();
    for (name, old) in examples(text) {
        if let Some(new) = content(name) {
            let marker = format!("<!-- example: {name} -->\n");
            out = out.replace(&format!("{marker}{old}"), &format!("{marker}{new}"));
        }
    }
    out
}

/// The lines under the heading that is exactly `heading`, up to the next heading.
pub(crate) fn section<'a>(text: &'a str, heading: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| *line != heading);
    assert_eq!(lines.next(), Some(heading), "the document has no heading {heading:?}");
    lines.take_while(|line| !line.starts_with('#')).collect()
}

/// The rows of the one table among `lines` whose head begins with these cells; back quotes taken off.
pub(crate) fn rows(lines: &[&str], head: &[&str]) -> Vec<Vec<String>> {
    let is_head = |row: &Vec<String>| row.len() >= head.len() && row[..head.len()] == *head;
    let mut rest = lines.iter().map(|line| cells(line)).skip_while(|row| !is_head(row));
    let _head_and_rule = (rest.next(), rest.next());
    rest.take_while(|row| row.len() > 1).collect()
}

fn cells(line: &str) -> Vec<String> {
    let inner = line.trim().trim_start_matches('|').trim_end_matches('|');
    inner.split('|').map(|cell| cell.trim().replace('`', "")).collect()
}
