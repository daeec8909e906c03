//! What its owner does with an inbox: where it stands, deleting, saying what was displayed, what lies aside; receipts.
//!
//! Must never hold: a check that the model's constructors do not make, except the length of a list.

use super::framed::{Framed, too_large};
use super::request::{Answer, Request};
use super::sample::{INBOX, Sample, TIME_MS, answered, sample, through, typed};
use super::send::{from_alice, message, message_body, to_alice};
use crate::model::limits::DELETE_COUNT_MAX;
use crate::model::{
    InboxAddress, InboxSequence, Message, MessageId, Receipt, ReceiptKind, Refusal, Timestamp,
};

/// Frozen bodies and their parts.
pub mod body {
    use crate::protocol::send::body::MessageBody;
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Deletes messages of one's own inbox, for all devices.
        0x0015 Delete {
            /// The client's number for the answer.
            request: u64,
            /// `im:` URI.
            inbox: String,
            /// Positions in the inbox, at most 1,000.
            sequences: Vec<u64>,
        }
        /// Says that a message was displayed to its reader. Answer: `Changed`.
        0x0018 Displayed {
            /// The client's number for the answer.
            request: u64,
            /// `im:` URI.
            inbox: String,
            /// Its position in the inbox.
            sequence: u64,
        }
        /// Answer to `Delete`.
        0x0115 Deleted {
            /// The client's number.
            request: u64,
            /// How many were there.
            count: u32,
        }
        /// Asks where one's inbox stands. Answer: `InboxState`.
        0x0023 InboxStatus {
            /// `im:` URI.
            inbox: String,
        }
        /// Answer to `InboxStatus`.
        0x0123 InboxState {
            /// The last message ever accepted.
            head: u64,
            /// The last one this device acknowledged.
            acknowledged: u64,
            /// Messages this device has not acknowledged.
            waiting: u64,
            /// Messages kept in all.
            kept: u64,
        }
        /// Asks for the messages that were stored aside. Answer: any number of `Quarantined`, then `End`.
        0x002e ListQuarantine {
            /// `im:` URI.
            inbox: String,
        }
        /// A message that was stored aside.
        0x0140 Quarantined {
            /// The message.
            message: MessageBody,
        }
    }

    /// A receipt as it lies in the sender's inbox.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ReceiptBody {
        /// `im:` URI of the sender's inbox.
        pub inbox: String,
        /// Its position there.
        pub sequence: u64,
        /// 1: stored. 2: delivered. 3: displayed. 4: failed. 5: expired.
        pub kind: u8,
        /// The sender's name for the message.
        pub id: String,
        /// `im:` URI the message was sent to.
        pub recipient: String,
        /// When it happened.
        pub at_ms: u64,
        /// Why, for one that failed; else empty.
        pub reason: String,
    }
}

/// Deletes messages for all devices. Answer: [`Answer::Deleted`]. A repeat finds nothing left to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Which inbox.
    pub inbox: InboxAddress,
    /// Which messages, at most [`DELETE_COUNT_MAX`]; those that are gone already are passed over.
    pub sequences: Vec<InboxSequence>,
}

impl Framed for Delete {
    type Body = body::Delete;

    fn to_body(&self) -> body::Delete {
        let sequences = self.sequences.iter().map(|sequence| sequence.get()).collect();
        body::Delete { request: 0, inbox: self.inbox.to_string(), sequences }
    }

    fn from_body(body: body::Delete) -> Result<Self, Refusal> {
        if body.sequences.len() > DELETE_COUNT_MAX {
            return Err(too_large("list of messages", body.sequences.len(), DELETE_COUNT_MAX));
        }
        let sequences = body.sequences.into_iter().map(InboxSequence::new).collect();
        Ok(Self { inbox: body.inbox.parse()?, sequences })
    }
}

impl Request for Delete {}

/// Says that a message was displayed to its reader. Answer: [`Answer::Changed`]. A repeat says it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displayed {
    /// Which inbox.
    pub inbox: InboxAddress,
    /// Which message.
    pub sequence: InboxSequence,
}

impl Framed for Displayed {
    type Body = body::Displayed;

    fn to_body(&self) -> body::Displayed {
        let (inbox, sequence) = (self.inbox.to_string(), self.sequence.get());
        body::Displayed { request: 0, inbox, sequence }
    }

    fn from_body(body: body::Displayed) -> Result<Self, Refusal> {
        Ok(Self { inbox: body.inbox.parse()?, sequence: InboxSequence::new(body.sequence) })
    }
}

impl Request for Displayed {}

/// Asks where an inbox stands. Answer: [`InboxState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxStatus {
    /// Which inbox.
    pub inbox: InboxAddress,
}

impl Framed for InboxStatus {
    type Body = body::InboxStatus;

    fn to_body(&self) -> body::InboxStatus {
        body::InboxStatus { inbox: self.inbox.to_string() }
    }

    fn from_body(body: body::InboxStatus) -> Result<Self, Refusal> {
        Ok(Self { inbox: body.inbox.parse()? })
    }
}

/// Where an inbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxState {
    /// The last message ever accepted.
    pub head: InboxSequence,
    /// The last one this device acknowledged.
    pub acknowledged: InboxSequence,
    /// Messages this device has not acknowledged.
    pub waiting: u64,
    /// Messages kept in all.
    pub kept: u64,
}

