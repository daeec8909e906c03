//! Facts about the messages of an inbox.
//!
//! Must never hold: which watcher or feed was told of them.

use serde::{Deserialize, Serialize};

use crate::model::{
    ContentType, DeviceId, InboxAddress, InboxSequence, Lifetime, MessageId, Payload, Principal,
    RuleName,
};

/// What a message says, in 16 bytes: tells a repeat from another message of the same id after the body is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageDigest(#[serde(with = "crate::model::readable::hex")] pub [u8; 16]);

/// See [`Event::MessageAccepted`](super::Event::MessageAccepted).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAccepted {
    /// Where it lies.
    pub inbox: InboxAddress,
    /// Its position there, without gaps.
    pub sequence: InboxSequence,
    /// The authenticated sender.
    pub sender: Principal,
    /// The sending device.
    pub device: DeviceId,
    /// The sender's name for it.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// The body, as it came.
    pub body: Payload,
    /// How long it lives from now on; `None` for ever.
    pub lifetime: Option<Lifetime>,
    /// Digest of inbox, content type, lifetime and body.
    pub digest: MessageDigest,
}

/// See [`Event::MessageEnded`](super::Event::MessageEnded).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageEnded {
    /// Where it lay.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// How it ended.
    pub cause: MessageCause,
}

/// How a message left its inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MessageCause {
    /// A device of its owner deleted it.
    Deleted {
        /// The device.
        by: DeviceId,
    },
    /// Its time to live was over.
    Expired,
    /// The inbox needed room: it was read, or lay aside; or a rule discarded it as it came, and nothing of it but its name was kept.
    Retention,
    /// The inbox is no more.
    Withdrawn,
}

/// See [`Event::Acknowledged`](super::Event::Acknowledged).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The inbox.
    pub inbox: InboxAddress,
    /// The reading device.
    pub device: DeviceId,
    /// The last message it has taken; it has taken all before too.
    pub through: InboxSequence,
}

/// See [`Event::MessageQuarantined`](super::Event::MessageQuarantined).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageQuarantined {
    /// The message, with its place in the inbox's numbering.
    pub message: MessageAccepted,
    /// The delivery rule that did it.
    pub rule: RuleName,
}

/// See [`Event::RecoveryAnnounced`](super::Event::RecoveryAnnounced).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryAnnounced {
    /// Where it lies.
    pub inbox: InboxAddress,
    /// Its position there, in the numbering of messages.
    pub sequence: InboxSequence,
    /// Who started it, or the principal itself if the operator did.
    pub sender: Principal,
    /// Its name as a message.
    pub id: MessageId,
    /// What the body is.
    pub content_type: ContentType,
    /// What people are told.
    pub body: Payload,
}

/// See [`Event::MessageDisplayed`](super::Event::MessageDisplayed).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageDisplayed {
    /// Where it lies.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// The device that says so.
    pub by: DeviceId,
}
