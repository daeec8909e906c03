//! Receipts: what a sender may learn of a message after it was accepted. RFC 5438.
//!
//! Must never hold: which of the recipient's devices did it.

use core::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::word::words;
use super::{InboxAddress, InboxSequence, Message, MessageId, Refusal, Timestamp};

words! {
    /// What a receipt says.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    ReceiptKind: u8, u8 {
        /// The message is in the recipient's inbox.
        Stored = 1, "stored";
        /// A device of the recipient has taken it.
        Delivered = 2, "delivered";
        /// The recipient was shown it.
        Displayed = 3, "displayed";
        /// It was removed before any device took it.
        Failed = 4, "failed";
        /// Its time to live was over before any device took it.
        Expired = 5, "expired";
    }
}

/// Which receipts a sender asks for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Receipts(u8);

impl Receipts {
    /// None.
    pub const NONE: Self = Self(0);

    /// The set of these bits; those that stand for nothing are passed over (RFC 5438: unknown wishes are ignored).
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 31)
    }

    /// The set as bits: 1 stored, 2 delivered, 4 displayed, 8 failed, 16 expired.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether `kind` is asked for.
    pub const fn has(self, kind: ReceiptKind) -> bool {
        self.0 & 1 << (kind.number() - 1) != 0
    }

    /// With `kind` asked for too.
    #[must_use]
    pub const fn with(self, kind: ReceiptKind) -> Self {
        Self(self.0 | 1 << (kind.number() - 1))
    }

    /// Whether none is asked for.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Receipts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = ReceiptKind::ALL.iter().copied().filter(|kind| self.has(*kind));
        formatter.write_str(&words.map(ReceiptKind::as_str).collect::<Vec<_>>().join(","))
    }
}

impl FromStr for Receipts {
    type Err = Refusal;

    /// Parses words joined by commas: `stored`, `delivered`, `displayed`, `failed`, `expired`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        text.split(',').try_fold(Self::NONE, |receipts, word| {
            let known = ReceiptKind::ALL.iter().find(|kind| kind.as_str() == word);
            known.map(|kind| receipts.with(*kind)).ok_or_else(|| {
                let reason = format!(
                    "{word:?} is not known; write stored, delivered, displayed, failed or expired"
                );
                Refusal::bad_field("receipt", &reason)
            })
        })
    }
}

/// A receipt as it lies in the sender's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The sender's inbox.
    pub inbox: InboxAddress,
    /// Its position there.
    pub sequence: InboxSequence,
    /// What it says.
    pub kind: ReceiptKind,
    /// Of which message of the sender.
    pub id: MessageId,
    /// Where that message was sent.
    pub recipient: InboxAddress,
    /// When it happened.
    pub at: Timestamp,
    /// Why, for one that failed; else empty.
    pub reason: String,
}

/// One thing that lies in an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InboxItem {
    /// A message to its owner.
    Message(Message),
    /// A receipt for a message its owner sent.
    Receipt(Receipt),
}

impl InboxItem {
    /// The inbox it lies in.
    pub const fn inbox(&self) -> &InboxAddress {
        match self {
            Self::Message(message) => &message.inbox,
            Self::Receipt(receipt) => &receipt.inbox,
        }
    }

    /// Its position there.
    pub const fn sequence(&self) -> InboxSequence {
        match self {
            Self::Message(message) => message.sequence,
            Self::Receipt(receipt) => receipt.sequence,
        }
    }

    /// Bytes of the text that somebody wrote.
    pub fn payload_bytes(&self) -> usize {
        match self {
            Self::Message(message) => message.body.len(),
            Self::Receipt(receipt) => receipt.reason.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_read_back_as_they_print() {
        for text in ["stored", "delivered,displayed", "stored,failed,expired"] {
            let receipts: Receipts = text.parse().unwrap();
            assert_eq!(receipts.to_string(), text);
            assert_eq!(Receipts::from_bits(receipts.bits()), receipts);
        }
        assert!("read".parse::<Receipts>().is_err());
        assert!(Receipts::from_bits(0xe0).is_none());
    }

    #[test]
    fn every_kind_has_its_number() {
        for kind in ReceiptKind::ALL {
            assert_eq!(ReceiptKind::from_number(kind.number()), Some(*kind));
        }
        assert_eq!(ReceiptKind::from_number(0), None);
    }
}
