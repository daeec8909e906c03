//! `adsum log stat`: how much is stored.
//!
//! Must never hold: a judgement about whether the log is whole; that is `verify`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::chart::bars;
use super::store::Store;
use crate::cli::print::{line::line, time::rfc3339, time::span};
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::log::{EventLog, Share, Stat, Tally, stat, tally};
use crate::model::{Lifetime, Sequence};

/// Events of one kind.
#[derive(Debug, Serialize)]
struct OfKind {
    kind: &'static str,
    events: u64,
    bytes: u64,
}

/// Entities of one kind.
#[derive(Debug, Serialize)]
struct EntitiesOfKind {
    kind: &'static str,
    entities: u64,
}

line! {
    /// `{"type":"log-stat", …}`.
    #[serde(tag = "type", rename = "log-stat")]
    struct StatLine from (data, stat, tally): (String, &Stat, Tally) {
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
        kinds: Vec<OfKind> = largest_first(tally.events),
        entities: Vec<EntitiesOfKind> = tally.entities.into_iter().map(|(kind, entities)| EntitiesOfKind { kind, entities }).collect(),
        /// Events in each stretch of time between the first and the last.
        rate: Vec<u64> = tally.stretches,
        rate_stretch_ms: u64 = tally.stretch_ms,
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
        write!(to, "  last     {}", self.last_at.clone().unwrap_or_else(never))?;
        let most = self.rate.iter().copied().max().unwrap_or_default();
        if most > 0 {
            let stretch = span(Lifetime::from_ms(self.rate_stretch_ms));
            write!(to, "\n  rate     [{}] at most {most} in {stretch}", bars(&self.rate))?;
        }
        for OfKind { kind, events, bytes } in &self.kinds {
            write!(to, "\n  {kind:<26} {events:>10} events {bytes:>12} bytes")?;
        }
        self.entities.iter().try_for_each(|EntitiesOfKind { kind, entities }| {
            write!(to, "\n  of kind {kind:<18} {entities:>10} entities")
        })
    }
}

/// The kinds by how many bytes they take, the largest first.
fn largest_first(kinds: BTreeMap<&'static str, Share>) -> Vec<OfKind> {
    let events = |(kind, Share { events, bytes })| OfKind { kind, events, bytes };
    let mut all: Vec<_> = kinds.into_iter().map(events).collect();
    all.sort_by_key(|of| Reverse(of.bytes));
    all
}

/// Runs `adsum log stat`.
pub(super) fn run(store: &Store, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = store.open()?;
    let stat = stat(&log, &store.data)?;
    let tally = tally(log.reader().as_ref(), Sequence::new(1), log.head())?;
    invocation.output.line(&StatLine::from((store.data.display().to_string(), &stat, tally)))
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
        let tally = Tally {
            events: [
                ("acknowledged", Share { events: 1, bytes: 20 }),
                ("published", Share { events: 2, bytes: 300 }),
            ]
            .into(),
            entities: [("inbox", 1)].into(),
            stretches: vec![1, 0, 2],
            stretch_ms: 60_000,
        };
        let line = StatLine::from(("d".to_owned(), &stat, tally));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"log-stat","data":"d","events":3,"entries":2,"stored_bytes":400,"disk_bytes":524288,"blobs":0,"first_at":"1970-01-01T00:00:00.000Z","kinds":[{"kind":"published","events":2,"bytes":300},{"kind":"acknowledged","events":1,"bytes":20}],"entities":[{"kind":"inbox","entities":1}],"rate":[1,0,2],"rate_stretch_ms":60000}"#
        );
        let text = line.to_string();
        assert!(text.contains("events   3 in 2 entries"), "{text}");
        assert!(text.contains("rate     [▄ █] at most 2 in 1m"), "{text}");
        assert!(!text.contains("blobs"), "{text}");
    }
}
