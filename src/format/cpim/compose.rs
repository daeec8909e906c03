//! Writes a message from its parts, in the one form that every reader takes.
//!
//! Must never hold: a rule of the format. What is written is read back, and the reader judges.

use super::escape::escape;
use super::parse::parse;
use super::{Address, Cpim, IMDN, MESSAGE_ID, Subject};
use crate::format::{FormatFault, Position, time};
use crate::model::{ContentType, MessageId, Timestamp};

/// The parts of a message to be.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Who sends it.
    pub from: &'a Address,
    /// Whom it is for: at least one.
    pub to: &'a [Address],
    /// Who gets a copy.
    pub cc: &'a [Address],
    /// When it is sent; RFC 3862 advises to tell it, against replays.
    pub date_time: Option<Timestamp>,
    /// What it is about, one per language.
    pub subjects: &'a [Subject],
    /// The message's name, told as RFC 5438 has it.
    pub message_id: Option<&'a MessageId>,
    /// What the body is.
    pub content_type: &'a ContentType,
    /// The content, opaque.
    pub body: &'a [u8],
}

impl Cpim {
    /// Writes a message and reads it back, so that what is composed is what a reader finds.
    ///
    /// # Errors
    /// What a reader would refuse: an address that is no absolute URI, no recipient, a language that is no tag,
    /// a subject that begins or ends with a space, a moment after the year 9999, more than 64 KiB; and a part that would be
    /// read as another or as a header of its own.
    pub fn compose(draft: &Draft<'_>) -> Result<Self, FormatFault> {
        let cpim = parse(&bytes(draft)?)?;
        let said = (&cpim.from, &cpim.to[..], &cpim.cc[..], &cpim.subjects[..]);
        if said == (draft.from, draft.to, draft.cc, draft.subjects) {
            return Ok(cpim);
        }
        let cure = "leave line ends and spaces out of addresses and languages";
        let given = format!("{said:?}");
        Err(FormatFault::value(Position { line: 1, column: 1 }, "header", &given, cure))
    }
}

/// The message's bytes, not yet checked.
pub(super) fn bytes(draft: &Draft<'_>) -> Result<Vec<u8>, FormatFault> {
    let mut headers = String::new();
    let mut line = |name: &str, value: &str| headers.extend([name, " ", value, "\r\n"]);
    line("From:", &draft.from.write());
    draft.to.iter().for_each(|address| line("To:", &address.write()));
    draft.cc.iter().for_each(|address| line("cc:", &address.write()));
    if let Some(at) = draft.date_time {
        line("DateTime:", &written(at)?);
    }
    for Subject { language, text } in draft.subjects {
        let name = match language.as_str() {
            "" => "Subject:".to_owned(),
            tag => format!("Subject:;lang={tag}"),
        };
        line(&name, &escape(text, false));
    }
    if let Some(id) = draft.message_id {
        line("NS:", &format!("imdn <{IMDN}>"));
        line(&format!("imdn.{MESSAGE_ID}:"), &escape(id.as_str(), false));
    }
    line("\r\nContent-Type:", draft.content_type.as_str());
    let mut bytes = headers.into_bytes();
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(draft.body);
    Ok(bytes)
}

fn written(at: Timestamp) -> Result<String, FormatFault> {
    let place = Position { line: 1, column: 1 };
    let cure = "write one before the year 10000";
    let given = at.as_ms().to_string();
    time::write(at).ok_or_else(|| FormatFault::value(place, "DateTime", &given, cure))
}
