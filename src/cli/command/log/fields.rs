//! The fields of an event as a line shows them: what its own `Serialize` says, in the words of [`words`].
//!
//! An event of a new kind needs nothing here. An id is in hexadecimal, a set of rules is a list, what people wrote is told
//! by its length, and other markup by how much there is.
//! Must never hold: the name of an event, or what people wrote unless it was asked for.

use data_encoding::{BASE64, HEXLOWER};
use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, Serializer,
};
use serde_json::{Error, Map, Value, json};

use super::words::{self, LIFTED};
use crate::event::Recorded;
use crate::model::Ahead;

/// The fields of an event; with `bodies` they show what people wrote.
pub(super) fn of(recorded: &Recorded, bodies: bool) -> Value {
    let renderer = Renderer { bodies, ahead: recorded.ahead };
    recorded.event.serialize(renderer).expect("all that events are made of can be shown")
}

/// Turns what an event is made of into JSON.
#[derive(Clone, Copy)]
struct Renderer {
    bodies: bool,
    /// How far the wall clock was ahead of the times that are shown.
    ahead: Ahead,
}

impl Renderer {
    /// What somebody wrote, or how much of it there is.
    fn written(self, bytes: &[u8]) -> String {
        match core::str::from_utf8(bytes) {
            _ if !self.bodies => format!("({} bytes)", bytes.len()),
            Ok(text) => text.to_owned(),
            Err(_) => BASE64.encode(bytes),
        }
    }
}

/// The parts of a struct, a variant or a map, as they come.
struct Parts {
    renderer: Renderer,
    of: &'static str,
    key: Value,
    fields: Map<String, Value>,
    items: Vec<Value>,
}

impl Parts {
    fn new(renderer: Renderer, of: &'static str) -> Self {
        Self { renderer, of, key: Value::Null, fields: Map::new(), items: Vec::new() }
    }

    fn field(&mut self, field: &'static str, value: Value) {
        let Some(name) = words::shown_as(self.of, field) else { return };
        match (name, value) {
            ("invited", invite) => self.put(name, !invite.is_null()),
            (_, Value::String(text)) if words::is_written(self.of, field) && !text.is_empty() => {
                self.put(name, self.renderer.written(text.as_bytes()));
            }
            // Other markup is counted.
            ("markup", Value::Array(markup)) => {
                let before = self.fields.get(name).and_then(Value::as_u64).unwrap_or_default();
                if before > 0 || !markup.is_empty() {
                    self.put(name, before + markup.len() as u64);
                }
            }
            ("notes", Value::Array(notes)) if notes.is_empty() => {}
            ("contact", Value::Null) => {}
            (_, Value::Object(fields)) if LIFTED.contains(&field) => self.fields.extend(fields),
            (_, value) => self.put(name, value),
        }
    }

    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn shown(mut self) -> Value {
        let only = match self.of {
            "Note" => "text",
            "Contact" => "uri",
            _ => {
                if self.of == "DeliveryRule" {
                    self.fields.entry("reason").or_insert_with(|| "".into());
                }
                return Value::Object(self.fields);
            }
        };
        self.fields.remove(only).unwrap_or_default()
    }
}

impl SerializeStruct for Parts {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let ahead = if words::is_of_wall_clock(key) { Ahead::ZERO } else { self.renderer.ahead };
        self.field(key, value.serialize(Renderer { ahead, ..self.renderer })?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.shown())
    }
}

/// A variant with fields is shown as its word alone. Only refusing a message shows the reason beside it, and a place its
/// fields.
impl SerializeStructVariant for Parts {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        SerializeStruct::serialize_field(self, key, value)
    }

    fn end(mut self) -> Result<Value, Error> {
        if self.of == "PastPlace" {
            self.put("feed", self.key.clone());
            return Ok(Value::Object(self.fields));
        }
        match self.fields.remove("reason") {
            Some(reason) => Ok(json!({ "action": self.key, "reason": reason })),
            None => Ok(self.key),
        }
    }
}

impl SerializeSeq for Parts {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(self.renderer)?);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.items))
    }
}

/// Bytes of a fixed number are an id or a key, and are shown in hexadecimal.
impl SerializeTuple for Parts {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Value, Error> {
        let byte = |item: &Value| item.as_u64().and_then(|number| u8::try_from(number).ok());
        let bytes: Option<Vec<u8>> = self.items.iter().map(byte).collect();
        Ok(bytes.map_or(Value::Array(self.items), |bytes| HEXLOWER.encode(&bytes).into()))
    }
}

/// Rules are kept by their names, or by whom they are about, and shown as a list.
impl SerializeMap for Parts {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Error> {
        self.key = key.serialize(self.renderer)?;
        Ok(())
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let value = value.serialize(self.renderer)?;
        let rule =
            if value.is_object() { value } else { json!({ "who": self.key, "shown": value }) };
        self.items.push(rule);
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        Ok(Value::Array(self.items))
    }
}

