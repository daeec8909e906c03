//! Facts about receipts: who asked for which, and which were issued.
//!
//! Must never hold: which of the recipient's devices did what a receipt is about.

use serde::{Deserialize, Serialize};

use crate::model::{InboxAddress, InboxSequence, MessageId, Principal, ReceiptKind, Receipts};

/// See [`Event::ReceiptsAsked`](super::Event::ReceiptsAsked).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptsAsked {
    /// Where the message lies.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// Who sent it.
    pub sender: Principal,
    /// The sender's name for it.
    pub id: MessageId,
    /// What the sender wants to learn.
    pub receipts: Receipts,
}

/// See [`Event::ReceiptIssued`](super::Event::ReceiptIssued).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptIssued {
    /// The sender's inbox, which it becomes part of.
    pub inbox: InboxAddress,
    /// Its position there, without gaps.
    pub sequence: InboxSequence,
    /// What it says.
    pub kind: ReceiptKind,
    /// Of which message of the sender.
    pub id: MessageId,
    /// Where that message was sent.
    pub recipient: InboxAddress,
    /// Why, for one that failed; else empty.
    pub reason: String,
}
