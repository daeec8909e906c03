//! The characters, names, references and escapes of XML 1.0, fifth edition.
//!
//! Must never hold: state. Each function looks at one piece of text.

use std::borrow::Cow;
use std::fmt::Write;

/// White space of XML: nothing else separates or surrounds.
pub(in crate::format) fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

/// Whether XML can hold the character at all, written plainly or as a reference. Production 2.
pub(super) fn is_char(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Production 4 without the colon, which separates a prefix.
fn begins_name(character: char) -> bool {
    matches!(character, 'A'..='Z' | 'a'..='z' | '_' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}'
        | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// Production 4a without the colon.
pub(super) fn continues_name(character: char) -> bool {
    begins_name(character)
        || matches!(character, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}'
            | '\u{203f}'..='\u{2040}')
}

/// Whether `text` is a name without a colon.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(begins_name) && text.chars().all(continues_name)
}

/// Prefix (`""` if there is none) and local part of a qualified name.
pub(super) fn split_name(text: &str) -> Option<(&str, &str)> {
    let (prefix, local) = text.split_once(':').unwrap_or(("", text));
    let good = (prefix.is_empty() && local.len() == text.len()) || is_name(prefix);
    (good && is_name(local)).then_some((prefix, local))
}

/// What the reference `&inside;` stands for: a character by number or one of the five names.
pub(super) fn reference(inside: &str) -> Option<char> {
    let (digits, radix) = match inside {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => match inside.strip_prefix("#x") {
            Some(digits) => (digits, 16),
            None => (inside.strip_prefix('#')?, 10),
        },
    };
    // A sign is no digit, though the standard parser takes one.
    let plain = digits.chars().all(|digit| digit.is_digit(radix));
    let number = u32::from_str_radix(digits, radix).ok().filter(|_| plain)?;
    char::from_u32(number).filter(|&character| is_char(character))
}

/// Text with its line ends as XML sees them: CR LF and CR are LF.
pub(super) fn line_ends(raw: &str) -> Cow<'_, str> {
    if raw.contains('\r') {
        return raw.replace("\r\n", "\n").replace('\r', "\n").into();
    }
    raw.into()
}

/// An attribute's value: line ends and white space become spaces, references are resolved.
///
/// # Errors
/// The byte of the first `<`, or of a reference that stands for nothing.
pub(super) fn attribute_value(raw: &str) -> Result<Cow<'_, str>, usize> {
    if !raw.contains(['&', '<', '\t', '\r', '\n']) {
        return Ok(raw.into());
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(first) = rest.chars().next() {
        let at = raw.len() - rest.len();
        let mut length = first.len_utf8();
        match first {
            '<' => return Err(at),
            '&' => {
                let end = rest.find(';').ok_or(at)?;
                value.push(reference(&rest[1..end]).ok_or(at)?);
                length = end + 1;
            }
            '\r' if rest[1..].starts_with('\n') => {}
            '\t' | '\r' | '\n' => value.push(' '),
            other => value.push(other),
        }
        rest = &rest[length..];
    }
    Ok(value.into())
}

/// `value` as character data. What XML cannot hold becomes U+FFFD.
pub(in crate::format) fn text(value: &str) -> String {
    escape(value, |character| matches!(character, '\r'))
}

/// `value` as it stands between double quotes. What XML cannot hold becomes U+FFFD.
pub(in crate::format) fn attribute(value: &str) -> String {
    escape(value, |character| matches!(character, '\t' | '\r' | '\n'))
}

fn escape(value: &str, by_number: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ if by_number(character) => {
                let number = u32::from(character);
                write!(escaped, "&#{number};").expect("writing to a string cannot fail");
            }
            _ if is_char(character) => escaped.push(character),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_split_at_its_only_colon() {
        assert_eq!(split_name("a"), Some(("", "a")));
        assert_eq!(split_name("é:b-1.c"), Some(("é", "b-1.c")));
        for wrong in ["", ":", "a:", ":a", "a:b:c", "1a", "a:1", "-a", "a b", "a<"] {
            assert_eq!(split_name(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_reference_is_one_of_five_names_or_a_character_xml_can_hold() {
        for (inside, character) in
            [("amp", '&'), ("apos", '\''), ("#65", 'A'), ("#x1F600", '😀'), ("#x9", '\t')]
        {
            assert_eq!(reference(inside), Some(character), "{inside}");
        }
        for wrong in [
            "", "#", "#x", "nbsp", "AMP", "#0", "#x1", "#xD800", "#xFFFE", "#x110000", "#+65",
            "#X41",
        ] {
            assert_eq!(reference(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn white_space_in_an_attribute_is_spaces_unless_it_is_escaped() {
        assert_eq!(attribute_value("a\r\nb\tc\rd&#10;e").unwrap(), "a b c d\ne");
        assert_eq!(attribute_value("a<"), Err(1));
        assert_eq!(attribute_value("ab&nbsp;"), Err(2));
        assert_eq!(attribute_value("ab&amp"), Err(2));
    }

    proptest! {
        #[test]
        fn what_is_escaped_reads_back(value in ".{0,40}") {
            let held = value.chars().map(|c| if is_char(c) { c } else { '\u{fffd}' });
            let written = attribute(&value);
            prop_assert_eq!(attribute_value(&written).unwrap(), held.collect::<String>());
        }
    }
}
