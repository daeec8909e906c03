//! Text in the character set that its label names.
//!
//! Must never hold: a guess. Bytes that their label does not fit are not text, whatever else they could be.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE, X_USER_DEFINED};

/// The names of US-ASCII at IANA. Browsers read them as windows-1252, which has more characters.
const ASCII: [&str; 12] = [
    "us-ascii",
    "ascii",
    "ansi_x3.4-1968",
    "ansi_x3.4-1986",
    "iso-ir-6",
    "iso_646.irv:1991",
    "iso646-us",
    "iso-646-us",
    "us",
    "ibm367",
    "cp367",
    "csascii",
];

/// Why bytes are no text in the character set of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CharsetFault {
    /// The label names nothing that is known.
    Unknown,
    /// The bytes are wrong in it, from the given one on if that is known.
    Bytes(Option<usize>),
}

/// The text that `bytes` are in the character set `label`, in whatever case and by whatever alias it is named.
///
/// A byte order mark is no part of the text. `utf-16` without one is big-endian (RFC 2781 §4.3).
///
/// # Errors
/// [`CharsetFault`]: the label is not known, or bytes do not fit it.
pub(super) fn decode<'a>(label: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, CharsetFault> {
    let label = label.trim();
    if ASCII.iter().any(|name| name.eq_ignore_ascii_case(label)) {
        let text = core::str::from_utf8(bytes).ok().filter(|text| text.is_ascii());
        let wrong = || CharsetFault::Bytes(bytes.iter().position(|byte| !byte.is_ascii()));
        return text.map(Cow::Borrowed).ok_or_else(wrong);
    }
    let named = Encoding::for_label(label.as_bytes());
    let named = named.filter(|one| *one != REPLACEMENT && *one != X_USER_DEFINED);
    let named = named.ok_or(CharsetFault::Unknown)?;
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        // The mark tells the order of bytes that the bare name leaves open, and no other character set.
        Some((marked, length)) if marked == named || is_open(label, marked) => (marked, length),
        _ if is_open(label, UTF_16BE) => (UTF_16BE, 0),
        _ => (named, 0),
    };
    let text = &bytes[mark..];
    let wrong = || {
        let valid = core::str::from_utf8(text).err().map(|error| mark + error.valid_up_to());
        CharsetFault::Bytes(valid.filter(|_| encoding == UTF_8))
    };
    encoding.decode_without_bom_handling_and_without_replacement(text).ok_or_else(wrong)
}

/// Whether `label` leaves the order of bytes open and `encoding` is one of both.
fn is_open(label: &str, encoding: &'static Encoding) -> bool {
    let named = ["utf-16", "ucs-2", "iso-10646-ucs-2", "csunicode", "unicode"];
    let open = named.iter().any(|name| name.eq_ignore_ascii_case(label));
    open && (encoding == UTF_16BE || encoding == UTF_16LE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(label: &str, bytes: &[u8]) -> Option<String> {
        decode(label, bytes).ok().map(Cow::into_owned)
    }

    #[test]
    fn a_label_counts_in_any_case_and_by_any_alias() {
        for (label, bytes, expected) in [
            ("utf-8", &b"caf\xc3\xa9"[..], "café"),
            ("UTF8", b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
            ("ISO-8859-1", b"caf\xe9", "café"),
            (" Latin1 ", b"caf\xe9", "café"),
            ("l1", b"caf\xe9", "café"),
            ("windows-1252", b"\x80", "€"),
            ("iso-8859-15", b"\xa4", "€"),
            ("ISO-8859-8-I", b"\xf9", "ש"),
            ("koi8-r", b"\xc1", "а"),
            ("cp1251", b"\xe0", "а"),
            ("Shift_JIS", b"\x82\xa0", "あ"),
            ("EUC-JP", b"\xa4\xa2", "あ"),
            ("iso-2022-jp", b"\x1b$B$3\x1b(B", "こ"),
            ("euc-kr", b"\xb0\xa1", "가"),
            ("GB2312", b"\xc4\xe3", "你"),
            ("gb18030", b"\x94\x39\xfc\x36", "😀"),
            ("big5", b"\xa7\x41", "你"),
            ("utf-16", b"\xff\xfea\0", "a"),
            ("utf-16", b"\xfe\xff\0a", "a"),
            ("UTF-16", b"\0a", "a"),
            ("utf-16le", b"a\0", "a"),
            ("utf-16be", b"\xfe\xff\0a", "a"),
            ("US-ASCII", b"a", "a"),
            ("ANSI_X3.4-1968", b"a", "a"),
            ("cp367", b"a", "a"),
        ] {
            assert_eq!(text(label, bytes).as_deref(), Some(expected), "{label}");
        }
    }

    #[test]
    fn nothing_is_guessed_against_a_label() {
        for (label, bytes) in [
            ("us-ascii", &b"caf\xc3\xa9"[..]),
            ("ascii", b"\xe9"),
            ("utf-8", b"caf\xe9"),
            ("utf-8", b"\xff\xfea\0"),
            ("iso-2022-jp", b"caf\xc3\xa9"),
            ("euc-jp", b"\xff"),
            ("utf-16le", b"a"),
        ] {
            assert!(matches!(decode(label, bytes), Err(CharsetFault::Bytes(_))), "{label}");
        }
        assert_eq!(decode("utf-8", b"caf\xe9"), Err(CharsetFault::Bytes(Some(3))));
        for label in ["", "utf-7", "utf-32", "x-user-defined", "iso-2022-kr", "hz-gb-2312", "cp437"]
        {
            assert_eq!(decode(label, b"a"), Err(CharsetFault::Unknown), "{label}");
        }
    }
}
