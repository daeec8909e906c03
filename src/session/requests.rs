//! From the frames of CONTROL to commands that are valid.
//!
//! Must never hold: a judgement that needs the state of the store.

use super::governance::{self, own_or};
use crate::model::limits::{BODY_BYTES_MAX, DELETE_COUNT_MAX};
use crate::model::{
    ContentType, DeviceId, InboxSequence, InviteId, Lifetime, MessageId, OperationId, Payload,
    PublicationName, Refusal, Tag,
};
use crate::protocol::body::{
    Administer, Body, ChangeDelivery, ChangeRules, ChangeVisibility, Delete, Displayed,
    EndSubscription, Grant, Invite, KINDS, Publish, RevokeKey, Send, Subscribe, Unsubscribe,
};
use crate::protocol::convert;
use crate::service::{self, Actor, Command};
use crate::wire::{Frame, FrameFault, decode, request_number};

/// A request as far as it was understood.
#[derive(Debug)]
pub(super) struct Request {
    /// The client's number for the answer.
    pub(super) number: u64,
    /// The kind of request, for counting.
    pub(super) kind: &'static str,
    /// What it asks, or why it cannot be asked so.
    pub(super) command: Result<Command, Refusal>,
}

/// Reads a request of `actor`; `None` for a frame that is to be passed over.
///
/// # Errors
/// [`FrameFault`] if not even the request's number can be read, or the frame belongs elsewhere: then the peer does
/// not speak this protocol and the connection must end.
pub(super) fn read(frame: &Frame, actor: &Actor) -> Result<Option<Request>, FrameFault> {
    let request = match frame.kind {
        Publish::KIND => parse(frame, "publish", publish),
        Subscribe::KIND => parse(frame, "subscribe", subscribe),
        Unsubscribe::KIND => parse(frame, "unsubscribe", unsubscribe),
        Send::KIND => parse(frame, "send", |body| send(body, actor)),
        Delete::KIND => parse(frame, "delete", delete),
        Invite::KIND => parse(frame, "invite", invite),
        RevokeKey::KIND => parse(frame, "revoke-key", |body| revoke_key(body, actor)),
        Displayed::KIND => parse(frame, "displayed", governance::displayed),
        ChangeRules::KIND => parse(frame, "change-rules", governance::change_rules),
        ChangeDelivery::KIND => parse(frame, "change-delivery", governance::change_delivery),
        ChangeVisibility::KIND => parse(frame, "change-visibility", governance::change_visibility),
        Grant::KIND => parse(frame, "grant", |body| governance::grant(body, actor)),
        EndSubscription::KIND => parse(frame, "end-subscription", governance::end_subscription),
        Administer::KIND => parse(frame, "administer", governance::administer),
        _ if frame.is_ignorable() => return Ok(None),
        kind => unknown(frame, kind),
    };
    request.map(Some)
}

fn unknown(frame: &Frame, kind: u16) -> Result<Request, FrameFault> {
    let expected = "a request";
    let belongs_elsewhere = KINDS.iter().any(|(known, _)| *known == kind);
    match request_number(frame) {
        Some(number) if !belongs_elsewhere => {
            Ok(Request { number, kind: "unknown", command: Err(Refusal::UnknownKind { kind }) })
        }
        _ => Err(FrameFault::Unexpected { found: kind, expected }),
    }
}

/// Decodes a body that begins with a request number and reads it with `read`.
fn parse<B: Body + Numbered>(
    frame: &Frame,
    kind: &'static str,
    read: impl FnOnce(B) -> Result<Command, Refusal>,
) -> Result<Request, FrameFault> {
    match decode::<B>(frame) {
        Ok(body) => Ok(Request { number: body.number(), kind, command: read(body) }),
        Err(fault) => match (request_number(frame), fault.refusal()) {
            (Some(number), Some(refusal)) => Ok(Request { number, kind, command: Err(refusal) }),
            _ => Err(fault),
        },
    }
}

