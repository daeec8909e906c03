//! What every frame body has: a kind, a name, and a list of additions that the codec owns.
//!
//! The bodies themselves stand with their nouns in `protocol`. Text is checked for UTF-8 by the codec and for sense
//! by the conversion, so that a wrong value is refused by its own code and not as a broken frame. What later versions
//! add stands in the list `ext` at a body's end; a body that uses it names its additions behind a semicolon.
//! Must never hold: what a kind means.

use core::fmt::Debug;

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// An addition by a later version: unknown tags are passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ext {
    /// What it is.
    pub tag: u16,
    /// Its bytes.
    pub value: Bytes,
}

/// A frame body of one kind. Frozen once released: its fields, their order and their types never change.
///
/// Fields are numbers that are not floats, `bool`, text, bytes, lists, options and structures of these; never
/// recursive, zero-sized or `usize`. Enumerations that may grow are numbers.
pub trait Body: Clone + Debug + PartialEq + Send + Sync + Serialize + DeserializeOwned {
    /// The kind's number. Below 0x8000 a receiver that does not know it must refuse; from there on it skips.
    const KIND: u16;
    /// The kind's name in the protocol document.
    const NAME: &'static str;

    /// What stands in `ext` behind the body's fields, in order of tag.
    fn additions(&self) -> Vec<Ext> {
        Vec::new()
    }

    /// Takes what stood in `ext`. Tags this version does not know are passed over; of two with one tag the first counts.
    fn take_additions(&mut self, _found: Vec<Ext>) {}
}

/// Work to be done with the type of a kind that is known only at run time.
pub trait KindVisitor {
    /// What comes of it.
    type Output;

    /// Does it for the kind of `B`.
    fn visit<B: Body>(self) -> Self::Output;
}
