//! How the numbers of a workload are read from the command line: none that a server would refuse.
//!
//! Must never hold: a default.

use crate::model::limits::{MESSAGES_WAITING_MAX, REQUESTS_IN_FLIGHT_MAX, SUBSCRIPTIONS_MAX};

/// At least one.
pub(super) fn positive(text: &str) -> Result<usize, String> {
    between(text, 1, usize::MAX)
}

/// A part of a rate, in percent: beyond all of it there is only a queue that grows.
pub(super) fn percent(text: &str) -> Result<u32, String> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=100).contains(number))
        .ok_or_else(|| "a number from 1 to 100".to_owned())
}

/// As many requests as a server lets be unanswered.
pub(super) fn window(text: &str) -> Result<usize, String> {
    between(text, 1, REQUESTS_IN_FLIGHT_MAX)
}

/// As many messages as may wait in an inbox.
pub(super) fn inbox_count(text: &str) -> Result<usize, String> {
    between(text, 1, MESSAGES_WAITING_MAX)
}

/// As many subscriptions as a watcher may have.
pub(super) fn watched_count(text: &str) -> Result<usize, String> {
    between(text, 1, SUBSCRIPTIONS_MAX)
}

fn between(text: &str, min: usize, max: usize) -> Result<usize, String> {
    let wanted = match max {
        usize::MAX => format!("a number from {min} on"),
        max => format!("a number from {min} to {max}"),
    };
    let number = text.replace('_', "").parse().ok();
    number.filter(|number| (min..=max).contains(number)).ok_or(wanted)
}

/// A factor that leaves something and does not run for days.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| (0.000_001..=100.0).contains(number))
        .ok_or_else(|| "a number above 0 and at most 100, such as 0.01".to_owned())
}
