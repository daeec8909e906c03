//! How a receipt is printed.
//!
//! Must never hold: the message it is about.

use std::fmt;

use serde::Serialize;

use crate::cli::print::{text::quoted, time::rfc3339};
use crate::model::Receipt;

/// `{"type":"receipt", …}`: a receipt as it lies in the sender's inbox.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "receipt")]
pub(in crate::cli) struct ReceiptLine {
    inbox: String,
    sequence: u64,
    kind: &'static str,
    id: String,
    recipient: String,
    at: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
}

impl From<&Receipt> for ReceiptLine {
    fn from(receipt: &Receipt) -> Self {
        Self {
            inbox: receipt.inbox.to_string(),
            sequence: receipt.sequence.get(),
            kind: receipt.kind.as_str(),
            id: receipt.id.as_str().to_owned(),
            recipient: receipt.recipient.to_string(),
            at: rfc3339(receipt.at),
            reason: receipt.reason.clone(),
        }
    }
}

impl fmt::Display for ReceiptLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, kind, id, recipient, at, .. } = self;
        write!(to, "#{sequence} receipt: {id} to {recipient} {kind} at {at}")?;
        if self.reason.is_empty() { Ok(()) } else { write!(to, " {}", quoted(&self.reason)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{InboxSequence, MessageId, ReceiptKind, Timestamp};

    #[test]
    fn a_receipt_line_has_the_promised_fields() {
        let mut receipt = Receipt {
            inbox: "im:alice@localhost".parse().unwrap(),
            sequence: InboxSequence::new(3),
            kind: ReceiptKind::Delivered,
            id: MessageId::new("m1").unwrap(),
            recipient: "im:bob@localhost".parse().unwrap(),
            at: Timestamp::from_ms(1_000),
            reason: String::new(),
        };
        assert_eq!(
            serde_json::to_string(&ReceiptLine::from(&receipt)).unwrap(),
            r#"{"type":"receipt","inbox":"im:alice@localhost","sequence":3,"kind":"delivered","id":"m1","recipient":"im:bob@localhost","at":"1970-01-01T00:00:01.000Z"}"#
        );
        receipt.reason = "\u{1b}gone".into();
        assert_eq!(
            ReceiptLine::from(&receipt).to_string(),
            "#3 receipt: m1 to im:bob@localhost delivered at 1970-01-01T00:00:01.000Z \"␛gone\""
        );
    }
}
