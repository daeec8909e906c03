//! A second writer of bodies, which tells for each byte what it is.
//!
//! Written from the encoding rules of `docs/PROTOCOL.md` and not on postcard, so that the two check one another.
//! Must never hold: what a kind means.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{
    Error as _, Impossible, SerializeSeq, SerializeStruct, SerializeTuple, Serializer,
};

type Error = serde::de::value::Error;
type Result<T> = std::result::Result<T, Error>;

/// Stands in a type's name for what no example has shown yet.
pub(crate) const UNKNOWN: &str = "_";

/// Some bytes and what they are.
pub(crate) struct Line {
    pub(crate) bytes: Vec<u8>,
    pub(crate) text: String,
}

/// The fields of structures, in order, each with its type in the words of the document.
pub(crate) type Types = BTreeMap<&'static str, Vec<(&'static str, String)>>;

/// What writing a body brought to light.
#[derive(Default)]
pub(crate) struct Annotator {
    path: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) types: Types,
}

impl Annotator {
    fn emit(&mut self, bytes: impl Into<Vec<u8>>, text: impl Display) {
        self.lines.push(Line { bytes: bytes.into(), text: format!("{}{text}", self.path) });
    }

    fn number(&mut self, value: u64) {
        self.emit(varint(value), format_args!(" = {value}"));
    }

    fn counted(&mut self, data: &[u8], text: impl Display) {
        self.emit([&varint(data.len() as u64), data].concat(), text);
    }

    /// Writes `value` as the field `name` of what was written so far.
    pub(crate) fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<String> {
        self.below(name, value)
    }

    /// Writes `value` under a longer path and returns its type.
    fn below<T: Serialize + ?Sized>(&mut self, step: &str, value: &T) -> Result<String> {
        let length = self.path.len();
        self.path.push_str(step);
        let written = value.serialize(&mut *self);
        self.path.truncate(length);
        written
    }
}

/// Seven bits a byte, lowest first, the top bit set on all but the last.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits fit");
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn refuse<T>() -> Result<T> {
    Err(Error::custom("bodies hold no value of this sort"))
}

macro_rules! refused {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _: $type) -> Result<String> { refuse() })*
    };
}

impl<'a> Serializer for &'a mut Annotator {
    type Ok = String;
    type Error = Error;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Raw<'a>;
    type SerializeTupleStruct = Impossible<String, Error>;
    type SerializeTupleVariant = Impossible<String, Error>;
    type SerializeMap = Impossible<String, Error>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Impossible<String, Error>;

    refused! {
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_f32(f32)
        serialize_f64(f64) serialize_char(char) serialize_unit_struct(&'static str)
    }

    fn serialize_u8(self, value: u8) -> Result<String> {
        self.emit([value], format_args!(" = {value}"));
        Ok("u8".to_owned())
    }

    fn serialize_u16(self, value: u16) -> Result<String> {
        self.number(u64::from(value));
        Ok("u16".to_owned())
    }

    fn serialize_u32(self, value: u32) -> Result<String> {
        self.number(u64::from(value));
        Ok("u32".to_owned())
    }

    fn serialize_u64(self, value: u64) -> Result<String> {
        self.number(value);
        Ok("u64".to_owned())
    }

    fn serialize_bool(self, value: bool) -> Result<String> {
        self.emit([u8::from(value)], format_args!(" = {value}"));
        Ok("bool".to_owned())
    }

    fn serialize_str(self, text: &str) -> Result<String> {
        self.counted(text.as_bytes(), format_args!(" = {text:?}, {} bytes", text.len()));
        Ok("text".to_owned())
    }

    fn serialize_bytes(self, data: &[u8]) -> Result<String> {
        match std::str::from_utf8(data) {
            Ok(text) if !text.is_empty() && !text.contains(char::is_control) => {
                self.counted(data, format_args!(" = {text:?}, {} bytes", data.len()));
            }
            _ => self.counted(data, format_args!(", {} bytes", data.len())),
        }
        Ok("bytes".to_owned())
    }

    fn serialize_none(self) -> Result<String> {
        self.emit([0], ": none");
        Ok(format!("{UNKNOWN}?"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String> {
        self.emit([1], ": some");
        Ok(format!("{}?", value.serialize(self)?))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements<'a>> {
        let length = length.ok_or_else(|| Error::custom("lists know their length"))?;
        let noun = if length == 1 { "element" } else { "elements" };
        self.emit(varint(length as u64), format_args!(": {length} {noun}"));
        Ok(Elements { annotator: self, index: 0, element: UNKNOWN.to_owned() })
    }

    fn serialize_tuple(self, length: usize) -> Result<Raw<'a>> {
        Ok(Raw { annotator: self, bytes: Vec::with_capacity(length) })
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Fields<'a>> {
        Ok(Fields { annotator: self, name, found: Vec::new() })
    }

    fn serialize_unit(self) -> Result<String> {
        refuse()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<String> {
        refuse()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<String> {
        refuse()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String> {
        refuse()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<String, Error>> {
        refuse()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<String, Error>> {
        refuse()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Impossible<String, Error>> {
        refuse()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<String, Error>> {
        refuse()
    }
}

/// A list being written.
pub(crate) struct Elements<'a> {
    annotator: &'a mut Annotator,
    index: usize,
    element: String,
}

impl SerializeSeq for Elements<'_> {
    type Ok = String;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let found = self.annotator.below(&format!("[{}]", self.index), value)?;
        self.index += 1;
        if self.element.contains(UNKNOWN) {
            self.element = found;
        }
        Ok(())
    }

    fn end(self) -> Result<String> {
        Ok(format!("{}[]", self.element))
    }
}

/// An array of bytes being written.
pub(crate) struct Raw<'a> {
    annotator: &'a mut Annotator,
    bytes: Vec<u8>,
}

impl SerializeTuple for Raw<'_> {
    type Ok = String;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let mut one = Annotator::default();
        value.serialize(&mut one)?;
        self.bytes.extend(one.lines.into_iter().flat_map(|line| line.bytes));
        Ok(())
    }

    fn end(self) -> Result<String> {
        let length = self.bytes.len();
        self.annotator.emit(self.bytes, format_args!(", always {length} bytes"));
        Ok(format!("u8[{length}]"))
    }
}

/// A structure being written.
pub(crate) struct Fields<'a> {
    annotator: &'a mut Annotator,
    name: &'static str,
    found: Vec<(&'static str, String)>,
}

impl SerializeStruct for Fields<'_> {
    type Ok = String;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        field: &'static str,
        value: &T,
    ) -> Result<()> {
        let dot = if self.annotator.path.is_empty() { "" } else { "." };
        let found = self.annotator.below(&format!("{dot}{field}"), value)?;
        self.found.push((field, found));
        Ok(())
    }

    fn end(self) -> Result<String> {
        let one = Types::from([(self.name, self.found)]);
        learn(&mut self.annotator.types, one);
        Ok(self.name.to_owned())
    }
}

/// Adds what `found` shows to what is known already.
pub(crate) fn learn(known: &mut Types, found: Types) {
    for (name, fields) in found {
        let before = known.entry(name).or_insert_with(|| fields.clone());
        for (old, new) in before.iter_mut().zip(fields) {
            if old.1.contains(UNKNOWN) {
                *old = new;
            }
        }
    }
}
