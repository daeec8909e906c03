//! Delivery rules: what becomes of a message before it is part of an inbox.
//!
//! Must never hold: a check that the model's constructors do not make.

use std::sync::Arc;

use super::asked::question;
use super::field::{Field, fields, numbered};
use super::framed::{Framed, check_left_out, framed, switch, switch_number};
use super::request::{NamedBy, Request};
use super::sample::{INBOX, Sample, asked, operation, through};
use crate::model::{
    Delivery, DeliveryChange, DeliveryRule, InboxAddress, OperationId, Principal, Refusal,
    WhenClosed,
};

/// Frozen bodies and their parts.
pub mod body {
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Changes delivery rules. Answer: `Changed`.
        0x001a ChangeDelivery {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// `im:` URI.
            inbox: String,
            /// The version they must have.
            if_version: Option<u64>,
            /// Rules to set.
            put: Vec<DeliveryRule>,
            /// Names of rules to remove.
            remove: Vec<String>,
            /// 0: stays. 1: refuse while closed. 2: store while closed.
            when_closed: u8,
            /// 0: stays. 1: no receipts. 2: receipts to senders that ask.
            receipts: u8,
        }
        /// Asks for delivery rules. Answer: `DeliveryState`, any number of `Delivery`, then `End`.
        0x0025 ListDelivery {
            /// `im:` URI.
            inbox: String,
        }
        /// First row of the answer to `ListDelivery`.
        0x0126 DeliveryState {
            /// The rules' version; 0 if there never were any.
            version: u64,
            /// 1: refuse while closed. 2: store while closed.
            when_closed: u8,
            /// Whether senders that ask get receipts.
            receipts: bool,
        }
        /// One delivery rule.
        0x0127 Delivery {
            /// The rule.
            rule: DeliveryRule,
        }
    }

    /// A delivery rule.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DeliveryRule {
        /// Its name.
        pub name: String,
        /// As in `AccessRule`.
        pub who: String,
        /// `type/subtype` or `type/*`; empty for any.
        pub content_type: String,
        /// Only messages with more bytes than this.
        pub larger_than: Option<u32>,
        /// 1: refuse. 2: discard. 3: quarantine. 4: accept.
        pub action: u8,
        /// For refuse: the owner's words.
        pub reason: String,
    }
}

/// Changes delivery rules. Answer: [`Answer::Changed`](super::Answer::Changed). A repeat gets the first answer, by its
/// operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDelivery {
    /// Of which inbox.
    pub inbox: InboxAddress,
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// The version they must have.
    pub if_version: Option<u64>,
    /// What to change.
    pub change: DeliveryChange,
}

impl Framed for ChangeDelivery {
    type Body = body::ChangeDelivery;
}

impl Field<body::ChangeDelivery> for ChangeDelivery {
    fn to_wire(&self) -> body::ChangeDelivery {
        let change = &self.change;
        body::ChangeDelivery {
            request: 0,
            operation: self.operation.to_wire(),
            inbox: self.inbox.to_wire(),
            if_version: self.if_version,
            put: change.put.to_wire(),
            remove: change.remove.to_wire(),
            when_closed: change.when_closed.to_wire(),
            receipts: switch_number(change.receipts),
        }
    }

    fn from_wire(body: body::ChangeDelivery) -> Result<Self, Refusal> {
        Ok(Self {
            inbox: Field::from_wire(body.inbox)?,
            operation: Field::from_wire(body.operation)?,
            if_version: body.if_version,
            change: DeliveryChange {
                put: Field::from_wire(body.put)?,
                remove: Field::from_wire(body.remove)?,
                when_closed: Field::from_wire(body.when_closed)?,
                receipts: switch("receipts", body.receipts)?,
            },
        })
    }
}

impl Request for ChangeDelivery {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.inbox.to_string()
    }

    fn weight(&self) -> usize {
        self.change.put.len() + self.change.remove.len()
    }
}

/// Asks for delivery rules. Answer: [`DeliveryState`], then any number of [`DeliveryRule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDelivery {
    /// Of which inbox.
    pub inbox: InboxAddress,
}

