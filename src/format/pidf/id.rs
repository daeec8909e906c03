//! Tuple ids in XML: the schema of RFC 3863 makes them names, the model takes any visible text.
//!
//! Must never hold: a written form that two ids share.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::{Refusal, TupleId};

/// The id as an XML name: ASCII letters, digits, `_`, `-` and `.`, not beginning with a digit, `-` or `.`.
///
/// Any other character is written `_xHHHH_` (eight digits beyond U+FFFF), and so is a `_` before an `x`: nearly
/// the way that SQL/XML (ISO 9075-14 §9.1) and .NET write names. `1` is `_x0031_`.
pub(super) fn encode(id: &TupleId) -> String {
    let text = id.as_str();
    let mut encoded = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        let plain = match character {
            '_' => !text[at + 1..].starts_with('x'),
            '-' | '.' | '0'..='9' => at > 0,
            _ => character.is_ascii_alphabetic(),
        };
        if plain {
            encoded.push(character);
            continue;
        }
        let number = u32::from(character);
        let width = if number > 0xffff { 8 } else { 4 };
        write!(encoded, "_x{number:0width$X}_").expect("writing to a string cannot fail");
    }
    encoded
}

/// The id that `text`, the attribute of a document, stands for.
///
/// Forms that [`encode`] would not have written are taken as they are, so that the ids of others stay what they are.
///
/// # Errors
/// [`Refusal::BadField`] if it is empty, too long or holds white space.
pub(super) fn decode(text: &str) -> Result<TupleId, Refusal> {
    let decoded = TupleId::new(&undo(text));
    if let Ok(id) = &decoded
        && encode(id) == text
    {
        return decoded;
    }
    TupleId::new(text)
}

fn undo(text: &str) -> Cow<'_, str> {
    if !text.contains("_x") {
        return text.into();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (character, length) = escaped(rest).unwrap_or((first, first.len_utf8()));
        decoded.push(character);
        rest = &rest[length..];
    }
    decoded.into()
}

/// The character that an escaped form at the beginning of `text` stands for, and how long the form is.
fn escaped(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("_x")?;
    let digits = &digits[..digits.find('_')?];
    let upper = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    if !upper || !matches!(digits.len(), 4 | 8) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(number)?, digits.len() + 3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(text: &str) -> TupleId {
        TupleId::new(text).unwrap()
    }

    #[test]
    fn an_id_is_written_as_an_xml_name() {
        for (text, written) in [
            ("desk.1a2b3c4d", "desk.1a2b3c4d"),
            ("_a-b_", "_a-b_"),
            ("1a", "_x0031_a"),
            ("-", "_x002D_"),
            ("a:b", "a_x003A_b"),
            ("é😀", "_x00E9__x0001F600_"),
            ("_x0031_", "_x005F_x0031_"),
            ("_x31_", "_x005F_x31_"),
            ("_x0031é", "_x005F_x0031_x00E9_"),
        ] {
            assert_eq!(encode(&id(text)), written, "{text}");
            assert_eq!(decode(written).unwrap(), id(text), "{text}");
        }
    }

    #[test]
    fn an_id_of_others_that_is_no_form_of_ours_stays() {
        for text in ["1a", "a:b", "_x0041_", "_x00e9_", "_xZZZZ_", "_x31_", "é"] {
            assert_eq!(decode(text).unwrap(), id(text), "{text}");
        }
        assert!(decode("").is_err() && decode("a b").is_err() && decode(&"a".repeat(65)).is_err());
    }

    proptest! {
        #[test]
        fn an_id_reads_back_and_is_a_name(text in "[^\\s\\p{C}]{1,16}|[_x0-9A-Fé]{1,20}") {
            prop_assume!(text.len() <= 64);
            let written = encode(&id(&text));
            prop_assert_eq!(decode(&written).unwrap(), id(&text));
            let name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
            prop_assert!(written.bytes().all(name));
            prop_assert!(written.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()));
        }

        #[test]
        fn an_id_that_is_read_is_the_same_when_read_again(text in "[_x0-9A-Fa-f:é]{1,24}") {
            let read = decode(&text).unwrap();
            prop_assert_eq!(decode(&encode(&read)).unwrap(), read);
        }
    }
}
