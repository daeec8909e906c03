//! `adsum log stat`: how much is stored, and how much of it a cut would remove.
//!
//! Must never hold: a judgement about whether the log is whole; that is `verify`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::chart::bars;
use super::store::Store;
use crate::cli::print::{
    line::line,
    time::{lifetime, now, rfc3339, span},
};
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::commit::last_until;
use crate::log::{
    CutMark, Entries as _, EventLog, LogFault, Share, SledLog, Stat, Tally, measure, stat, tally,
    tip_until,
};
use crate::model::{Keep, Lifetime, Sequence, Timestamp};

/// Arguments of `adsum log stat`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// Tell how much is older than this, as `log cut --keep` and the shortest span of `[retention]` would have it
    #[arg(long, value_name = "SPAN", value_parser = lifetime, default_value = "30d")]
    keep: Lifetime,
}

/// What is older than is kept: a cut removes it, but for what is carried forward.
#[derive(Debug, Serialize)]
struct Old {
    keep_s: u64,
    events: u64,
    bytes: u64,
}

/// What cuts have done.
#[derive(Debug, Serialize)]
struct Cuts {
    made: u64,
    through: u64,
    until: String,
    carried_bytes: u64,
}

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
    struct StatLine from (data, stat, tally, old, cuts): (String, &Stat, Tally, Old, Option<Cuts>) {
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
        old: Old = old,
        #[serde(skip_serializing_if = "Option::is_none")]
        cuts: Option<Cuts> = cuts,
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
        let Old { keep_s, events, bytes } = self.old;
        let keep = span(Lifetime::from_ms(keep_s * 1_000));
        write!(to, "\n  old      {events} events ({bytes} bytes) are older than {keep}")?;
        if let Some(Cuts { made, through, until, carried_bytes }) = &self.cuts {
            write!(
                to,
                "\n  cuts     {made}, the last through {through}, until {until}; {carried_bytes} bytes are carried forward"
            )?;
        }
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

/// How much of `log` is older than `keep`, whole entries, where its last event is from the time that it tells.
fn old(log: &SledLog, keep: Lifetime, wall: Timestamp) -> Result<Old, LogFault> {
    let (base, reader) = (log.mark().base.head, log.reader());
    let mut old = Old { keep_s: keep.as_secs(), events: 0, bytes: 0 };
    if log.head() > base {
        // Ages are of elapsed time, which goes on from the last event as the wall clock does.
        let last = reader.read_one(log.head())?;
        let elapsed = last.at.timestamp().after(last.shown_at().until(wall));
        let at = last_until(reader.as_ref(), (base, log.head()), Keep::For(keep).since(elapsed))?;
        let through = tip_until(log, at)?.head;
        old.events = through.get().saturating_sub(base.get());
        old.bytes = measure(log, (base, through), u64::MAX)?.1;
    }
    Ok(old)
}

fn cuts(mark: CutMark) -> Option<Cuts> {
    let CutMark { base, until, number: made, carried_bytes, .. } = mark;
    let (through, until) = (base.head.get(), rfc3339(until));
    (made > 0).then_some(Cuts { made, through, until, carried_bytes })
}

/// Runs `adsum log stat`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let (log, data) = (args.store.open()?, &args.store.data);
    let stat = stat(&log, data)?;
    let tally = tally(log.reader().as_ref(), Sequence::new(1), log.head())?;
    let old = old(&log, args.keep, now())?;
    let parts = (data.display().to_string(), &stat, tally, old, cuts(log.mark()));
    invocation.output.line(&StatLine::from(parts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EpochBegan, Event};
    use crate::model::{EpochId, Moment};

    #[test]
    fn what_is_older_than_is_kept_is_told_by_the_time_that_passed_since_the_last_event() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = SledLog::open(folder.path()).unwrap();
        let keep = Lifetime::from_ms(40_000);
        assert_eq!(old(&log, keep, Timestamp::from_ms(0)).unwrap().events, 0);
        for second in 1..=100_u64 {
            let event = Event::EpochBegan(EpochBegan { epoch: EpochId(second.to_be_bytes()) });
            log.append(&[(Moment::of(Timestamp::from_ms(second * 1_000)), event)]).unwrap();
        }
        for (at, events) in [(100, 59), (120, 79), (140, 99), (141, 100)] {
            let old = old(&log, keep, Timestamp::from_ms(at * 1_000)).unwrap();
            assert_eq!((old.events, old.keep_s), (events, 40), "at {at}");
            assert_eq!(
                old.bytes,
                measure(&log, (Sequence::ZERO, Sequence::new(events)), u64::MAX).unwrap().1
            );
        }
    }

    #[test]
    fn what_is_told_to_be_old_is_what_a_server_removes_unless_told_otherwise() {
        assert_eq!(lifetime("30d").unwrap().as_ms(), crate::model::limits::RETENTION_MS_DEFAULT);
    }

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
        let old = Old { keep_s: 2_592_000, events: 1, bytes: 150 };
        let mark = CutMark { number: 2, carried_bytes: 70, ..CutMark::NONE };
        assert!(cuts(CutMark::NONE).is_none());
        let line = StatLine::from(("d".to_owned(), &stat, tally, old, cuts(mark)));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"log-stat","data":"d","events":3,"entries":2,"stored_bytes":400,"disk_bytes":524288,"blobs":0,"first_at":"1970-01-01T00:00:00.000Z","kinds":[{"kind":"published","events":2,"bytes":300},{"kind":"acknowledged","events":1,"bytes":20}],"entities":[{"kind":"inbox","entities":1}],"rate":[1,0,2],"rate_stretch_ms":60000,"old":{"keep_s":2592000,"events":1,"bytes":150},"cuts":{"made":2,"through":0,"until":"1970-01-01T00:00:00.000Z","carried_bytes":70}}"#
        );
        let text = line.to_string();
        assert!(text.contains("events   3 in 2 entries"), "{text}");
        assert!(text.contains("rate     [▄ █] at most 2 in 1m"), "{text}");
        assert!(text.contains("old      1 events (150 bytes) are older than 30d"), "{text}");
        assert!(text.contains("cuts     2, the last through 0, until 1970"), "{text}");
        assert!(!text.contains("blobs"), "{text}");
    }
}
