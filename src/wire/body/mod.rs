//! The body of every frame kind, field by field in wire order.
//!
//! Text is checked for UTF-8 here and for sense in `convert`, so that a wrong value is refused by its own code and
//! not as a broken frame. Enumerations that may grow are numbers. `ext` takes what later versions add.
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
    ($table:ident $($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
                /// Additions of later versions.
                pub ext: Vec<Ext>,
            }

            impl Body for $name {
                const KIND: u16 = $kind;
                const NAME: &'static str = stringify!($name);
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
