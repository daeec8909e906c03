//! Sending instant messages, and messages as they lie in an inbox. RFC 2778 INSTANT MESSAGE.
//!
//! Must never hold: a check that the model's constructors do not make, except the size of a body.

use bytes::Bytes;

use super::field::{Field, fields};
use super::framed::framed;
use super::request::{Answer, Request, WEIGHT_BYTES};
use super::sample::{DAY_MS, INBOX, Sample, TIME_MS, answered, asked, through, written as text};
use crate::model::limits::BODY_BYTES_MAX;
use crate::model::{
    COMPOSING_TYPE, ContentType, InboxAddress, Lifetime, Message, MessageId, Payload, Principal,
    Receipts, Refusal, composing_document, is_composing,
};

/// Frozen bodies and their parts.
pub mod body {
    use crate::protocol::document::body::Written;
    use bytes::Bytes;
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Sends a message.
        0x0013 Send {
            /// The client's number for the answer.
            request: u64,
            /// `im:` URI.
            inbox: String,
            /// `local@domain` of the sender; empty means the session's principal.
            sender: String,
            /// The sender's name for the message; the same on a repeat.
            id: String,
            /// MIME type.
            content_type: String,
            /// 1 to 65,536 bytes.
            body: Bytes,
            /// Time to live; none means for ever.
            lifetime_ms: Option<u64>,
            ;
            /// Which receipts are wanted: one byte, a bit for each.
            1 receipts,
        }
        /// That somebody is composing a message, in a live inbox feed. It has no number and no cursor.
        0x8002 ComposingEvent {
            /// `im:` URI of the inbox that the message would go to.
            inbox: String,
            /// `local@domain` of the authenticated sender.
            sender: String,
            /// MIME type of the body.
            content_type: String,
            /// The indication as it was sent, at most 4,096 bytes.
            body: Bytes,
        }
        /// Answer to `Send`: the message is in the inbox.
        0x0113 Sent {
            /// The client's number.
            request: u64,
            /// Whether it was there already.
            duplicate: bool,
        }
    }

    /// A message as it lies in an inbox.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct MessageBody {
        /// `im:` URI.
        pub inbox: String,
        /// Its position there.
        pub sequence: u64,
        /// `local@domain` of the authenticated sender.
        pub sender: String,
        /// The sender's name for it.
        pub id: String,
        /// MIME type.
        pub content_type: String,
        /// The body; none once erased.
        pub body: Written,
        /// When it became durable.
        pub accepted_at_ms: u64,
        /// Time to live from then on.
        pub lifetime_ms: Option<u64>,
    }
}

/// Sends a message. Answer: [`Answer::Sent`]. A repeat with the same content gets the first answer, by the
/// message's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    /// Who sends: one the asker is a member of; `None` for the asker itself.
    pub sender: Option<Principal>,
    /// Where to.
    pub inbox: InboxAddress,
    /// What the sender wants to learn of it later.
    pub receipts: Receipts,
    /// The sender's name for it.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// 1 to [`BODY_BYTES_MAX`] bytes.
    pub body: Payload,
    /// How long it may wait; `None` for ever.
    pub lifetime: Option<Lifetime>,
}

framed! { request Send: body, sender, receipts, inbox, id, content_type; lifetime_ms = lifetime }

impl Send {
    /// Whether it only says that its sender is composing (RFC 3994): passed on, and never kept.
    pub fn is_composing(&self) -> bool {
        self.body.bytes().is_some_and(|body| is_composing(&self.content_type, body))
    }
}

/// That somebody is composing a message: told to whoever has the inbox open, and nowhere kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composing {
    /// For which inbox.
    pub inbox: InboxAddress,
    /// The authenticated sender, never what a client claims.
    pub sender: Principal,
    /// What the body is.
    pub content_type: ContentType,
    /// The indication as it was sent, at most [`COMPOSING_BYTES_MAX`](crate::model::limits::COMPOSING_BYTES_MAX) bytes.
    pub body: Bytes,
}

framed! { Composing in ComposingEvent: inbox, sender, content_type, body }

/// The body of a message on its way: there, and of a size that may be.
impl Field<Bytes> for Payload {
    fn to_wire(&self) -> Bytes {
        self.bytes().cloned().unwrap_or_default()
    }

    fn from_wire(wire: Bytes) -> Result<Self, Refusal> {
        check_size(wire.len())?;
        Ok(Self::Present(wire))
    }
}

impl Request for Send {
    fn weight(&self) -> usize {
        self.body.len() / WEIGHT_BYTES
    }
}

fn check_size(found: usize) -> Result<(), Refusal> {
    match found {
        0 => Err(Refusal::bad_field("body", "is empty; send at least one byte")),
        _ => Refusal::check_max("body", found, BODY_BYTES_MAX),
    }
}

/// Which receipts are asked for, as an addition: none if it is not said.
impl Field<Option<Bytes>> for Receipts {
    fn to_wire(&self) -> Option<Bytes> {
        (!self.is_none()).then(|| Bytes::copy_from_slice(&[self.bits()]))
    }

