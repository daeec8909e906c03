//! What people can read of a content: its text, in whatever transfer encoding, character set and parts it came.
//!
//! Must never hold: a guess. What its labels do not make text is told by its type and size.

use mailparse::body::Body;
use mailparse::{DispositionType, ParsedMail};

use super::charset::{self, CharsetFault};
use super::cpim::Cpim;
use crate::model::ContentType;

/// A piece of a content, in the order in which people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text.
    Text {
        /// Its type, without parameters and in small letters, such as `text/plain`.
        kind: String,
        /// The text. It may hold control characters: not fit for a terminal as it is.
        text: String,
    },
    /// Something that is no text, or whose label does not make it one.
    Other {
        /// Its type as written.
        kind: String,
        /// How many bytes it has, as it came.
        bytes: usize,
        /// Why it is not shown; empty if its type says so already.
        reason: String,
    },
}

/// What people can read of a body of `content_type`.
pub fn pieces(content_type: &ContentType, body: &[u8]) -> Vec<Piece> {
    of_mail(&[("Content-Type", content_type.as_str())], body)
}

/// What people can read of the content of a `message/cpim`.
pub fn pieces_of(cpim: &Cpim) -> Vec<Piece> {
    let headers = cpim.content_headers().iter();
    let headers: Vec<_> = headers.map(|one| (one.name.as_str(), one.value.as_str())).collect();
    of_mail(&headers, cpim.body())
}

/// The texts among `pieces` with an empty line between them; `None` if there is none.
pub fn joined(pieces: &[Piece]) -> Option<String> {
    let texts = pieces.iter().filter_map(|piece| match piece {
        Piece::Text { text, .. } => Some(text.as_str()),
        Piece::Other { .. } => None,
    });
    let texts: Vec<&str> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

fn of_mail(headers: &[(&str, &str)], body: &[u8]) -> Vec<Piece> {
    let mut mail = Vec::with_capacity(body.len() + 256);
    for (name, value) in headers {
        mail.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    mail.extend_from_slice(b"\r\n");
    mail.extend_from_slice(body);
    if let Ok(mail) = mailparse::parse_mail(&mail) {
        return of_part(&mail);
    }
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let kind = kind.map_or_else(String::new, |(_, value)| (*value).to_owned());
    vec![Piece::Other { kind, bytes: body.len(), reason: "out of form".to_owned() }]
}

fn of_part(part: &ParsedMail<'_>) -> Vec<Piece> {
    let kind = part.ctype.mimetype.as_str();
    if kind.starts_with("multipart/") && !part.subparts.is_empty() {
        let parts = part.subparts.iter().map(of_part);
        return if kind == "multipart/alternative" {
            best(parts)
        } else {
            parts.flatten().collect()
        };
    }
    let is_apart = part.get_content_disposition().disposition == DispositionType::Attachment;
    if is_apart || !kind.starts_with("text/") {
        return vec![other(part, String::new())];
    }
    vec![match text_of(part) {
        Ok(text) => Piece::Text { kind: kind.to_owned(), text },
        Err(reason) => other(part, reason),
    }]
}

/// Of several forms of one content the plainest text, or else the first that has a text, or else the last, which is the
/// richest (RFC 2046 §5.1.4).
fn best(parts: impl Iterator<Item = Vec<Piece>>) -> Vec<Piece> {
    let has = |pieces: &[Piece], plain: bool| {
        pieces.iter().any(
            |piece| matches!(piece, Piece::Text { kind, .. } if !plain || kind == "text/plain"),
        )
    };
    let mut parts: Vec<_> = parts.collect();
    let found = parts.iter().position(|pieces| has(pieces, true));
    let found = found.or_else(|| parts.iter().position(|pieces| has(pieces, false)));
    parts.swap_remove(found.unwrap_or(parts.len() - 1))
}

fn other(part: &ParsedMail<'_>, reason: String) -> Piece {
    let kind = header(part, "Content-Type").unwrap_or_else(|| part.ctype.mimetype.clone());
    Piece::Other { kind, bytes: raw(part).len(), reason }
}

fn header(part: &ParsedMail<'_>, name: &str) -> Option<String> {
    let found = part.headers.iter().find(|header| header.get_key_ref().eq_ignore_ascii_case(name));
    found.map(|header| String::from_utf8_lossy(header.get_value_raw()).trim().to_owned())
}

/// The bytes of a part as they came.
fn raw<'a>(part: &'a ParsedMail<'_>) -> &'a [u8] {
    match part.get_body_encoded() {
        Body::Base64(body) | Body::QuotedPrintable(body) => body.get_raw(),
        Body::SevenBit(body) | Body::EightBit(body) => body.get_raw(),
        Body::Binary(body) => body.get_raw(),
    }
}

/// A part in base64 whose end was left away, as some programs do: it can be nothing else.
fn padded(part: &ParsedMail<'_>) -> Option<Vec<u8>> {
    let Body::Base64(body) = part.get_body_encoded() else { return None };
    let letters = body.get_raw().iter().filter(|byte| !byte.is_ascii_whitespace()).count();
    let missing = letters.wrapping_neg() % 4;
    let whole =
        [&b"Content-Transfer-Encoding: base64\r\n\r\n"[..], body.get_raw(), &b"==="[..missing]];
    mailparse::parse_mail(&whole.concat()).ok()?.get_body_raw().ok()
}

/// The text of a part, or why it is none.
fn text_of(part: &ParsedMail<'_>) -> Result<String, String> {
    let encoding = header(part, "Content-Transfer-Encoding").unwrap_or_default();
    let known = ["", "7bit", "8bit", "binary", "base64", "quoted-printable"];
    if !known.iter().any(|one| one.eq_ignore_ascii_case(&encoding)) {
        return Err(format!("in the transfer encoding {encoding}, which is not known"));
    }
    let bytes = part.get_body_raw().ok().or_else(|| padded(part));
    let bytes = bytes.ok_or_else(|| format!("which are no {encoding}"))?;
    // Without a label text is UTF-8, of which the US-ASCII of MIME is a part. A comment is no part of a label.
    let label = part.ctype.params.get("charset").map_or("utf-8", |label| label.as_str());
    let label = label.split('(').next().unwrap_or_default().trim_end();
    let text = charset::decode(label, &bytes).map_err(|fault| match fault {
        CharsetFault::Unknown => format!("in the character set {label}, which is not known"),
        CharsetFault::Bytes(_) => format!("which are not {label}"),
    })?;
    Ok(text.into_owned())
}
