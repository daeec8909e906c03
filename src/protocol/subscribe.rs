//! Subscribing: to be told of a presentity's changes. RFC 2778 SUBSCRIPTION.
//!
//! Must never hold: a check that the model's constructors do not make.

use bytes::Bytes;

use super::asked::question;
use super::field::{Field, numbered};
use super::framed::{Framed as _, framed};
use super::request::{Answer, NamedBy, Request};
use super::sample::{
    ALICE, Sample, WEEK_MS, answered, asked, operation as sample_operation, sample, through,
};
use crate::model::{
    EndReason, Lifetime, Mode, OperationId, Presentity, Principal, Refusal, RefusalCode,
    SubscriptionState,
};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Begins or renews a subscription.
        0x0011 Subscribe {
            /// The client's number for the answer.
            request: u64,
            /// `pres:` URI.
            presentity: String,
            /// 0: latest. 1: every.
            mode: u8,
            /// Lifetime asked for.
            lifetime_ms: Option<u64>,
            ;
            /// The device's name for the operation, 16 bytes; the same on a repeat.
            1 operation,
        }
        /// Ends a subscription.
        0x0012 Unsubscribe {
            /// The client's number for the answer.
            request: u64,
            /// `pres:` URI.
            presentity: String,
            ;
            /// The device's name for the operation, 16 bytes; the same on a repeat.
            1 operation,
        }
        /// Answer to `Subscribe`.
        0x0111 Subscribed {
            /// The client's number.
            request: u64,
            /// 1: active. 3: pending.
            state: u8,
            /// Lifetime granted.
            granted_ms: u64,
        }
        /// Answer to `Unsubscribe`.
        0x0112 Unsubscribed {
            /// The client's number.
            request: u64,
        }
        /// Asks for one's own subscriptions. Answer: any number of `Subscription`, then `End`.
        0x0021 ListSubscriptions {
        }
        /// One row of the answer to `ListSubscriptions`.
        0x0121 Subscription {
            /// `pres:` URI.
            presentity: String,
            /// 1: active. 2: terminated. 3: pending.
            state: u8,
            /// 0: none. 1: timeout. 2: deactivated. 3: rejected. 4: giveup. 5: noresource.
            reason: u8,
            /// 0: latest. 1: every.
            mode: u8,
            /// Time left.
            remaining_ms: u64,
        }
    }
}

/// Begins or renews a subscription. Answer: [`Answer::Subscribed`]. A repeat gets the first answer, by its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Whom to watch.
    pub presentity: Presentity,
    /// How much to be told.
    pub mode: Mode,
    /// How long; `None` for the default. Granted as asked or shorter, never longer.
    pub lifetime: Option<Lifetime>,
}

framed! { request Subscribe: operation, presentity, mode; lifetime_ms = lifetime }

impl Request for Subscribe {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.presentity.to_string()
    }
}

/// Ends a subscription. Answer: [`Answer::Unsubscribed`]. A repeat gets the first answer, by its operation;
/// one without a name finds nothing left to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Whom to watch no more.
    pub presentity: Presentity,
}

framed! { request Unsubscribe: presentity, operation }

impl Request for Unsubscribe {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Device, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.presentity.to_string()
    }

    fn done_before(&self, code: RefusalCode) -> Option<Answer> {
        (code == RefusalCode::NoSubscription).then_some(Answer::Unsubscribed)
    }
}

/// Asks for one's own subscriptions. Answer: any number of [`SubscriptionRow`], in order of address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListSubscriptions;

question! { ListSubscriptions -> Vec<SubscriptionRow> }

/// One subscription as its watcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Whom it is to.
    pub presentity: Presentity,
    /// Where it stands.
    pub state: SubscriptionState,
    /// How much it tells.
    pub mode: Mode,
    /// Time left; zero when it ended.
    pub remaining: Lifetime,
}

framed! {
    SubscriptionRow in Subscription:
    presentity, mode; remaining_ms = remaining & (state, reason) = state
}

/// The name of an operation as an addition; zero, which is no name, if it is not said.
impl Field<Option<Bytes>> for OperationId {
    fn to_wire(&self) -> Option<Bytes> {
        (*self != Self::default()).then(|| Bytes::copy_from_slice(&self.0))
    }

    fn from_wire(wire: Option<Bytes>) -> Result<Self, Refusal> {
        let Some(value) = wire else { return Ok(Self::default()) };
        let bytes = value.as_ref().try_into();
        bytes
            .map(Self)
            .map_err(|_| Refusal::bad_field("operation", "must have 16 bytes; send that many"))
    }
}

/// As it is told its watcher, with the reason for its end.
impl Field<(u8, u8)> for SubscriptionState {
    fn to_wire(&self) -> (u8, u8) {
        state_numbers(*self)
    }

    fn from_wire((number, reason): (u8, u8)) -> Result<Self, Refusal> {
        state(number, reason)
    }
}

/// As it is told where no reason is told: in the answer to a request.
impl Field<u8> for SubscriptionState {
    fn to_wire(&self) -> u8 {
        state_numbers(*self).0
    }

    fn from_wire(wire: u8) -> Result<Self, Refusal> {
        state(wire, 0)
    }
}

const ACTIVE: u8 = 1;
const TERMINATED: u8 = 2;
const PENDING: u8 = 3;