    fn from_wire(wire: Option<Bytes>) -> Result<Self, Refusal> {
        match wire.as_deref() {
            None => Ok(Self::NONE),
            Some(&[bits]) => Ok(Self::from_bits(bits)),
            Some(_) => Err(Refusal::bad_field(
                "receipts",
                "must have one byte; send one, or leave them out",
            )),
        }
    }
}

fields! {
    Message in body::MessageBody:
    inbox, sequence, id, content_type, body;
    accepted_at_ms = accepted_at, lifetime_ms = lifetime | sender
}

impl Message {
    /// Says beside the message that what it says is not shown.
    pub fn withheld_addition(&self) -> Option<Bytes> {
        (self.body == Payload::Withheld).to_wire()
    }

    /// Reads a message and what is said beside it.
    ///
    /// # Errors
    /// The refusal of the first field that is not valid.
    pub fn read(wire: body::MessageBody, withheld: Option<Bytes>) -> Result<Self, Refusal> {
        let (message, is_withheld) = (Self::from_wire(wire)?, bool::from_wire(withheld)?);
        Ok(if is_withheld { message.withheld() } else { message })
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let lasting = body::Send { lifetime_ms: Some(DAY_MS), ..to_alice() };
    let asking = body::Send { receipts: Receipts::from_bits(6).to_wire(), ..to_alice() };
    vec![
        asked::<Send>("Send", 2, lasting),
        asked::<Send>("Send that asks for receipts", 2, asking),
        answered("Sent", 2, &Answer::Sent { duplicate: false }),
        through::<Composing>("ComposingEvent", from_bob()),
    ]
}

/// Bob is writing to alice.
fn from_bob() -> body::ComposingEvent {
    body::ComposingEvent {
        inbox: "im:alice@example.com".into(),
        sender: "bob@example.com".into(),
        content_type: COMPOSING_TYPE.into(),
        body: composing_document(true, None).into(),
    }
}

/// Bob writes to alice.
pub(super) fn to_alice() -> body::Send {
    body::Send {
        request: 0,
        inbox: "im:alice@example.com".into(),
        sender: String::new(),
        id: "5d0c7b6c9c0f4c0d".into(),
        content_type: "text/plain; charset=utf-8".into(),
        body: Bytes::from_static(b"lunch?"),
        lifetime_ms: None,
        receipts: None,
    }
}

/// Alice's answer in bob's inbox.
pub(super) fn from_alice() -> body::MessageBody {
    body::MessageBody {
        inbox: INBOX.into(),
        sequence: 10,
        sender: "alice@example.com".into(),
        id: "a1".into(),
        content_type: "text/plain".into(),
        body: text("yes"),
        accepted_at_ms: TIME_MS,
        lifetime_ms: Some(DAY_MS),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::document::tests::payloads_of;
    use super::*;
    use crate::model::{InboxSequence, ReceiptKind, Timestamp};

    fn any_message() -> impl Strategy<Value = Message> {
        let body = payloads_of("\\PC{1,50}");
        let id = "[!-~]{1,64}";
        (any::<[u64; 2]>(), id, body, prop::option::of(any::<u64>())).prop_map(
            |([sequence, at], id, body, lifetime)| Message {
                inbox: "im:bob@example.com".parse().unwrap(),
                sequence: InboxSequence::new(sequence),
                sender: "alice@example.com".parse().unwrap(),
                id: MessageId::new(&id).unwrap(),
                content_type: ContentType::new("text/plain; charset=utf-8").unwrap(),
                body,
                accepted_at: Timestamp::from_ms(at),
                lifetime: lifetime.map(Lifetime::from_ms),
            },
        )
    }

    proptest! {
        #[test]
        fn a_message_reads_back(given in any_message()) {
            let wire: body::MessageBody = given.to_wire();
            prop_assert_eq!(Message::from_wire(wire), Ok(given));
        }
    }

    #[test]
    fn receipts_read_back_and_what_is_not_asked_for_takes_no_bytes() {
        let given = Receipts::NONE.with(ReceiptKind::Displayed).with(ReceiptKind::Failed);
        assert_eq!(Receipts::from_wire(given.to_wire()), Ok(given));
        assert_eq!(Receipts::NONE.to_wire(), None);
        assert_eq!(Receipts::from_wire(None), Ok(Receipts::NONE));
    }

    #[test]
    fn a_receipt_that_is_not_known_is_not_asked_for_and_two_bytes_are_refused() {
        let addition = |bytes| Some(Bytes::from_static(bytes));
        assert_eq!(Receipts::from_wire(addition(&[0xe1])), Ok(Receipts::from_bits(1)));
        assert!(Receipts::from_wire(addition(&[])).is_err());
    }

    #[test]
    fn a_body_is_neither_empty_nor_over_the_limit() {
        assert!(check_size(BODY_BYTES_MAX).is_ok());
        assert!(matches!(check_size(0), Err(Refusal::BadField { .. })));
        assert!(matches!(check_size(BODY_BYTES_MAX + 1), Err(Refusal::TooLarge { .. })));
    }
}
