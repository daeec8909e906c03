//! `docs/PROTOCOL.md` is enough: by its rules and field tables alone the frames of `docs/PROTOCOL_EXAMPLES.md` are read,
//! and frames are built.
//!
//! If these tests pass, somebody who knows nothing of the code can write a client.
//! Must never hold: a decoder of the crate.

use std::collections::BTreeMap;

use crate::by_hand::{Reader, Schema, counted, document, first_frame, frame, varint};
use adsum::protocol::body::{Body, Document, Hello, Publish, Send, Tuple};
use adsum::wire::encode;

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

fn examples() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/PROTOCOL_EXAMPLES.md");
    std::fs::read_to_string(path).unwrap()
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
    let (schema, examples) = (Schema::of(&document()), examples());
    let mut kinds_seen = BTreeMap::new();
    for name in example_names(&examples) {
        let (bytes, remarks) = parse(example(&examples, name));
        let (length, kind, body) = first_frame(&bytes).expect("the example is a whole frame");
        assert_eq!(bytes.len(), length, "{name}");
        let said = schema.read(kind, body).said;
        assert_eq!(remarks.len() - 2, said.len(), "{name}");
        for (remark, said) in remarks[2..].iter().zip(&said) {
            let said = format!("{}{}", said.path, said.what);
            assert!(remark.starts_with(&said), "{name}: {remark:?} is not {said:?}");
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
        let mut reader = Reader::new(&schema, &bytes);
        assert_eq!(reader.varint(), value.parse::<u64>().unwrap());
        assert!(reader.is_done());
        assert_eq!(varint(value.parse().unwrap()), bytes);
    }
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
