//! Watchers of a presentity, as its owner sees them, and ending their subscriptions. RFC 2778 WATCHER INFORMATION.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::asked::question;
use super::field::{Field, fields};
use super::framed::framed;
use super::request::{Answer, NamedBy, Request};
use super::sample::{BOBS, CAROL, Sample, TIME_MS, asked, through};
use super::subscribe::{state, state_numbers};
use crate::model::{
    OperationId, Presentity, Principal, Refusal, RefusalCode, SubscriptionState, WatcherRow,
};

/// Frozen bodies and their parts.
pub mod body {
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Ends somebody's subscription. Answer: `Changed`.
        0x001d EndSubscription {
            /// The client's number for the answer.
            request: u64,
            /// Who watches.
            watcher: String,
            /// `pres:` URI.
            presentity: String,
            ;
            /// The device's name for the operation, 16 bytes; the same on a repeat.
            1 operation,
        }
        /// Asks who watches. Answer: any number of `Watcher`, then `End`.
        0x0028 ListWatchers {
            /// `pres:` URI.
            presentity: String,
        }
        /// One watcher.
        0x012a Watcher {
            /// The watcher.
            watcher: WatcherBody,
        }
    }

    /// A watcher as watcher information shows it.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct WatcherBody {
        /// `pres:` URI of the one watched.
        pub presentity: String,
        /// `local@domain` of the watcher.
        pub watcher: String,
        /// 0: only fetched. 1: active. 2: terminated. 3: pending. 4: waiting.
        pub state: u8,
        /// As in `PresenceBody`.
        pub reason: u8,
        /// What the rules grant it now, as in `AccessRule`.
        pub handling: u8,
        /// When it was first seen within 30 days.
        pub first_at_ms: u64,
        /// When it was last seen.
        pub last_at_ms: u64,
        /// How often it fetched.
        pub fetches: u64,
        /// How often it began to subscribe.
        pub subscriptions: u64,
    }
}

/// Told to the presentity alone.
const WAITING: u8 = 4;

/// Ends somebody's subscription to a presentity one controls, or as an administrator. Answer: [`Answer::Changed`]. A
/// repeat gets the first answer, by its operation; one without a name finds nothing left to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndSubscription {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Who watches.
    pub watcher: Principal,
    /// Whom.
    pub presentity: Presentity,
}

framed! { request EndSubscription: watcher, presentity, operation }

impl Request for EndSubscription {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Device, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        format!("{} {}", self.watcher, self.presentity)
    }

    fn done_before(&self, code: RefusalCode) -> Option<Answer> {
        (code == RefusalCode::NoSubscription).then_some(Answer::Changed { version: 0 })
    }
}

/// Asks who watches. Answer: any number of [`WatcherRow`], in order of watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListWatchers {
    /// Whom.
    pub presentity: Presentity,
}

question! { ListWatchers -> Vec<WatcherRow>: presentity }

framed! { WatcherRow in Watcher.watcher }

fields! {
    WatcherRow in body::WatcherBody:
    presentity, handling, fetches, subscriptions;
    first_at_ms = first_at, last_at_ms = last_at & (state, reason) = state | watcher
}

/// As its presentity is told it; `None` of one that only fetched.
impl Field<(u8, u8)> for Option<SubscriptionState> {
    fn to_wire(&self) -> (u8, u8) {
        match self {
            None => (0, 0),
            Some(SubscriptionState::Waiting) => (WAITING, 0),
            Some(state) => state_numbers(*state),
        }
    }

    fn from_wire((number, reason): (u8, u8)) -> Result<Self, Refusal> {
        match number {
            0 => Ok(None),
            WAITING => Ok(Some(SubscriptionState::Waiting)),
            _ => state(number, reason).map(Some),
        }
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let (watcher, presentity) = (CAROL.to_owned(), BOBS.to_owned());
    let end = body::EndSubscription { request: 0, watcher, presentity, operation: None };
    vec![
        asked::<EndSubscription>("EndSubscription", 14, end),
        through::<ListWatchers>("ListWatchers", body::ListWatchers { presentity: BOBS.into() }),
        through::<WatcherRow>("Watcher", body::Watcher { watcher: sample_watcher() }),
    ]
}

/// Carol waits for bob to decide.
pub(super) fn sample_watcher() -> body::WatcherBody {
    body::WatcherBody {
        presentity: BOBS.into(),
        watcher: CAROL.into(),
        state: 3,
        reason: 0,
        handling: 2,
        first_at_ms: TIME_MS,
        last_at_ms: TIME_MS,
        fetches: 0,
        subscriptions: 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::subscribe::tests::any_state;
    use super::*;
    use crate::model::{Handling, Timestamp};

    fn any_watcher() -> impl Strategy<Value = WatcherRow> {
        let state = prop_oneof![any_state(), Just(SubscriptionState::Waiting)];
        let handling = prop::sample::select(Handling::ALL.to_vec());
        (prop::option::of(state), handling, any::<[u64; 4]>()).prop_map(
            |(state, handling, [first, last, fetches, subscriptions])| WatcherRow {
                presentity: "pres:alice@example.com".parse().unwrap(),
                watcher: "bob@example.com".parse().unwrap(),
                state,
                handling,
                first_at: Timestamp::from_ms(first),
                last_at: Timestamp::from_ms(last),
                fetches,
                subscriptions,
            },
        )
    }

    proptest! {
        #[test]
        fn a_watcher_reads_back(given in any_watcher()) {
            let wire: body::WatcherBody = given.to_wire();
            prop_assert_eq!(WatcherRow::from_wire(wire), Ok(given));
        }

        #[test]
        fn a_state_is_read_or_refused(number in any::<u8>()) {
            prop_assert_eq!(Option::<SubscriptionState>::from_wire((number, 2)).is_ok(), number <= 4);
        }
    }

    #[test]
    fn a_repeat_that_ends_what_has_ended_is_done_and_one_that_is_forbidden_is_not() {
        let end = EndSubscription {
            operation: OperationId::default(),
            watcher: "bob@localhost".parse().unwrap(),
            presentity: "pres:alice@localhost".parse().unwrap(),
        };
        let done = end.done_before(RefusalCode::NoSubscription);
        assert_eq!(done, Some(Answer::Changed { version: 0 }));
        assert_eq!(end.done_before(RefusalCode::Forbidden), None);
    }
}
