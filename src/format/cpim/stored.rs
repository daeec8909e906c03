//! A message as it lies in an inbox, told in the format of RFC 3862.
//!
//! Must never hold: a message changed on its way, or a From that is not the authenticated sender.

use bytes::Bytes;

use super::{Address, CONTENT_TYPE, Draft, compose, parse};
use crate::format::time;
use crate::model::{ContentType, Message};

/// The message as `message/cpim`; `None` if its body was erased.
///
/// One that came in this format and says who sent it is given byte for byte. Anything else is wrapped: From and To are
/// the authenticated sender and the inbox, `DateTime` is when it was accepted, `Message-ID` its name, and the content is
/// the body with its type. So a message that claims to be from somebody else, or is out of form, is the content of one
/// that tells who sent it, and the outermost From is always true.
///
/// What is wrapped is longer than it was, so it may be over the 64 KiB that [`parse()`] reads.
pub fn stored(message: &Message) -> Option<Bytes> {
    let body = message.body.bytes()?;
    if is_cpim(&message.content_type) && says_its_sender(message, body) {
        return Some(body.clone());
    }
    let from = Address::of_inbox(&message.sender.inbox());
    let draft = Draft {
        from: &from,
        to: &[Address::of_inbox(&message.inbox)],
        cc: &[],
        date_time: Some(message.accepted_at).filter(|&at| time::write(at).is_some()),
        subjects: &[],
        message_id: Some(&message.id),
        content_type: &message.content_type,
        body,
    };
    Some(compose::bytes(&draft).expect("a moment that cannot be written was left out").into())
}

/// Whether a body of this type is a message of this format.
pub fn is_cpim(content_type: &ContentType) -> bool {
    content_type.essence().eq_ignore_ascii_case(CONTENT_TYPE)
}

fn says_its_sender(message: &Message, body: &[u8]) -> bool {
    // One with a MIME header of the whole before it is not a message but the file of one.
    parse(body)
        .is_ok_and(|cpim| cpim.bytes().len() == body.len() && cpim.from().is_of(&message.sender))
}
