//! The escapes of header values: a backslash and what follows it.
//!
//! Must never hold: an escape of something that needs none (RFC 3862 §2.3.1 forbids it).

use std::fmt::Write;

/// Resolves escapes as a reader must: an unknown one is the character itself, a lone backslash at the end is nothing.
///
/// `\u` with four hexadecimal digits is a UTF-16 unit; two halves of a pair make one character, half a pair makes U+FFFD.
pub(super) fn resolve(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        rest = &rest[at + 1..];
        let Some(first) = rest.chars().next() else { break };
        let (unit, length) = escaped(first, rest);
        match unit {
            Some(unit) => units.push(unit),
            None => units.extend_from_slice(first.encode_utf16(&mut [0; 2])),
        }
        rest = &rest[length..];
    }
    units.extend(rest.encode_utf16());
    String::from_utf16_lossy(&units)
}

/// The unit that the escape beginning with `first` stands for, if it is a known one, and its length.
fn escaped(first: char, rest: &str) -> (Option<u16>, usize) {
    let unit = match first {
        'b' => 0x08,
        't' => 0x09,
        'n' => 0x0a,
        'r' => 0x0d,
        'u' => {
            match rest.get(1..5).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())) {
                Some(digits) => return (u16::from_str_radix(digits, 16).ok(), 5),
                None => return (None, 1),
            }
        }
        _ => return (None, first.len_utf8()),
    };
    (Some(unit), 1)
}

/// Escapes what must be: backslashes, control characters, and double quotes if `quoted`.
pub(super) fn escape(text: &str, quoted: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '"' if quoted => escaped.push_str("\\\""),
            '\u{8}' => escaped.push_str("\\b"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            _ if character.is_control() => {
                let number = u32::from(character);
                write!(escaped, "\\u{number:04X}").expect("writing to a string cannot fail");
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_resolved_as_a_reader_must() {
        for (text, resolved) in [
            (r#"a\\b\"c\'d"#, "a\\b\"c'd"),
            (r"\b\t\n\r", "\u{8}\t\n\r"),
            (r"\u00e9\u00E9", "éé"),
            (r"\uD83D\uDE00!", "😀!"),
            (r"\uD83D!", "\u{fffd}!"),
            (r"\q\é\😀", "qé😀"),
            (r"\u12", "u12"),
            (r"\u+123", "u+123"),
            (r"\u00é9", "u00é9"),
            (r"end\", "end"),
        ] {
            assert_eq!(resolve(text), resolved, "{text}");
        }
    }

    #[test]
    fn only_what_must_be_escaped_is() {
        assert_eq!(escape("a\"é\\\u{7}\u{85}", false), "a\"é\\\\\\u0007\\u0085");
        assert_eq!(escape("a\"'", true), "a\\\"'");
    }

    proptest! {
        #[test]
        fn what_is_escaped_resolves_to_itself(text in any::<String>(), quoted: bool) {
            let escaped = escape(&text, quoted);
            prop_assert!(!escaped.chars().any(char::is_control));
            prop_assert_eq!(resolve(&escaped), text);
        }
    }
}
