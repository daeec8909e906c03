//! `clients/typescript/src/protocol.ts` is what the code makes: types, codes and the tables that its codec reads by.
//!
//! After a wanted change, `ADSUM_GOLDEN=write cargo test --test wire` rewrites it.
//! Must never hold: a number or name of the protocol.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use crate::machine::{is_what_the_code_makes, parsed};

const PATH: &str = "clients/typescript/src/protocol.ts";

const HEAD: &str = "// Kinds, structures, codes and limits of the adsum protocol.
//
// Made by `tests/wire/typescript.rs` from the definitions of the server; never changed by hand:
// `ADSUM_GOLDEN=write cargo test --test wire` makes it anew.

";

#[test]
fn the_typescript_client_has_the_kinds_fields_and_codes_of_the_code() {
    is_what_the_code_makes(PATH, &module(&parsed()));
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{value} has no text {name}"))
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

/// `if_match` as `ifMatch`.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + &capital(part))
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// The type in TypeScript of a type of section 4.
fn type_of(kind: &str) -> String {
    if let Some(inner) = kind.strip_suffix('?') {
        return format!("{} | null", type_of(inner));
    }
    if let Some(inner) = kind.strip_suffix("[]") {
        let inner = type_of(inner);
        return if inner.contains(' ') { format!("({inner})[]") } else { format!("{inner}[]") };
    }
    match kind {
        "u8" | "u16" | "u32" | "u64" => "number".to_owned(),
        "bool" => "boolean".to_owned(),
        "text" => "string".to_owned(),
        bytes if bytes == "bytes" || bytes.starts_with("u8[") => "Uint8Array".to_owned(),
        structure => structure.to_owned(),
    }
}

fn module(schema: &Value) -> String {
    let mut out = HEAD.to_owned();
    numbers(schema, &mut out);
    codes(schema, &mut out);
    words(schema, &mut out);
    for one in list(schema, "structures") {
        let fields = list(one, "fields");
        interface(&mut out, one, "A structure inside bodies.", "", fields);
    }
    for one in list(schema, "kinds") {
        let (stream, from) = (text(one, "stream"), text(one, "from"));
        let about = format!("Kind 0x{:04X}, on {stream}, from the {from}.", number(one));
        let own = format!("  type: \"{}\";\n", text(one, "name"));
        interface(&mut out, one, &about, &own, list(one, "fields"));
    }
    unions(schema, &mut out);
    tables(schema, &mut out);
    out
}

fn number(kind: &Value) -> u64 {
    kind["kind"].as_u64().expect("a kind is a number")
}

fn numbers(schema: &Value, out: &mut String) {
    for name in ["alpn", "version", "port", "ignorable_kind_min", "challenge_context"] {
        let _ = writeln!(out, "export const {} = {};", name.to_uppercase(), schema[name]);
    }
    for row in list(schema, "streams") {
        let _ = writeln!(out, "export const STREAM_{} = {};", text(row, "name"), row["byte"]);
    }
    let mut seen = BTreeSet::new();
    for row in [list(schema, "limits"), list(schema, "timeouts")].concat() {
        if seen.insert(text(&row, "name").to_owned()) {
            let _ = writeln!(out, "export const {} = {};", text(&row, "name"), row["most"]);
        }
    }
}

fn codes(schema: &Value, out: &mut String) {
    let lists = [
        ("CloseCode", "close_codes", "Why a connection was closed."),
        ("ResetCode", "reset_codes", "Why a stream was reset, stopped or ended."),
        ("RefusalCode", "refusal_codes", "Why a request was refused."),
    ];
    for (name, list_name, about) in lists {
        let rows = list(schema, list_name).iter();
        let rows = rows.map(|row| format!("  \"{}\": {},\n", text(row, "word"), row["code"]));
        constant(out, name, about, &rows.collect::<String>());
        let _ = writeln!(out, "export type {name} = keyof typeof {name};");
    }
}

fn words(schema: &Value, out: &mut String) {
    for one in list(schema, "words") {
        let field = text(one, "field");
        let name: String = field.split(['.', '_']).map(capital).collect();
        let rows = list(one, "words").iter();
        let rows = rows.map(|row| format!("  {}: {},\n", row[1], row[0]));
        let about = format!("The numbers of `{field}`.");
        constant(out, &name, &about, &rows.collect::<String>());
    }
}

fn constant(out: &mut String, name: &str, about: &str, rows: &str) {
    let _ = write!(out, "\n/** {about} */\nexport const {name} = {{\n{rows}}} as const;\n");
}

fn interface(out: &mut String, one: &Value, about: &str, own: &str, fields: &[Value]) {
    let name = text(one, "name");
    let _ = write!(out, "\n/** {about} */\nexport interface {name} {{\n{own}");
    for field in fields {
        let (field, kind) = (camel(text(field, "name")), type_of(text(field, "type")));
        let _ = writeln!(out, "  {field}: {kind};");
    }
    for added in list(one, "additions") {
        let (field, kind) = (camel(text(added, "name")), type_of(text(added, "type")));
        let _ = writeln!(out, "  {field}?: {kind};");
    }
    if !own.is_empty() {
        out.push_str("  /** Additions of later versions. */\n  ext?: Ext[];\n");
    }
    out.push_str("}\n");
}

fn unions(schema: &Value, out: &mut String) {
    let kinds = list(schema, "kinds");
    let named = |wanted: &dyn Fn(&Value) -> bool| {
        let names = kinds.iter().filter(|one| wanted(one)).map(|one| text(one, "name"));
        let lines: Vec<String> = names.map(|name| format!("\n  | {name}")).collect();
        lines.concat()
    };
    let handshake = ["Hello", "ChallengeAnswer"];
    let of_client = |one: &Value, stream: &str| {
        let is_asked = one["from"] == "client" && one["stream"] == stream;
        is_asked && !handshake.contains(&text(one, "name"))
    };
    let union = |about: &str, name: &str, names: String| {
        format!("\n/** {about} */\nexport type {name} ={names};\n")
    };
    *out += &union("What a frame holds.", "Body", named(&|_| true));
    *out += &union("Requests of CONTROL.", "Request", named(&|one| of_client(one, "CONTROL")));
    *out += &union("Questions of QUERY.", "Question", named(&|one| of_client(one, "QUERY")));
    out.push_str("\n/** What answers each request and question: one, or rows of these. */\n");
    out.push_str("export interface Answers {\n");
    for one in kinds.iter().filter(|one| of_client(one, "CONTROL") || of_client(one, "QUERY")) {
        let _ = writeln!(out, "  {}: {};", text(one, "name"), answer(one));
    }
    out.push_str("}\n");
}

fn answer(kind: &Value) -> String {
    let rows = list(kind, "rows");
    let answers = if rows.is_empty() { list(kind, "answers") } else { rows };
    let names = answers.iter().filter_map(Value::as_str).filter(|name| *name != "Refused");
    names.collect::<Vec<&str>>().join(" | ")
}

fn tables(schema: &Value, out: &mut String) {
    let all = [list(schema, "structures"), list(schema, "kinds")].concat();
    let rows = all.iter().map(|one| {
        let fields = list(one, "fields").iter();
        let fields = fields.map(|it| format!("{} {}", camel(text(it, "name")), text(it, "type")));
        row(one, &format!("\"{}\"", joined(fields)))
    });
    let about = "Fields of structures and kinds as `name type`, in the order of the bytes.";
    table(out, about, "FIELDS: Readonly<Record<string, string>>", &rows.collect::<String>());
    let rows = list(schema, "kinds").iter().map(|one| {
        let added = list(one, "additions").iter();
        let name = |it| camel(text(it, "name"));
        let added = added.map(|it| format!("{} {} {}", it["tag"], name(it), text(it, "type")));
        row(one, &format!("[0x{:04x}, \"{}\"]", number(one), joined(added)))
    });
    let about = "Every kind's number, and its additions as `tag name type`.";
    let name = "KINDS: Readonly<Record<Body[\"type\"], readonly [number, string]>>";
    table(out, about, name, &rows.collect::<String>());
    let rows = list(schema, "kinds").iter().filter(|one| !list(one, "rows").is_empty());
    let rows = rows.map(|one| row(one, "true"));
    let about = "Questions whose answer is any number of rows and then `End`.";
    table(out, about, "HAS_ROWS: Readonly<Record<string, true>>", &rows.collect::<String>());
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<String>>().join(",")
}

fn row(one: &Value, value: &str) -> String {
    format!("  {}: {value},\n", text(one, "name"))
}

fn table(out: &mut String, about: &str, name: &str, rows: &str) {
    let _ = write!(out, "\n/** {about} */\nexport const {name} = {{\n{rows}}};\n");
}
