//! A row: what lies in one place of an inbox, and where in the log.
//!
//! Must never hold: a body.

use serde::{Deserialize, Serialize};

use super::key::{MessageKey, SenderKey};
use crate::event::MessageDigest;
use crate::model::{MessageId, Principal, Receipts, Sequence, Timestamp};

/// What lies in a place of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RowKind {
    /// A message that its owner's devices are told of.
    Message,
    /// A message that a delivery rule put aside: its owner's devices are not told of it.
    Quarantined,
    /// A receipt for a message of the owner.
    Receipt,
    /// A recovery of the owner's name is announced. It fills no room.
    Announcement,
}

impl RowKind {
    /// Whether it is a message that somebody sent, and so has a sender's name and id.
    pub(super) fn is_sent(self) -> bool {
        matches!(self, Self::Message | Self::Quarantined)
    }
}

/// What the sender of a message wants to learn of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRequest {
    /// Who sent it.
    pub sender: Principal,
    /// The sender's name for it.
    pub id: MessageId,
    /// What it wants to learn.
    pub receipts: Receipts,
    /// Whether the message was displayed.
    pub is_displayed: bool,
}

/// One message that was accepted and whose id is still remembered, or a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The event that holds it.
    pub at: Sequence,
    /// What lies there.
    pub kind: RowKind,
    /// Sender and id of the message; zero for what nobody sent.
    pub key: MessageKey,
    /// Who sent the message; zero for what nobody sent.
    pub sender: SenderKey,
    /// What it says.
    pub digest: MessageDigest,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it runs out, if ever.
    pub expires_at: Option<Timestamp>,
    /// Whether the message is still there.
    pub kept: bool,
}

impl Row {
    /// Of what nobody sent, and never runs out.
    pub(super) fn of_nobody(at: Sequence, kind: RowKind, accepted_at: Timestamp) -> Self {
        let (key, sender) = (MessageKey([0; 16]), SenderKey([0; 16]));
        let (digest, expires_at) = (MessageDigest([0; 16]), None);
        Self { at, kind, key, sender, digest, accepted_at, expires_at, kept: true }
    }

    /// Whether its time is over at `now`, also if that is not recorded yet.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}
