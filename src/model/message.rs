//! An instant message and what names it.
//!
//! Must never hold: a changed body. Bytes leave as they came (RFC 3862 §2: content is immutable).

use core::fmt;
use std::sync::Arc;

use super::limits::{CONTENT_TYPE_BYTES_MAX, MESSAGE_ID_BYTES_MAX};
use super::text::text;
use super::{InboxAddress, InboxSequence, Lifetime, Payload, Principal, Refusal, Timestamp};

text! {
    /// Sender-chosen name of a message, unique for its sender: 1 to 64 visible ASCII characters.
    ///
    /// Advised: 128 random bits. Scope: the sending principal (RFC 2779 §4.1.9).
    MessageId(Arc<str>)
}

impl MessageId {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if it is empty, too long, or holds anything but visible ASCII.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        if !(1..=MESSAGE_ID_BYTES_MAX).contains(&text.len()) {
            return Err(Refusal::bad_field(
                "message id",
                "must have 1 to 64 characters; choose one of that length",
            ));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::bad_field(
                "message id",
                "may hold only visible ASCII characters; leave the others out",
            ));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

text! {
    /// MIME type of a body with its parameters, such as `text/plain; charset=utf-8`. Kept as it came.
    #[derive(Debug)]
    ContentType(Arc<str>)
}

impl ContentType {
    /// Checks `text`: `type/subtype` of RFC 2045 tokens, then anything printable after a `;`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] with what is wrong.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        let bad = |reason| Refusal::bad_field("content type", reason);
        if text.len() > CONTENT_TYPE_BYTES_MAX {
            return Err(bad("is longer than 255 bytes; shorten it"));
        }
        if text.chars().any(char::is_control) {
            return Err(bad("holds a control character; leave it out"));
        }
        let essence = text.split(';').next().unwrap_or_default();
        let (kind, subtype) = essence
            .trim_end()
            .split_once('/')
            .ok_or_else(|| bad("has no `/`; write it like text/plain"))?;
        if !is_token(kind) || !is_token(subtype) {
            return Err(bad("is not `type/subtype`; write it like text/plain"));
        }
        Ok(Self(text.into()))
    }

    /// The type without its parameters.
    pub fn essence(&self) -> &str {
        self.0.split(';').next().unwrap_or_default().trim_end()
    }

    /// Whether this is `text/…`, so that a terminal may show it.
    pub fn is_text(&self) -> bool {
        self.0.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("text/"))
    }
}

/// RFC 2045 §5.1 token.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
}

/// A message as it lies in an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it lies.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// The authenticated sender, never what a client claims.
    pub sender: Principal,
    /// The sender's name for it.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// 1 to 64 KiB, opaque.
    pub body: Payload,
    /// When it became durable.
    pub accepted_at: Timestamp,
    /// How long it was asked to live from then on; `None` for ever.
    pub lifetime: Option<Lifetime>,
}

impl Message {
    /// The same, without what it says.
    #[must_use]
    pub fn withheld(self) -> Self {
        Self { body: Payload::Withheld, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_is_visible_ascii() {
        assert!(MessageId::new("5d0c7b6c9c0f4c0d").is_ok());
        for wrong in ["", "a b", "é", "a\n", &"x".repeat(65)] {
            assert!(MessageId::new(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_content_type_has_two_tokens() {
        for good in ["text/plain", "Text/Plain; charset=utf-8", "application/x.y+json"] {
            assert_eq!(ContentType::new(good).unwrap().as_str(), good);
        }
        for wrong in ["", "text", "/plain", "text/", "te xt/plain"] {
            assert!(ContentType::new(wrong).is_err(), "{wrong:?}");
        }
        assert!(ContentType::new("TEXT/html").unwrap().is_text());
        assert!(!ContentType::new("image/png").unwrap().is_text());
    }

    #[test]
    fn a_control_character_is_refused_wherever_it_stands_and_left_out_of_what_was_recorded() {
        for wrong in [
            "text/plain\n",
            "text/plain\r\n; x=y",
            "text/plain;\r\nX: y",
            "text/plain\u{85}",
            "text/plain;\t",
        ] {
            assert!(ContentType::new(wrong).is_err(), "{wrong:?}");
            let recorded = ContentType::try_from(wrong.to_owned()).unwrap();
            assert!(!recorded.as_str().contains(char::is_control), "{wrong:?}");
        }
        assert!(ContentType::try_from("text\n".to_owned()).is_err());
    }
}