/// Values that JSON has itself.
macro_rules! plain {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, value: $type) -> Result<Value, Error> {
            Ok(value.into())
        })*
    };
}

impl Serializer for Renderer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Impossible<Value, Error>;
    type SerializeTupleVariant = Impossible<Value, Error>;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    /// Ids come as bytes, and what people wrote apart from other text.
    fn is_human_readable(&self) -> bool {
        false
    }

    plain! {
        serialize_bool: bool, serialize_str: &str, serialize_i8: i8, serialize_i16: i16,
        serialize_i32: i32, serialize_i64: i64, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_f32: f32, serialize_f64: f64
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(value.to_string().into())
    }

    /// Bytes of any number are what somebody wrote.
    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, Error> {
        Ok(self.written(bytes).into())
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Error> {
        Ok(match name {
            "Payload" => "(erased)".into(),
            _ => words::word(name, variant).into(),
        })
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(words::newtype(name, value.serialize(self)?, self.ahead))
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        let inner = value.serialize(self)?;
        Ok(match (name, variant, inner) {
            ("SubscriptionState", ..) => words::word(name, variant).into(),
            ("Payload", "Sealed", _) => "(sealed)".into(),
            ("Who", "Domain", Value::String(domain)) => format!("@{domain}").into(),
            (_, _, inner) => inner,
        })
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts::new(self, ""))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts, Error> {
        Ok(Parts::new(self, ""))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(Error::custom(format!("{name} has several fields without names")))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        Err(Error::custom(format!("{name}::{variant} has several fields without names")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts::new(self, ""))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts, Error> {
        Ok(Parts::new(self, name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts, Error> {
        Ok(Parts { key: words::word(name, variant).into(), ..Parts::new(self, name) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{DeliveryRulesChanged, Event, GrantChanged, RulesReviewed, WatchRequested};
    use crate::model::{
        Delivery, DeliveryChange, DeliveryRule, DeliveryRules, Moment, OperationId, Rights,
        RuleName, Sequence, Timestamp,
    };

    /// The fields of an event at a wall clock that is a minute ahead.
    fn shown(event: &Event, bodies: bool) -> Value {
        let (sequence, at, event) = (Sequence::new(1), Moment::ZERO, event.clone());
        of(&Recorded { sequence, at, ahead: Ahead::from_ms(60_000), event }, bodies)
    }

    #[test]
    fn what_ends_is_told_by_the_wall_clock_as_rules_are_anyway() {
        let (presentity, time): (crate::model::Presentity, _) =
            ("pres:alice@b".parse().unwrap(), Timestamp::from_ms(5_000));
        let ends = Event::WatchRequested(WatchRequested {
            watcher: "bob@b".parse().unwrap(),
            presentity: presentity.clone(),
            expires_at: time,
        });
        assert_eq!(shown(&ends, false)["expires_at"], "1970-01-01T00:01:05.000Z");
        let reviewed = Event::RulesReviewed(RulesReviewed { presentity, through: time });
        assert_eq!(shown(&reviewed, false)["through"], "1970-01-01T00:00:05.000Z");
    }

    #[test]
    fn a_grant_is_told_in_words() {
        let event = Event::GrantChanged(GrantChanged {
            owner: "alice@b".parse().unwrap(),
            grantee: "bob@b".parse().unwrap(),
            rights: Rights::READ,
            by: "alice@b".parse().unwrap(),
            operation: OperationId([0; 16]),
        });
        let fields = shown(&event, false);
        assert_eq!(fields["rights"], "read");
        assert_eq!(fields["grantee"], "bob@b");
    }

    #[test]
    fn a_reason_that_somebody_wrote_is_shown_only_on_request() {
        let rule = DeliveryRule {
            name: RuleName::new("everyone").unwrap(),
            who: "everyone".parse().unwrap(),
            content_type: None,
            larger_than: None,
            action: Delivery::Refuse { reason: "secret".into() },
        };
        let change = DeliveryChange { put: vec![rule], ..DeliveryChange::default() };
        let event = Event::DeliveryRulesChanged(DeliveryRulesChanged {
            inbox: "im:alice@b".parse().unwrap(),
            version: 1,
            rules: DeliveryRules::default().changed(change).unwrap(),
            by: "alice@b".parse().unwrap(),
            operation: OperationId([0; 16]),
        });
        assert!(!shown(&event, false).to_string().contains("secret"));
        assert!(shown(&event, true).to_string().contains("secret"));
    }

    #[test]
    fn a_variant_is_a_word_in_small_letters() {
        assert_eq!(words::word("Handling", "PoliteBlock"), "polite-block");
        assert_eq!(words::word("EndReason", "GiveUp"), "giveup");
    }
}
