//! A reader and a writer of frames made from `docs/PROTOCOL.md` alone: its field tables are the only schema here.
//!
//! If these tests pass, somebody who knows nothing of the code can write a client.
//! Must never hold: a decoder of the crate.

use std::collections::BTreeMap;

use adsum::protocol::body::{Body, Document, Hello, Publish, Send, Tuple};
use adsum::wire::encode;

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PROTOCOL.md");
    std::fs::read_to_string(path).unwrap()
}

/// Fields of a structure, in order: name and type.
type Fields = Vec<(String, String)>;

/// What the headings `#### Name` or `#### Name (0x0123)` and the tables under them say.
#[derive(Default)]
struct Schema {
    kinds: BTreeMap<u16, String>,
    fields: BTreeMap<String, Fields>,
}

fn schema(document: &str) -> Schema {
    let mut schema = Schema::default();
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

/// Reads by section 4 and says of each value what the examples say of it.
struct Reader<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
    said: Vec<String>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        taken
    }

    fn varint(&mut self) -> u64 {
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

    fn say(&mut self, path: &str, what: &str) {
        self.said.push(format!("{path}{what}"));
    }

    fn read(&mut self, path: &str, kind: &str) {
        if let Some(inner) = kind.strip_suffix("[]") {
            self.list(path, inner);
        } else if let Some(inner) = kind.strip_suffix('?') {
            self.option(path, inner);
        } else if let Some(length) = kind.strip_prefix("u8[") {
            self.take(length.trim_end_matches(']').parse().unwrap());
            self.say(path, ", always");
        } else {
            self.plain(path, kind);
        }
    }

    fn list(&mut self, path: &str, inner: &str) {
        let count = self.varint();
        self.say(path, &format!(": {count} element"));
        (0..count).for_each(|index| self.read(&format!("{path}[{index}]"), inner));
    }

    fn option(&mut self, path: &str, inner: &str) {
        match self.take(1)[0] {
            0 => self.say(path, ": none"),
            1 => {
                self.say(path, ": some");
                self.read(path, inner);
            }
            other => panic!("{path} begins with {other}"),
        }
    }

    fn plain(&mut self, path: &str, kind: &str) {
        match kind {
            "u8" => {
                let value = self.take(1)[0];
                self.say(path, &format!(" = {value}"));
            }
            "u16" | "u32" | "u64" => {
                let value = self.varint();
                self.say(path, &format!(" = {value}"));
            }
            "bool" => {
                let value = self.take(1)[0] == 1;
                self.say(path, &format!(" = {value}"));
            }
            "text" => {
                let text = std::str::from_utf8(self.counted()).unwrap();
                self.say(path, &format!(" = {text:?}, {} bytes", text.len()));
            }
            "bytes" => {
                self.counted();
                self.say(path, "");
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

/// Bytes and remarks of an example: 16 bytes a line in the first 47 columns, then perhaps a remark.
fn parse(block: &str) -> (Vec<u8>, Vec<String>) {
    let lines = block.lines().filter(|line| !line.starts_with("```"));
    let (mut bytes, mut remarks) = (Vec::new(), Vec::new());
    for line in lines {
        let (hex, remark) = line.split_at_checked(47).unwrap_or((line, ""));
        bytes.extend(hex.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()));
        remarks.extend(Some(remark.trim().to_owned()).filter(|remark| !remark.is_empty()));
    }
    (bytes, remarks)
}

fn example<'a>(document: &'a str, name: &str) -> &'a str {
    let marker = format!("<!-- example: {name} -->\n");
    document.split_once(&marker).unwrap().1.split_once("<!-- end -->").unwrap().0
}

fn example_names(document: &str) -> Vec<&str> {
    let blocks = document.split("<!-- example: ").skip(1);
    let names = blocks.map(|block| block.split_once(" -->").unwrap().0);
    names.filter(|name| !name.starts_with("proof") && *name != "session").collect()
}

#[test]
fn every_example_reads_by_the_rules_and_tables_of_the_document() {
    let document = document();
    let schema = schema(&document);
    let mut kinds_seen = BTreeMap::new();
    for name in example_names(&document) {
        let (bytes, remarks) = parse(example(&document, name));
        let length = u32::from_be_bytes(bytes[..4].try_into().unwrap());
        assert_eq!(bytes.len(), 4 + length as usize, "{name}");
        let kind = u16::from_be_bytes(bytes[4..6].try_into().unwrap());
        let mut reader = Reader { schema: &schema, bytes: &bytes[6..], said: Vec::new() };
        reader.structure("", &schema.kinds[&kind]);
        assert!(reader.bytes.is_empty(), "{name} leaves {} bytes", reader.bytes.len());
        assert_eq!(remarks.len() - 2, reader.said.len(), "{name}");
        for (remark, said) in remarks[2..].iter().zip(&reader.said) {
            assert!(remark.starts_with(said.as_str()), "{name}: {remark:?} is not {said:?}");
        }
        kinds_seen.insert(kind, name);
    }
    assert_eq!(kinds_seen.len(), schema.kinds.len(), "each kind has an example: {kinds_seen:?}");
}

#[test]
fn the_varints_of_the_document_read_as_it_says() {
    let document = document();
    let from = document.split_once("Varint examples: ").unwrap().1;
    let sentence = from.split_once(". Unsigned").unwrap().0;
    let examples: Vec<&str> = sentence.split(',').collect();
    assert!(examples.len() > 5);
    for one in examples {
        let (value, hex) = one.trim().split_once(" is ").unwrap();
        let (bytes, _) = parse(hex.trim_matches('`'));
        let schema = Schema::default();
        let mut reader = Reader { schema: &schema, bytes: &bytes, said: Vec::new() };
        assert_eq!(reader.varint(), value.parse::<u64>().unwrap());
        assert!(reader.bytes.is_empty());
        assert_eq!(varint(value.parse().unwrap()), bytes);
    }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn frame(kind: u16, parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    let length = u32::try_from(body.len() + 2).unwrap();
    [&length.to_be_bytes()[..], &kind.to_be_bytes(), &body].concat()
}

fn encoded<B: Body>(body: &B) -> Vec<u8> {
    let mut out = Vec::new();
    encode(body, &mut out);
    out
}

#[test]
fn a_hello_built_by_hand_is_the_one_the_code_builds() {
    let by_hand = frame(
        0x0001,
        &[
            varint(1),
            varint(0),
            counted(b"bob@example.com"),
            vec![0x21; 32],
            vec![1],
            counted(&[0xb5; 64]),
            vec![0],
            counted(b"by hand"),
            varint(0),
        ],
    );
    let hello = Hello {
        version: 1,
        features: 0,
        principal: "bob@example.com".into(),
        key: [0x21; 32],
        proof: 1,
        signature: vec![0xb5; 64].into(),
        enroll: None,
        client: "by hand".into(),
    };
    assert_eq!(encoded(&hello), by_hand);
}

#[test]
fn a_publish_built_by_hand_is_the_one_the_code_builds() {
    let tuple = [counted(b"desk"), vec![2], varint(0), vec![0], varint(0), vec![0], varint(0)];
    let document = [varint(1), tuple.concat(), varint(0), varint(0)].concat();
    let by_hand = frame(
        0x0010,
        &[
            varint(300),
            vec![7; 16],
            counted(b"pres:bob@example.com"),
            counted(b""),
            [vec![1], vec![9; 16]].concat(),
            [vec![1], varint(3_600_000)].concat(),
            [vec![1], document].concat(),
            varint(0),
        ],
    );
    let tuple = Tuple {
        id: "desk".into(),
        basic: 2,
        status_markup: vec![],
        contact: None,
        notes: vec![],
        timestamp_ms: None,
        markup: vec![],
    };
    let publish = Publish {
        request: 300,
        operation: [7; 16],
        presentity: "pres:bob@example.com".into(),
        name: String::new(),
        if_match: Some([9; 16]),
        lifetime_ms: Some(3_600_000),
        document: Some(Document { tuples: vec![tuple], ..Document::default() }),
    };
    assert_eq!(encoded(&publish), by_hand);
}

#[test]
fn a_send_built_by_hand_is_the_one_the_code_builds() {
    let body = vec![0xf0; 65_536];
    let by_hand = frame(
        0x0013,
        &[
            varint(2),
            counted(b"im:alice@example.com"),
            counted(b""),
            counted(b"id-1"),
            counted(b"application/octet-stream"),
            counted(&body),
            vec![0],
            varint(0),
        ],
    );
    let send = Send {
        request: 2,
        inbox: "im:alice@example.com".into(),
        sender: String::new(),
        id: "id-1".into(),
        content_type: "application/octet-stream".into(),
        body: body.into(),
        lifetime_ms: None,
        receipts: None,
    };
    assert_eq!(encoded(&send), by_hand);
}
