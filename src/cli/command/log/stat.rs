//! `adsum log stat`: how much is stored.
//!
//! Must never hold: a judgement about whether the log is whole; that is `verify`.

use std::fmt;

use super::store::Store;
use crate::cli::print::{line::line, time::rfc3339};
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::log::{Stat, stat};

line! {
    /// `{"type":"log-stat", …}`.
    #[serde(tag = "type", rename = "log-stat")]
    struct StatLine from (data, stat): (String, &Stat) {
        data: String = data,
        events: u64 = stat.events,
        entries: u64 = stat.entries,
        stored_bytes: u64 = stat.stored_bytes,
        disk_bytes: u64 = stat.disk_bytes,
        blobs: u64 = stat.blobs,
        #[serde(skip_serializing_if = "Option::is_none")]
        first_at: Option<String> = stat.first_at.map(rfc3339),
        #[serde(skip_serializing_if = "Option::is_none")]
        last_at: Option<String> = stat.last_at.map(rfc3339),
    }
}

impl fmt::Display for StatLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let never = || "never".to_owned();
        writeln!(to, "{}", self.data)?;
        writeln!(to, "  events   {} in {} entries", self.events, self.entries)?;
        writeln!(to, "  stored   {} bytes", self.stored_bytes)?;
        writeln!(to, "  on disk  {} bytes", self.disk_bytes)?;
        if self.blobs > 0 {
            writeln!(
                to,
                "  blobs    {} files that are never synced; there must be none",
                self.blobs
            )?;
        }
        writeln!(to, "  first    {}", self.first_at.clone().unwrap_or_else(never))?;
        write!(to, "  last     {}", self.last_at.clone().unwrap_or_else(never))
    }
}

/// Runs `adsum log stat`.
pub(super) fn run(store: &Store, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = store.open()?;
    let stat = stat(&log, &store.data)?;
    invocation.output.line(&StatLine::from((store.data.display().to_string(), &stat)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_stat_line_counts_in_units() {
        let stat = Stat {
            events: 3,
            entries: 2,
            stored_bytes: 400,
            disk_bytes: 524_288,
            blobs: 0,
            first_at: Some(Timestamp::from_ms(0)),
            last_at: None,
        };
        let line = StatLine::from(("d".to_owned(), &stat));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"log-stat","data":"d","events":3,"entries":2,"stored_bytes":400,"disk_bytes":524288,"blobs":0,"first_at":"1970-01-01T00:00:00.000Z"}"#
        );
        assert!(line.to_string().contains("events   3 in 2 entries"));
        assert!(!line.to_string().contains("blobs"));
    }
}
