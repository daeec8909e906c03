//! `adsum log replay`: what the log comes to, folded from its first event, and whether the checkpoint says the same.
//!
//! Must never hold: what people wrote unless it was asked for, or a repair.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::value::Serializer;

use super::store::Store;
use super::viewed::{Viewed, first_difference, named};
use crate::cli::print::{line::line, time};
use crate::cli::run::{failure::Failure, invocation::Invocation, progress::Progress};
use crate::commit::replay::{from_checkpoint, position_at, replay};
use crate::event::EntityKey;
use crate::log::{CutMark, Entries as _, EventLog, LogFault, SledLog, Tip};
use crate::model::{Sequence, Timestamp};
use crate::view::{KindDigest, Views};

/// Arguments of `adsum log replay`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    store: Store,
    /// Fold through this event, or the last one up to a time: RFC 3339, or a span back from now such as 2h [default: the
    /// last]
    #[arg(long, value_name = "SEQUENCE|TIME", value_parser = until, conflicts_with = "compare")]
    until: Option<Until>,
    /// Check that the checkpoint, with the events behind it, comes to the same
    #[arg(long)]
    compare: bool,
    /// Also print every entity with its fields
    #[arg(long)]
    show: bool,
    /// With --show: print what people wrote [default: only how many bytes it is]
    #[arg(long, requires = "show")]
    bodies: bool,
}

/// Where a replay ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Event(Sequence),
    Time(Timestamp),
}

fn until(text: &str) -> Result<Until, String> {
    match text.parse() {
        Ok(sequence) => Ok(Until::Event(Sequence::new(sequence))),
        Err(_) => time::moment(text).map(Until::Time),
    }
}

/// All entities of one kind.
#[derive(Debug, Serialize)]
struct OfKind {
    kind: &'static str,
    entities: u64,
    digest: String,
}

impl From<KindDigest> for OfKind {
    fn from(of: KindDigest) -> Self {
        Self { kind: of.kind, entities: of.count, digest: HEXLOWER.encode(&of.digest) }
    }
}

/// Through which event the checkpoint stands that comes to the same, if there is one.
#[derive(Clone, Copy, Debug, Serialize)]
struct Compared(Option<Sequence>);

line! {
    /// `{"type":"replayed", …}`.
    #[serde(tag = "type", rename = "replayed")]
    struct ReplayedLine from (views, checkpoint): (&mut Views, Option<Compared>) {
        position: u64 = views.head().get(),
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<String> = shown_at(views),
        kinds: Vec<OfKind> = views.digests().into_iter().map(OfKind::from).collect(),
        #[serde(skip_serializing_if = "Option::is_none")]
        checkpoint: Option<Compared> = checkpoint,
    }
}

fn shown_at(views: &Views) -> Option<String> {
    let is_empty = views.head() == Sequence::ZERO;
    (!is_empty).then(|| time::rfc3339(views.ahead().shown(views.time())))
}

impl fmt::Display for ReplayedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_deref().unwrap_or("never");
        write!(to, "replayed through event {}, {at}", self.position)?;
        for OfKind { kind, entities, digest } in &self.kinds {
            write!(to, "\n  {kind:<10} {entities:>8}  {digest}")?;
        }
        match self.checkpoint {
            None => Ok(()),
            Some(Compared(None)) => write!(to, "\nthere is no checkpoint to compare with"),
            Some(Compared(Some(through))) => {
                write!(to, "\nthe checkpoint through event {through} comes to the same")
            }
        }
    }
}

/// Runs `adsum log replay`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let log = args.store.open()?;
    let through = through(args.until, &log)?;
    let mut progress = Progress::new("replaying", "events", invocation.is_json());
    let views = replay(&log, through, &mut |done, total| progress.at(done, total));
    drop(progress);
    let mut views = views?;
    if args.show {
        show(&views, args.bodies, invocation)?;
    }
    let checkpoint = args.compare.then(|| compare(&log, &mut views)).transpose()?;
    invocation.output.line(&ReplayedLine::from((&mut views, checkpoint)))
}

/// The last event to fold.
fn through(until: Option<Until>, log: &SledLog) -> Result<Sequence, Failure> {
    let head = log.head();
    match until {
        None => Ok(head),
        Some(Until::Time(time)) if time < log.mark().until => {
            let CutMark { base: Tip { head: through, .. }, until, .. } = log.mark();
            Err(LogFault::OlderThanKept { sequence: through, through, until }.into())
        }
        Some(Until::Time(time)) => Ok(position_at(log.reader().as_ref(), time)?),
        Some(Until::Event(sequence)) if sequence <= head => Ok(sequence),
        Some(Until::Event(sequence)) => {
            let message = format!("event {sequence} is not in the log; name one up to {head}");
            Err(Failure::failed("no-event", message))
        }
    }
}

/// Prints every entity.
fn show(views: &Views, bodies: bool, invocation: &mut Invocation) -> Result<(), Failure> {
    let viewed = |entity| Viewed::from((fields(views, &entity), &entity, bodies));
    let mut lines = views.entities().into_iter().map(viewed);
    lines.try_for_each(|line| invocation.output.line(&line))
}

fn fields(views: &Views, entity: &EntityKey) -> serde_json::Value {
    views.fields_of(entity, Serializer).expect("all that views are made of has a form in JSON")
}

/// Compares `views` with what the checkpoint of `log` comes to.
fn compare(log: &SledLog, views: &mut Views) -> Result<Compared, Failure> {
    let Some((mut loaded, through)) = from_checkpoint(log)? else { return Ok(Compared(None)) };
    let Some(entity) = views.first_difference(&mut loaded) else {
        return Ok(Compared(Some(through)));
    };
    let (folded, loaded) = (fields(views, &entity), fields(&loaded, &entity));
    let (field, folded, loaded) = first_difference(&folded, &loaded);
    let (entity, data) = (named(&entity), log.path().display());
    Err(Failure::failed(
        "views-differ",
        format!(
            "the checkpoint in {data} is not what its log comes to: of the {entity}, {field} is {folded} by the log and {loaded} by the checkpoint; start once with --rebuild-views"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_ends_at_an_event_or_a_time() {
        assert_eq!(until("7"), Ok(Until::Event(Sequence::new(7))));
        let at = Timestamp::from_ms(1_500);
        assert_eq!(until("1970-01-01T00:00:01.500Z"), Ok(Until::Time(at)));
        assert!(until("seven").unwrap_err().contains("2026-"));
    }

    #[test]
    fn a_replayed_line_tells_how_much_there_is_of_each_kind() {
        let line = ReplayedLine::from((&mut Views::default(), Some(Compared(None))));
        let json = r#"{"type":"replayed","position":0,"kinds":[],"checkpoint":null}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), json);
        assert!(line.to_string().contains("no checkpoint"), "{line}");
        let line = ReplayedLine::from((&mut Views::default(), None));
        assert!(!line.to_string().contains("checkpoint"), "{line}");
    }
}
