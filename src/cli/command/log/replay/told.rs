//! What a replay may be asked, and what it tells.
//!
//! Must never hold: where a state comes from, or what people wrote unless it was asked for.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::value::Serializer;

use crate::cli::command::log::viewed::{Viewed, first_difference, named};
use crate::cli::print::{line::line, time};
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::event::EntityKey;
use crate::model::{Sequence, Timestamp};
use crate::view::{KindDigest, Views};

/// What is asked beside the store.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Asked {
    /// Fold through this event, or the last one up to a time: RFC 3339, or a span back from now such as 2h [default: the
    /// last]
    #[arg(long, value_name = "SEQUENCE|TIME", value_parser = until, conflicts_with = "compare")]
    pub(super) until: Option<Until>,
    /// Check that the checkpoint, with the events behind it, comes to the same; while a server runs on the store, that its state
    /// is the same
    #[arg(long)]
    pub(super) compare: bool,
    /// Also print every entity with its fields
    #[arg(long)]
    pub(super) show: bool,
    /// With --show: print what people wrote [default: only how many bytes it is]
    #[arg(long, requires = "show")]
    pub(super) bodies: bool,
}

/// Where a replay ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
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
pub(super) struct Compared(pub(super) Option<Sequence>);

/// What comes to the same as the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Same {
    /// The checkpoint, if it was compared.
    pub(super) checkpoint: Option<Compared>,
    /// Up to which event the state of the running server, if it was compared.
    pub(super) server: Option<Sequence>,
}

line! {
    /// `{"type":"replayed", …}`.
    #[serde(tag = "type", rename = "replayed")]
    pub(super) struct ReplayedLine from (views, same): (&mut Views, Same) {
        position: u64 = views.head().get(),
        #[serde(skip_serializing_if = "Option::is_none")]
        at: Option<String> = shown_at(views),
        kinds: Vec<OfKind> = views.digests().into_iter().map(OfKind::from).collect(),
        #[serde(skip_serializing_if = "Option::is_none")]
        checkpoint: Option<Compared> = same.checkpoint,
        #[serde(skip_serializing_if = "Option::is_none")]
        server: Option<Sequence> = same.server,
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
            None => {}
            Some(Compared(None)) => write!(to, "\nthere is no checkpoint to compare with")?,
            Some(Compared(Some(through))) => {
                write!(to, "\nthe checkpoint through event {through} comes to the same")?;
            }
        }
        match self.server {
            None => Ok(()),
            Some(through) => {
                write!(to, "\nthe server had the same state, compared up to event {through}")
            }
        }
    }
}

pub(super) fn no_event(sequence: Sequence, head: Sequence) -> Failure {
    let message = format!("event {sequence} is not in the log; name one up to {head}");
    Failure::failed("no-event", message)
}

/// Prints every entity.
pub(super) fn show(
    views: &Views,
    bodies: bool,
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    let viewed = |entity| Viewed::from((fields(views, &entity), &entity, bodies));
    let mut lines = views.entities().into_iter().map(viewed);
    lines.try_for_each(|line| invocation.output.line(&line))
}

pub(super) fn fields(views: &Views, entity: &EntityKey) -> serde_json::Value {
    views.fields_of(entity, Serializer).expect("all that views are made of has a form in JSON")
}

/// In which field `entity` differs, by what the log comes to and by `other`.
pub(super) fn differs(
    entity: &EntityKey,
    folded: &serde_json::Value,
    found: &serde_json::Value,
    other: &str,
) -> String {
    let (field, folded, found) = first_difference(folded, found);
    let entity = named(entity);
    format!("of the {entity}, {field} is {folded} by the log and {found} by the {other}")
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
        let none = Same { checkpoint: Some(Compared(None)), server: None };
        let line = ReplayedLine::from((&mut Views::default(), none));
        let json = r#"{"type":"replayed","position":0,"kinds":[],"checkpoint":null}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), json);
        assert!(line.to_string().contains("no checkpoint"), "{line}");
        let line = ReplayedLine::from((&mut Views::default(), Same::default()));
        assert!(!line.to_string().contains("checkpoint"), "{line}");
    }
}
