//! A typed value in a frame, both ways, and the fields that several kinds have.
//!
//! Must never hold: a kind.

use std::sync::Arc;

use thiserror::Error;

use super::field::Field;
use crate::model::Refusal;
use crate::wire::{Body, Frame, FrameFault, decode, encode};

/// A typed value that one frame carries.
pub trait Framed: Field<<Self as Framed>::Body> {
    /// The frozen body of that frame.
    type Body: Body;

    /// Writes the value. A request has the number 0 here; [`Command::encode`](super::Command::encode) gives it its own.
    fn to_body(&self) -> Self::Body {
        self.to_wire()
    }

    /// Reads the value.
    ///
    /// # Errors
    /// The refusal of the first field that is not valid.
    fn from_body(body: Self::Body) -> Result<Self, Refusal> {
        Self::from_wire(body)
    }
}

impl<T: Framed> Framed for Arc<T> {
    type Body = T::Body;
}

/// Says which frame carries a value, and how it lies in the body: field by field, in the way of `fields!`, or as the one
/// part that the body has. A `request` has its number beside the fields.
macro_rules! framed {
    (request $value:ident: $($fields:tt)*) => {
        $crate::protocol::framed::framed! { @carried $value, $value }
        $crate::protocol::field::fields! { $value in body::$value, with request = 0: $($fields)* }
    };
    ($value:ident in $body:ident: $($fields:tt)*) => {
        $crate::protocol::framed::framed! { @carried $value, $body }
        $crate::protocol::field::fields! { $value in body::$body: $($fields)* }
    };
    ($value:ident in $body:ident.$part:ident) => {
        $crate::protocol::framed::framed! { @carried $value, $body }
        impl $crate::protocol::Field<body::$body> for $value {
            fn to_wire(&self) -> body::$body {
                body::$body { $part: $crate::protocol::Field::to_wire(self) }
            }

            fn from_wire(wire: body::$body) -> Result<Self, $crate::model::Refusal> {
                $crate::protocol::Field::from_wire(wire.$part)
            }
        }
    };
    (@carried $value:ident, $body:ident) => {
        impl $crate::protocol::Framed for $value {
            type Body = body::$body;
        }
    };
}
pub(in crate::protocol) use framed;

/// Appends the frame of `value` to `out`.
///
/// # Panics
/// As [`encode`].
pub fn write<T: Framed>(value: &T, out: &mut Vec<u8>) {
    encode(&value.to_body(), out);
}

/// Reads a value from its frame.
///
/// # Errors
/// [`ReadFault`].
pub fn read<T: Framed>(frame: &Frame) -> Result<T, ReadFault> {
    Ok(T::from_body(decode(frame)?)?)
}

/// Why a frame gives no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadFault {
    /// It does not decode.
    #[error(transparent)]
    Frame(#[from] FrameFault),
    /// A field of it is not valid.
    #[error(transparent)]
    Field(#[from] Refusal),
    /// There are fewer frames than an answer has.
    #[error("an answer {0}")]
    Short(&'static str),
}

/// Reads a switch that may be left as it is.
pub(super) fn switch(part: &str, number: u8) -> Result<Option<bool>, Refusal> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(false)),
        2 => Ok(Some(true)),
        _ => Err(Refusal::bad_field(
            part,
            "is none of 0 (as it is), 1 (off), 2 (on); send one of them",
        )),
    }
}

/// Writes a switch that may be left as it is.
pub(super) fn switch_number(on: Option<bool>) -> u8 {
    on.map_or(0, |on| 1 + u8::from(on))
}

/// What means nothing where it stands must not be there.
pub(super) fn check_left_out(part: &str, is_left_out: bool) -> Result<(), Refusal> {
    if is_left_out {
        return Ok(());
    }
    Err(Refusal::bad_field(part, "means nothing here; leave it empty"))
}
