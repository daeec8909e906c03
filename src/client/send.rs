//! Sending messages.
//!
//! Must never hold: a message that was sent. Whoever must send it again after a crash keeps its id.

use bytes::Bytes;

use super::client::{Client, mismatched};
use super::error::ClientError;
use super::random;
use super::session::Durability;
use crate::model::limits::BODY_BYTES_MAX;
use crate::model::{
    COMPOSING_TYPE, ContentType, InboxAddress, Lifetime, MessageId, Payload, Principal, Receipts,
    Refusal, composing_document, is_composing,
};
use crate::protocol::{self, Answer};

/// A message to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where to.
    pub inbox: InboxAddress,
    /// Its name; 128 random bits if `None`. To send the same message again after a crash, choose and keep it.
    pub id: Option<MessageId>,
    /// What the body is.
    pub content_type: ContentType,
    /// 1 to 65,536 bytes.
    pub body: Bytes,
    /// How long it may wait; `None` for ever.
    pub lifetime: Option<Lifetime>,
    /// As whom: oneself if `None`, or somebody one is a member of.
    pub sender: Option<Principal>,
    /// What to learn of it later, in the sender's inbox.
    pub receipts: Receipts,
}

impl Outgoing {
    /// A message from oneself under a random name, that may wait for ever and asks for no receipts.
    pub fn new(inbox: InboxAddress, content_type: ContentType, body: Bytes) -> Self {
        let (id, lifetime, sender, receipts) = (None, None, None, Receipts::NONE);
        Self { inbox, id, content_type, body, lifetime, sender, receipts }
    }

    /// A message of plain text.
    ///
    /// # Panics
    /// Never: the content type is a valid one.
    pub fn text(inbox: InboxAddress, text: &str) -> Self {
        let content_type =
            ContentType::new("text/plain; charset=utf-8").expect("it is type/subtype");
        let body = Bytes::copy_from_slice(text.as_bytes());
        Self::new(inbox, content_type, body)
    }
}

impl Outgoing {
    /// That one is composing a message, or has stopped to (RFC 3994): passed on to whoever has the inbox open, and kept
    /// nowhere. It holds for `refresh_s`, at least 60 and 120 if `None`, unless it is said again.
    ///
    /// # Panics
    /// Never: the content type is a valid one.
    pub fn composing(inbox: InboxAddress, is_active: bool, refresh_s: Option<u32>) -> Self {
        let content_type = ContentType::new(COMPOSING_TYPE).expect("it is type/subtype");
        Self::new(inbox, content_type, composing_document(is_active, refresh_s).into())
    }

    /// Whether it is a composing indication, which no server keeps.
    pub fn is_composing(&self) -> bool {
        is_composing(&self.content_type, &self.body)
    }
}

/// A message lies in its inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Its name.
    pub id: MessageId,
    /// Where.
    pub inbox: InboxAddress,
    /// Whether it was there already.
    pub duplicate: bool,
    /// What this answer means.
    pub durability: Durability,
}

impl Client {
    /// Tells whoever has `inbox` open that one is composing a message, or has stopped to, see [`Outgoing::composing`]. The
    /// answer does not say whether anybody was told.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn composing(
        &self,
        inbox: &InboxAddress,
        is_active: bool,
    ) -> Result<(), ClientError> {
        self.send(Outgoing::composing(inbox.clone(), is_active, None)).await.map(drop)
    }

    /// Sends a message and waits until it is in its inbox. Over lost connections it is sent again under the same id, so
    /// that it gets there once.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::Invalid`] for a body that no server takes, and those of a connection that
    /// will not come back.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Sent, ClientError> {
        check(&outgoing.body)?;
        let id = outgoing.id.unwrap_or_else(random::message_id);
        let inbox = outgoing.inbox;
        let request = protocol::Send {
            sender: outgoing.sender,
            inbox: inbox.clone(),
            receipts: outgoing.receipts,
            id: id.clone(),
            content_type: outgoing.content_type,
            body: Payload::Present(outgoing.body),
            lifetime: outgoing.lifetime,
        };
        match self.request(request).await? {
            (Answer::Sent { duplicate }, durability) => {
                Ok(Sent { id, inbox, duplicate, durability })
            }
            (other, _) => Err(mismatched(&other)),
        }
    }
}

/// What does not fit a frame must not reach the encoder, and an empty body is refused without asking.
fn check(body: &Bytes) -> Result<(), Refusal> {
    if body.is_empty() {
        return Err(Refusal::bad_field("message body", "is empty; write something"));
    }
    Refusal::check_max("message body", body.len(), BODY_BYTES_MAX)
}
