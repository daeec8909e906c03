//! `docs/protocol.json`: all that a program needs to know of the protocol to make its codec.
//!
//! Kinds, names, fields, codes, limits, time-outs and defaults are those of the code; on which stream a kind goes, what
//! answers it and the words of numbers are those of `docs/PROTOCOL.md`, as far as the code has no names for them.
//! Must never hold: a number of the protocol.

use std::collections::BTreeMap;

use adsum::model::RefusalCode;
use adsum::protocol::body::KINDS;
use adsum::wire::{
    ALPN, CHALLENGE_CONTEXT, CloseCode, EXPORTER_CONTEXT, EXPORTER_LABEL, IGNORABLE_KIND_MIN, PORT,
    ResetCode, StreamType, VERSION,
};
use serde::Serialize;

use super::annotate::{Types, learn};
use super::document::{rows, section, text};
use super::limits::{Row, Unit, defaults, limits, timeouts};
use super::samples::samples;

/// Additions in `ext`: body, tag, name in the code, type.
pub(crate) const ADDITIONS: [(&str, u16, &str, &str); 25] = [
    ("Subscribe", 1, "operation", "u8[16]"),
    ("Unsubscribe", 1, "operation", "u8[16]"),
    ("Delete", 1, "operation", "u8[16]"),
    ("Delete", 2, "sender", "bytes"),
    ("Displayed", 1, "operation", "u8[16]"),
    ("EndSubscription", 1, "operation", "u8[16]"),
    ("RevokeKey", 1, "operation", "u8[16]"),
    ("Send", 1, "receipts", "u8"),
    ("FeedOpen", 1, "watchers", "u8"),
    ("Invite", 1, "recovers", "u8"),
    ("Welcome", 1, "recovery", "bytes"),
    ("MessageEvent", 1, "withheld", "u8"),
    ("Quarantined", 1, "withheld", "u8"),
    ("Administer", 1, "recovery_delay", "u8[8]"),
    ("Administer", 2, "recovery_shows", "u8"),
    ("Administer", 3, "quota", "bytes"),
    ("Administer", 4, "quota_max", "u8[8]"),
    ("Administer", 5, "recipients_keep", "u8"),
    ("DomainState", 1, "recovery", "u8[9]"),
    ("DomainState", 2, "recipients_keep", "u8"),
    ("FeedReady", 1, "restored", "u8"),
    ("Presence", 1, "left_out", "u8[12]"),
    ("PresenceEvent", 1, "left_out", "u8[12]"),
    ("ServerDescription", 1, "noticed", "bytes"),
    ("ServerDescription", 2, "clock", "u8[16]"),
];

