//! A document's bytes as text, in the character set that its declaration or its byte order mark tells.
//!
//! Must never hold: a guess. Without a label XML is UTF-8.

use std::borrow::Cow;

use super::chars::is_space;
use super::reader;
use super::tag::cut;
use crate::format::charset::{self, CharsetFault};
use crate::format::{FormatFault, Position};

const CURE: &str = "write the document in UTF-8, or name the encoding that it is in";

/// The text of a document of at most `max` bytes, as it came and in UTF-8, without a byte order mark and without what
/// XML cannot hold.
///
/// # Errors
/// [`FormatFault::TooLarge`], [`FormatFault::NotUtf8`], [`FormatFault::Value`] for an encoding that is not known, or
/// [`FormatFault::Syntax`] for bytes that are not in it.
pub(in crate::format) fn document_text(
    bytes: &[u8],
    max: usize,
) -> Result<Cow<'_, str>, FormatFault> {
    const THING: &str = "document";
    if bytes.len() > max {
        return Err(FormatFault::TooLarge { thing: THING, found: bytes.len(), max });
    }
    match by_shape(bytes) {
        Some(label) => {
            let text = in_charset(label, bytes)?;
            match declared(&text) {
                Some(declared) if !declared.to_ascii_lowercase().starts_with("utf-16") => {
                    Err(mixed(&declared))
                }
                _ => owned(THING, text.into_owned(), max),
            }
        }
        None => {
            match declared(&String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION_BYTES)])) {
                Some(label) if !label.eq_ignore_ascii_case("utf-8") => {
                    if label.to_ascii_lowercase().starts_with("utf-16") {
                        return Err(mixed(&label));
                    }
                    owned(THING, in_charset(&label, bytes)?.into_owned(), max)
                }
                _ => reader::decode(THING, bytes, max).map(Cow::Borrowed),
            }
        }
    }
}

/// A declaration is shorter than this, or it is none.
const DECLARATION_BYTES: usize = 512;

fn owned(thing: &'static str, text: String, max: usize) -> Result<Cow<'static, str>, FormatFault> {
    reader::decode(thing, text.as_bytes(), max)?;
    Ok(Cow::Owned(text))
}

/// What two bytes a character look like: with a byte order mark, or a declaration without one.
fn by_shape(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("utf-16"),
        [b'<', 0, b'?', 0, ..] => Some("utf-16le"),
        [0, b'<', 0, b'?', ..] => Some("utf-16be"),
        _ => None,
    }
}

fn in_charset<'a>(label: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, FormatFault> {
    charset::decode(label, bytes).map_err(|fault| match fault {
        CharsetFault::Unknown => {
            let cure = "it is not known; write the document in UTF-8 (RFC 3629)";
            FormatFault::value(Position { line: 1, column: 1 }, "encoding", label, cure)
        }
        CharsetFault::Bytes(byte) => {
            let at = Position::of(bytes, byte.unwrap_or_default());
            let label: String = label.chars().take(40).collect();
            FormatFault::Syntax { at, cause: format!("the bytes are not {label}"), cure: CURE }
        }
    })
}

fn mixed(label: &str) -> FormatFault {
    let at = Position { line: 1, column: 1 };
    let label: String = label.chars().take(40).collect();
    let cause = format!("the encoding is called {label}, and the bytes are something else");
    FormatFault::Syntax { at, cause, cure: CURE }
}

/// The encoding that the declaration names. Whether the declaration is in form, the reader says.
fn declared(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let inside = text.strip_prefix("<?")?;
    let inside = &inside[..inside.find("?>")?];
    let (name, attributes) = cut(inside).ok()?;
    let found = attributes.iter().find(|one| one.prefix.is_empty() && one.local == "encoding");
    found.filter(|_| name == "xml").map(|one| one.value.trim_matches(is_space).to_owned())
}