/// A body with a request number.
trait Numbered {
    fn number(&self) -> u64;
}

macro_rules! numbered {
    ($($body:ident),*) => {
        $(impl Numbered for $body {
            fn number(&self) -> u64 {
                self.request
            }
        })*
    };
}

numbered!(Publish, Subscribe, Unsubscribe, Send, Delete, Invite, RevokeKey);
numbered!(Displayed, ChangeRules, ChangeDelivery, ChangeVisibility, Grant, EndSubscription);
numbered!(Administer);

fn publish(body: Publish) -> Result<Command, Refusal> {
    Ok(Command::Publish(service::Publish {
        presentity: body.presentity.parse()?,
        name: PublicationName::new(&body.name)?,
        operation: OperationId(body.operation),
        if_match: body.if_match.map(Tag),
        lifetime: body.lifetime_ms.map(Lifetime::from_ms),
        document: body.document.map(convert::document).transpose()?,
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
fn subscribe(body: Subscribe) -> Result<Command, Refusal> {
    Ok(Command::Subscribe {
        operation: convert::operation(body.operation.as_ref())?,
        presentity: body.presentity.parse()?,
        mode: convert::mode(body.mode)?,
        lifetime: body.lifetime_ms.map(Lifetime::from_ms),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
fn unsubscribe(body: Unsubscribe) -> Result<Command, Refusal> {
    Ok(Command::Unsubscribe { presentity: body.presentity.parse()? })
}

fn send(body: Send, actor: &Actor) -> Result<Command, Refusal> {
    check_body(body.body.len())?;
    Ok(Command::Send(service::Send {
        sender: Some(own_or(&body.sender, actor)?),
        receipts: convert::receipts(body.receipts.as_ref())?,
        inbox: body.inbox.parse()?,
        id: MessageId::new(&body.id)?,
        content_type: ContentType::new(&body.content_type)?,
        body: Payload::Present(body.body),
        lifetime: body.lifetime_ms.map(Lifetime::from_ms),
    }))
}

fn check_body(found: usize) -> Result<(), Refusal> {
    match found {
        0 => Err(Refusal::bad_field("body", "is empty; send at least one byte")),
        1..=BODY_BYTES_MAX => Ok(()),
        _ => Err(too_large("body", found, BODY_BYTES_MAX)),
    }
}

fn delete(body: Delete) -> Result<Command, Refusal> {
    if body.sequences.len() > DELETE_COUNT_MAX {
        return Err(too_large("list of messages", body.sequences.len(), DELETE_COUNT_MAX));
    }
    Ok(Command::Delete {
        inbox: body.inbox.parse()?,
        sequences: body.sequences.into_iter().map(InboxSequence::new).collect(),
    })
}

fn invite(body: Invite) -> Result<Command, Refusal> {
    Ok(Command::Invite {
        invite: InviteId(body.invite),
        principal: body.principal.map(|principal| principal.parse()).transpose()?,
        role: convert::role(body.role)?,
        lifetime: body.lifetime_ms.map(Lifetime::from_ms),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
fn revoke_key(body: RevokeKey, actor: &Actor) -> Result<Command, Refusal> {
    Ok(Command::RevokeKey {
        principal: own_or(&body.principal, actor)?,
        device: DeviceId(body.device),
    })
}

/// More of something than may be.
pub(super) fn too_large(part: &str, found: usize, max: usize) -> Refusal {
    Refusal::TooLarge { part: part.to_owned(), found: found as u64, max: max as u64 }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{ReceiptKind, Receipts, RefusalCode};
    use crate::wire::{Decoder, encode};

    fn actor() -> Actor {
        Actor { principal: "alice@d.example".parse().unwrap(), device: DeviceId([1; 8]) }
    }

    fn message() -> Send {
        Send {
            request: 7,
            inbox: "im:bob@d.example".to_owned(),
            sender: String::new(),
            id: "m1".to_owned(),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(b"lunch?"),
            lifetime_ms: None,
            receipts: None,
        }
    }

    fn frame<B: Body>(body: &B) -> Frame {
        let (mut bytes, mut decoder) = (Vec::new(), Decoder::default());
        encode(body, &mut bytes);
        decoder.push(&bytes);
        decoder.next_frame().unwrap().unwrap()
    }

    fn refusal(frame: &Frame) -> (u64, RefusalCode) {
        let request = read(frame, &actor()).unwrap().unwrap();
        (request.number, request.command.unwrap_err().code())
    }

    #[test]
    fn a_good_request_becomes_its_command() {
        let request = read(&frame(&message()), &actor()).unwrap().unwrap();
        assert_eq!(request.number, 7);
        let Ok(Command::Send(sent)) = request.command else { panic!() };
        assert_eq!(sent.inbox.account(), "bob@d.example");
    }

    #[test]
    fn a_sender_that_is_not_named_is_the_one_who_sends() {
        let sender = |sender: &str| frame(&Send { sender: sender.to_owned(), ..message() });
        let sent_by = |name: &str| match read(&sender(name), &actor()).unwrap().unwrap().command {
            Ok(Command::Send(sent)) => {
                sent.sender.map(|sender| sender.to_string()).unwrap_or_default()
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(sent_by(""), "alice@d.example");
        assert_eq!(sent_by("Alice@D.example"), "alice@d.example");
        assert_eq!(sent_by("group@d.example"), "group@d.example");
        assert_eq!(refusal(&sender("nobody")), (7, RefusalCode::BadAddress));
    }

    #[test]
    fn a_send_carries_the_receipts_it_asks_for() {
        let wanted = Receipts::NONE.with(ReceiptKind::Delivered);
        let body = Send { receipts: convert::receipts_added(wanted), ..message() };
        let request = read(&frame(&body), &actor()).unwrap().unwrap();
        let Ok(Command::Send(sent)) = request.command else { panic!() };
        assert_eq!(sent.receipts, wanted);
    }

    #[test]
    fn each_wrong_field_has_its_own_code() {
        let wrong = [
            (Send { inbox: "im:".to_owned(), ..message() }, RefusalCode::BadAddress),
            (Send { id: String::new(), ..message() }, RefusalCode::BadField),
            (Send { body: Bytes::new(), ..message() }, RefusalCode::BadField),
            (Send { body: vec![0; BODY_BYTES_MAX + 1].into(), ..message() }, RefusalCode::TooLarge),
        ];
        for (body, code) in wrong {
            assert_eq!(refusal(&frame(&body)), (7, code));
        }
    }

    #[test]
    fn a_body_that_does_not_decode_is_refused_by_its_number() {
        let mut broken = frame(&message());
        broken.body = broken.body.slice(..3);
        assert_eq!(refusal(&broken), (7, RefusalCode::Malformed));
        let mut bytes = frame(&message()).body.to_vec();
        bytes[3] = 0xff;
        assert_eq!(
            refusal(&Frame { kind: Send::KIND, body: bytes.into() }),
            (7, RefusalCode::BadUtf8)
        );
    }

    #[test]
    fn an_unknown_kind_is_refused_or_passed_over_by_its_range() {
        let unknown = Frame { kind: 0x7f00, body: Bytes::from_static(&[9, 1, 2]) };
        assert_eq!(refusal(&unknown), (9, RefusalCode::UnknownKind));
        let ignorable = Frame { kind: 0x8f00, body: Bytes::new() };
        assert!(read(&ignorable, &actor()).unwrap().is_none());
    }

    #[test]
    fn a_frame_that_belongs_elsewhere_or_has_no_number_ends_the_connection() {
        let elsewhere = Frame { kind: 0x0001, body: Bytes::from_static(&[1, 2, 3]) };
        assert!(read(&elsewhere, &actor()).is_err());
        let numberless = Frame { kind: Send::KIND, body: Bytes::new() };
        assert!(read(&numberless, &actor()).is_err());
    }
}