#[derive(Serialize)]
struct Field {
    name: &'static str,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Serialize)]
struct Addition {
    tag: u16,
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Entry {
    kind: u16,
    name: &'static str,
    stream: String,
    from: String,
    /// Kinds of which one comes as the answer.
    answers: Vec<String>,
    /// Kinds of rows that come before `End`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<String>,
    fields: Vec<Field>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    additions: Vec<Addition>,
}

#[derive(Serialize)]
struct Structure {
    name: &'static str,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Numbered {
    field: String,
    /// Whether the numbers are bits that may be set together.
    bits: bool,
    words: Vec<(u8, String)>,
}

#[derive(Serialize)]
struct Coded {
    code: u32,
    word: &'static str,
    cause: String,
    cure: String,
}

#[derive(Serialize)]
struct Limit {
    name: &'static str,
    what: &'static str,
    most: u64,
    unit: &'static str,
}

#[derive(Serialize)]
struct Default {
    field: &'static str,
    means: Option<u64>,
    most: Option<u64>,
}

#[derive(Serialize)]
struct Stream {
    name: String,
    byte: u8,
}

/// Names and types of all fields, as all examples together show them.
pub(crate) fn types() -> Types {
    let mut all = Types::new();
    for sample in samples() {
        learn(&mut all, sample.types);
    }
    all
}

fn fields(known: Option<Vec<(&'static str, String)>>) -> Vec<Field> {
    let known = known.unwrap_or_default().into_iter();
    known.map(|(name, kind)| Field { name, kind }).collect()
}

fn kinds(document: &str, types: &mut Types) -> Vec<Entry> {
    let table = rows(&section(document, "### A.1 Kinds"), &["kind", "name"]);
    assert_eq!(table.len(), KINDS.len());
    let rows = KINDS.iter().zip(table);
    rows.map(|((kind, name), row)| kind_of(*kind, name, &row, types)).collect()
}

fn kind_of(kind: u16, name: &'static str, row: &[String], types: &mut Types) -> Entry {
    let (answers, rows) = answers(&row[4]);
    let added = ADDITIONS.iter().filter(|added| added.0 == name);
    Entry {
        kind,
        name,
        stream: row[2].clone(),
        from: row[3].clone(),
        answers,
        rows,
        fields: fields(types.remove(name)),
        additions: added.map(|&(_, tag, name, kind)| Addition { tag, name, kind }).collect(),
    }
}

/// What `Version, Rule (any number) and End, or Refused` names: answers, and rows that end with `End`.
fn answers(cell: &str) -> (Vec<String>, Vec<String>) {
    let named = |part: &&str| KINDS.iter().any(|(_, name)| name == part);
    let words = cell.split([' ', ',']).filter(named).map(str::to_owned);
    let rows = cell.split_once(" and End").map_or("", |(rows, _)| rows);
    let rows: Vec<String> = rows.split([' ', ',']).filter(named).map(str::to_owned).collect();
    (words.filter(|word| !rows.contains(word)).collect(), rows)
}

/// The numbers that a cell of a table lists with their words.
fn listed(cell: &str) -> Option<(bool, Vec<(u8, String)>)> {
    let is_bits = cell.starts_with("bits: ");
    let cell = cell.trim_start_matches("bits: ");
    let parts: Vec<&str> =
        if is_bits { cell.split([',', ';']).collect() } else { cell.split(". ").collect() };
    let words = parts.into_iter().filter_map(|part| {
        let (number, word) = part.trim().split_once(if is_bits { " " } else { ": " })?;
        let word = word.split([',', ';', ':', '(']).next().unwrap_or(word);
        Some((number.parse().ok()?, word.trim().replace(' ', "-")))
    });
    let words: Vec<(u8, String)> = words.collect();
    (!words.is_empty()).then_some((is_bits, words))
}

/// The words of every `u8`, by the field that lists them; those that say `as in` list another's.
fn words(document: &str, types: &Types) -> Vec<Numbered> {
    let mut found: BTreeMap<String, (bool, Vec<(u8, String)>)> = BTreeMap::new();
    let mut alike = Vec::new();
    for name in types.keys() {
        for row in rows(&table(document, name), &["field", "type", "meaning"]) {
            let field = format!("{name}.{}", row[0]);
            match (row[1].as_str(), row[2].split_once("as in "), listed(&row[2])) {
                ("u8", None, Some(listed)) => drop(found.insert(field, listed)),
                ("u8", Some((_, other)), _) => alike.push((field, other.to_owned())),
                ("u8", None, None) => panic!("the numbers of {field} have no words"),
                _ => {}
            }
        }
    }
    for (field, other) in alike {
        let own = field.split_once('.').map_or("", |(_, own)| own);
        let whole = if other.contains('.') { other } else { format!("{other}.{own}") };
        let same = found.get(&whole).unwrap_or_else(|| panic!("{field}: there is no {whole}"));
        found.insert(field, same.clone());
    }
    found.into_iter().map(|(field, (bits, words))| Numbered { field, bits, words }).collect()
}

/// The lines under the heading of a kind or structure.
fn table<'a>(document: &'a str, name: &str) -> Vec<&'a str> {
    let kind = KINDS.iter().find(|(_, known)| *known == name);
    let heading =
        kind.map_or(format!("#### {name}"), |(kind, _)| format!("#### {name} (0x{kind:04X})"));
    section(document, &heading)
}

/// Numbers and words of the code, with cause and cure of the document.
fn codes(document: &str, heading: &str, known: Vec<(u32, &'static str)>) -> Vec<Coded> {
    let table = rows(&section(document, heading), &["code", "word"]);
    assert_eq!(table.len(), known.len(), "{heading}");
    let rows = known.into_iter().zip(table);
    rows.map(|((code, word), row)| Coded {
        code,
        word,
        cause: row[2].clone(),
        cure: row[3].clone(),
    })
    .collect()
}

fn limit(row: &Row) -> Limit {
    let unit = match row.unit {
        Unit::Bytes => "bytes",
        Unit::Count => "count",
        Unit::Milliseconds => "ms",
    };
    Limit { name: row.name, what: row.what, most: row.value, unit }
}

/// A text, a line for each member, and for each element of a list.
#[derive(Default)]
pub(crate) struct Lines(Vec<String>);

impl Lines {
    pub(crate) fn one(&mut self, name: &str, value: &impl Serialize) {
        self.0.push(format!("  \"{name}\": {}", line(value)));
    }

    pub(crate) fn many<T: Serialize>(&mut self, name: &str, values: &[T]) {
        let values: Vec<String> =
            values.iter().map(|value| format!("    {}", line(value))).collect();
        self.0.push(format!("  \"{name}\": [\n{}\n  ]", values.join(",\n")));
    }

    pub(crate) fn finish(self) -> String {
        format!("{{\n{}\n}}\n", self.0.join(",\n"))
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers, texts and lists of them are JSON")
}

fn latin(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("names are ASCII")
}

/// The whole file.
pub(crate) fn schema() -> String {
    let (document, mut types) = (text(), types());
    let mut out = Lines::default();
    introduction(&mut out);
    let words = words(&document, &types);
    out.many("kinds", &kinds(&document, &mut types));
    let structures: Vec<Structure> = types
        .into_iter()
        .map(|(name, known)| Structure { name, fields: fields(Some(known)) })
        .collect();
    out.many("structures", &structures);
    out.many("words", &words);
    let close = CloseCode::ALL.iter().map(|code| (code.number(), code.as_str())).collect();
    let reset = ResetCode::ALL.iter().map(|code| (code.number(), code.as_str())).collect();
    let refusal = RefusalCode::ALL.iter();
    let refusal = refusal.map(|code| (u32::from(code.number()), code.as_str())).collect();
    out.many("close_codes", &codes(&document, "### A.2 Close codes", close));
    out.many("reset_codes", &codes(&document, "### A.3 Reset codes", reset));
    out.many("refusal_codes", &codes(&document, "### A.4 Refusal codes", refusal));
    out.many("limits", &limits().iter().map(limit).collect::<Vec<_>>());
    out.many("timeouts", &timeouts().iter().map(limit).collect::<Vec<_>>());
    let value = |row: Option<Row>| row.map(|row| row.value);
    let defaults = defaults().into_iter();
    let defaults = defaults.map(|it| Default {
        field: it.field,
        means: value(it.means),
        most: value(it.most),
    });
    out.many("defaults", &defaults.collect::<Vec<_>>());
    out.finish()
}

fn introduction(out: &mut Lines) {
    let streams = StreamType::ALL
        .map(|kind| Stream { name: format!("{kind:?}").to_uppercase(), byte: kind.byte() });
    out.one(
        "about",
        &"Made from the code: ADSUM_GOLDEN=write cargo test --test wire. PROTOCOL.md explains it.",
    );
    out.one("alpn", &latin(ALPN));
    out.one("version", &VERSION);
    out.one("port", &PORT);
    out.one("exporter_label", &latin(EXPORTER_LABEL));
    out.one("exporter_context", &latin(EXPORTER_CONTEXT));
    out.one("challenge_context", &latin(CHALLENGE_CONTEXT));
    out.one("ignorable_kind_min", &IGNORABLE_KIND_MIN);
    out.many("streams", &streams);
}
