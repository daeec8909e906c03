//! Request frames as the server reads them.
//!
//! Must never hold: a judgement. Devices of this world send only what reads.

use adsum::model::{
    ContentType, InboxSequence, Lifetime, MessageId, OperationId, Payload, PublicationName,
    Receipts, Refusal, Tag,
};
use adsum::service::{Command, Publish, Send};
use adsum::wire::body::{self, Body};
use adsum::wire::{Frame, convert, decode};

/// The number and the command of a request.
pub(crate) fn read(frame: &Frame) -> (u64, Command) {
    let request = match frame.kind {
        body::Publish::KIND => decode(frame).map(publish),
        body::Subscribe::KIND => decode(frame).map(|body| subscribe(&body)),
        body::Unsubscribe::KIND => decode(frame).map(|body| unsubscribe(&body)),
        body::Send::KIND => decode(frame).map(send),
        body::Delete::KIND => decode(frame).map(|body| delete(&body)),
        kind => panic!("a device sent kind {kind:#06x} on CONTROL"),
    };
    let (number, command) = request.expect("a request that was encoded decodes");
    (number, command.expect("devices ask only what is valid"))
}

type Read = (u64, Result<Command, Refusal>);

fn publish(body: body::Publish) -> Read {
    let number = body.request;
    let command = || {
        Ok(Command::Publish(Publish {
            presentity: body.presentity.parse()?,
            name: PublicationName::new(&body.name)?,
            operation: OperationId(body.operation),
            if_match: body.if_match.map(Tag),
            lifetime: body.lifetime_ms.map(Lifetime::from_ms),
            document: body.document.map(convert::document).transpose()?,
        }))
    };
    (number, command())
}

fn subscribe(body: &body::Subscribe) -> Read {
    let command = || {
        Ok(Command::Subscribe {
            operation: OperationId::default(),
            presentity: body.presentity.parse()?,
            mode: convert::mode(body.mode)?,
            lifetime: body.lifetime_ms.map(Lifetime::from_ms),
        })
    };
    (body.request, command())
}

fn unsubscribe(body: &body::Unsubscribe) -> Read {
    let command = || Ok(Command::Unsubscribe { presentity: body.presentity.parse()? });
    (body.request, command())
}

fn send(body: body::Send) -> Read {
    let number = body.request;
    let command = || {
        Ok(Command::Send(Send {
            sender: None,
            receipts: Receipts::NONE,
            inbox: body.inbox.parse()?,
            id: MessageId::new(&body.id)?,
            content_type: ContentType::new(&body.content_type)?,
            body: Payload::Present(body.body),
            lifetime: body.lifetime_ms.map(Lifetime::from_ms),
        }))
    };
    (number, command())
}

fn delete(body: &body::Delete) -> Read {
    let sequences = body.sequences.iter().copied().map(InboxSequence::new).collect();
    let command = || Ok(Command::Delete { inbox: body.inbox.parse()?, sequences });
    (body.request, command())
}
