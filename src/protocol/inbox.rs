//! What its owner does with an inbox: where it stands, deleting, saying what was displayed, what lies aside; receipts.
//!
//! Must never hold: a check that the model's constructors do not make, except the length of a list.

use super::asked::question;
use super::field::{Field, fields};
use super::framed::{Framed, framed};
use super::request::{Answer, NamedBy, Request};
use super::sample::{INBOX, Sample, TIME_MS, answered, asked, through};
use super::send::{from_alice, to_alice};
use crate::model::limits::DELETE_COUNT_MAX;
use crate::model::{
    InboxAddress, InboxSequence, Message, OperationId, Principal, Receipt, ReceiptKind, Refusal,
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
            ;
            /// The device's name for the operation, 16 bytes; the same on a repeat.
            1 operation,
            /// Whose messages, `local@domain`, instead of `sequences`.
            2 sender,
        }
        /// Says that a message was displayed to its reader. Answer: `Changed`.
        0x0018 Displayed {
            /// The client's number for the answer.
            request: u64,
            /// `im:` URI.
            inbox: String,
            /// Its position in the inbox.
            sequence: u64,
            ;
            /// The device's name for the operation, 16 bytes; the same on a repeat.
            1 operation,
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
            ;
            /// As in `MessageEvent`.
            1 withheld,
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

/// Deletes messages for all devices. Answer: [`Answer::Deleted`]. A repeat gets the first
/// answer, by its operation; one without a name finds nothing left to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Which inbox.
    pub inbox: InboxAddress,
    /// Which messages, at most [`DELETE_COUNT_MAX`]; those that are gone already are passed over.
    pub sequences: Vec<InboxSequence>,
    /// Instead of naming messages: all of this sender, stored aside or not, [`DELETE_COUNT_MAX`] at a time.
    pub sender: Option<Principal>,
}

impl Framed for Delete {
    type Body = body::Delete;
}

impl Field<body::Delete> for Delete {
    fn to_wire(&self) -> body::Delete {
        let (inbox, sequences) = (self.inbox.to_wire(), self.sequences.to_wire());
        let (operation, sender) = (self.operation.to_wire(), self.sender.to_wire());
        body::Delete { request: 0, inbox, sequences, operation, sender }
    }

    fn from_wire(body: body::Delete) -> Result<Self, Refusal> {
        Refusal::check_max("list of messages", body.sequences.len(), DELETE_COUNT_MAX)?;
        let operation = Field::from_wire(body.operation)?;
        let sender: Option<Principal> = Field::from_wire(body.sender)?;
        if sender.is_some() && !body.sequences.is_empty() {
            let reason = "is not for a deletion by sender; leave it empty, or leave out the sender";
            return Err(Refusal::bad_field("list of messages", reason));
        }
        let (inbox, sequences) = (Field::from_wire(body.inbox)?, Field::from_wire(body.sequences)?);
        Ok(Self { operation, inbox, sequences, sender })
    }
}

impl Request for Delete {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Device, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        if let Some(sender) = &self.sender {
            return format!("{} {sender}", self.inbox);
        }
        let first = self.sequences.first().copied().unwrap_or_default();
        format!("{} {first}", self.inbox)
    }

    fn weight(&self) -> usize {
        if self.sender.is_some() { DELETE_COUNT_MAX } else { self.sequences.len() }
    }
}

/// Says that a message was displayed to its reader. Answer: [`Answer::Changed`]. A repeat gets the first
/// answer, by its operation; one without a name says it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Displayed {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Which inbox.
    pub inbox: InboxAddress,
    /// Which message.
    pub sequence: InboxSequence,
}

framed! { request Displayed: inbox, sequence, operation }

impl Request for Displayed {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Device, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        format!("{} {}", self.inbox, self.sequence)
    }
}

/// Asks where an inbox stands. Answer: [`InboxState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxStatus {
    /// Which inbox.
    pub inbox: InboxAddress,
}

question! { InboxStatus -> InboxState: inbox }

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

framed! { InboxState in InboxState: head, acknowledged, waiting, kept }

/// Asks for the messages that were stored aside. Answer: any number of [`Message`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuarantine {
    /// Which inbox.
    pub inbox: InboxAddress,
}

question! { ListQuarantine -> Vec<Message>: inbox }

impl Framed for Message {
    type Body = body::Quarantined;
}

impl Field<body::Quarantined> for Message {
    fn to_wire(&self) -> body::Quarantined {
        body::Quarantined { message: self.to_wire(), withheld: self.withheld_addition() }
    }

    fn from_wire(wire: body::Quarantined) -> Result<Self, Refusal> {
        Self::read(wire.message, wire.withheld)
    }
}

fields! { Receipt in body::ReceiptBody: inbox, sequence, kind, id, recipient, reason; at_ms = at }

impl Field<u8> for ReceiptKind {
    fn to_wire(&self) -> u8 {
        self.number()
    }

    fn from_wire(wire: u8) -> Result<Self, Refusal> {
        let kind = Self::from_number(wire);
        kind.ok_or_else(|| {
            Refusal::bad_field("receipt", "is of a kind not known here; use a newer adsum")
        })
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let inbox = || INBOX.to_owned();
    let sequences = vec![7, 9, 300];
    let delete =
        body::Delete { request: 0, inbox: inbox(), sequences, operation: None, sender: None };
    let displayed = body::Displayed { request: 0, inbox: inbox(), sequence: 10, operation: None };
    let state = body::InboxState { head: 12, acknowledged: 9, waiting: 3, kept: 12 };
    let aside = body::Quarantined { message: from_alice(), withheld: None };
    vec![
        asked::<Delete>("Delete", 6, delete),
        answered("Deleted", 6, &Answer::Deleted { count: 2 }),
        asked::<Displayed>("Displayed", 12, displayed),
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
    use crate::model::{MessageId, Timestamp};

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
            prop_assert_eq!(Receipt::from_wire(given.to_wire()), Ok(given));
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
        let told = "the receipt is of a kind not known here; use a newer adsum";
        assert_eq!(Receipt::from_wire(wire).unwrap_err().to_string(), told);
    }
}
