//! Subscriptions and watchers between bodies and the model.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::super::body;
use super::{handling, handling_number};
use crate::model::{EndReason, Mode, Refusal, SubscriptionState, Timestamp, WatcherRow};

const ACTIVE: u8 = 1;
const TERMINATED: u8 = 2;
const PENDING: u8 = 3;
/// Told to the presentity alone.
const WAITING: u8 = 4;

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
            "is none of 1 (active), 2 (terminated), 3 (pending)",
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

/// Reads a mode.
///
/// # Errors
/// [`Refusal::BadField`] for a mode this version does not know.
pub fn mode(number: u8) -> Result<Mode, Refusal> {
    match number {
        0 => Ok(Mode::Latest),
        1 => Ok(Mode::Every),
        _ => Err(Refusal::bad_field("mode", "is neither 0 (latest) nor 1 (every)")),
    }
}

/// Number of a mode.
pub const fn mode_number(mode: Mode) -> u8 {
    match mode {
        Mode::Latest => 0,
        Mode::Every => 1,
    }
}

/// Reads a watcher.
///
/// # Errors
/// The refusal of the first part that is not valid.
#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
pub fn watcher(wire: body::WatcherBody) -> Result<WatcherRow, Refusal> {
    let handling = handling(wire.handling)?;
    Ok(WatcherRow {
        presentity: wire.presentity.parse()?,
        watcher: wire.watcher.parse()?,
        state: watcher_state(wire.state, wire.reason)?,
        handling: handling.ok_or_else(|| Refusal::bad_field("handling", "is missing"))?,
        first_at: Timestamp::from_ms(wire.first_at_ms),
        last_at: Timestamp::from_ms(wire.last_at_ms),
        fetches: wire.fetches,
        subscriptions: wire.subscriptions,
    })
}

fn watcher_state(number: u8, reason: u8) -> Result<Option<SubscriptionState>, Refusal> {
    match number {
        0 => Ok(None),
        WAITING => Ok(Some(SubscriptionState::Waiting)),
        _ => state(number, reason).map(Some),
    }
}

/// Writes a watcher.
pub fn watcher_body(row: &WatcherRow) -> body::WatcherBody {
    let (state, reason) = match row.state {
        None => (0, 0),
        Some(SubscriptionState::Waiting) => (WAITING, 0),
        Some(state) => state_numbers(state),
    };
    body::WatcherBody {
        presentity: row.presentity.to_string(),
        watcher: row.watcher.to_string(),
        state,
        reason,
        handling: handling_number(Some(row.handling)),
        first_at_ms: row.first_at.as_ms(),
        last_at_ms: row.last_at.as_ms(),
        fetches: row.fetches,
        subscriptions: row.subscriptions,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Handling;

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
            prop_assert_eq!(watcher(watcher_body(&given)), Ok(given));
        }

        #[test]
        fn numbers_are_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(mode(number).map_or(number > 1, |it| mode_number(it) == number));
            prop_assert_eq!(state(number, 2).is_ok(), (1..=3).contains(&number));
            prop_assert_eq!(watcher_state(number, 2).is_ok(), number <= 4);
        }
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