/// Numbers of a subscription's state, as its watcher is told it, and of the reason it ended, 0 for none.
pub const fn state_numbers(state: SubscriptionState) -> (u8, u8) {
    match state {
        SubscriptionState::Active => (ACTIVE, 0),
        SubscriptionState::Pending => (PENDING, 0),
        // To its watcher a subscription that ran out undecided is over.
        SubscriptionState::Waiting => (TERMINATED, reason_number(EndReason::Timeout)),
        SubscriptionState::Terminated(reason) => (TERMINATED, reason_number(reason)),
    }
}

const fn reason_number(reason: EndReason) -> u8 {
    match reason {
        EndReason::Timeout => 1,
        EndReason::Deactivated => 2,
        EndReason::Rejected => 3,
        EndReason::GiveUp => 4,
        EndReason::NoResource => 5,
    }
}

/// Reads the numbers of [`state_numbers`].
///
/// # Errors
/// [`Refusal::BadField`] for a state this version does not know; an unknown reason counts as `deactivated`,
/// which lets the watcher try again, as RFC 6665 §4.1.3 says of unknown reasons.
pub fn state(state: u8, reason: u8) -> Result<SubscriptionState, Refusal> {
    match state {
        ACTIVE => Ok(SubscriptionState::Active),
        TERMINATED => Ok(SubscriptionState::Terminated(end_reason(reason))),
        PENDING => Ok(SubscriptionState::Pending),
        _ => Err(Refusal::bad_field(
            "subscription state",
            "is none of 1 (active), 2 (terminated), 3 (pending); send one of them",
        )),
    }
}

const fn end_reason(number: u8) -> EndReason {
    match number {
        1 => EndReason::Timeout,
        3 => EndReason::Rejected,
        4 => EndReason::GiveUp,
        5 => EndReason::NoResource,
        _ => EndReason::Deactivated,
    }
}

numbered! { Mode, "mode", "is neither 0 (latest) nor 1 (every)": 0 Latest, 1 Every }

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let bare = body::Subscribe {
        request: 1,
        presentity: ALICE.into(),
        mode: 0,
        lifetime_ms: Some(WEEK_MS),
        operation: None,
    };
    let operation = OperationId(sample_operation(0)).to_wire();
    let named = body::Subscribe { operation, ..bare.clone() };
    let unsubscribe = body::Unsubscribe { request: 0, presentity: ALICE.into(), operation: None };
    let (state, granted) = (SubscriptionState::Active, Lifetime::from_ms(WEEK_MS));
    let row = body::Subscription {
        presentity: ALICE.into(),
        state: ACTIVE,
        reason: 0,
        mode: 0,
        remaining_ms: WEEK_MS,
    };
    vec![
        sample("Subscribe", &bare),
        asked::<Subscribe>("Subscribe that names its operation", 1, named),
        answered("Subscribed", 1, &Answer::Subscribed { state, granted }),
        asked::<Unsubscribe>("Unsubscribe", 5, unsubscribe),
        answered("Unsubscribed", 5, &Answer::Unsubscribed),
        sample("ListSubscriptions", &ListSubscriptions.to_body()),
        through::<SubscriptionRow>("Subscription", row),
    ]
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    const REASONS: [EndReason; 5] = [
        EndReason::Timeout,
        EndReason::Deactivated,
        EndReason::Rejected,
        EndReason::GiveUp,
        EndReason::NoResource,
    ];

    /// A state as a watcher is told it.
    pub(in super::super) fn any_state() -> impl Strategy<Value = SubscriptionState> {
        prop_oneof![
            Just(SubscriptionState::Active),
            Just(SubscriptionState::Pending),
            prop::sample::select(REASONS.to_vec()).prop_map(SubscriptionState::Terminated),
        ]
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(Mode::from_wire(number).map_or(number > 1, |it| it.to_wire() == number));
            prop_assert_eq!(state(number, 2).is_ok(), (1..=3).contains(&number));
        }

        #[test]
        fn a_subscription_reads_back(state in any_state(), remaining in any::<u64>()) {
            let (presentity, mode) = ("pres:alice@example.com".parse().unwrap(), Mode::Every);
            let remaining = Lifetime::from_ms(remaining);
            let given = SubscriptionRow { presentity, state, mode, remaining };
            prop_assert_eq!(SubscriptionRow::from_body(given.to_body()), Ok(given));
        }
    }

    #[test]
    fn the_name_of_an_operation_reads_back_and_may_be_left_out() {
        let given = OperationId([7; 16]);
        assert_eq!(OperationId::from_wire(Field::<Option<Bytes>>::to_wire(&given)), Ok(given));
        assert_eq!(OperationId::from_wire(None), Ok(OperationId::default()));
        assert!(OperationId::from_wire(Some(Bytes::from_static(&[3; 15]))).is_err());
    }

    #[test]
    fn an_unknown_reason_lets_the_watcher_try_again() {
        let state = state(2, 99).unwrap();
        assert_eq!(state, SubscriptionState::Terminated(EndReason::Deactivated));
    }

    #[test]
    fn a_watcher_whose_wish_ran_out_undecided_is_told_that_its_time_is_over() {
        let (number, reason) = state_numbers(SubscriptionState::Waiting);
        let told = state(number, reason).unwrap();
        assert_eq!(told, SubscriptionState::Terminated(EndReason::Timeout));
    }
}
