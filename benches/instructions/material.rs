//! What is sent and published, always the same.
//!
//! Must never hold: anything that differs from run to run.

use adsum::model::{
    Basic, ContentType, Document, InboxAddress, MessageId, Mode, Note, OperationId, Payload,
    Presentity, Principal, PublicKey, PublicationName, Receipts, Tag, Tuple, TupleId,
};
use adsum::protocol::{Command, Publish, Send, Subscribe};

/// Bytes of a message's body.
const BODY_BYTES: usize = 200;

/// The principal called `name` and a number.
pub(crate) fn person(name: &str, number: usize) -> Principal {
    format!("{name}-{number}@localhost").parse().expect("it is an address")
}

/// Those called `name`.
pub(crate) fn people(name: &str, count: usize) -> Vec<Principal> {
    (0..count).map(|number| person(name, number)).collect()
}

/// A key nobody holds: who proves is not asked.
pub(crate) fn key(who: &Principal) -> PublicKey {
    PublicKey(*blake3::hash(who.to_string().as_bytes()).as_bytes())
}

/// The body of a message.
pub(crate) fn body() -> Payload {
    Payload::Present(vec![b'x'; BODY_BYTES].into())
}

/// Message `number` to `inbox`.
pub(crate) fn message(inbox: InboxAddress, number: usize) -> Command {
    Command::Send(Send {
        sender: None,
        receipts: Receipts::NONE,
        inbox,
        id: MessageId::new(&format!("{number:032x}")).expect("it is hexadecimal"),
        content_type: ContentType::new("text/plain").expect("it has two tokens"),
        body: body(),
        lifetime: None,
    })
}

/// Operation `number` on `presentity`: it says something new, where it had `tag`.
pub(crate) fn publish(presentity: Presentity, number: usize, tag: Option<Tag>) -> Command {
    Command::Publish(Publish {
        presentity,
        name: PublicationName::default(),
        operation: operation(number),
        if_match: tag,
        lifetime: None,
        document: Some(document(number)),
    })
}

/// Operation `number`: subscribes to `presentity`, or renews that.
pub(crate) fn subscribe(presentity: Presentity, number: usize) -> Command {
    let (operation, mode) = (operation(number), Mode::Latest);
    Command::Subscribe(Subscribe { operation, presentity, mode, lifetime: None })
}

fn operation(number: usize) -> OperationId {
    OperationId((number as u128 + 1).to_be_bytes())
}

/// Two tuples, with a note each.
fn document(number: usize) -> Document {
    let tuple = |name: &str, basic| {
        let id = TupleId::new(name).expect("it is short and printable");
        let text = Payload::text(&format!("in a meeting, number {number}"));
        Tuple { notes: vec![Note { language: "en".into(), text }], ..Tuple::plain(id, basic) }
    };
    let tuples = vec![tuple("desk", Basic::Open), tuple("telephone", Basic::Closed)];
    Document::new(tuples, Vec::new(), Vec::new()).expect("it is far below every limit")
}
