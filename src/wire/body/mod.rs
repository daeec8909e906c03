//! The body of every frame kind, field by field in wire order.
//!
//! Text is checked for UTF-8 here and for sense in `convert`, so that a wrong value is refused by its own code and
//! not as a broken frame. Enumerations that may grow are numbers. What later versions add stands in the list `ext` at a
//! body's end, which the codec writes and reads; a body that uses it names its additions behind a semicolon.
//! Must never hold: a recursive, zero-sized, float or `usize` field; a changed field order.

mod answer;
pub(super) mod part;
mod request;

use core::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use self::answer::Answers;
pub use self::answer::*;
pub use self::part::{
    AccessRule, Contact, DeliveryRule, Document, Enroll, Ext, MessageBody, Note, PresenceBody,
    ReceiptBody, Shown, Tuple, VisibilityRule, WatcherBody, Written,
};
use self::request::Requests;
pub use self::request::*;

/// A frame body of one kind.
pub trait Body: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
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

/// Defines bodies and the part of the tables that is about them.
macro_rules! bodies {
    ($table:ident $($(#[$doc:meta])* $kind:literal $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
        $(; $($(#[$added_doc:meta])* $tag:literal $added:ident,)+)?
    })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
                $($($(#[$added_doc])* #[serde(skip)] pub $added: Option<Bytes>,)+)?
            }

            impl Body for $name {
                const KIND: u16 = $kind;
                const NAME: &'static str = stringify!($name);

                $(
                    fn additions(&self) -> Vec<$crate::wire::body::Ext> {
                        let named = [$(($tag, self.$added.clone()),)+];
                        let some = |(tag, value): (u16, Option<Bytes>)| {
                            Some($crate::wire::body::Ext { tag, value: value? })
                        };
                        named.into_iter().filter_map(some).collect()
                    }

                    fn take_additions(&mut self, found: Vec<$crate::wire::body::Ext>) {
                        for $crate::wire::body::Ext { tag, value } in found {
                            match tag {
                                $($tag => drop(self.$added.get_or_insert(value)),)+
                                _ => {}
                            }
                        }
                    }
                )?
            }
        )*

        /// The kinds of this file.
        pub(super) enum $table {}

        impl $table {
            /// Number and name of every kind, in order of number.
            pub(super) const KINDS: &[(u16, &str)] = &[$(($kind, stringify!($name)),)*];

            /// Lets `visitor` work with the type of `kind`, or gives it back if the kind is not here.
            pub(super) fn visit<V: KindVisitor>(kind: u16, visitor: V) -> Result<V::Output, V> {
                match kind {
                    $($kind => Ok(visitor.visit::<$name>()),)*
                    _ => Err(visitor),
                }
            }
        }
    };
}
use bodies;

/// Number and name of every kind, in order of number.
pub const KINDS: &[(u16, &str)] = &joined();

const KINDS_COUNT: usize = Requests::KINDS.len() + Answers::KINDS.len();

const fn joined() -> [(u16, &'static str); KINDS_COUNT] {
    let mut all = [(0, ""); KINDS_COUNT];
    let (requests, answers) = all.split_at_mut(Requests::KINDS.len());
    requests.copy_from_slice(Requests::KINDS);
    answers.copy_from_slice(Answers::KINDS);
    all
}

/// Lets `visitor` work with the type of `kind`; `None` if this version does not know it.
pub fn visit_kind<V: KindVisitor>(kind: u16, visitor: V) -> Option<V::Output> {
    Requests::visit(kind, visitor).or_else(|visitor| Answers::visit(kind, visitor)).ok()
}
