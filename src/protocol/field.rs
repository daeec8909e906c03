//! How a value lies in the field of a body, both ways, and how a typed value lies in a body field by field.
//!
//! A value may lie in fields of several types: one that may be missing is an optional text here, and an empty one there.
//! Must never hold: a kind.

use std::sync::Arc;

use bytes::Bytes;

use crate::model::{
    ContentType, DeviceId, DeviceLabel, Domain, InboxAddress, InboxSequence, InviteId, Lifetime,
    MediaRange, MessageId, OperationId, Payload, Presentity, Principal, PublicationName, Refusal,
    Rights, RuleName, Tag, Timestamp, TupleId, Who,
};

/// A value that lies in a field of the type `Wire`.
pub trait Field<Wire>: Sized {
    /// Writes it.
    fn to_wire(&self) -> Wire;

    /// Reads it.
    ///
    /// # Errors
    /// The refusal of the first part that is not valid.
    fn from_wire(wire: Wire) -> Result<Self, Refusal>;
}

/// A principal that only a server names, as its log has it: one that was recorded under another spelling is not taken for
/// who would be meant by it now.
pub(in crate::protocol) trait Told: Field<String> {
    /// Reads it.
    fn told(wire: String) -> Result<Self, Refusal>;
}

impl Told for Principal {
    fn told(wire: String) -> Result<Self, Refusal> {
        Self::recorded(&wire)
    }
}

impl Told for Option<Principal> {
    fn told(wire: String) -> Result<Self, Refusal> {
        (!wire.is_empty()).then(|| Principal::told(wire)).transpose()
    }
}

/// What lies there as it is.
macro_rules! plain {
    ($($type:ty)*) => {$(
        impl Field<$type> for $type {
            fn to_wire(&self) -> $type {
                self.clone()
            }

            fn from_wire(wire: $type) -> Result<Self, Refusal> {
                Ok(wire)
            }
        }
    )*};
}
plain! { bool u16 u32 u64 String Bytes }

/// What lies there as something of another type: how it is written, and how it is read.
macro_rules! converted {
    ($($type:ty as $wire:ty: $write:expr, $read:expr;)*) => {$(
        impl Field<$wire> for $type {
            fn to_wire(&self) -> $wire {
                let write: fn(&Self) -> $wire = $write;
                write(self)
            }

            fn from_wire(wire: $wire) -> Result<Self, Refusal> {
                let read: fn($wire) -> Result<Self, Refusal> = $read;
                read(wire)
            }
        }
    )*};
}
converted! {
    Presentity as String: Self::to_string, |text| text.parse();
    Principal as String: Self::to_string, |text| text.parse();
    InboxAddress as String: Self::to_string, |text| text.parse();
    Domain as String: Self::to_string, |text| text.parse();
    Who as String: Self::to_string, |text| text.parse();
    ContentType as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    DeviceLabel as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    MediaRange as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    MessageId as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    PublicationName as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    RuleName as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    TupleId as String: |it| it.as_str().to_owned(), |text| Self::new(&text);
    Timestamp as u64: |it| it.as_ms(), |ms| Ok(Self::from_ms(ms));
    Lifetime as u64: |it| it.as_ms(), |ms| Ok(Self::from_ms(ms));
    InboxSequence as u64: |it| it.get(), |number| Ok(Self::new(number));
    Rights as u8: |it| it.bits(), Self::from_bits;
    OperationId as [u8; 16]: |it| it.0, |bytes| Ok(Self(bytes));
    Tag as [u8; 16]: |it| it.0, |bytes| Ok(Self(bytes));
    DeviceId as [u8; 8]: |it| it.0, |bytes| Ok(Self(bytes));
    InviteId as [u8; 32]: |it| it.0, |bytes| Ok(Self(bytes));
    Principal as Bytes: |it| it.to_string().into(), |wire| {
        let text = core::str::from_utf8(&wire);
        text.map_err(|_| Refusal::BadUtf8 { part: "principal".into() })?.parse()
    };
    bool as Option<Bytes>: |it| it.then(|| Bytes::from_static(&[1])), |wire| match wire.as_deref() {
        None | Some([0]) => Ok(false),
        Some([1]) => Ok(true),
        Some(_) => Err(Refusal::bad_field("wish", "must be one byte, 0 or 1; send one of them")),
    };
    Payload as Option<Bytes>: |it| it.bytes().cloned(), |wire| Ok(wire.map_or(Self::Erased, Self::Present));
}

/// What is shared lies there like what it shares.
impl<Wire, T: Field<Wire>> Field<Wire> for Arc<T> {
    fn to_wire(&self) -> Wire {
        (**self).to_wire()
    }

    fn from_wire(wire: Wire) -> Result<Self, Refusal> {
        T::from_wire(wire).map(Self::new)
    }
}

impl<Wire, T: Field<Wire>> Field<Vec<Wire>> for Vec<T> {
    fn to_wire(&self) -> Vec<Wire> {
        self.iter().map(T::to_wire).collect()
    }

