//! A reader of stored events made from `docs/LOG_FORMAT.md` alone: its tables are the only schema here.
//!
//! If these tests pass, somebody who knows nothing of the code can read a log.
//! Must never hold: a decoder of the crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;

/// Name and type of each field, in order.
type Fields = Vec<(String, String)>;

/// A type that has a row of its own.
enum Type {
    Struct(Fields),
    Enum(Vec<Fields>),
}

/// What the two tables under "Events" say.
struct Schema {
    events: BTreeMap<usize, (String, Fields)>,
    types: BTreeMap<String, Type>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// `text` cut at the commas and semicolons that stand in no parentheses or brackets.
fn parts(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let is_cut = |character| {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        depth == 0 && matches!(character, ',' | ';')
    };
    text.split(is_cut).map(str::trim).collect()
}

/// The fields that `text` names: a name, then a type between backticks.
fn fields(text: &str) -> Fields {
    let named = parts(text).into_iter().filter_map(|part| {
        let (name, rest) = part.split_once('`')?;
        let (kind, _) = rest.split_once('`')?;
        Some((name.split_whitespace().next_back()?.to_owned(), kind.to_owned()))
    });
    named.collect()
}

/// The variants that `text` counts up from 0, with what stands in parentheses after each.
fn variants(text: &str) -> Vec<Fields> {
    let counted = parts(text).into_iter().enumerate().map(|(number, part)| {
        assert!(part.starts_with(&format!("{number} ")), "{part:?} is not variant {number}");
        let inside = part.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
        fields(inside)
    });
    counted.collect()
}

fn schema() -> Schema {
    let document = fs::read_to_string(root().join("docs/LOG_FORMAT.md")).unwrap();
    let (_, section) = document.split_once("\n## Events\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let mut schema = Schema { events: BTreeMap::new(), types: BTreeMap::new() };
    for row in section.lines().filter_map(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        match *cells.as_slice() {
            [number, name, text] if number != "number" => {
                schema.events.insert(number.parse().unwrap(), (name.to_owned(), fields(text)));
            }
            [name, text] if name != "type" => {
                let is_enum = text.starts_with("0 ");
                let kind =
                    if is_enum { Type::Enum(variants(text)) } else { Type::Struct(fields(text)) };
                schema.types.insert(name.to_owned(), kind);
            }
            _ => {}
        }
    }
    schema
}

/// Takes values off the front of `bytes`, by their types' names.
struct Reader<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
    /// Types and variants met, such as `Mode 1`.
    met: &'a mut BTreeSet<String>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        taken
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        for place in 0.. {
            let byte = self.take(1)[0];
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        number
    }

    fn count(&mut self) -> usize {
        usize::try_from(self.number()).unwrap()
    }

    fn text(&mut self) -> &'a str {
        let count = self.count();
        std::str::from_utf8(self.take(count)).unwrap()
    }

    fn fields(&mut self, fields: &[(String, String)]) {
        for (_, kind) in fields {
            self.value(kind);
        }
    }

    fn value(&mut self, kind: &str) {
        if let Some((outer, inner)) = kind.split_once('<') {
            return self.several(outer, inner.strip_suffix('>').unwrap());
        }
        if let Some(count) = kind.strip_prefix("[u8;") {
            self.take(count.trim_end_matches(']').parse().unwrap());
            return;
        }
        match kind {
            "u8" => drop(self.take(1)),
            "bool" => assert!(self.take(1)[0] < 2),
            "u16" => assert!(u16::try_from(self.number()).is_ok()),
            "u32" => assert!(u32::try_from(self.number()).is_ok()),
            "u64" | "i64" => drop(self.number()),
            "String" => drop(self.text()),
            "Bytes" => {
                let count = self.count();
                self.take(count);
            }
            named => self.named(named),
        }
    }

    fn several(&mut self, outer: &str, inner: &str) {
        let count = self.count();
        match outer {
            "Option" => assert!(count < 2, "an option is there or not"),
            "Vec" | "Map" => {}
            other => panic!("{other} is no type of the document"),
        }
        for _ in 0..count {
            if outer == "Map" {
                self.text();
            }
            self.value(inner);
        }
    }

    fn named(&mut self, name: &str) {
        let schema = self.schema;
        match schema.types.get(name).unwrap_or_else(|| panic!("{name} has no row")) {
            Type::Struct(fields) => {
                self.met.insert(name.to_owned());
                self.fields(fields);
            }
            Type::Enum(variants) => {
                let number = self.count();
                self.met.insert(format!("{name} {number}"));
                let variant = variants.get(number);
                self.fields(variant.unwrap_or_else(|| panic!("{name} has no {number}")));
            }
        }
    }
}

/// The golden events: the file's name, the section's, the bytes.
fn golden() -> Vec<(String, String, Vec<u8>)> {
    let mut events: Vec<(String, String, Vec<u8>)> = Vec::new();
    for entry in fs::read_dir(root().join("tests/golden/event")).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(section) = line.strip_prefix('[') {
                events.push((file.clone(), section.trim_end_matches(']').to_owned(), Vec::new()));
            } else {
                let bytes = HEXLOWER.decode(line.as_bytes()).unwrap();
                events.last_mut().unwrap().2.extend(bytes);
            }
        }
    }
    events
}

/// `MessageAccepted` as `message-accepted`.
fn in_kebab_case(name: &str) -> String {
    let spaced = name.chars().map(|character| match character {
        'A'..='Z' => format!("-{}", character.to_ascii_lowercase()),
        other => other.to_string(),
    });
    spaced.collect::<String>().trim_start_matches('-').to_owned()
}

/// Every type with a row, and every variant of those that are enums.
fn promised(schema: &Schema) -> BTreeSet<String> {
    let names = schema.types.iter().flat_map(|(name, kind)| match kind {
        Type::Struct(_) => vec![name.clone()],
        Type::Enum(variants) => {
            (0..variants.len()).map(|number| format!("{name} {number}")).collect()
        }
    });
    names.collect()
}

#[test]
fn every_stored_event_is_read_by_the_tables_to_its_last_byte() {
    let (schema, mut met) = (schema(), BTreeSet::new());
    let mut numbers = BTreeSet::new();
    for (file, section, bytes) in golden() {
        let mut reader = Reader { schema: &schema, bytes: &bytes, met: &mut met };
        let number = reader.count();
        let (name, fields) = schema.events.get(&number).unwrap_or_else(|| panic!("{file}"));
        assert_eq!(file, format!("{number:02}-{}", in_kebab_case(name)));
        reader.fields(fields);
        assert!(
            reader.bytes.is_empty(),
            "{file} [{section}]: {} bytes are left",
            reader.bytes.len()
        );
        numbers.insert(number);
    }
    assert_eq!(numbers, schema.events.keys().copied().collect(), "a row without a stored event");
    let unmet: Vec<String> = promised(&schema).difference(&met).cloned().collect();
    assert_eq!(unmet, [] as [&str; 0], "what no stored event holds");
}
