//! Delivery rules and receipts between bodies and the model.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::super::body;
use crate::model::{
    Delivery, DeliveryRule, InboxSequence, MediaRange, MessageId, Receipt, ReceiptKind, Refusal,
    RuleName, Timestamp, WhenClosed,
};

/// Reads a delivery rule. What its parts cannot check alone, whoever sets it checks.
///
/// # Errors
/// The refusal of the first part that is not valid.
pub fn delivery_rule(wire: body::DeliveryRule) -> Result<DeliveryRule, Refusal> {
    let range = Some(wire.content_type).filter(|text| !text.is_empty());
    Ok(DeliveryRule {
        name: RuleName::new(&wire.name)?,
        who: wire.who.parse()?,
        content_type: range.as_deref().map(MediaRange::new).transpose()?,
        larger_than: wire.larger_than,
        action: action(wire.action, wire.reason)?,
    })
}

fn action(number: u8, reason: String) -> Result<Delivery, Refusal> {
    match number {
        1 => Ok(Delivery::Refuse { reason }),
        2 => Ok(Delivery::Discard),
        3 => Ok(Delivery::Quarantine),
        4 => Ok(Delivery::Accept),
        _ => Err(Refusal::bad_field(
            "action",
            "is none of 1 (refuse), 2 (discard), 3 (quarantine), 4 (accept)",
        )),
    }
}

/// Writes a delivery rule.
pub fn delivery_rule_body(rule: &DeliveryRule) -> body::DeliveryRule {
    let (action, reason) = match &rule.action {
        Delivery::Refuse { reason } => (1, reason.clone()),
        Delivery::Discard => (2, String::new()),
        Delivery::Quarantine => (3, String::new()),
        Delivery::Accept => (4, String::new()),
    };
    let range = rule.content_type.as_ref().map_or("", MediaRange::as_str);
    body::DeliveryRule {
        name: rule.name.as_str().to_owned(),
        who: rule.who.to_string(),
        content_type: range.to_owned(),
        larger_than: rule.larger_than,
        action,
        reason,
    }
}

/// Reads what becomes of messages while the inbox is closed; `None` where that stays as it is.
///
/// # Errors
/// [`Refusal::BadField`] for a number this version does not know.
pub fn when_closed(number: u8) -> Result<Option<WhenClosed>, Refusal> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(WhenClosed::Refuse)),
        2 => Ok(Some(WhenClosed::Store)),
        _ => {
            Err(Refusal::bad_field("when-closed", "is none of 0 (as it is), 1 (refuse), 2 (store)"))
        }
    }
}

/// Number of what becomes of messages while the inbox is closed; 0 where that stays as it is.
pub const fn when_closed_number(when_closed: Option<WhenClosed>) -> u8 {
    match when_closed {
        None => 0,
        Some(WhenClosed::Refuse) => 1,
        Some(WhenClosed::Store) => 2,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::access::tests::{any_name, any_who};
    use super::*;

    fn any_action() -> impl Strategy<Value = Delivery> {
        prop_oneof![
            "\\PC{0,20}".prop_map(|reason| Delivery::Refuse { reason }),
            Just(Delivery::Discard),
            Just(Delivery::Quarantine),
            Just(Delivery::Accept),
        ]
    }

    fn any_rule() -> impl Strategy<Value = DeliveryRule> {
        let range = prop::sample::select(vec!["text/plain", "image/*", "application/pidf+xml"]);
        let range = prop::option::of(range.prop_map(|text| MediaRange::new(text).unwrap()));
        (any_name(), any_who(), range, any::<Option<u32>>(), any_action()).prop_map(
            |(name, who, content_type, larger_than, action)| DeliveryRule {
                name,
                who,
                content_type,
                larger_than,
                action,
            },
        )
    }

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
        fn a_delivery_rule_reads_back(given in any_rule()) {
            prop_assert_eq!(delivery_rule(delivery_rule_body(&given)), Ok(given));
        }

        #[test]
        fn a_receipt_reads_back(given in any_receipt()) {
            prop_assert_eq!(receipt(receipt_body(&given)), Ok(given));
        }

        #[test]
        fn numbers_are_read_as_written_or_refused(number in any::<u8>()) {
            let read = when_closed(number);
            prop_assert!(read.map_or(number > 2, |it| when_closed_number(it) == number));
            prop_assert_eq!(action(number, String::new()).is_ok(), (1..=4).contains(&number));
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
