//! An entity of a folded state: its fields, and the first that differs between two states.
//!
//! Must never hold: what people wrote, unless it was asked for.

use std::fmt;

use serde_json::{Map, Value};

use super::event_line::entity_text;
use super::words;
use crate::cli::print::{line::line, text::visible_line};
use crate::event::EntityKey;

line! {
    /// `{"type":"view", …}`: an entity with its fields, by the names that the code has for them.
    #[serde(tag = "type", rename = "view")]
    pub(super) struct Viewed from (fields, entity, bodies): (Value, &EntityKey, bool) {
        kind: &'static str = entity.kind(),
        entity: String = entity_text(entity),
        fields: Value = if bodies { fields } else { hidden(fields) },
    }
}

impl fmt::Display for Viewed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} {}", self.kind, self.entity)?;
        let Value::Object(fields) = &self.fields else { return Ok(()) };
        fields.iter().try_for_each(|(name, value)| {
            write!(to, "\n  {name}={}", visible_line(&value.to_string()))
        })
    }
}

/// An entity in a sentence, such as `inbox im:bob@localhost`.
pub(super) fn named(entity: &EntityKey) -> String {
    match entity {
        EntityKey::Store | EntityKey::Clock => entity.kind().to_owned(),
        _ => format!("{} {}", entity.kind(), entity_text(entity)),
    }
}

/// The same, and what people wrote only by its length.
fn hidden(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(hidden).collect(),
        Value::Object(fields) => match written(&fields) {
            Some(bytes) => format!("({bytes} bytes)").into(),
            None => fields.into_iter().map(|(name, value)| hidden_field(name, value)).collect(),
        },
        other => other,
    }
}

fn hidden_field(name: String, value: Value) -> (String, Value) {
    match value {
        Value::String(text) if words::is_written("", &name) && !text.is_empty() => {
            (name, format!("({} bytes)", text.len()).into())
        }
        value => (name, hidden(value)),
    }
}

/// How many bytes somebody wrote, if these are the fields of what somebody wrote.
fn written(fields: &Map<String, Value>) -> Option<usize> {
    let Value::Object(present) = fields.get("Present")? else { return None };
    let text = present.get("text").and_then(Value::as_str).map(str::len);
    text.or_else(|| present.get("hex").and_then(Value::as_str).map(|digits| digits.len() / 2))
}

/// The first field that differs, by its path, and what it is in both, without what people wrote.
pub(super) fn first_difference(one: &Value, other: &Value) -> (String, String, String) {
    let mut path: Vec<String> = Vec::new();
    let (mut one, mut other) = (one, other);
    while let Some((step, inner_one, inner_other)) = inner_difference(one, other) {
        path.push(step);
        (one, other) = (inner_one, inner_other);
    }
    let name = path.last().cloned().unwrap_or_default();
    let told = |value: &Value| shown(&name, value);
    let path = if path.is_empty() { "it".to_owned() } else { path.join(".") };
    (path, told(one), told(other))
}

/// What is not there.
const NOTHING: &Value = &Value::Null;

/// The first part that differs of two values that have parts.
fn inner_difference<'a>(
    one: &'a Value,
    other: &'a Value,
) -> Option<(String, &'a Value, &'a Value)> {
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) if written(ones).is_none() => {
            let names = ones.keys().chain(others.keys());
            let both = |name: &String| {
                (ones.get(name).unwrap_or(NOTHING), others.get(name).unwrap_or(NOTHING))
            };
            let mut parts = names.map(|name| (name.clone(), both(name)));
            parts
                .find(|(_, (one, other))| one != other)
                .map(|(name, (one, other))| (name, one, other))
        }
        (Value::Array(ones), Value::Array(others)) => {
            let part =
                |index| (ones.get(index).unwrap_or(NOTHING), others.get(index).unwrap_or(NOTHING));
            let mut parts = (0..ones.len().max(others.len())).map(|index| (index, part(index)));
            let found = parts.find(|(_, (one, other))| one != other);
            found.map(|(index, (one, other))| (index.to_string(), one, other))
        }
        _ => None,
    }
}

/// What the field `name` is, in a sentence.
fn shown(name: &str, value: &Value) -> String {
    match hidden_field(name.to_owned(), value.clone()).1 {
        Value::Null => "nothing".to_owned(),
        // Told by its length.
        Value::String(text) if value != &Value::String(text.clone()) => text,
        value => visible_line(&value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_field_that_differs_is_named_by_its_path() {
        let one = json!({ "a": 1, "rows": { "3": { "kept": true }, "4": { "kept": true } } });
        let mut other = one.clone();
        other["rows"]["4"]["kept"] = json!(false);
        let told = |one: &Value, other: &Value| {
            let (path, one, other) = first_difference(one, other);
            format!("{path}: {one}, {other}")
        };
        assert_eq!(told(&one, &other), "rows.4.kept: true, false");
        assert_eq!(told(&json!([1, 2]), &json!([1])), "1: 2, nothing");
        assert_eq!(told(&json!({ "a": 1 }), &Value::Null), "it: {\"a\":1}, nothing");
    }

    #[test]
    fn what_people_wrote_is_told_by_its_length() {
        let value = |text: &str| json!({ "note": { "Present": { "text": text } }, "reason": text });
        assert_eq!(hidden(value("secret")), json!({ "note": "(6 bytes)", "reason": "(6 bytes)" }));
        let (path, one, other) = first_difference(&value("secret"), &value("other"));
        assert_eq!((path, one, other), ("note".into(), "(6 bytes)".into(), "(5 bytes)".into()));
        let (path, one, other) =
            first_difference(&json!({ "reason": "secret" }), &json!({ "reason": "other" }));
        assert_eq!((path, one, other), ("reason".into(), "(6 bytes)".into(), "(5 bytes)".into()));
        let binary = json!({ "Present": { "hex": "ff00" } });
        assert_eq!(hidden(binary), json!("(2 bytes)"));
    }
}
