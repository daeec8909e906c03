//! Requests and questions of every kind, made of chance: numbers, texts and lists as the frozen bodies have them, and names of
//! people who are there where a field asks for one.
//!
//! A new kind is made like the others, without a line more. Must never hold: a kind, or what it is answered.

use adsum::protocol::body::{Body, KINDS, KindVisitor, visit_kind};
use adsum::protocol::{Command, Question};
use adsum::wire::{Decoder, Frame, encode};
use serde::de::value::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// What can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// A request.
    Command(Box<Command>),
    /// A question.
    Question(Box<Question>),
}

/// The kinds of requests and questions.
pub(crate) fn kinds() -> Vec<(u16, &'static str)> {
    let is_request = |frame: &Frame| matches!(Command::decode(frame), Ok(Some(_)));
    let asks = |frame: &Frame| is_request(frame) || Question::decode(frame).is_ok();
    let kinds = KINDS.iter().copied();
    kinds
        .filter(|(kind, _)| asks(&visit_kind(*kind, Made { chance: &[], own: "" }).unwrap()))
        .collect()
}

/// Something of `kind`, decided by `chance`; `None` if it is not even valid. Where one names oneself, `own` is meant.
pub(crate) fn asked(kind: u16, own: &str, chance: &[u8]) -> Option<Asked> {
    let frame = visit_kind(kind, Made { chance, own }).unwrap();
    if let Ok((_, question)) = Question::decode(&frame) {
        return question.ok().map(|question| Asked::Question(Box::new(question)));
    }
    let requested = Command::decode(&frame).unwrap()?;
    requested.command.ok().map(|command| Asked::Command(Box::new(command)))
}

struct Made<'a> {
    chance: &'a [u8],
    own: &'a str,
}

impl KindVisitor for Made<'_> {
    type Output = Frame;

    fn visit<B: Body>(self) -> Frame {
        let mut chance = Chance { bytes: self.chance, own: self.own, field: "" };
        let body = B::deserialize(&mut chance).expect("bodies hold only what is made here");
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        encode(&body, &mut bytes);
        decoder.push(&bytes);
        decoder.next_frame().unwrap().unwrap()
    }
}

struct Chance<'a> {
    bytes: &'a [u8],
    own: &'a str,
    /// The field whose value is made.
    field: &'static str,
}

impl Chance<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        *first
    }

    fn one<'b>(&mut self, of: &[&'b str]) -> &'b str {
        of[usize::from(self.byte()) % of.len()]
    }

    fn number(&mut self) -> u64 {
        const SECOND: u64 = 1_000;
        let byte = u64::from(self.byte());
        match self.field {
            // Whole seconds: nothing that is asked for ends in the millisecond of something else.
            field if field.ends_with("_ms") => match byte % 5 {
                0 => 0,
                1 => 1_000_000 * SECOND + byte * SECOND,
                _ => byte * SECOND,
            },
            "rights" if byte % 2 == 0 => 31,
            _ => byte % 6,
        }
    }

    fn text(&mut self) -> String {
        let own = self.own.to_owned();
        let name = self
            .one(&["alice", &own, "alice", &own, "bob", "nosuch", "mallory", "circle"])
            .to_owned();
        let address = format!("{name}@d.example");
        if self.byte().is_multiple_of(8) {
            return self
                .one(&["", "x", "@d.example", "text/plain", "im:alice@e.example", "everyone"])
                .to_owned();
        }
        match self.field {
            "presentity" | "presentities" => format!("pres:{address}"),
            "inbox" => format!("im:{address}"),
            "watcher" | "grantee" | "principal" => address,
            "sender" if own == "mallory" => String::new(),
            "sender" => format!("{own}@d.example"),
            "owner" => self.one(&["", "pres:"]).to_owned() + &address,
            "who" | "remove" => self.one(&["everyone", "@d.example", &address]).to_owned(),
            "subject" => self.one(&["d.example", &address]).to_owned(),
            "content_type" => {
                self.one(&["text/plain", "application/im-iscomposing+xml"]).to_owned()
            }
            "language" => String::new(),
            "id" => self.one(&["m1", "m2", "m3"]).to_owned(),
            _ => self.one(&["", "r1", "r2"]).to_owned(),
        }
    }

    fn bytes_of_text(&mut self) -> Vec<u8> {
        let text = self.one(&["here", "there", "<x/>", ""]);
        let contact = if self.field == "uri" { "tel:+1" } else { text };
        contact.as_bytes().to_vec()
    }
}

struct Elements<'a, 'b> {
    chance: &'a mut Chance<'b>,
    fields: &'static [&'static str],
    left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        if let Some(index) = self.fields.len().checked_sub(self.left) {
            self.chance.field = self.fields[index];
        }
        self.left -= 1;
        seed.deserialize(&mut *self.chance).map(Some)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = self.number();
            visitor.$visit(<$type>::try_from(number).unwrap_or(<$type>::MAX))
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Chance<'_> {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.byte() & 1 == 1)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.bytes_of_text())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.byte() & 1 == 1 { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.byte() % 3);
        visitor.visit_seq(Elements { chance: self, fields: &[], left })
    }

    /// Names of operations and the like: bytes that are all the same, so that they come again.
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let byte = [self.byte() % 4];
        let mut same = Chance { bytes: &byte.repeat(length), own: self.own, field: "" };
        visitor.visit_seq(Elements { chance: &mut same, fields: &[], left: length })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { chance: self, fields, left: fields.len() })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("bodies hold no type of this sort"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str bytes unit unit_struct newtype_struct tuple_struct
        map enum identifier ignored_any
    }
}
