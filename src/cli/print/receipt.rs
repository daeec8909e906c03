//! How a receipt is printed.
//!
//! Must never hold: the message it is about.

use std::fmt;

use crate::cli::print::{line::line, text::quoted, time::rfc3339};
use crate::model::Receipt;

line! {
    /// `{"type":"receipt", …}`: a receipt as it lies in the sender's inbox.
    #[serde(tag = "type", rename = "receipt")]
    pub(in crate::cli) struct ReceiptLine from receipt: &Receipt {
        inbox: String = receipt.inbox.to_string(),
        sequence: u64 = receipt.sequence.get(),
        kind: &'static str = receipt.kind.as_str(),
        id: String = receipt.id.as_str().to_owned(),
        recipient: String = receipt.recipient.to_string(),
        at: String = rfc3339(receipt.at),
        #[serde(skip_serializing_if = "String::is_empty")]
        reason: String = receipt.reason.clone(),
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
