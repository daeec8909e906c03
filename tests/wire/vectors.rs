//! `docs/vectors.json`: bytes with what they mean, and bytes with what a server or a client does about them.
//!
//! What is said here of a server is tried at one by `tests/server/vectors.rs`.
//! Must never hold: a frame of a connection that goes well and is no sample.

use adsum::model::{InviteId, PublicKey};
use adsum::protocol::body::{Body, Ext, KindVisitor, visit_kind};
use adsum::wire::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT, Frame, decode};
use serde::Serialize;
use serde_json::{Value, json};

use super::wrong::{hex, to_server};
use super::wrong_answers::to_client;
use crate::by_hand::varint;
use crate::protocol::annotate::Types;
use crate::protocol::proof;
use crate::protocol::samples::frame;
use crate::protocol::schema::{Lines, types};

/// A frame and what it says.
#[derive(Serialize)]
struct Said {
    name: &'static str,
    frame: String,
    body: &'static str,
    value: Value,
    ext: Vec<Value>,
}

/// The whole file.
pub(crate) fn vectors() -> String {
    let mut out = Lines::default();
    out.one("about", &"Made from the code: ADSUM_GOLDEN=write cargo test --test wire.");
    out.one("form", &FORM);
    out.many("states", &STATES.map(|(state, what)| json!({"state": state, "what": what})));
    out.many("varints", &varints());
    out.many("proofs", &[true, false].map(proof_vector));
    out.many("names", &names());
    out.many("frames", &said());
    out.many("wrong", &[to_server(), to_client()].concat());
    out.finish()
}

const FORM: &str = "In values, bytes are hexadecimal text, what is none is null, and fields have the order of \
                    protocol.json. Wrong bytes for a server are sent by bob@example.com, who is enrolled there, to a \
                    server of example.com on which nobody else is; requests have the number 77.";

const STATES: [(&str, &str); 6] = [
    ("hello", "on CONTROL, behind its first byte and in place of Hello; then FIN"),
    ("control", "on CONTROL, behind Welcome"),
    ("stream", "on a new stream behind Welcome, in place of its first byte; then FIN"),
    ("query", "on a new stream behind Welcome, behind the first byte 01; then FIN"),
    ("feed", "on a new stream behind Welcome, behind the first byte 02; without FIN"),
    ("fed", "on a presence feed, behind FeedReady"),
];

fn varints() -> Vec<Value> {
    let shortest = [0, 127, 128, 300, 16_384, 604_800_000, u64::from(u32::MAX), u64::MAX];
    let shortest = shortest.map(|value| json!({"value": value.to_string(), "type": "u64", "hex": hex(&varint(value)), "is": "shortest"}));
    let others = [
        ("1", "u16", "8100", "longer"),
        ("1", "u64", "8180808080808080807f", "wrong"),
        ("1", "u64", "81808080808080808000", "longer"),
        ("65535", "u16", "ffff03", "shortest"),
        ("65536", "u16", "808004", "wrong"),
        ("4294967296", "u32", "8080808010", "wrong"),
        ("1", "u16", "81808000", "wrong"),
        ("18446744073709551616", "u64", "80808080808080808002", "wrong"),
        ("128", "u64", "80", "wrong"),
    ];
    let others = others
        .map(|(value, kind, hex, is)| json!({"value": value, "type": kind, "hex": hex, "is": is}));
    shortest.into_iter().chain(others).collect()
}

fn proof_vector(over_exporter: bool) -> Value {
    let context = if over_exporter { EXPORTER_CONTEXT } else { CHALLENGE_CONTEXT };
    let (seed, server_key_hash, fresh, principal) = proof::parts(over_exporter);
    json!({
        "context": hex(context),
        "seed": hex(&seed),
        "server_key_hash": hex(&server_key_hash),
        "fresh": hex(&fresh),
        "key": hex(&proof::public_key()),
        "principal": principal,
        "signature": hex(&proof::signature(over_exporter)),
    })
}

/// Names that are made of something secret or long.
fn names() -> Vec<Value> {
    let token = [0x70; 32];
    vec![
        json!({"what": "device", "of": hex(&proof::public_key()), "is": hex(&PublicKey(proof::public_key()).device().0)}),
        json!({"what": "invite", "of": hex(&token), "is": hex(&InviteId::of(&token).0)}),
    ]
}

struct Valued<'a>(&'a Frame);

impl KindVisitor for Valued<'_> {
    type Output = (&'static str, Value);

    fn visit<B: Body>(self) -> (&'static str, Value) {
        let body = decode::<B>(self.0).expect("a sample decodes");
        (B::NAME, serde_json::to_value(body).expect("a body is JSON"))
    }
}

fn said() -> Vec<Said> {
    let types = types();
    let samples = adsum::protocol::samples().into_iter();
    samples
        .map(|sample| {
            let (body, value) =
                visit_kind(frame(&sample.frame).kind, Valued(&frame(&sample.frame)))
                    .expect("a sample has a kind");
            let ext = sample
                .ext
                .iter()
                .map(|Ext { tag, value }| json!({"tag": tag, "value": hex(value)}));
            Said {
                name: sample.title,
                frame: hex(&sample.frame),
                body,
                value: shaped(value, body, &types),
                ext: ext.collect(),
            }
        })
        .collect()
}

/// A value with its bytes as hexadecimal text.
fn shaped(value: Value, kind: &str, types: &Types) -> Value {
    if value.is_null() {
        return value;
    }
    if let Some(inner) = kind.strip_suffix('?') {
        return shaped(value, inner, types);
    }
    match (value, kind.strip_suffix("[]")) {
        (Value::Array(values), Some(inner)) => {
            values.into_iter().map(|value| shaped(value, inner, types)).collect()
        }
        (Value::Array(bytes), None) => {
            let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
            Value::from(hex(&bytes.iter().filter_map(byte).collect::<Vec<u8>>()))
        }
        (Value::Object(mut fields), _) => {
            let known = types[kind].iter();
            known
                .map(|(name, kind)| {
                    let value = fields.remove(*name).expect("a type has the fields of its values");
                    ((*name).to_owned(), shaped(value, kind, types))
                })
                .collect()
        }
        (value, _) => value,
    }
}
