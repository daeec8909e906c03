//! Values of any body, made from bytes of chance by way of serde, so that a new kind is tested without a line more.
//!
//! Must never hold: anything but test support.

use adsum::wire::Body;
use serde::de::value::Error;
use serde::de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Begins every text that is not empty, so that a test finds where to break its UTF-8.
pub(super) const MARK: char = '⌘';

/// A body decided by `chance`; where that ends, numbers are 0, lists and texts empty, options none.
pub(super) fn arbitrary<B: Body>(chance: &[u8]) -> B {
    B::deserialize(&mut Chance(chance)).expect("bodies hold only what is made here")
}

struct Chance<'a>(&'a [u8]);

impl Chance<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number of 0 to 8 bytes, so that every length of a varint occurs.
    fn number(&mut self) -> u64 {
        let bytes = self.byte() % 9;
        (0..bytes).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn truncated<T: TryFrom<u64>>(&mut self, mask: u64) -> Result<T, Error> {
        T::try_from(self.number() & mask).map_err(|_| Error::custom("the mask is too wide"))
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 8] = ['a', '@', ':', ' ', '\0', 'é', '語', '🦀'];
        match self.byte() % 8 {
            0 => String::new(),
            length => core::iter::once(MARK)
                .chain((0..length).map(|_| LETTERS[usize::from(self.byte() % 8)]))
                .collect(),
        }
    }
}

struct Elements<'a, 'b>(&'a mut Chance<'b>, usize);

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.1 == 0 {
            return Ok(None);
        }
        self.1 -= 1;
        seed.deserialize(&mut *self.0).map(Some)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $mask:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.truncated($mask)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Chance<'_> {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 0xff;
        deserialize_u16 visit_u16 0xffff;
        deserialize_u32 visit_u32 0xffff_ffff;
        deserialize_u64 visit_u64 u64::MAX;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.byte() & 1 == 1)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.byte();
        visitor.visit_byte_buf((0..length).map(|_| self.byte()).collect())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.byte() & 1 == 1 { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = usize::from(self.byte() % 4);
        visitor.visit_seq(Elements(self, length))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, length))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, fields.len()))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("bodies hold no type of this sort"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 f64 char str bytes unit unit_struct newtype_struct tuple_struct
        map enum identifier ignored_any
    }
}
