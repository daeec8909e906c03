//! Every reason a text is not read, or parts do not make one, each with its place in the text.
//!
//! Must never hold: more than a short piece of what was read. A text may be private.

use core::fmt;

use thiserror::Error;

use crate::model::Refusal;

/// Characters of a wrong value that its fault repeats.
const GIVEN_CHARS_MAX: usize = 60;

/// A place in a text, for a person with an editor: both numbers begin at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line; a line ends with LF.
    pub line: u32,
    /// The character in the line; a byte that is part of no character counts as one.
    pub column: u32,
}

impl Position {
    /// Where `byte` lies in `text`; the end if it is beyond it.
    pub(crate) fn of(text: &[u8], byte: usize) -> Self {
        let before = &text[..byte.min(text.len())];
        let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let lines = before.split(|&byte| byte == b'\n').count() - 1;
        let continues = |byte: &&u8| **byte & 0xc0 != 0x80;
        let column = before[line_start..].iter().filter(continues).count();
        Self { line: one_more(lines), column: one_more(column) }
    }
}

fn one_more(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX - 1) + 1
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text is not a document or message that can be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FormatFault {
    /// The whole text, or what it comes to, is over its limit.
    #[error("the {thing} has {found} bytes, the most is {max}; send less")]
    TooLarge {
        /// What is too large.
        thing: &'static str,
        /// How many bytes it has, or had when reading stopped.
        found: usize,
        /// How many it may have.
        max: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("{at}: the bytes are not UTF-8; write the text in UTF-8 (RFC 3629)")]
    NotUtf8 {
        /// The first wrong byte.
        at: Position,
    },
    /// The text breaks the grammar of its format.
    #[error("{at}: {cause}; {cure}")]
    Syntax {
        /// Where.
        at: Position,
        /// What was found.
        cause: String,
        /// What would be right.
        cure: &'static str,
    },
    /// More of something than a limit allows.
    #[error("{at}: there are more than {max} {thing}; send less")]
    TooMany {
        /// The first one too many.
        at: Position,
        /// What there is too much of.
        thing: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// Something that must be there is not.
    #[error("{at}: the {thing} is missing; {cure}")]
    Missing {
        /// What should hold it.
        at: Position,
        /// What is missing.
        thing: &'static str,
        /// What to write.
        cure: &'static str,
    },
    /// Something stands twice that may stand once.
    #[error("{at}: this is the second {thing}; {cure}")]
    Repeated {
        /// The second one.
        at: Position,
        /// What is repeated.
        thing: &'static str,
        /// What to do.
        cure: &'static str,
    },
    /// Something stands where it may not.
    #[error("{at}: {thing} may not stand here; {cure}")]
    Misplaced {
        /// Where.
        at: Position,
        /// What it is.
        thing: String,
        /// What may stand there.
        cure: &'static str,
    },
    /// A value that its field cannot have.
    #[error("{at}: the {thing} {given:?} is wrong: {cure}")]
    Value {
        /// Where.
        at: Position,
        /// The field.
        thing: &'static str,
        /// The value, cut to 60 characters.
        given: String,
        /// What would be right.
        cure: String,
    },
    /// Well written, but the model does not take it.
    #[error("{at}: {refusal}")]
    Model {
        /// Where.
        at: Position,
        /// The model's reason, with its cure.
        refusal: Refusal,
    },
    /// A `message/cpim` that only somebody who understands certain headers may process.
    #[error(
        "the message asks that its reader understand {names}, which is not understood here; \
         send it without that Require header"
    )]
    NotUnderstood {
        /// The headers, each as `<namespace>name`.
        names: String,
    },
}

impl FormatFault {
    /// A wrong value, cut to a length that is fit to show.
    pub(crate) fn value(
        at: Position,
        thing: &'static str,
        given: &str,
        cure: impl Into<String>,
    ) -> Self {
        let given = given.chars().take(GIVEN_CHARS_MAX).collect();
        Self::Value { at, thing, given, cure: cure.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let text = "ab\ncé f\n".as_bytes();
        let at = |byte| Position::of(text, byte).to_string();
        assert_eq!(at(0), "line 1, column 1");
        assert_eq!(at(2), "line 1, column 3");
        assert_eq!(at(3), "line 2, column 1");
        assert_eq!(at(6), "line 2, column 3", "é is one character of two bytes");
        assert_eq!(at(999), "line 3, column 1");
    }

    #[test]
    fn a_fault_names_place_thing_and_cure_and_repeats_little() {
        let at = Position { line: 3, column: 7 };
        let fault = FormatFault::value(at, "basic", &"x".repeat(500), "say open or closed");
        let text = fault.to_string();
        assert!(text.starts_with("line 3, column 7: the basic \"xxx"), "{text}");
        assert!(text.ends_with("is wrong: say open or closed") && text.len() < 150, "{text}");
    }
}
