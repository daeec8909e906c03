//! How watchers are printed, by `watchers` and by `requests`.
//!
//! Must never hold: where a watcher connects from.

use crate::cli::print::{
    line::line,
    output::Output,
    table::{self, Row},
    time::rfc3339,
};
use crate::cli::run::failure::Failure;
use crate::model::{SubscriptionState, WatcherRow};

line! {
    /// `{"type":"watcher", …}`.
    #[serde(tag = "type", rename = "watcher")]
    pub(in crate::cli) struct WatcherLine from row: &WatcherRow {
        presentity: String = row.presentity.to_string(),
        watcher: String = row.watcher.to_string(),
        /// `fetched` for one that never subscribed.
        state: &'static str = row.state.map_or("fetched", SubscriptionState::as_str),
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'static str> = match row.state {
            Some(SubscriptionState::Terminated(reason)) => Some(reason.as_str()),
            _ => None,
        },
        handling: &'static str = row.handling.as_str(),
        first_at: String = rfc3339(row.first_at),
        last_at: String = rfc3339(row.last_at),
        fetches: u64 = row.fetches,
        subscriptions: u64 = row.subscriptions,
    }
}

impl Row for WatcherLine {
    fn cells(&self) -> Vec<String> {
        let reason = self.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        vec![
            self.presentity.clone(),
            self.watcher.clone(),
            format!("{}{reason}", self.state),
            self.handling.to_owned(),
            format!("since {}", self.first_at),
            format!("last {}", self.last_at),
            count(self.fetches, "fetch", "fetches"),
            count(self.subscriptions, "subscription", "subscriptions"),
        ]
    }
}

fn count(number: u64, one: &str, several: &str) -> String {
    match number {
        0 => String::new(),
        1 => format!("1 {one}"),
        _ => format!("{number} {several}"),
    }
}

/// Prints `rows`, or for people `nothing` if there are none.
pub(in crate::cli) fn print(
    rows: &[WatcherRow],
    nothing: &str,
    output: &mut Output,
) -> Result<(), Failure> {
    table::print(rows.iter().map(WatcherLine::from), nothing, output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EndReason, Handling, Timestamp};

    #[test]
    fn a_watcher_line_has_the_promised_fields() {
        let mut row = WatcherRow {
            presentity: "pres:a@b".parse().unwrap(),
            watcher: "bob@b".parse().unwrap(),
            state: Some(SubscriptionState::Terminated(EndReason::Rejected)),
            handling: Handling::Block,
            first_at: Timestamp::from_ms(0),
            last_at: Timestamp::from_ms(1_000),
            fetches: 1,
            subscriptions: 2,
        };
        let line = WatcherLine::from(&row);
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"watcher","presentity":"pres:a@b","watcher":"bob@b","state":"terminated","reason":"rejected","handling":"block","first_at":"1970-01-01T00:00:00.000Z","last_at":"1970-01-01T00:00:01.000Z","fetches":1,"subscriptions":2}"#
        );
        assert_eq!(line.cells()[2], "terminated (rejected)");
        row.state = None;
        let line = serde_json::to_string(&WatcherLine::from(&row)).unwrap();
        assert!(line.contains(r#""state":"fetched","handling""#), "{line}");
    }
}