    fn from_wire(wire: Vec<Wire>) -> Result<Self, Refusal> {
        wire.into_iter().map(T::from_wire).collect()
    }
}

impl<Wire, T: Field<Wire>> Field<Option<Wire>> for Option<T> {
    fn to_wire(&self) -> Option<Wire> {
        self.as_ref().map(T::to_wire)
    }

    fn from_wire(wire: Option<Wire>) -> Result<Self, Refusal> {
        wire.map(T::from_wire).transpose()
    }
}

/// An empty text is none: who is not named is oneself, or nobody.
impl<T: Field<String>> Field<String> for Option<T> {
    fn to_wire(&self) -> String {
        self.as_ref().map(T::to_wire).unwrap_or_default()
    }

    fn from_wire(wire: String) -> Result<Self, Refusal> {
        (!wire.is_empty()).then(|| T::from_wire(wire)).transpose()
    }
}

/// Says that each variant has a number, what a field of them is called, and what is wrong with a number that none has.
/// Of an `Option`, 0 is none.
macro_rules! numbered {
    (Option<$type:ident>, $part:literal, $fault:literal: $($number:literal $variant:ident),*) => {
        impl $crate::protocol::Field<u8> for Option<$type> {
            fn to_wire(&self) -> u8 {
                match self {
                    None => 0,
                    $(Some($type::$variant) => $number,)*
                }
            }

            fn from_wire(wire: u8) -> Result<Self, $crate::model::Refusal> {
                match wire {
                    0 => Ok(None),
                    $($number => Ok(Some($type::$variant)),)*
                    _ => Err($crate::model::Refusal::bad_field($part, concat!($fault, "; send one of them"))),
                }
            }
        }

        impl $crate::protocol::Field<u8> for $type {
            fn to_wire(&self) -> u8 {
                Some(*self).to_wire()
            }

            fn from_wire(wire: u8) -> Result<Self, $crate::model::Refusal> {
                let missing = || $crate::model::Refusal::bad_field($part, "is missing; send it");
                Option::<Self>::from_wire(wire)?.ok_or_else(missing)
            }
        }
    };
    ($type:ident, $part:literal, $fault:literal: $($number:literal $variant:ident),*) => {
        impl $crate::protocol::Field<u8> for $type {
            fn to_wire(&self) -> u8 {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            fn from_wire(wire: u8) -> Result<Self, $crate::model::Refusal> {
                match wire {
                    $($number => Ok(Self::$variant),)*
                    _ => Err($crate::model::Refusal::bad_field($part, concat!($fault, "; send one of them"))),
                }
            }
        }
    };
}
pub(in crate::protocol) use numbered;

/// Says that a value lies in a body, or in a part of one, field by field: first fields of the same name, then those that
/// are called otherwise in the body than here, those that lie there in two, and those that only a server tells. `with` gives
/// fields that the value does not have.
macro_rules! fields {
    (
        $value:ident in $wire:path $(, with $given:ident = $default:literal)?:
        $($same:ident),* $(; $($there:ident = $here:ident),*)?
        $(& ($first:ident, $second:ident) = $both:ident)? $(| $($told:ident),*)?
    ) => {
        impl $crate::protocol::Field<$wire> for $value {
            fn to_wire(&self) -> $wire {
                $(let ($first, $second) = $crate::protocol::Field::to_wire(&self.$both);)?
                $wire {
                    $($given: $default,)?
                    $($same: $crate::protocol::Field::to_wire(&self.$same),)*
                    $($($there: $crate::protocol::Field::to_wire(&self.$here),)*)?
                    $($first, $second,)?
                    $($($told: $crate::protocol::Field::to_wire(&self.$told),)*)?
                }
            }

            fn from_wire(wire: $wire) -> Result<Self, $crate::model::Refusal> {
                Ok(Self {
                    $($same: $crate::protocol::Field::from_wire(wire.$same)?,)*
                    $($($here: $crate::protocol::Field::from_wire(wire.$there)?,)*)?
                    $($both: $crate::protocol::Field::from_wire((wire.$first, wire.$second))?,)?
                    $($($told: $crate::protocol::field::Told::told(wire.$told)?,)*)?
                })
            }
        }
    };
}
pub(in crate::protocol) use fields;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::grant::body;
    use crate::protocol::{Grant, GrantRow};

    #[test]
    fn what_a_peer_asks_is_folded_and_what_a_server_tells_is_not() {
        let wide = || "ａlice@localhost".to_owned();
        let (operation, owner) = ([0; 16], String::new());
        let asked = body::Grant { request: 0, operation, owner, grantee: wide(), rights: 1 };
        assert_eq!(Grant::from_wire(asked).unwrap().grantee.account(), "alice@localhost");
        let told = GrantRow::from_wire(body::Granted { grantee: wide(), rights: 1 }).unwrap();
        assert_eq!(told.grantee.account(), wide());
        assert_eq!(told.to_wire().grantee, wide());
    }
}
