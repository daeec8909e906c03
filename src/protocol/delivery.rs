//! Delivery rules: what becomes of a message before it is part of an inbox.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::framed::{Framed, switch, switch_number};
use super::request::Request;
use super::rules::rule_names;
use super::sample::{INBOX, Sample, operation, sample, through, typed};
use crate::model::{
    Delivery, DeliveryChange, DeliveryRule, InboxAddress, MediaRange, OperationId, Refusal,
    RuleName, WhenClosed,
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

    fn to_body(&self) -> body::ChangeDelivery {
        let change = &self.change;
        body::ChangeDelivery {
            request: 0,
            operation: self.operation.0,
            inbox: self.inbox.to_string(),
            if_version: self.if_version,
            put: change.put.iter().map(delivery_rule_body).collect(),
            remove: change.remove.iter().map(|name| name.as_str().to_owned()).collect(),
            when_closed: when_closed_number(change.when_closed),
            receipts: switch_number(change.receipts),
        }
    }

    fn from_body(body: body::ChangeDelivery) -> Result<Self, Refusal> {
        let put = body.put.into_iter().map(delivery_rule);
        Ok(Self {
            inbox: body.inbox.parse()?,
            operation: OperationId(body.operation),
            if_version: body.if_version,
            change: DeliveryChange {
                put: put.collect::<Result<_, _>>()?,
                remove: rule_names(&body.remove)?,
                when_closed: when_closed(body.when_closed)?,
                receipts: switch("receipts", body.receipts)?,
            },
        })
    }
}

impl Request for ChangeDelivery {}

/// Asks for delivery rules. Answer: [`DeliveryState`], then any number of [`DeliveryRule`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDelivery {
    /// Of which inbox.
    pub inbox: InboxAddress,
}

impl Framed for ListDelivery {
    type Body = body::ListDelivery;

    fn to_body(&self) -> body::ListDelivery {
        body::ListDelivery { inbox: self.inbox.to_string() }
    }

    fn from_body(body: body::ListDelivery) -> Result<Self, Refusal> {
        Ok(Self { inbox: body.inbox.parse()? })
    }
}

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

impl Framed for DeliveryState {
    type Body = body::DeliveryState;

    fn to_body(&self) -> body::DeliveryState {
        let when_closed = when_closed_number(Some(self.when_closed));
        body::DeliveryState { version: self.version, when_closed, receipts: self.receipts }
    }

    fn from_body(body: body::DeliveryState) -> Result<Self, Refusal> {
        let missing = || Refusal::bad_field("when-closed", "is missing");
        let when_closed = when_closed(body.when_closed)?.ok_or_else(missing)?;
        Ok(Self { version: body.version, when_closed, receipts: body.receipts })
    }
}

impl Framed for DeliveryRule {
    type Body = body::Delivery;

    fn to_body(&self) -> body::Delivery {
        body::Delivery { rule: delivery_rule_body(self) }
    }

    fn from_body(body: body::Delivery) -> Result<Self, Refusal> {
        delivery_rule(body.rule)
    }
}

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
    let store = when_closed_number(Some(WhenClosed::Store));
    let change = typed::<ChangeDelivery>(body::ChangeDelivery {
        request: 0,
        operation: operation(1),
        inbox: INBOX.into(),
        if_version: Some(0),
        put: vec![rule.clone()],
        remove: vec!["old".into()],
        when_closed: store,
        receipts: 0,
    });
    let state = body::DeliveryState { version: 1, when_closed: store, receipts: true };
    vec![
        sample("ChangeDelivery", &body::ChangeDelivery { request: 10, ..change }),
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
            prop_assert_eq!(delivery_rule(delivery_rule_body(&given)), Ok(given));
        }

        #[test]
        fn numbers_are_read_as_written_or_refused(number in any::<u8>()) {
            let read = when_closed(number);
            prop_assert!(read.map_or(number > 2, |it| when_closed_number(it) == number));
            prop_assert_eq!(action(number, String::new()).is_ok(), (1..=4).contains(&number));
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