impl Framed for InboxState {
    type Body = body::InboxState;

    fn to_body(&self) -> body::InboxState {
        body::InboxState {
            head: self.head.get(),
            acknowledged: self.acknowledged.get(),
            waiting: self.waiting,
            kept: self.kept,
        }
    }

    fn from_body(body: body::InboxState) -> Result<Self, Refusal> {
        Ok(Self {
            head: InboxSequence::new(body.head),
            acknowledged: InboxSequence::new(body.acknowledged),
            waiting: body.waiting,
            kept: body.kept,
        })
    }
}

/// Asks for the messages that were stored aside. Answer: any number of [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuarantine {
    /// Which inbox.
    pub inbox: InboxAddress,
}

impl Framed for ListQuarantine {
    type Body = body::ListQuarantine;

    fn to_body(&self) -> body::ListQuarantine {
        body::ListQuarantine { inbox: self.inbox.to_string() }
    }

    fn from_body(body: body::ListQuarantine) -> Result<Self, Refusal> {
        Ok(Self { inbox: body.inbox.parse()? })
    }
}

impl Framed for Message {
    type Body = body::Quarantined;

    fn to_body(&self) -> body::Quarantined {
        body::Quarantined { message: message_body(self) }
    }

    fn from_body(body: body::Quarantined) -> Result<Self, Refusal> {
        message(body.message)
    }
}

/// Reads a receipt.
///
/// # Errors
/// The refusal of the first part that is not valid.
pub fn receipt(wire: body::ReceiptBody) -> Result<Receipt, Refusal> {
    let kind = ReceiptKind::from_number(wire.kind);
    Ok(Receipt {
        inbox: wire.inbox.parse()?,
        sequence: InboxSequence::new(wire.sequence),
        kind: kind.ok_or_else(|| Refusal::bad_field("receipt", "is of a kind not known here"))?,
        id: MessageId::new(&wire.id)?,
        recipient: wire.recipient.parse()?,
        at: Timestamp::from_ms(wire.at_ms),
        reason: wire.reason,
    })
}

/// Writes a receipt.
pub fn receipt_body(receipt: &Receipt) -> body::ReceiptBody {
    body::ReceiptBody {
        inbox: receipt.inbox.to_string(),
        sequence: receipt.sequence.get(),
        kind: receipt.kind.number(),
        id: receipt.id.as_str().to_owned(),
        recipient: receipt.recipient.to_string(),
        at_ms: receipt.at.as_ms(),
        reason: receipt.reason.clone(),
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let inbox = || INBOX.to_owned();
    let sequences = vec![7, 9, 300];
    let delete = typed::<Delete>(body::Delete { request: 0, inbox: inbox(), sequences });
    let displayed =
        typed::<Displayed>(body::Displayed { request: 0, inbox: inbox(), sequence: 10 });
    let state = body::InboxState { head: 12, acknowledged: 9, waiting: 3, kept: 12 };
    let aside = body::Quarantined { message: from_alice() };
    vec![
        sample("Delete", &body::Delete { request: 6, ..delete }),
        answered("Deleted", 6, Answer::Deleted { count: 2 }),
        sample("Displayed", &body::Displayed { request: 12, ..displayed }),
        through::<InboxStatus>("InboxStatus", body::InboxStatus { inbox: inbox() }),
        through::<InboxState>("InboxState", state),
        through::<ListQuarantine>("ListQuarantine", body::ListQuarantine { inbox: inbox() }),
        through::<Message>("Quarantined", aside),
    ]
}

/// A receipt for what bob wrote to alice.
pub(super) fn sample_receipt() -> body::ReceiptBody {
    body::ReceiptBody {
        inbox: INBOX.into(),
        sequence: 11,
        kind: ReceiptKind::Displayed.number(),
        id: to_alice().id,
        recipient: to_alice().inbox,
        at_ms: TIME_MS,
        reason: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_receipt() -> impl Strategy<Value = Receipt> {
        let kind = prop::sample::select(ReceiptKind::ALL.to_vec());
        (kind, any::<[u64; 2]>(), "[!-~]{1,64}", "\\PC{0,20}").prop_map(
            |(kind, [sequence, at], id, reason)| Receipt {
                inbox: "im:alice@example.com".parse().unwrap(),
                sequence: InboxSequence::new(sequence),
                kind,
                id: MessageId::new(&id).unwrap(),
                recipient: "im:bob@example.com".parse().unwrap(),
                at: Timestamp::from_ms(at),
                reason,
            },
        )
    }

    proptest! {
        #[test]
        fn a_receipt_reads_back(given in any_receipt()) {
            prop_assert_eq!(receipt(receipt_body(&given)), Ok(given));
        }
    }

    #[test]
    fn a_receipt_of_an_unknown_kind_is_refused() {
        let wire = body::ReceiptBody {
            inbox: "im:alice@example.com".to_owned(),
            sequence: 1,
            kind: 6,
            id: "m".to_owned(),
            recipient: "im:bob@example.com".to_owned(),
            at_ms: 1,
            reason: String::new(),
        };
        assert!(matches!(receipt(wire), Err(Refusal::BadField { .. })));
    }
}
