//! A question that changes nothing, and the frames that answer it.
//!
//! Must never hold: a kind.

use super::framed::{Framed, ReadFault, read, write};
use super::refusal::body::End;
use crate::wire::{Frame, encode};

/// A question. It is the first frame of a QUERY, and all others are its answer.
pub trait Asked: Framed {
    /// What answers it.
    type Answer: Finding;
}

/// How the frames of an answer come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One frame.
    One,
    /// Any number of rows, then `End`.
    Rows,
}

/// The answer to a question: one value, a list, or a list behind its head.
pub trait Finding: Sized {
    /// How its frames come.
    const SHAPE: Shape;

    /// Appends its frames.
    ///
    /// # Panics
    /// As [`encode`].
    fn write(&self, out: &mut Vec<u8>);

    /// Reads it from its frames, without the `End` of a list.
    ///
    /// # Errors
    /// [`ReadFault`] of the first frame that has one.
    fn read(frames: &[Frame]) -> Result<Self, ReadFault>;
}

impl<T: Framed> Finding for T {
    const SHAPE: Shape = Shape::One;

    fn write(&self, out: &mut Vec<u8>) {
        write(self, out);
    }

    fn read(frames: &[Frame]) -> Result<Self, ReadFault> {
        read(frames.first().ok_or(ReadFault::Short("is empty"))?)
    }
}

impl<T: Framed> Finding for Vec<T> {
    const SHAPE: Shape = Shape::Rows;

    fn write(&self, out: &mut Vec<u8>) {
        for row in self {
            write(row, out);
        }
        encode(&End {}, out);
    }

    fn read(frames: &[Frame]) -> Result<Self, ReadFault> {
        frames.iter().map(read).collect()
    }
}

impl<Head: Framed, T: Framed> Finding for (Head, Vec<T>) {
    const SHAPE: Shape = Shape::Rows;

    fn write(&self, out: &mut Vec<u8>) {
        write(&self.0, out);
        Finding::write(&self.1, out);
    }

    fn read(frames: &[Frame]) -> Result<Self, ReadFault> {
        let (head, rows) = frames.split_first().ok_or(ReadFault::Short("has no head"))?;
        Ok((read(head)?, Finding::read(rows)?))
    }
}

/// Says what answers a question, and in the way of `framed!` how it lies in the body of its name, if it has fields.
macro_rules! question {
    ($value:ident -> $answer:ty: $($fields:tt)*) => {
        impl $crate::protocol::Asked for $value {
            type Answer = $answer;
        }
        $crate::protocol::framed::framed! { $value in $value: $($fields)* }
    };
    ($value:ident -> $answer:ty) => {
        impl $crate::protocol::Asked for $value {
            type Answer = $answer;
        }

        impl $crate::protocol::Framed for $value {
            type Body = body::$value;
        }

        impl $crate::protocol::Field<body::$value> for $value {
            fn to_wire(&self) -> body::$value {
                body::$value {}
            }

            fn from_wire(_: body::$value) -> Result<Self, $crate::model::Refusal> {
                Ok(Self)
            }
        }
    };
}
pub(in crate::protocol) use question;
