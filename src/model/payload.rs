//! What people wrote, or the fact that it was erased or is not shown.
//!
//! Must never hold: a way to tell what an erased payload said, or a `Debug` that prints one that is present.

use core::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Bytes a person or program wrote: a message body, a note, a contact address, other presence markup.
///
/// Erasing a payload leaves the event around it in place, so every view, feed and format carries both cases.
/// Debug output tells the length only: what people wrote never reaches a log line.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Payload {
    /// The bytes as they came.
    Present(#[serde(with = "super::readable::written")] Bytes),
    /// Once here, destroyed for good.
    Erased,
    /// As it is stored: sealed with the keys of those to whom it belongs. Whoever cannot open it sees nothing of it.
    Sealed(#[serde(with = "super::readable::sealed")] Bytes),
    /// Here, but not shown to this device, which came by a recovery: it was stored before. Never recorded.
    #[serde(skip)]
    Withheld,
}

impl Payload {
    /// A payload of `text`.
    pub fn text(text: &str) -> Self {
        Self::Present(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// The bytes, unless they were erased, are withheld or sealed.
    pub fn bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Present(bytes) => Some(bytes),
            Self::Erased | Self::Withheld | Self::Sealed(_) => None,
        }
    }

    /// The bytes as text, unless they were erased or are not UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        self.bytes().and_then(|bytes| core::str::from_utf8(bytes).ok())
    }

    /// How many bytes can be read; none when erased, withheld or sealed.
    pub fn len(&self) -> usize {
        self.bytes().map_or(0, Bytes::len)
    }

    /// Whether nothing is held: empty or erased.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Present(bytes) => write!(formatter, "Payload({} bytes)", bytes.len()),
            Self::Erased => formatter.write_str("Payload(erased)"),
            Self::Withheld => formatter.write_str("Payload(withheld)"),
            Self::Sealed(_) => formatter.write_str("Payload(sealed)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_shows_what_was_written() {
        assert_eq!(format!("{:?}", Payload::text("secret")), "Payload(6 bytes)");
    }

    #[test]
    fn an_erased_payload_has_no_bytes_and_no_text() {
        assert_eq!(Payload::Erased.bytes(), None);
        assert_eq!(Payload::Erased.as_text(), None);
        assert!(Payload::Erased.is_empty());
    }

    #[test]
    fn a_sealed_payload_shows_nothing_of_its_bytes() {
        let sealed = Payload::Sealed(Bytes::from_static(b"secret"));
        assert_eq!((sealed.bytes(), sealed.len()), (None, 0));
        assert_eq!(format!("{sealed:?}"), "Payload(sealed)");
    }
}