question! { ListDelivery -> (DeliveryState, Vec<Arc<DeliveryRule>>): inbox }

/// What holds for an inbox beside the rules that are listed behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryState {
    /// The rules' version; zero if there never were any.
    pub version: u64,
    /// What becomes of messages while the inbox is closed.
    pub when_closed: WhenClosed,
    /// Whether senders that ask get receipts.
    pub receipts: bool,
}

framed! { DeliveryState in DeliveryState: version, when_closed, receipts }

framed! { DeliveryRule in Delivery.rule }

fields! {
    DeliveryRule in body::DeliveryRule:
    name, who, content_type, larger_than & (action, reason) = action
}

/// What is done, by its number, and the owner's words.
impl Field<(u8, String)> for Delivery {
    fn to_wire(&self) -> (u8, String) {
        match self {
            Self::Refuse { reason } => (1, reason.clone()),
            Self::Discard => (2, String::new()),
            Self::Quarantine => (3, String::new()),
            Self::Accept => (4, String::new()),
        }
    }

    fn from_wire((number, reason): (u8, String)) -> Result<Self, Refusal> {
        check_left_out("reason", number == 1 || reason.is_empty())?;
        match number {
            1 => Ok(Self::Refuse { reason }),
            2 => Ok(Self::Discard),
            3 => Ok(Self::Quarantine),
            4 => Ok(Self::Accept),
            _ => Err(Refusal::bad_field(
                "action",
                "is none of 1 (refuse), 2 (discard), 3 (quarantine), 4 (accept); send one of them",
            )),
        }
    }
}

numbered! {
    Option<WhenClosed>, "when-closed", "is none of 0 (as it is), 1 (refuse), 2 (store)":
    1 Refuse, 2 Store
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let rule = body::DeliveryRule {
        name: "no-pictures".into(),
        who: "authenticated".into(),
        content_type: "image/*".into(),
        larger_than: Some(10_000),
        action: 1,
        reason: "text only, please".into(),
    };
    let store = WhenClosed::Store.to_wire();
    let change = body::ChangeDelivery {
        request: 0,
        operation: operation(1),
        inbox: INBOX.into(),
        if_version: Some(0),
        put: vec![rule.clone()],
        remove: vec!["old".into()],
        when_closed: store,
        receipts: 0,
    };
    let state = body::DeliveryState { version: 1, when_closed: store, receipts: true };
    vec![
        asked::<ChangeDelivery>("ChangeDelivery", 10, change),
        through::<ListDelivery>("ListDelivery", body::ListDelivery { inbox: INBOX.into() }),
        through::<DeliveryState>("DeliveryState", state),
        through::<DeliveryRule>("Delivery", body::Delivery { rule }),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rules::tests::{any_name, any_who};
    use super::*;
    use crate::model::MediaRange;

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

    proptest! {
        #[test]
        fn a_delivery_rule_reads_back(given in any_rule()) {
            let wire: body::DeliveryRule = given.to_wire();
            prop_assert_eq!(DeliveryRule::from_wire(wire), Ok(given));
        }

        #[test]
        fn numbers_are_read_as_written_or_refused(number in any::<u8>()) {
            let read = Option::<WhenClosed>::from_wire(number);
            prop_assert!(read.map_or(number > 2, |it| Field::<u8>::to_wire(&it) == number));
            let action = Delivery::from_wire((number, String::new()));
            prop_assert_eq!(action.is_ok(), (1..=4).contains(&number));
        }
    }

    #[test]
    fn what_a_change_does_not_name_stays() {
        let body = body::ChangeDelivery {
            request: 1,
            operation: [9; 16],
            inbox: "im:alice@d.example".to_owned(),
            if_version: None,
            put: Vec::new(),
            remove: Vec::new(),
            when_closed: 2,
            receipts: 0,
        };
        let change = ChangeDelivery::from_body(body).unwrap().change;
        assert_eq!(change.when_closed, Some(WhenClosed::Store));
        assert_eq!(change.receipts, None);
    }
}
