//! Any body made of chance by way of serde, so that a new kind is made without a line more.
//!
//! Must never hold: which values a test wants ([`Values`] says them).

use adsum::wire::Body;
use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Bytes that decide; where they end, all further ones are 0.
pub(crate) struct Chance<'a>(pub(crate) &'a [u8]);

impl Chance<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }
}

/// Which values a test wants in bodies. `field` is the name of the field that is made.
pub(crate) trait Values {
    /// Lists are shorter than this.
    const LIST_LENGTH_END: u8;

    fn number(&self, chance: &mut Chance<'_>, field: &str, max: u64) -> u64;

    fn text(&self, chance: &mut Chance<'_>, field: &str) -> String;

    fn bytes(&self, chance: &mut Chance<'_>, field: &str) -> Vec<u8>;

    /// What all bytes of an array are, if they are to be the same.
    fn same(&self, _chance: &mut Chance<'_>) -> Option<u8> {
        None
    }
}

/// A body with such values, decided by `chance`; where that ends, lists are empty and options none.
pub(crate) fn body<B: Body>(values: &impl Values, chance: &[u8]) -> B {
    let mut maker = Maker { values, chance: Chance(chance), field: "" };
    B::deserialize(&mut maker).expect("bodies hold only what is made here")
}

struct Maker<'a, T> {
    values: &'a T,
    chance: Chance<'a>,
    /// The field whose value is made.
    field: &'static str,
}

struct Elements<'a, 'b, T> {
    maker: &'a mut Maker<'b, T>,
    /// The names of the elements, if they have any.
    fields: &'static [&'static str],
    left: usize,
}

impl<'de, T: Values> SeqAccess<'de> for Elements<'_, '_, T> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        if let Some(index) = self.fields.len().checked_sub(self.left) {
            self.maker.field = self.fields[index];
        }
        self.left -= 1;
        seed.deserialize(&mut *self.maker).map(Some)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = self.values.number(&mut self.chance, self.field, $type::MAX.into());
            visitor.$visit($type::try_from(number).map_err(Error::custom)?)
        }
    )*};
}

impl<'de, T: Values> Deserializer<'de> for &mut Maker<'_, T> {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.chance.byte() & 1 == 1)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.values.text(&mut self.chance, self.field))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.values.bytes(&mut self.chance, self.field))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.chance.byte() & 1 == 1 { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = usize::from(self.chance.byte() % T::LIST_LENGTH_END);
        visitor.visit_seq(Elements { maker: self, fields: &[], left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.values.same(&mut self.chance) {
            Some(byte) => {
                visitor.visit_seq(SeqDeserializer::new([byte].repeat(length).into_iter()))
            }
            None => visitor.visit_seq(Elements { maker: self, fields: &[], left: length }),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { maker: self, fields, left: fields.len() })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("bodies hold no type of this sort"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str bytes unit unit_struct newtype_struct tuple_struct
        map enum identifier ignored_any
    }
}
