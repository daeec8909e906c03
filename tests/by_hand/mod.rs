//! The protocol by hand: frames read and written by the rules and tables of `docs/PROTOCOL.md`, the only schema here.
//!
//! What is read and written here and what the crate reads and writes check one another.
//! Must never hold: a name of the crate.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each program uses its own part, and a test may end at the first surprise"
)]

use std::collections::BTreeMap;

/// The text of `docs/PROTOCOL.md`.
pub fn document() -> String {
    include_str!("../../docs/PROTOCOL.md").to_owned()
}

/// Fields of a structure, in order: name and type.
type Fields = Vec<(String, String)>;

/// What the headings `#### Name` or `#### Name (0x0123)` and the tables under them say.
#[derive(Default)]
pub struct Schema {
    pub kinds: BTreeMap<u16, String>,
    fields: BTreeMap<String, Fields>,
}

impl Schema {
    pub fn of(document: &str) -> Self {
        let mut schema = Self::default();
        for part in document.split("\n#### ").skip(1) {
            let heading = part.lines().next().unwrap();
            let name = heading.split(' ').next().unwrap().to_owned();
            let mut fields: Fields = part
                .lines()
                .skip_while(|line| *line != "| field | type | meaning |")
                .skip(2)
                .map_while(|line| line.strip_prefix("| `"))
                .map(|row| row.split(" | ").collect::<Vec<_>>())
                .map(|cells| (cells[0].trim_end_matches('`').to_owned(), cells[1].to_owned()))
                .collect();
            if let Some((_, number)) = heading.split_once("(0x") {
                fields.push(("ext".to_owned(), "Ext[]".to_owned()));
                let kind = u16::from_str_radix(number.trim_end_matches(')'), 16).unwrap();
                schema.kinds.insert(kind, name.clone());
            }
            schema.fields.insert(name, fields);
        }
        schema
    }

    /// Reads a body of `kind` to its last byte.
    pub fn read(&self, kind: u16, body: &[u8]) -> Heard {
        let name = self.kinds.get(&kind).unwrap_or_else(|| panic!("{kind:#06x} is no kind"));
        let mut reader = Reader::new(self, body);
        reader.structure("", name);
        assert!(reader.is_done(), "{name} leaves {} bytes", reader.bytes.len());
        Heard { name: name.clone(), said: reader.said }
    }
}

/// One value of a body.
pub struct Said {
    /// Where it stands, such as `presence.document.tuples[0].id`.
    pub path: String,
    /// What the examples of the document say of it behind its path.
    pub what: String,
    /// A number, or how many elements there are.
    number: u64,
    /// The bytes of a text or of bytes.
    content: Vec<u8>,
}

/// A frame that was read, value by value.
pub struct Heard {
    /// Of which kind.
    pub name: String,
    pub said: Vec<Said>,
}

impl Heard {
    fn at(&self, path: &str) -> &Said {
        let found = self.said.iter().find(|said| said.path == path && said.what != ": some");
        found.unwrap_or_else(|| panic!("{} has no {path}", self.name))
    }

    /// The number at `path`, or how many elements are there.
    pub fn number(&self, path: &str) -> u64 {
        self.at(path).number
    }

    /// The text or bytes at `path`.
    pub fn content(&self, path: &str) -> &[u8] {
        &self.at(path).content
    }

    /// The text at `path`.
    pub fn text(&self, path: &str) -> &str {
        std::str::from_utf8(self.content(path)).unwrap()
    }
}

/// Reads by section 4 and says of each value what the examples say of it.
pub struct Reader<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
    said: Vec<Said>,
}

impl<'a> Reader<'a> {
    pub fn new(schema: &'a Schema, bytes: &'a [u8]) -> Self {
        Self { schema, bytes, said: Vec::new() }
    }

    pub fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        taken
    }

    pub fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let byte = self.take(1)[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn counted(&mut self) -> &'a [u8] {
        let count = self.varint();
        self.take(usize::try_from(count).unwrap())
    }

    fn say(&mut self, path: &str, what: &str, number: u64, content: &[u8]) {
        let (path, what, content) = (path.to_owned(), what.to_owned(), content.to_vec());
        self.said.push(Said { path, what, number, content });
    }

    fn read(&mut self, path: &str, kind: &str) {
        if let Some(inner) = kind.strip_suffix("[]") {
            self.list(path, inner);
        } else if let Some(inner) = kind.strip_suffix('?') {
            self.option(path, inner);
        } else if let Some(length) = kind.strip_prefix("u8[") {
            let content = self.take(length.trim_end_matches(']').parse().unwrap());
            self.say(path, ", always", 0, content);
        } else {
            self.plain(path, kind);
        }
    }

    fn list(&mut self, path: &str, inner: &str) {
        let count = self.varint();
        self.say(path, &format!(": {count} element"), count, &[]);
        (0..count).for_each(|index| self.read(&format!("{path}[{index}]"), inner));
    }

    fn option(&mut self, path: &str, inner: &str) {
        match self.take(1)[0] {
            0 => self.say(path, ": none", 0, &[]),
            1 => {
                self.say(path, ": some", 0, &[]);
                self.read(path, inner);
            }
            other => panic!("{path} begins with {other}"),
        }
    }

    fn plain(&mut self, path: &str, kind: &str) {
        match kind {
            "u8" => {
                let value = self.take(1)[0];
                self.say(path, &format!(" = {value}"), value.into(), &[]);
            }
            "u16" | "u32" | "u64" => {
                let value = self.varint();
                self.say(path, &format!(" = {value}"), value, &[]);
            }
            "bool" => {
                let value = self.take(1)[0] == 1;
                self.say(path, &format!(" = {value}"), value.into(), &[]);
            }
            "text" => {
                let text = std::str::from_utf8(self.counted()).unwrap();
                let what = format!(" = {text:?}, {} bytes", text.len());
                self.say(path, &what, 0, text.as_bytes());
            }
            "bytes" => {
                let content = self.counted();
                self.say(path, "", 0, content);
            }
            name => self.structure(path, name),
        }
    }

    fn structure(&mut self, path: &str, name: &str) {
        let dot = if path.is_empty() { "" } else { "." };
        let fields = &self.schema.fields[name];
        for (field, kind) in fields {
            self.read(&format!("{path}{dot}{field}"), kind);
        }
    }
}

/// A number other than a `u8`.
pub fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}

/// A text or bytes.
pub fn counted(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

/// Something that is there, where it need not be.
pub fn some(value: &[u8]) -> Vec<u8> {
    [&[1], value].concat()
}

/// A frame of `kind` whose body is `parts`, whether they make sense or not.
pub fn frame(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(body.len() + 2).unwrap();
    [&length.to_be_bytes()[..], &kind.to_be_bytes(), &body].concat()
}

/// A frame of `kind` with this body.
pub fn raw_frame(kind: u16, body: &[u8]) -> Vec<u8> {
    frame(kind, &[body.to_vec()])
}

/// The first whole frame in `bytes`: its length in all, its kind and its body.
pub fn first_frame(bytes: &[u8]) -> Option<(usize, u16, &[u8])> {
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().unwrap());
    let end = 4 + usize::try_from(length).unwrap();
    let frame = bytes.get(4..end)?;
    Some((end, u16::from_be_bytes([frame[0], frame[1]]), &frame[2..]))
}
